"""Asking to see one item of a colleague's over HTTP: asked, answered, opened to the asker alone, ended, logged."""

import re
import uuid

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import Member, Opening, OpeningState, Role, Sharing
from kernel.clock import HeldClock, SystemClock
from limited_use.log.words import Kind
from privacy.models import OpeningReason
from tests.signing_in import Person, work_off
from tests.web.office import OTHER, SUBJECT, Office

HOUR = 3600


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(SystemClock().now())


def test_a_colleague_asks_and_the_owner_reads_it_with_a_count_on_every_page(office: Office) -> None:
    assert "Nobody asks to see anything" in office.anna.get("/requests").text
    assert office.ask(office.bert, reason="I take this customer over.", back="/people") == "/people"
    page = office.anna.get("/requests").text
    assert "asks to see a mail" in page
    assert SUBJECT in page
    assert "I take this customer over." in page
    assert re.search(r"waiting: </span>1<", office.anna.get("/tasks").text)
    mine = office.bert.get("/requests").text
    assert "You asked" in mine
    assert SUBJECT not in mine
    assert 'class="withheld"' in mine
    assert "waiting: " not in office.bert.get("/tasks").text
    for other in (office.carl,):
        assert "I take this customer over." not in other.get("/requests").text


def test_what_was_allowed_opens_on_the_ordinary_pages_to_the_asker_alone_until_it_runs_out(
    office: Office, clock: HeldClock
) -> None:
    person, mail = f"/people/{office.person_id}", f"/messages/{office.message_id}"
    before = office.bert.get(person).text
    assert before.count("Ask to see") == 2
    assert SUBJECT not in before
    assert "shares it without its text" in office.bert.get(mail).text
    assert office.ask(office.bert, back=person) == person
    waiting = office.bert.get(person).text
    assert waiting.count("Ask to see") == 1
    assert "has not answered yet" in waiting
    assert office.answer(office.anna, "allow", hours="1") == 303
    after = office.bert.get(person).text
    assert SUBJECT in after
    assert OTHER not in after
    assert "Open to you for a while" in after
    assert f"<h1>{SUBJECT}</h1>" in office.bert.get(mail).text
    assert SUBJECT in office.bert.get("/requests").text
    for path in (person, mail, "/requests"):
        assert SUBJECT not in office.carl.get(path).text
    opened = [leaf for leaf in office.leaves(Kind.RELEASE) if leaf.consent == str(office.opening().id)]
    assert opened
    assert all(leaf.opened for leaf in opened)
    clock.advance(HOUR)
    for path in (person, mail, "/requests"):
        assert SUBJECT not in office.bert.get(path).text


def test_each_consent_by_which_a_page_opens_something_is_in_the_log(office: Office) -> None:
    allowed = set()
    for item in (office.message_id, office.other_id):
        office.ask(office.bert, item=str(item))
        office.answer(office.anna, "allow")
        allowed.add(str(office.opening().id))
    page = office.bert.get(f"/people/{office.person_id}").text
    assert SUBJECT in page
    assert OTHER in page
    assert {leaf.consent for leaf in office.leaves(Kind.CONSENT) if leaf.reason == "opened"} == allowed


def test_what_the_owner_ends_is_closed_at_once(office: Office) -> None:
    office.ask(office.bert)
    office.answer(office.anna, "allow")
    assert SUBJECT in office.bert.get(f"/messages/{office.message_id}").text
    assert office.answer(office.anna, "end") == 303
    assert SUBJECT not in office.bert.get(f"/messages/{office.message_id}").text


def test_it_opens_also_where_its_owner_shares_nothing_any_more(office: Office) -> None:
    office.ask(office.bert)
    office.answer(office.anna, "allow")
    office.share(Sharing.ONLY_ME)
    assert SUBJECT in office.bert.get(f"/messages/{office.message_id}").text
    assert office.bert.get(f"/messages/{office.other_id}").status_code == 404
    office.answer(office.anna, "end")
    assert office.bert.get(f"/messages/{office.message_id}").status_code == 404


def test_a_person_whom_only_a_colleagues_account_knows_is_asked_for_and_opens(office: Office) -> None:
    office.share(Sharing.ONLY_ME)
    path = f"/people/{office.person_id}"
    assert office.bert.get(path).status_code == 404
    office.anna.post(f"{path}/keep", {}, path)
    page = office.bert.get(path).text
    assert "A teammate works with this person" in page
    assert "Robin Kestrel" not in page
    assert "Ask to see" in page
    office.ask(office.bert, kind="person", item=str(office.person_id))
    office.ask(office.bert, kind="person", item=str(office.person_id))
    assert "have not answered yet" in office.bert.get(path).text
    mine = office.bert.get("/requests").text
    assert "You asked whoever knows them" in mine
    assert mine.count('class="request"') == 1
    office.answer(office.anna, "allow", hours="24")
    assert "Robin Kestrel" in office.bert.get(path).text
    assert "Robin Kestrel" not in office.carl.get(path).text
    assert SUBJECT not in office.bert.get(path).text


def test_nobody_finds_out_by_asking_whether_a_colleague_knows_somebody_too(office: Office) -> None:
    office.share(Sharing.ONLY_ME)
    made = office.bert.post("/people", {"name": "Robin", "email": "robin@kestrel.example"}, "/people/new")
    theirs = made.headers["Location"].rsplit("/", 1)[-1]
    asked = {"kind": "person", "item": theirs}
    assert office.bert.post("/requests", asked, "/requests").status_code == 404
    assert office.opening() is None


def test_whom_the_owner_hides_nobody_can_ask_for(office: Office) -> None:
    path = f"/people/{office.person_id}"
    office.anna.post(f"{path}/keep", {}, path)
    assert office.anna.post(f"/sharing/people/{office.person_id}", {"level": "only_me"}, path).status_code == 303
    assert "Ask to see" not in office.bert.get(path).text
    for form in (
        {"kind": "person", "item": str(office.person_id)},
        {"kind": "message", "item": str(office.message_id)},
    ):
        assert office.bert.post("/requests", form, "/requests").status_code == 404


def test_refusing_and_taking_back_show_nothing(office: Office) -> None:
    office.ask(office.bert)
    assert office.answer(office.anna, "refuse") == 303
    assert "refused" in office.bert.get("/requests").text
    answer = office.bert.post("/requests", {"kind": "message", "item": str(office.message_id)}, "/requests")
    assert answer.status_code == 409
    office.ask(office.carl)
    assert office.answer(office.carl, "end") == 303
    assert office.answer(office.anna, "allow") == 409
    assert SUBJECT not in office.bert.get("/requests").text + office.carl.get("/requests").text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"kind": "message", "item": "x"},
        {"kind": "mailbox", "item": str(uuid.UUID(int=1))},
        {"kind": "message", "item": ""},
    ],
    ids=["nothing", "no-id", "no-kind", "empty"],
)
def test_what_is_no_item_is_told_so(office: Office, form: dict[str, str]) -> None:
    assert office.bert.post("/requests", form, "/requests").status_code == 422


def test_what_is_not_there_foreign_or_hidden_is_the_same_nothing(office: Office, app: Flask) -> None:
    stranger = Person(app, "zoe@southwind.example")
    stranger.sign_in()
    said = {"kind": "message", "item": str(office.message_id)}
    answers = [
        office.bert.post("/requests", {**said, "item": str(uuid.uuid4())}, "/requests"),
        office.bert.post("/requests", {**said, "kind": "person"}, "/requests"),
        office.bert.post("/requests", {**said, "kind": "meeting"}, "/requests"),
        stranger.post("/requests", said, "/requests"),
    ]
    office.share(Sharing.ONLY_ME)
    answers.append(office.bert.post("/requests", said, "/requests"))
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert office.anna.post("/requests", said, "/requests").status_code == 422
    assert office.opening() is None


def test_only_its_owner_answers_a_request(office: Office) -> None:
    office.ask(office.bert)
    office.role(office.carl, Role.ADMIN)
    for verb in ("allow", "refuse", "end"):
        assert office.answer(office.carl, verb) == 404
    assert office.answer(office.bert, "allow") == 404
    assert office.anna.post(f"/requests/{uuid.uuid4()}/allow", {}, "/requests").status_code == 404
    for hours in ("-1", "5", "a day", "99999999999"):
        assert office.answer(office.anna, "allow", hours=hours) == 422


def test_each_act_is_a_leaf_that_names_the_opening_and_commits_to_the_reason(office: Office) -> None:
    office.ask(office.bert, reason="Kingfisher is the word")
    office.ask(office.bert)
    opening = office.opening()
    office.answer(office.anna, "allow", hours="1")
    office.answer(office.anna, "allow", hours="1")
    office.answer(office.bert, "end")
    told = [leaf for leaf in office.leaves(Kind.CONSENT) if leaf.feature == "openings"]
    assert [leaf.reason for leaf in told] == ["asked", "allowed", "ended"]
    assert {leaf.consent for leaf in told} == {str(opening.id)}
    assert told[0].commitment is not None
    assert all("Kingfisher" not in leaf.body().decode() for leaf in told)
    with office.runtime.sessions() as session:
        kept = session.scalars(select(OpeningReason)).one()
        assert b"Kingfisher" not in kept.reason._wire


def test_disconnecting_takes_requests_and_their_reasons_along(office: Office) -> None:
    office.ask(office.bert, reason="Why not")
    office.answer(office.anna, "allow")
    assert office.anna.post(f"/connections/{office.grant_id}/disconnect", {}, "/connections").status_code == 303
    assert "Nothing." in office.bert.get("/requests").text
    assert office.bert.get(f"/messages/{office.message_id}").status_code == 404
    work_off(office.runtime, "oauth.revoke")
    with office.runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Opening)) == 0
        assert session.scalar(select(func.count()).select_from(OpeningReason)) == 0


def test_who_is_removed_loses_what_was_opened_to_them(office: Office) -> None:
    office.ask(office.bert)
    office.answer(office.anna, "allow")
    with office.runtime.sessions() as session:
        bert = session.scalars(select(Member.id).where(Member.email == office.bert.address)).one()
    assert office.anna.post(f"/members/{bert}/remove", {}, "/members").status_code == 303
    assert office.opening().state == OpeningState.ENDED
    assert office.bert.get(f"/messages/{office.message_id}").status_code in {302, 303, 401}
