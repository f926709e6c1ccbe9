"""Documents that are trees: dictionaries and lists with guarded values as leaves."""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from limited_use.asking import Asking
from limited_use.cipher import encode
from limited_use.release import Guard, Withheld
from limited_use.sealing import Labelled, Native, Sealed, System

GUARDED = (Sealed, Labelled, Native, System)

Tree = Any
"""A dictionary with text keys, a list or tuple, None, or a leaf."""


class Unguarded(Exception):  # noqa: N818 -- read as the state it reports
    """A bare value stands in a tree: nobody knows where it came from."""


def collect(tree: Tree, values: list[Any]) -> None:
    """Add every leaf of the tree to `values`, in order.

    Raises:
        Unguarded: if a leaf is a bare value.
    """
    if isinstance(tree, GUARDED):
        values.append(tree)
    elif isinstance(tree, Mapping):
        for key, branch in tree.items():
            if type(key) is not str:
                raise Unguarded
            collect(branch, values)
    elif isinstance(tree, list | tuple):
        for branch in tree:
            collect(branch, values)
    elif tree is not None:
        raise Unguarded


def fill(tree: Tree, opened: Sequence[Any], show: Callable[[Any], Any]) -> Tree:
    """Return the tree with each leaf replaced by what `show` makes of the opened value."""
    return _fill(tree, iter(opened), show)


def _fill(tree: Tree, opened: Any, show: Callable[[Any], Any]) -> Tree:
    if isinstance(tree, GUARDED):
        return show(next(opened))
    if isinstance(tree, Mapping):
        return {key: _fill(branch, opened, show) for key, branch in tree.items()}
    if isinstance(tree, list | tuple):
        return [_fill(branch, opened, show) for branch in tree]
    return None


def json(guard: Guard, asking: Asking, tree: Tree, *, records: int | None = None) -> bytes:
    """Return the tree as JSON, opened; what is withheld says so and names its source. The adaptor has checked the sink.

    Raises:
        Refused: if a leaf is a bare value, or the guard refuses.
    """
    values: list[Any] = []
    try:
        collect(tree, values)
    except Unguarded:
        guard.refuse(asking, "unknown_origin")

    def deliver(opened: list[Any]) -> bytes:
        return orjson.dumps(fill(tree, opened, plain))

    return guard.release(asking, values, deliver, records=records)


def plain(value: Any) -> Any:
    """Return an opened value as JSON has it: moments in RFC 3339, amounts and ids as text."""
    if isinstance(value, Withheld):
        return {"withheld": value.reason if value.reason != "grant_suspended" else "suspended", "source": value.source}
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | uuid.UUID):
        return str(value)
    if isinstance(value, str) and not value.isascii():
        return encode(value).decode()  # half a surrogate pair is no text to any reader of JSON
    return value
