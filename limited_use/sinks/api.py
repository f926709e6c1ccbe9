"""The sink `api`: JSON for a program of a member's own, through a credential that names its destination."""

from limited_use.asking import Asking, Sink
from limited_use.release import Guard
from limited_use.sinks import trees
from limited_use.sinks.trees import Tree


def json(guard: Guard, asking: Asking, tree: Tree, *, records: int | None = None) -> bytes:
    """Return the tree as JSON, opened; what is withheld says so and names its source.

    Raises:
        Refused: if a leaf is a bare value, the credential is of another class, or the guard refuses.
    """
    if asking.sink is not Sink.API:
        guard.refuse(asking, "wrong_sink")
    return trees.json(guard, asking, tree, records=records)
