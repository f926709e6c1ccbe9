"""Copies of mail beside one's own words: for their owner alone, never for AI tools, gone with the connection."""

import re

import pytest
from sqlalchemy import select, text

from accounts.models import Grant, GrantStatus
from crm.matching import store
from crm.models import Excerpt, Fact, Note, Person, Task
from oauth import purge
from tests.signing_in import Person as Browser
from tests.web.test_api import Api
from tests.web.test_records import filled, said

__all__ = ["filled"]
OWN = "Call them before Friday"
SUBJECT, SNIPPET = "About the offer", "About the offer …"


@pytest.fixture
def mail(filled):
    return f"/messages/{filled.message_id}"


@pytest.fixture
def quoted(anna, filled, mail):
    answer = anna.post(f"{mail}/quote", {"person_id": str(filled.person_id), "body": OWN}, mail)
    assert answer.status_code == 303, answer.text
    return filled


@pytest.fixture
def colleague(app, anna, quoted):
    """Ben, of the same organisation."""
    anna.post("/members/invite", {"email": "ben@northwind.example", "role": "member"}, "/members")
    ben = Browser(app, "ben@northwind.example")
    assert ben.sign_in().status_code < 400
    assert ben.get(quoted.page).status_code == 200
    return ben


def end(runtime, world):
    with runtime.begin() as work:
        work.session.get_one(Grant, world.mine).status = GrantStatus.REVOKED
        world.vault.destroy_grant(work.session, world.mine)


def purge_all(runtime, world):
    with runtime.begin() as work:
        for table in purge.tables():
            while purge.purge_batch(work.session, table, world.mine):
                pass


def quotes_of(answer):
    found = re.findall(r"<blockquote.*?</blockquote>", answer.text, re.DOTALL)
    return [re.sub(r"<[^>]*>|\s+", " ", one) for one in found]


def test_a_mail_is_quoted_in_a_note(anna, quoted, runtime):
    answer = anna.get(quoted.page)
    (quote,) = quotes_of(answer)
    assert SUBJECT in quote
    assert SNIPPET in quote
    assert OWN in said(answer)
    with runtime.begin() as work:
        row = work.session.scalars(select(Excerpt)).one()
        note = work.session.scalars(select(Note)).one()
        labels = {name: quoted.vault.labels(getattr(row, name)) for name in ("subject", "text")}
        assert {origin.source for found in labels.values() for origin in found} == {"gmail"}
        assert {origin.grant_id for found in labels.values() for origin in found} == {quoted.mine}
        assert quoted.vault.labels(note.body) == frozenset()
        stored = work.session.scalar(text("SELECT string_agg(e::text, '') FROM excerpts e"))
    assert "offer" not in stored


def test_a_colleague_reads_the_words_and_not_the_quote(quoted, colleague):
    answer = colleague.get(quoted.page)
    assert OWN in said(answer)
    (quote,) = quotes_of(answer)
    assert "withheld" in quote
    assert SUBJECT not in answer.text
    assert str(quoted.message_id) not in answer.text


def test_no_ai_tool_is_given_the_quote(app, quoted, runtime):
    api = Api(runtime, app.test_client(), quoted)
    api.allow_ai(quoted.viewer)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(quoted.viewer, "ai_tool"))
    assert answer.status_code == 200, answer.text
    assert OWN in answer.text
    assert SUBJECT not in answer.text


def test_a_task_is_made_of_a_mail(anna, filled, mail, runtime):
    assert 'value="Answer"' in anna.get(mail).text
    anna.post(f"{mail}/task", {"title": "Answer", "due_on": "2026-03-31", "person_id": str(filled.person_id)}, mail)
    for path in ("/tasks", filled.page):
        (quote,) = quotes_of(anna.get(path))
        assert SUBJECT in quote
        assert "Answer" in said(anna.get(path))
    with runtime.begin() as work:
        row = work.session.scalars(select(Excerpt)).one()
        assert row.text is None
        assert work.session.scalars(select(Task)).one().person_id == filled.person_id
    anna.post(f"{mail}/task", {"title": "Nobody's"}, mail)
    assert len(quotes_of(anna.get("/tasks"))) == 2


@pytest.mark.parametrize("purged", [False, True])
def test_the_copies_go_with_the_connection_and_the_words_stay(anna, quoted, mail, runtime, purged):
    anna.post(f"{mail}/task", {"title": "Answer"}, mail)
    end(runtime, quoted)
    if purged:
        purge_all(runtime, quoted)
        with runtime.begin() as work:
            assert work.session.scalars(select(Excerpt)).all() == []
    for path, own in ((quoted.page, OWN), ("/tasks", "Answer")):
        answer = anna.get(path)
        assert own in said(answer)
        assert quotes_of(answer) == []
        assert SUBJECT not in answer.text


def test_a_paused_connection_keeps_its_copies_back(anna, quoted, runtime):
    with runtime.begin() as work:
        work.session.get_one(Grant, quoted.mine).status = GrantStatus.SUSPENDED
    (quote,) = quotes_of(anna.get(quoted.page))
    assert "withheld" in quote
    mail = f"/messages/{quoted.message_id}"
    answer = anna.post(f"{mail}/quote", {"person_id": str(quoted.person_id), "body": "More"}, mail)
    assert answer.status_code == 404
    with runtime.begin() as work:
        assert len(work.session.scalars(select(Note)).all()) == 1


def test_the_note_is_edited_and_removed_with_its_quote(anna, quoted, runtime):
    with runtime.begin() as work:
        note_id = work.session.scalars(select(Note.id)).one()
    assert SUBJECT in quotes_of(anna.get(f"/notes/{note_id}"))[0]
    anna.post(f"/notes/{note_id}", {"body": "Other words"}, f"/notes/{note_id}")
    answer = anna.get(quoted.page)
    assert "Other words" in said(answer)
    assert SUBJECT in quotes_of(answer)[0]
    anna.post(f"/notes/{note_id}/remove", {}, f"/notes/{note_id}")
    with runtime.begin() as work:
        assert work.session.scalars(select(Excerpt)).all() == []


@pytest.mark.parametrize(
    "form",
    [{"body": OWN}, {"person_id": "x", "body": OWN}, {"person_id": "", "body": "a"}],
    ids=["nobody", "no_id", "empty_id"],
)
def test_a_quote_needs_words_and_somebody_of_the_mail(anna, filled, mail, form, runtime):
    assert anna.post(f"{mail}/quote", form, mail).status_code == 422
    sent = {"person_id": str(filled.person_id), "body": " "}
    assert anna.post(f"{mail}/quote", sent, mail).status_code == 422
    with runtime.begin() as work:
        assert work.session.scalars(select(Excerpt)).all() == []


def test_nobody_copies_anothers_mail(quoted, colleague, runtime):
    mail = f"/messages/{quoted.message_id}"
    for path, form in (("quote", {"person_id": str(quoted.person_id), "body": "x"}), ("task", {"title": "x"})):
        assert colleague.post(f"{mail}/{path}", form, "/people").status_code in (404, 422)
    with runtime.begin() as work:
        assert len(work.session.scalars(select(Excerpt)).all()) == 1


def test_a_quote_follows_its_note_to_the_person_that_remains(anna, quoted, runtime):
    with runtime.begin() as work:
        other = Person(organisation_id=quoted.organisation_id, made_by="user", created_at=runtime.clock.now())
        work.session.add(other)
        work.session.flush()
        before = {row.id: quoted.vault.labels(row.value) for row in work.session.scalars(select(Fact))}
        store.merge(work.session, quoted.person_id, other.id)
        remains = other.id
    (quote,) = quotes_of(anna.get(f"/people/{remains}"))
    assert SUBJECT in quote
    with runtime.begin() as work:
        after = {row.id: quoted.vault.labels(row.value) for row in work.session.scalars(select(Fact))}
        assert after == before
        assert any(found for found in after.values())


def test_adding_somebody_to_the_crm_copies_no_fact(anna, filled, runtime):
    with runtime.begin() as work:
        before = {row.id: row.value._wire for row in work.session.scalars(select(Fact))}
    anna.post(f"{filled.page}/keep", {}, filled.page)
    with runtime.begin() as work:
        after = {row.id: row.value._wire for row in work.session.scalars(select(Fact))}
        native = [row for row in work.session.scalars(select(Fact)) if not filled.vault.labels(row.value)]
    assert after == before
    assert native == []
    end(runtime, filled)
    assert "Jane" not in anna.get(filled.page).text
