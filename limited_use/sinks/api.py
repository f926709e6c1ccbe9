"""The sink `api`: JSON for a program of a member's own, through a credential that names its destination."""

from typing import Any

import orjson

from limited_use.asking import Asking, Sink
from limited_use.release import Guard
from limited_use.sinks.trees import Tree, Unguarded, collect, fill, plain


def json(guard: Guard, asking: Asking, tree: Tree, *, records: int | None = None) -> bytes:
    """Return the tree as JSON, opened; what is withheld says so and names its source.

    Raises:
        Refused: if a leaf is a bare value, the credential is of another class, or the guard refuses.
    """
    if asking.sink is not Sink.API:
        guard.refuse(asking, "wrong_sink")
    values: list[Any] = []
    try:
        collect(tree, values)
    except Unguarded:
        guard.refuse(asking, "unknown_origin")

    def deliver(opened: list[Any]) -> bytes:
        return orjson.dumps(fill(tree, opened, plain))

    return guard.release(asking, values, deliver, records=records)
