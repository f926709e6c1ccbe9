"""Guarded values refuse every conversion; forgetting the guard gives an error or a constant, never content."""

# ruff: noqa: UP031, FLY002, PLW0108, FURB171, TRY301 -- each line spells out one way in which people use values

import copy
import csv
import datetime as dt
import io
import json
import marshal
import operator
import pickle
import pprint
import string
import traceback
import uuid
from collections import Counter, deque
from dataclasses import asdict, dataclass
from functools import lru_cache, reduce

import markupsafe
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.labels import label
from limited_use.sealing import Labelled, Native, Place, Refusing, Sealed, SealedError, System, placed

CANARY = "canary-7d2e90"
ORGANISATION, ROW, GRANT = (uuid.UUID(int=n) for n in (1, 2, 3))
PLACE = Place(ORGANISATION, "messages", "subject", ROW)


def _sealed():
    return Sealed(b"\x01" + CANARY.encode() * 3, PLACE)


def _labelled():
    return Labelled(CANARY, label("gmail", GRANT))


@dataclass
class _Holder:
    value: object


_USES = {
    "str": str,
    "format": format,
    "format with a width": lambda v: f"{v:>40}",
    "f-string": lambda v: f"a {v} b",
    "percent s": lambda v: "%s" % v,
    "percent d": lambda v: "%d" % v,
    "str.format": lambda v: f"a {v} b",
    "format_map": lambda v: "{v}".format_map({"v": v}),
    "string.Template": lambda v: string.Template("$v").substitute(v=v),
    "join": lambda v: ",".join([v]),
    "plus": lambda v: v + "x",
    "plus from the left": lambda v: "x" + v,
    "in-place plus": lambda v: reduce(operator.iadd, [v, "x"]),
    "times": lambda v: v * 2,
    "times from the left": lambda v: 2 * v,
    "modulo": lambda v: v % 1,
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "int": int,
    "float": float,
    "complex": complex,
    "index": operator.index,
    "bool": bool,
    "if": lambda v: 1 if v else 2,
    "not": operator.not_,
    "len": len,
    "iter": iter,
    "list": list,
    "tuple": tuple,
    "unpack": lambda v: [*v],
    "set of it": lambda v: {v},
    "dict key": lambda v: {v: 1},
    "hash": hash,
    "lru_cache": lambda v: lru_cache(lambda x: x)(v),
    "Counter": lambda v: Counter([v]),
    "equal": lambda v: v == CANARY,
    "equal from the left": lambda v: v == CANARY,
    "not equal": lambda v: v != CANARY,
    "less": lambda v: v < CANARY,
    "at most": lambda v: v <= CANARY,
    "greater": lambda v: v > CANARY,
    "at least": lambda v: v >= CANARY,
    "in it": lambda v: CANARY in v,
    "it in a list": lambda v: v in [CANARY],
    "it in a text": lambda v: v in CANARY,
    "count": lambda v: [CANARY].count(v),
    "remove": lambda v: [CANARY].remove(v),
    "index in a deque": lambda v: deque([CANARY]).index(v),
    "sort": lambda v: sorted([v, v]),
    "max": lambda v: max(v, v),
    "sum": lambda v: sum([v]),
    "slice": lambda v: v[1:2],
    "item": lambda v: v[0],
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy inside": lambda v: copy.deepcopy([v]),
    "asdict": lambda v: asdict(_Holder(v)),
    "pickle": pickle.dumps,
    "pickle 0": lambda v: pickle.dumps(v, 0),
    "pickle inside": lambda v: pickle.dumps({"v": v}),
    "marshal": marshal.dumps,
    "json": json.dumps,
    "json default str": lambda v: json.dumps(v, default=str),
    "json default vars": lambda v: json.dumps(v, default=vars),
    "json default dict": lambda v: json.dumps(v, default=lambda o: o.__dict__),
    "orjson": orjson.dumps,
    "orjson default str": lambda v: orjson.dumps(v, default=str),
    "csv": lambda v: csv.writer(io.StringIO()).writerow([v]),
    "escape": markupsafe.escape,
    "Markup": markupsafe.Markup,
    "Markup format": lambda v: markupsafe.Markup("%s") % v,
    "print": lambda v: print(v, file=io.StringIO()),
    "write": lambda v: io.StringIO().write(v),
    "vars": vars,
    "dict": dict,
    "getattr value": lambda v: v.value,
    "subclass": lambda v: type("Sub", (type(v),), {}),
    "open as a path": open,
    "compile": lambda v: compile(v, "x", "eval"),
    "call": lambda v: v(),
    "await": lambda v: v.__await__(),
    "reversed": reversed,
    "match a pattern of text": lambda v: {"a": 1}[v],
    "date from it": dt.date.fromisoformat,
    "uuid from it": uuid.UUID,
    "encode": lambda v: v.encode(),
    "lower": lambda v: v.lower(),
}


@pytest.mark.parametrize("make", [_sealed, _labelled], ids=["sealed", "labelled"])
@pytest.mark.parametrize("use", _USES)
def test_a_guarded_value_refuses_every_use(use, make):
    with pytest.raises((TypeError, AttributeError, ValueError)) as caught:
        _USES[use](make())
    assert CANARY not in str(caught.value)


_CONSTANTS = {
    "repr": repr,
    "percent r": lambda v: "%r" % (v,),
    "ascii": ascii,
    "f-string with r": lambda v: f"{v!r}",
    "pprint": lambda v: pprint.pformat({"v": [v]}),
    "dataclass repr": lambda v: repr(_Holder(v)),
    "json default repr": lambda v: json.dumps(v, default=repr),
    "dir": lambda v: repr(dir(v)),
    "traceback with locals": lambda v: _traceback(v),
}


def _traceback(value):
    try:
        raise ValueError(value)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


@pytest.mark.parametrize("make", [_sealed, _labelled], ids=["sealed", "labelled"])
@pytest.mark.parametrize("show", _CONSTANTS)
def test_what_can_be_shown_of_a_guarded_value_is_constant(show, make):
    assert CANARY not in _CONSTANTS[show](make())


def test_enough_uses_are_refused():
    assert len(_USES) >= 40


def test_nobody_outside_the_package_makes_a_kind_of_guarded_value():
    with pytest.raises(SealedError):
        type("Loose", (Refusing,), {})


def test_a_labelled_value_needs_a_label():
    with pytest.raises(SealedError):
        Labelled(1, frozenset())


def test_placing_keeps_none_and_gives_the_place():
    assert placed(None, PLACE) is None
    again = placed(Sealed(b"x", None), PLACE)
    assert again is not None
    assert again._place == PLACE


def test_native_and_system_values_are_plain():
    assert (Native(3).value, System("open").value) == (3, "open")


_names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8)
_places = st.builds(Place, st.uuids(), _names, _names, st.uuids(), _names)


@given(_places, _places)
def test_two_places_never_share_their_associated_data(one, other):
    assert (one == other) == (one.associated_data() == other.associated_data())
