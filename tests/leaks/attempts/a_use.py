"""A: using a guarded value as one uses text: compare, hash, sort, count, slice, copy, store, match."""

# ruff: noqa: ARG005, PLW0108, FURB171, SIM300, C416, S301 -- each line spells out one way in which people use text

import array
import bisect
import copy
import copyreg
import datetime as dt
import difflib
import enum
import fnmatch
import functools
import heapq
import itertools
import marshal
import operator
import pickle
import shelve
import statistics
import uuid
from collections import ChainMap, Counter, OrderedDict, deque
from dataclasses import asdict, astuple, dataclass, replace
from functools import cache, cmp_to_key, reduce, singledispatch
from typing import Any

from limited_use.sealing import SealedError
from tests.leaks.registry import Act, attempt

GUESS = "offer"


@dataclass
class _Row:
    value: Any


@dataclass(order=True)
class _Ordered:
    value: Any


def oracle(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = (), refused: Any = SealedError) -> None:
    """Register a way of asking a value something about itself; it is refused."""
    attempt(name, sink="oracle", technique=technique, corpus=corpus, refused=refused)(act)


def copies(name: str, technique: str, act: Act, corpus: int | tuple[int, ...] = (), refused: Any = SealedError) -> None:
    """Register a way of making another thing of a value; it is refused."""
    attempt(name, sink="copy", technique=technique, corpus=corpus, refused=refused)(act)


oracle("A11-equal", "==", lambda value: value == GUESS, 11)
oracle("A11-equal-left", "== from the left", lambda value: GUESS == value, 11)
oracle("A11-not-equal", "!=", lambda value: value != GUESS, 11)
oracle("A11-less", "<, to search by halves", lambda value: value < GUESS, 11)
oracle("A11-greater-left", "> from the left", lambda value: GUESS > value, 11)
oracle("A11-in", "a guess in the value", lambda value: GUESS in value, 11)
oracle("A11-in-list", "the value in a list of guesses", lambda value: value in [GUESS], 11)
oracle("A11-in-text", "the value in a text", lambda value: value in GUESS, 11, TypeError)
oracle("A11-index", "list.index", lambda value: [GUESS].index(value), 11)
oracle("A11-count", "list.count", lambda value: [GUESS].count(value), 11)
oracle("A11-remove", "list.remove", lambda value: [GUESS].remove(value), 11)
oracle("A11-operator", "operator.eq", lambda value: operator.eq(value, GUESS), 11)
oracle("A11-countof", "operator.countOf", lambda value: operator.countOf([GUESS], value), 11)
oracle("A11-dataclass", "comparing dataclasses", lambda value: _Row(value) == _Row(GUESS), 11)
oracle("A11-order", "ordering dataclasses", lambda value: _Ordered(value) < _Ordered(GUESS), 11)
oracle("A11-tuple", "comparing tuples", lambda value: (value,) == (GUESS,), 11)
oracle("A11-itself", "comparing it with itself in a row of another", lambda value: value == copy.copy(value), 11)
oracle("A11-match-literal", "match against a literal", lambda value: _match_literal(value), 11)
oracle("A11-match-sequence", "match against a sequence", lambda value: _match_sequence(value), 11)
oracle("A11-match-class", "match against a class with its attributes", lambda value: _match_class(value), 11)
oracle("A11-diff", "difflib", lambda value: difflib.SequenceMatcher(None, value, GUESS).ratio(), 11, TypeError)
oracle("A11-fnmatch", "fnmatch", lambda value: fnmatch.fnmatch(value, "o*"), 11, TypeError)
oracle("A11-startswith", "a method of text", lambda value: value.startswith("o"), 11, AttributeError)
oracle("A12-key", "a key of a dict", lambda value: {value: 1}, 12, TypeError)
oracle("A12-set", "a member of a set", lambda value: {value}, 12, TypeError)
oracle("A12-lookup", "looking it up in a dict of guesses", lambda value: {GUESS: 1}[value], 12, TypeError)
oracle("A12-hash", "hash()", lambda value: hash(value), 12, TypeError)
oracle("A12-cache", "functools.cache", lambda value: cache(lambda v: 1)(value), 12, TypeError)
oracle("A12-counter", "Counter", lambda value: Counter([value]), 12, TypeError)
oracle("A12-ordered", "OrderedDict.fromkeys", lambda value: OrderedDict.fromkeys([value]), 12, TypeError)
oracle("A12-chain", "ChainMap look-up", lambda value: ChainMap({GUESS: 1})[value], 12, TypeError)
oracle(
    "A12-enum",
    "a look-up in an enum",
    lambda value: enum.Enum("E", {"A": GUESS})(value),
    12,
    (SealedError, ValueError, TypeError),
)
oracle(
    "A12-dispatch",
    "a registry by value",
    lambda value: singledispatch(lambda v: 1).dispatch(value),
    12,
    (TypeError, AttributeError),
)
oracle("A13-len", "len()", lambda value: len(value), 13)
oracle("A13-length-hint", "operator.length_hint, which hides the refusal", lambda value: _hint(value), 13, ())
oracle("A13-bool", "truth", lambda value: bool(value), 13)
oracle("A13-not", "not", lambda value: not value, 13)
oracle("A13-or", "or", lambda value: value or "empty", 13)
oracle("A13-all", "all()", lambda value: all([value]), 13)
oracle("A13-filter", "filter()", lambda value: list(filter(None, [value])), 13)
oracle("A13-slice", "a slice", lambda value: value[:3], 13)
oracle("A13-item", "one character", lambda value: value[0], 13)
oracle("A13-itemgetter", "operator.itemgetter", lambda value: operator.itemgetter(0)(value), 13)
oracle("A13-iter", "iteration", lambda value: [one for one in value], 13)
oracle("A13-star", "unpacking", lambda value: [*value], 13)
oracle("A13-assign", "unpacking into names", lambda value: _unpack(value), 13)
oracle("A13-kwargs", "unpacking as keywords", lambda value: dict(**value), 13, (TypeError, AttributeError))
oracle("A13-zip", "zip", lambda value: list(zip(value, [1], strict=False)), 13)
oracle("A13-chain", "itertools.chain", lambda value: list(itertools.chain(value)), 13)
oracle("A13-groupby", "itertools.groupby", lambda value: [key for key, _ in itertools.groupby([value, GUESS])], 13)
oracle("A13-reversed", "reversed()", lambda value: list(reversed(value)), 13, TypeError)
oracle("A13-array", "array.array", lambda value: array.array("u", value), 13, (TypeError, SealedError))
oracle("A13-deque", "deque", lambda value: deque(value), 13)
oracle("A13-int", "int()", lambda value: int(value), 13)
oracle("A13-float", "float()", lambda value: float(value), 13)
oracle("A13-complex", "complex()", lambda value: complex(value), 13)
oracle("A13-round", "round()", lambda value: round(value), 13, TypeError)
oracle("A13-ord", "ord()", lambda value: ord(value), 13, TypeError)
oracle("A13-index", "as an index", lambda value: [1, 2][value], 13, TypeError)
oracle("A13-range", "range()", lambda value: range(value), 13)
oracle("A49-sort", "sorted()", lambda value: sorted([value, value]), 49)
oracle(
    "A49-sort-key",
    "sorted by an attribute",
    lambda value: sorted([_Row(value), _Row(value)], key=lambda row: row.value),
    49,
)
oracle(
    "A49-cmp", "sorted by cmp", lambda value: sorted([value, value], key=cmp_to_key(lambda a, b: (a > b) - (a < b))), 49
)
oracle("A49-min", "min()", lambda value: min(value, value), 49)
oracle("A49-max", "max()", lambda value: max([value, value]), 49)
oracle("A49-heap", "heapq", lambda value: heapq.nlargest(1, [value, value]), 49)
oracle("A49-bisect", "bisect", lambda value: bisect.bisect([GUESS], value), 49)
oracle("A49-median", "statistics.median", lambda value: statistics.median([value, value]), 49)
oracle("A49-mode", "statistics.mode", lambda value: statistics.mode([value, value]), 49, TypeError)
oracle("A49-sum", "sum()", lambda value: sum([value]), 49, TypeError)
oracle("A49-subtract", "subtraction", lambda value: value - value, 49, TypeError)
oracle("A49-and", "bitwise and", lambda value: value & 1, 49, TypeError)

copies("A9-copy", "copy.copy", lambda value: copy.copy(value), 9)
copies("A9-deepcopy", "copy.deepcopy", lambda value: copy.deepcopy({"v": [value]}), 9)
copies("A9-replace", "dataclasses.replace on it", lambda value: replace(value, value=1), 9, TypeError)
copies("A9-asdict", "dataclasses.asdict", lambda value: asdict(_Row(value)), 9)
copies("A9-astuple", "dataclasses.astuple", lambda value: astuple(_Row(value)), 9)
copies("A9-pickle", "pickle", lambda value: pickle.dumps([value]), 9)
copies("A9-pickle-0", "pickle, protocol 0", lambda value: pickle.dumps(value, 0), 9)
copies("A9-reduce", "__reduce_ex__", lambda value: value.__reduce_ex__(4), 9)
copies("A9-getstate", "__getstate__", lambda value: value.__getstate__(), 9)
copies("A9-copyreg", "copyreg's own reduction", lambda value: copyreg.__reduce_ex__(value, 1), 9, TypeError)
copies("A9-marshal", "marshal", lambda value: marshal.dumps(value), 9, ValueError)
copies("A9-str-new", "str.__new__", lambda value: str.__new__(str, value), 9)
copies("A9-date", "datetime.fromisoformat", lambda value: dt.datetime.fromisoformat(value), 9, TypeError)
copies("A9-uuid", "uuid.UUID", lambda value: uuid.UUID(value), 9, (AttributeError, SealedError))
copies("A9-eval", "eval", lambda value: eval(value), 9, TypeError)  # noqa: S307 -- the attempt
copies("A9-open", "a file name", lambda value: open(value), 9, TypeError)  # noqa: PTH123, SIM115 -- the attempt
copies("A9-getattr", "the name of an attribute", lambda value: getattr(object(), value), 9, TypeError)
copies("A9-type", "the name of a class", lambda value: type(value, (), {}), 9, TypeError)
copies("A9-partial", "functools.reduce with +", lambda value: reduce(operator.add, [value, value]), 9, TypeError)
copies(
    "A9-wraps", "functools.wraps", lambda value: functools.wraps(value)(print).__wrapped__.lower(), 9, AttributeError
)


@attempt("A9-shelve", sink="copy", technique="shelve", corpus=9, refused=SealedError)
def shelved(house, trap):
    with shelve.open(str(trap.folder / "kept")) as kept:
        kept["value"] = house.mail().subject


def _match_literal(value):
    match value:
        case "offer":
            return True
        case _:
            return False


def _match_sequence(value):
    match value:
        case [first, *_]:
            return first
        case _:
            return value[0]


def _match_class(value):
    class Text:
        __match_args__ = ("value",)

    match _Row(value):
        case _Row(value="offer"):
            return True
        case Text():
            return True
        case _:
            return None


def _hint(value):
    assert operator.length_hint(value, 7) == 7, "a length shone through"


def _unpack(value):
    first, *rest = value
    return first, rest
