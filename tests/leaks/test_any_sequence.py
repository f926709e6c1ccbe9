"""No sequence of operations on guarded values gives plaintext outside an adaptor, and labels never shrink."""

# ruff: noqa: PLW0108, RUF034 -- what people write

import copy
import functools
import itertools
import json
import operator
import pickle
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.errors import AppError
from limited_use.derive import LabelsWouldShrink, reseal
from limited_use.keys import KeyPurpose, vault
from limited_use.sealing import Labelled, Sealed
from tests.leaks.forms import Hunt, marked

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_UNARY: list[Callable[[Any], Any]] = [
    *(getattr(operator, name) for name in ("abs", "index", "inv", "neg", "not_", "pos", "truth", "length_hint")),
    *(
        str,
        repr,
        ascii,
        bytes,
        bytearray,
        int,
        float,
        complex,
        bool,
        len,
        list,
        tuple,
        set,
        dict,
        iter,
        sorted,
        reversed,
    ),
    *(sum, min, max, any, all, next, hash, vars, dir, callable, memoryview, enumerate, ord, bin, hex, round),
    *(copy.copy, copy.deepcopy, pickle.dumps, json.dumps, functools.partial, itertools.count, itertools.cycle),
    *(lambda v: f"{v}", lambda v: f"{v!r}", lambda v: [v], lambda v: (v,), lambda v: {"v": v}, lambda v: lambda: v),
    *(lambda v: json.dumps(v, default=repr), lambda v: list(itertools.chain([v])), lambda v: v.__class__),
    *(lambda v: v[0], lambda v: v["v"], lambda v: v(), lambda v: list(v), lambda v: "".join(v), lambda v: v.decode()),
    *(
        lambda v: functools.reduce(operator.add, v),
        lambda v: list(map(str, v)),
        lambda v: list(zip(v, v, strict=False)),
    ),
]
_BINARY: list[Callable[[Any, Any], Any]] = [
    *(getattr(operator, name) for name in ("add", "and_", "concat", "contains", "countOf", "eq", "floordiv", "ge")),
    *(
        getattr(operator, name)
        for name in ("getitem", "gt", "indexOf", "is_", "is_not", "le", "lshift", "lt", "matmul")
    ),
    *(
        getattr(operator, name)
        for name in ("mod", "mul", "ne", "or_", "pow", "rshift", "sub", "truediv", "xor", "iadd")
    ),
    *(divmod, isinstance, lambda a, b: "{}{}".format(a, b), lambda a, b: "%s%s" % (a, b), lambda a, b: [a, b]),  # noqa: UP031, UP032 -- what people write
    *(
        lambda a, b: {"a": a, "b": b},
        lambda a, b: str.join(a, b),
        lambda a, b: a if b else a,
        lambda a, b: getattr(a, b),
    ),
]
_OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(range(len(_UNARY))), st.integers(0, 30)),
    st.tuples(st.sampled_from(range(len(_BINARY))), st.integers(0, 30), st.integers(0, 30)),
)


@QUICK
@given(steps=st.lists(_OPERATIONS, min_size=1, max_size=25))
def test_no_sequence_of_operations_gives_plaintext(house: Any, steps: list[tuple[int, ...]]) -> None:
    text = marked()
    hunt = Hunt({"text": text}, {"text": text})
    sealed = house.sealed_for(house.maya, text)
    held: list[Any] = [
        sealed,
        sealed,
        Labelled(7, vault(house.runtime).labels(sealed)),
        "x",
        1,
        "_place",
        "value",
        b"y",
    ]
    for step in steps:
        given_ = [held[number % len(held)] for number in step[1:]]
        operation: Callable[..., Any] = (_UNARY if len(given_) == 1 else _BINARY)[step[0]]
        try:
            held.append(operation(*given_))
        except Exception as error:  # noqa: BLE001 -- any refusal; what it says is held, too
            held.append(repr(error))
    said = "\n".join(_told(one) for one in held).encode("utf-8", "backslashreplace")
    assert hunt.search("held", said) == []


def _told(value: Any) -> str:
    if type(value) in (Sealed, Labelled):
        return repr(value)
    try:
        return repr(value)[:20_000]
    except Exception as error:  # noqa: BLE001 -- as above
        return repr(error)


_PURPOSES = (KeyPurpose.CONTENT, KeyPurpose.MAIL, KeyPurpose.CALENDAR, KeyPurpose.CONTACTS, KeyPurpose.DERIVED)
_KEYS = st.tuples(st.sampled_from(_PURPOSES), st.sampled_from(["maya", "bert"]))


@QUICK
@given(begun=_KEYS, chain=st.lists(_KEYS, max_size=8))
def test_labels_never_shrink_along_any_chain_of_copies(house: Any, begun: Any, chain: list[Any]) -> None:
    """A copy is refused, or its label covers that of what it was made of; and so on, however often."""
    keys = vault(house.runtime)
    value = _sealer(house, *begun).seal("messages", "subject", uuid4(), "text")
    first = keys.labels(value)
    for purpose, whose in chain:
        row = uuid4()
        try:
            value = reseal(keys, value, _sealer(house, purpose, whose), "notes", "body", row)
        except LabelsWouldShrink:
            continue
        except AppError as error:
            raise AssertionError(error.code) from error
        grants = {origin.grant_id for origin in keys.labels(value)}
        assert {origin.grant_id for origin in first} <= grants
    assert not first or keys.labels(value)


def _sealer(house: Any, purpose: KeyPurpose, whose: str) -> Any:
    resident = getattr(house, whose)
    grant = None if purpose is KeyPurpose.CONTENT else resident.grant_id
    return vault(house.runtime).sealer(house.maya.viewer.organisation_id, purpose, grant)
