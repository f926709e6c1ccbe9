"""JSON answers: every leaf is guarded, what is withheld says so, and nothing bare gets in."""

import datetime as dt
import uuid
from decimal import Decimal

import orjson
import pytest

from accounts.models import GrantStatus
from limited_use.asking import Refused, WrongSink
from limited_use.sealing import Native, System
from limited_use.sinks import api

CANARY = "canary-4410ce"


@pytest.fixture
def asking(tenant):
    return tenant.asking("api", "api", actor="token", destination=str(uuid.UUID(int=7)))


def test_the_owner_reads_json(tenant, asking):
    row = uuid.UUID(int=5)
    tree = {
        "people": [{"name": tenant.sealed("Ann", "contacts"), "amount": Native(Decimal("3.50")), "no": None}],
        "at": tenant.labelled(dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        "on": Native(dt.date(2026, 1, 2)),
        "id": System(row),
        "next": System(None),
        "many": (tenant.labelled(3), tenant.labelled(value=True)),
        "empty": [],
    }
    assert orjson.loads(api.json(tenant.guard, asking, tree, records=12)) == {
        "people": [{"name": "Ann", "amount": "3.50", "no": None}],
        "at": "2026-01-02T03:04:05Z",
        "on": "2026-01-02",
        "id": str(row),
        "next": None,
        "many": [3, True],
        "empty": [],
    }
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.destination, leaf.actor_class, leaf.records) == ("api", str(uuid.UUID(int=7)), "token", 12)


def test_a_teammate_reads_that_it_is_withheld(tenant):
    asking = tenant.asking("api", "api", actor="token", member_id=tenant.teammate_id)
    tree = [tenant.sealed(CANARY), tenant.labelled(CANARY, "calendar"), tenant.sealed("note", "content")]
    assert orjson.loads(api.json(tenant.guard, asking, tree)) == [
        {"withheld": "limited_use", "source": "gmail"},
        {"withheld": "limited_use", "source": "calendar"},
        "note",
    ]


def test_what_is_suspended_says_so(tenant, asking):
    tenant.set_status(GrantStatus.SUSPENDED)
    made = api.json(tenant.guard, asking, [tenant.sealed(CANARY)])
    assert orjson.loads(made) == [{"withheld": "suspended", "source": "gmail"}]


@pytest.mark.parametrize(
    "tree", ["bare", 3, True, 1.5, b"x", {"a": "bare"}, [[1]], {1: None}, [{"a": [System(1), "bare"]}], object(), {"s"}]
)
def test_a_bare_value_is_refused(tenant, asking, tree):
    with pytest.raises(Refused):
        api.json(tenant.guard, asking, [tenant.sealed(CANARY), tree])
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.reason) == ("refuse", "unknown_origin")


@pytest.mark.parametrize("sink", ["ai_tool", "browser", "export", "webhook", "training", "google"])
def test_a_credential_of_another_class_gets_no_json_here(tenant, sink):
    with pytest.raises(WrongSink):
        api.json(tenant.guard, tenant.asking(sink, "api"), [tenant.sealed("note", "content")])
    assert tenant.leaves()[-1].reason == "wrong_sink"


def test_opened_text_cannot_leave_its_string(tenant, asking):
    evil = '"},{"x":"\u2028</script>'
    assert orjson.loads(api.json(tenant.guard, asking, [tenant.sealed(evil)])) == [evil]
