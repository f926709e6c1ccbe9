"""Google misbehaves while three products are kept in step: the end is right, and every fault was met."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from accounts.models import Grant, GrantStatus
from oauth.custody import custody
from oauth.models import RefreshToken
from tests.journeys import takeouts
from tests.journeys.takeouts import OWNER, letter
from workspace.errors import ScopeMissing

SIZE = 64
NEW = "Nina Park <nina@fresh.example>"

# Every method of a first sync, and what it meets there, in this order.
FIRST = (
    ("oauth.token", "unavailable", {}),
    ("oauth.token", "rate_limited", {}),
    ("gmail.users.getProfile", "backend_500", {}),
    ("gmail.users.getProfile", "drop_before", {}),
    ("gmail.users.settings.sendAs.list", "rate_limit_403", {}),
    ("gmail.users.messages.list", "auth_error", {}),
    ("gmail.users.messages.list", "drop_after", {}),
    ("gmail.users.messages.list", "retry_after_403", {"retry_after_s": 2}),
    ("batch", "html_503", {}),
    ("batch", "drop_after", {}),
    ("gmail.users.messages.get", "concurrent_429", {"count": 3, "skip": 2}),
    ("gmail.users.messages.get", "user_rate_limit_403", {"skip": 9}),
    ("gmail.users.messages.get", "backend_500", {"skip": 11}),
    ("gmail.users.messages.get", "auth_error", {"skip": 20}),
    ("gmail.users.threads.get", "backend_503", {"skip": 1}),
    ("calendar.calendarList.list", "backend_503", {}),
    ("calendar.events.list", "user_rate_limit_403", {}),
    ("calendar.events.list", "auth_error", {}),
    ("calendar.events.list", "drop_after", {}),
    ("people.people.connections.list", "quota_429", {}),
    ("people.people.connections.list", "html_503", {}),
    ("people.people.connections.list", "auth_error", {}),
)
# The same for a sync of what changed; here Google also forgets where we were.
LATER = (
    ("gmail.users.history.list", "backend_502", {}),
    ("gmail.users.history.list", "exhausted_429", {}),
    ("gmail.users.history.list", "history_expired", {}),
    ("batch", "drop_before", {}),
    ("gmail.users.messages.get", "retry_after_429", {"retry_after_s": 2}),
    ("calendar.calendarList.list", "full_sync_required", {}),
    ("calendar.events.list", "backend_500", {}),
    ("calendar.events.list", "full_sync_required", {}),
    ("people.people.connections.list", "backend_504", {}),
    ("people.people.connections.list", "expired_sync_token", {}),
)
COUNTED = ("messages", "participations", "correspondents", "meetings", "attendances", "occurrences", "contacts",
           "people", "companies", "facts", "fact_terms", "skips", "collections")  # fmt: skip


@pytest.fixture
def here(world, tmp_path: Path):
    return world(takeouts.office(tmp_path / "Takeout", SIZE))


@pytest.fixture
def calm(here):
    """The same mailbox where nothing goes wrong, connected: what the end has to be."""
    here.connect()
    here.settle()
    return here


def rows(here) -> dict[str, int]:
    with here.runtime.sessions() as session:
        return {name: session.scalar(text(f"SELECT count(*) FROM {name}")) for name in COUNTED}  # noqa: S608 -- names above


def change_much(here) -> None:
    for number in range(200, 206):
        here.arrive(letter(number, sender=f"Maya <{OWNER}>", to=NEW), labels=["SENT"])
    here.control(
        "POST", "events",
        resource={"summary": "New", "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}},
    )  # fmt: skip
    here.control("POST", "contacts", resource={"names": [{"givenName": "Odile"}]})


def test_a_storm_during_the_first_sync_and_another_later_cost_nothing(here):
    here.connect()
    expire_access(here)
    for method, fault, options in FIRST:
        here.fault(method, fault, **options)
    first = here.settle()
    assert here.unused_faults() == []
    here.adds_up()
    assert first["retried"] > 0
    before = rows(here)

    change_much(here)
    for method, fault, options in LATER:
        here.fault(method, fault, **options)
    later = here.follow()
    assert here.unused_faults() == []
    held = here.adds_up()
    assert held["messages"] == first["crm"]["messages"] + 6
    assert (held["events"], held["contacts"]) == (first["crm"]["events"] + 1, first["crm"]["contacts"] + 1)
    assert later["skipped"] == first["skipped"]
    assert len(here.finds("nina")) == 1

    here.follow()
    stormy = rows(here)
    assert stormy["messages"] == before["messages"] + 6
    assert here.trouble() == {}
    start_anew(here)
    assert rows(here) == stormy, "a calm listing of everything finds nothing to mend"


def start_anew(here) -> None:
    """Every place is forgotten: all is listed again, with nothing in the way."""
    here.control("POST", "history/expire")
    here.control("POST", "calendars/void", account=OWNER)
    here.follow()


def test_a_connection_taken_back_at_google_is_suspended_and_a_reconnect_restores_it(calm):
    held, before = calm.counts()["crm"], rows(calm)
    person = next(path for number in range(40) for path in calm.finds(f"person {number}"))
    calm.control("POST", "revoke")
    missed = calm.arrive(letter(300, sender=f"Maya <{OWNER}>", to=NEW), labels=["SENT"])
    expire_access(calm)
    calm.person.post("/connections/sync", page="/connections")
    calm.settle()

    assert status(calm) == [GrantStatus.SUSPENDED]
    assert set(calm.states().values()) == {"stopped"}
    assert "Connect Gmail again" in calm.reads("/connections")
    for path in ("/people", "/search?q=person", person):
        page = calm.reads(path)
        assert "withheld" in page
        assert not re.search(r"Person \d|Topic|@company", page)
    assert rows(calm) == before, "what is stored is kept"

    for feature in ("gmail", "calendar", "contacts"):
        assert calm.person.connect(feature).status_code == 303
    calm.settle()
    assert status(calm) == [GrantStatus.ACTIVE]
    after = calm.adds_up()
    assert missed
    assert after == {**held, **{name: held[name] + 1 for name in ("messages", "threads", "people", "companies")}}
    assert calm.person.get(person).status_code == 200
    assert len(calm.finds("nina")) == 1


def expire_access(here) -> None:
    """The access tokens of this process are as old as they can be."""
    with here.runtime.sessions() as session:
        for grant_id in session.scalars(select(Grant.id)):
            custody(here.runtime).forget(grant_id)


def status(here) -> list[str]:
    with here.runtime.sessions() as session:
        return list(session.scalars(select(Grant.status).where(Grant.status != GrantStatus.REVOKED)))


def test_a_scope_that_is_taken_away_stops_one_product_and_no_other(calm):
    calm.fault("calendar.events.list", "insufficient_scope")
    calm.arrive(letter(301, sender=f"Maya <{OWNER}>", to=NEW), labels=["SENT"])
    events = calm.counts()["crm"]["events"]
    counts = calm.follow()
    assert calm.unused_faults() == []
    assert calm.states() == {"mail": "current", "contacts": "current", "calendars": "current", "calendar": "stopped"}
    assert calm.trouble() == {"calendar": "google_scope_missing"}
    assert counts["crm"]["events"] == events
    assert len(calm.finds("nina")) == 1

    told = calm.reads("/connections")
    assert ScopeMissing.sentence in told
    assert "Connect Calendar again" in told
    assert "Connect Gmail again" not in told

    assert calm.person.connect("calendar").status_code == 303
    calm.control(
        "POST", "events",
        resource={"summary": "Back", "start": {"date": "2026-12-03"}, "end": {"date": "2026-12-04"}},
    )  # fmt: skip
    calm.follow()
    assert calm.trouble() == {}
    assert calm.adds_up()["events"] == events + 1


def test_a_product_that_was_never_allowed_is_never_asked_for(here):
    here.person.sign_in()
    assert here.person.connect("gmail").status_code == 303
    assert here.person.connect("contacts", ticked=False).status_code == 303
    here.settle()
    assert set(here.states()) == {"mail"}
    asked = here.control("GET", "requests")["methods"]
    assert not [method for method in asked if method.startswith(("calendar.", "people."))]
    census = here.control("GET", "counts")["google"]
    counts = here.counts()
    assert counts["crm"]["messages"] + sum(counts["skipped"]["messages"].values()) == census["messages"]
    assert (counts["crm"]["events"], counts["crm"]["contacts"]) == (0, 0)


def test_a_dead_refresh_token_of_one_process_is_not_the_end_of_a_newer_one(calm):
    """A reconnect puts a newer token in the place of the old one, and the old one's refusal then suspends nothing."""
    with calm.runtime.begin() as work:
        before = work.session.scalar(select(RefreshToken.version))
    assert calm.person.connect("gmail").status_code == 303
    with calm.runtime.begin() as work:
        assert work.session.scalar(select(RefreshToken.version)) == before + 1
        work.session.execute(update(RefreshToken).values(used_at=None))
    stored = calm.counts()["crm"]["messages"]
    expire_access(calm)
    calm.follow()
    assert status(calm) == [GrantStatus.ACTIVE]
    assert calm.counts()["crm"]["messages"] == stored > 0
