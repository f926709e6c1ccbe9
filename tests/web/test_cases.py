"""How admins come to see one item of somebody else's: the owner's consent or a second person, once, logged."""

import re
import uuid

import pytest

from accounts.models import Role
from kernel.clock import HeldClock, SystemClock
from limited_use.log.words import ActorClass, Kind, Purpose, Sink
from tests.signing_in import Person
from tests.web.office import OTHER, SUBJECT, Office

HOUR = 3600
REASON = "A customer disputes what was promised."


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(SystemClock().now())


@pytest.fixture
def team(office: Office) -> Office:
    """Anna owns the data and is an admin herself now; Bert and Carl manage with her."""
    office.role(office.bert, Role.ADMIN)
    office.role(office.carl, Role.OWNER)
    return office


def open_case(office: Office, who: Person, why: str = "security", **more: str) -> int:
    form = {"link": f"/messages/{office.message_id}", "why": why, "reason": REASON, **more}
    return who.post("/cases", form, "/cases").status_code


def show(office: Office, who: Person, opening_id: uuid.UUID | None = None) -> tuple[int, str]:
    answer = who.post(f"/cases/{opening_id or office.opening().id}/show", {}, "/cases")
    return answer.status_code, answer.text


def test_a_case_is_approved_by_a_second_person_and_its_item_shown_once(team: Office) -> None:
    assert open_case(team, team.bert) == 303
    waiting = team.bert.get("/cases").text
    assert "Another admin has to approve it" in waiting
    assert "Approve</button>" not in waiting
    assert "1 case waits" in team.carl.get("/requests").text
    page = team.carl.get("/cases").text
    assert REASON in page
    assert SUBJECT not in page
    assert team.answer(team.carl, "allow") == 303
    assert SUBJECT not in team.bert.get("/cases").text
    status, shown = show(team, team.bert)
    assert status == 200
    assert SUBJECT in shown
    assert OTHER not in shown
    assert show(team, team.bert)[0] == 409
    assert "Show it, once" not in team.bert.get("/cases").text


def test_the_owner_is_told_who_opened_and_who_approved(team: Office) -> None:
    open_case(team, team.bert)
    assert "opened a security case" not in team.anna.get("/requests").text
    team.answer(team.carl, "allow")
    told = team.anna.get("/requests").text
    assert "opened a security case" in told
    assert REASON in told
    assert "approved by" in told


def test_under_legal_hold_the_owner_is_told_nothing(team: Office) -> None:
    assert open_case(team, team.bert, "security", hold="yes") == 422
    assert open_case(team, team.bert, "staff", hold="yes") == 422
    assert open_case(team, team.bert, "legal", hold="yes") == 303
    team.answer(team.carl, "allow")
    show(team, team.bert)
    for path in ("/requests", "/cases", "/"):
        text = team.anna.get(path).text
        assert "opened a legal case" not in text
        assert "A case was opened" not in text
    assert "legal hold" in team.carl.get("/cases").text


def test_neither_who_opened_it_nor_who_owns_the_item_approves(team: Office) -> None:
    open_case(team, team.bert)
    for who in (team.bert, team.anna):
        for verb in ("allow", "refuse"):
            assert team.answer(who, verb) == 403
    assert show(team, team.bert)[0] == 409
    assert show(team, team.carl)[0] == 404


def test_staff_with_the_owners_consent_sees_the_item_here_and_nowhere_else(team: Office) -> None:
    assert open_case(team, team.bert, "staff") == 303
    assert team.answer(team.carl, "allow") == 404
    asked = team.anna.get("/requests").text
    assert "once, to help as an admin" in asked
    assert REASON in asked
    assert team.answer(team.anna, "allow", hours="1") == 303
    for path in (f"/messages/{team.message_id}", f"/people/{team.person_id}", "/requests", "/cases"):
        assert SUBJECT not in team.bert.get(path).text
    assert SUBJECT in show(team, team.bert)[1]


def test_what_a_colleague_was_allowed_does_not_open_at_the_staff_sink(team: Office) -> None:
    team.ask(team.bert)
    team.answer(team.anna, "allow")
    assert show(team, team.bert)[0] == 404


def test_each_showing_is_a_leaf_at_the_staff_sink_with_its_case(team: Office) -> None:
    open_case(team, team.bert, "legal")
    team.answer(team.carl, "allow")
    show(team, team.bert)
    ticket = str(team.opening().id)
    (release,) = [leaf for leaf in team.leaves(Kind.RELEASE) if leaf.sink is Sink.STAFF]
    assert (release.ticket, release.purpose, release.actor_class) == (ticket, Purpose.LEGAL, ActorClass.STAFF)
    assert release.opened >= 3
    acts = team.leaves(Kind.STAFF_CASE)
    assert [leaf.reason for leaf in acts] == ["asked", "allowed", "shown"]
    assert {leaf.ticket for leaf in acts} == {ticket}
    assert acts[0].commitment is not None
    assert all(b"dispute" not in leaf.body() for leaf in acts)


def test_a_case_runs_out(team: Office, clock: HeldClock) -> None:
    open_case(team, team.bert, hours="1")
    team.answer(team.carl, "allow")
    clock.advance(HOUR)
    assert show(team, team.bert)[0] == 409
    assert SUBJECT not in team.bert.get("/cases").text


def test_a_case_ends_with_the_connection_and_with_who_opened_it(team: Office) -> None:
    open_case(team, team.bert)
    team.answer(team.carl, "allow")
    opening = team.opening().id
    team.anna.post(f"/connections/{team.grant_id}/disconnect", {}, "/connections")
    assert show(team, team.bert, opening)[0] == 404
    assert "security case" not in team.bert.get("/cases").text


def test_who_is_no_admin_any_more_is_shown_nothing(team: Office) -> None:
    open_case(team, team.bert)
    team.answer(team.carl, "allow")
    team.role(team.bert, Role.MEMBER)
    assert show(team, team.bert)[0] == 403
    assert team.bert.get("/cases").status_code == 403


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_cases_are_for_admins(office: Office, role: Role) -> None:
    office.role(office.bert, role)
    assert office.bert.get("/cases").status_code == 403
    assert open_case(office, office.bert) == 403
    assert "/cases" not in office.bert.get("/requests").text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"link": "nowhere"}, 422),
        ({"link": "/log/checkpoint"}, 422),
        ({"link": "/messages/" + str(uuid.UUID(int=7))}, 404),
        ({"why": "curiosity"}, 422),
        ({"reason": "  "}, 422),
        ({"reason": "x" * 1001}, 413),
        ({"hours": "9999"}, 422),
    ],
    ids=["no-link", "other-page", "not-there", "no-why", "no-reason", "long-reason", "too-long"],
)
def test_what_makes_no_case_is_told_so(team: Office, form: dict[str, str], status: int) -> None:
    said = {"link": f"http://localhost:8080/messages/{team.message_id}?a=b", "why": "security", "reason": REASON}
    assert team.bert.post("/cases", said | form, "/cases").status_code == status
    assert team.opening() is None


def test_nobody_opens_a_case_on_their_own_or_on_another_organisations(team: Office) -> None:
    assert open_case(team, team.anna) == 422
    stranger = Person(team.bert.app, "zoe@southwind.example")
    stranger.sign_in()
    assert open_case(team, stranger) == 404


def test_all_that_the_account_knows_of_a_person_is_shown_and_a_refused_case_is_not(team: Office) -> None:
    open_case(team, team.bert)
    team.answer(team.carl, "refuse")
    assert show(team, team.bert)[0] == 409
    assert open_case(team, team.bert, "legal") == 409
    assert open_case(team, team.bert, "legal", link=f"/people/{team.person_id}") == 303
    team.answer(team.carl, "allow")
    shown = show(team, team.bert)[1]
    assert "Robin Kestrel" in shown
    assert "robin@kestrel.example" in re.sub(r"\s+", " ", shown)
    assert SUBJECT not in shown


@pytest.mark.parametrize(("why", "said"), [("staff", "whoever knows them"), ("security", "of another member")])
def test_who_knows_a_person_is_not_told_by_asking_for_them(team: Office, why: str, said: str) -> None:
    assert open_case(team, team.bert, why, link=f"/people/{team.person_id}") == 303
    asked = _listed(team.bert)
    assert said in asked
    assert "Anna" not in asked
    if why == "security":
        assert "Anna" in _listed(team.carl), "who is to approve it sees whose it is"
    team.answer(team.anna if why == "staff" else team.carl, "allow")
    assert "Anna" in _listed(team.bert)


def _listed(who: Person) -> str:
    return re.sub("<[^>]*>", "", who.get("/cases").text.partition("Cases and questions")[2].partition("</section>")[0])
