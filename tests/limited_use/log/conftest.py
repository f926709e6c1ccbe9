"""A log on a real database, filled as the product fills it."""

import datetime as dt
import uuid
from collections.abc import Callable

import pytest

from limited_use.log.leaf import Leaf
from limited_use.log.record import append, integrate
from limited_use.log.signer import Signer, signer_from_bytes
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink

AT = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
ORGANISATION = uuid.UUID(int=7)
MakeLeaf = Callable[..., Leaf]
WriteLeaves = Callable[..., list[int]]


@pytest.fixture
def signer() -> Signer:
    return signer_from_bytes("crm.example/log", b"k" * 32)


@pytest.fixture
def make_leaf() -> MakeLeaf:
    def make(number: int = 0, **changed: object) -> Leaf:
        said = {
            "at": AT + dt.timedelta(seconds=number),
            "kind": Kind.RELEASE,
            "decision": Decision.OPEN,
            "actor_class": ActorClass.MEMBER,
            "purpose": Purpose.USER_FEATURE,
            "feature": "people.list",
            "sink": Sink.BROWSER,
            "labels": ("gmail",),
            "records": number,
        }
        return Leaf(**{**said, **changed})

    return make


@pytest.fixture
def write_leaves(runtime, make_leaf) -> WriteLeaves:
    """A writer of `count` numbered leaves in one committed transaction; it returns their ids."""

    def write(count: int, first: int = 0, organisation_id: uuid.UUID = ORGANISATION, **changed: object) -> list[int]:
        with runtime.begin() as work:
            return [
                append(work.session, make_leaf(first + i, **changed), organisation_id=organisation_id).id
                for i in range(count)
            ]

    return write


@pytest.fixture
def signed_log(runtime, write_leaves, signer):
    """A runtime whose log has 700 leaves under three checkpoints (and the one of the empty log)."""
    integrate(runtime.sessions, signer, runtime.clock)
    for first, count in ((0, 100), (100, 300), (400, 300)):
        write_leaves(count, first)
        integrate(runtime.sessions, signer, runtime.clock)
    return runtime
