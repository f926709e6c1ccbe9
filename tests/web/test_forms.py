"""Pre-filled forms, as a member's browser sends them back: what was shown is not taken for typed."""

import html
import re
import uuid

import pytest
from sqlalchemy import select, update

from crm.models import Deal, Fact, Note, Task
from crm.models.people import FactSource
from tests.web.test_records import filled, said

__all__ = ["filled"]
_FIELD = re.compile(r'<(?:input|textarea)[^>]*? name="([^"]+)"[^>]*?(?: value="([^"]*)"[^>]*)?>(?:([^<]*)</textarea>)?')


def fields_of(answer, action):
    """Return what a browser would send of the form with that action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', answer.text, re.DOTALL)[0]
    found = {name: html.unescape(value or text or "") for name, value, text in _FIELD.findall(form)}
    chosen = re.findall(r'<select[^>]*name="([^"]+)".*?value="([^"]*)" selected', form, re.DOTALL)
    found.update(chosen)
    found.pop("csrf_token", None)
    return found


def native_of(runtime):
    with runtime.begin() as work:
        rows = work.session.execute(select(Fact.field, Fact.id).where(Fact.source == FactSource.USER)).all()
    return sorted(row.field for row in rows)


@pytest.fixture
def form(anna, filled):
    return fields_of(anna.get(f"{filled.page}/edit"), f"{filled.page}/edit")


def test_every_filled_field_carries_a_digest(form):
    assert {"name", "email", "phone", "title"} < set(form)

    assert form["name"] == "Jane Doe"


def test_what_google_has_changed_since_is_still_googles(anna, filled, runtime, form):
    other = runtime_index(filled, "Jane Smith")
    with runtime.begin() as work:
        work.session.execute(update(Fact).where(Fact.field == "name").values(value_index=other))
    retyped = {**form, "name": "jane  doe"}
    for sent in (form, retyped):
        answer = anna.post(f"{filled.page}/edit", sent, f"{filled.page}/edit")
        assert answer.status_code == 303
        assert native_of(runtime) == []
    assert "Nothing was changed" in said(anna.get(filled.page))
    assert "Add to CRM" in said(anna.get(filled.page))
    # without what was shown it is what the member typed: Google does not say so now
    anna.post(f"{filled.page}/edit", {"name": "Jane Doe"}, f"{filled.page}/edit")
    assert native_of(runtime) == ["name"]


def runtime_index(world, name):
    return world.indexer.digest("value:name", name)


@pytest.mark.parametrize("digest", ["", "1.x", "0." + "0" * 64, "none", "moved"])
def test_a_forged_digest_is_compared_with_what_google_says(anna, filled, runtime, form, digest):
    forged = form["seen.title"] if digest == "moved" else digest
    sent = {**form, "seen.name": forged, "name": "Jane Doe"}
    anna.post(f"{filled.page}/edit", sent, f"{filled.page}/edit")
    assert native_of(runtime) == []
    anna.post(f"{filled.page}/edit", {**sent, "name": "Somebody else"}, f"{filled.page}/edit")
    assert native_of(runtime) == ["name"]


def test_only_what_was_typed_becomes_the_teams(anna, filled, runtime, form):
    anna.post(f"{filled.page}/edit", {**form, "title": "Chief"}, f"{filled.page}/edit")
    assert native_of(runtime) == ["title"]
    words = said(anna.get(filled.page))
    assert "Chief" in words
    assert "Jane Doe" in words


def test_a_deal_that_is_saved_as_it_was_writes_nothing(anna, runtime):
    anna.sign_in()
    anna.post("/deals", {"title": "Big one", "stage": "new", "amount": "1250", "currency": "EUR"}, "/deals")
    with runtime.begin() as work:
        deal = work.session.scalars(select(Deal)).one()
        before, page = (deal.title._wire, deal.updated_at), f"/deals/{deal.id}"
    sent = fields_of(anna.get(page), page)
    assert (sent["title"], sent["amount"], sent["stage"]) == ("Big one", "1,250.00", "new")
    anna.post(page, sent, page)
    assert _deal(runtime) == before
    anna.post(page, {**sent, "amount": "1300"}, page)
    assert _deal(runtime)[0] == before[0]
    anna.post(page, {**sent, "title": "BIG one"}, page)
    assert _deal(runtime)[0] != before[0]
    assert "BIG one" in anna.get(page).text


def _deal(runtime):
    with runtime.begin() as work:
        deal = work.session.scalars(select(Deal)).one()
        return deal.title._wire, deal.updated_at


def test_a_note_that_is_saved_as_it_was_writes_nothing(anna, filled, runtime):
    anna.post(f"{filled.page}/notes", {"body": "First\r\n\r\n<second> & line"}, filled.page)
    before, page = _note(runtime)
    sent = fields_of(anna.get(page), page)
    assert sent["body"] == "First\n\n<second> & line"
    anna.post(page, {**sent, "body": sent["body"].replace("\n", "\r\n")}, page)
    assert _note(runtime)[0] == before
    anna.post(page, {**sent, "body": "Third"}, page)
    assert _note(runtime)[0] != before
    assert "Third" in anna.get(filled.page).text


def _note(runtime):
    with runtime.begin() as work:
        note = work.session.scalars(select(Note)).one()
        return (note.body._wire, note.updated_at), f"/notes/{note.id}"


def test_a_task_that_is_saved_as_it_was_writes_nothing(anna, runtime):
    anna.sign_in()
    anna.post("/tasks", {"title": "Send it", "due_on": "2026-03-31"}, "/tasks")
    with runtime.begin() as work:
        task = work.session.scalars(select(Task)).one()
        before, page = task.title._wire, f"/tasks/{task.id}"
    sent = fields_of(anna.get(page), page)
    assert (sent["title"], sent["due_on"]) == ("Send it", "2026-03-31")
    anna.post(page, sent, page)
    assert _task(runtime) == (before, "2026-03-31")
    assert "Nothing was changed" in said(anna.get("/tasks"))
    anna.post(page, {**sent, "due_on": ""}, page)
    assert _task(runtime) == (before, "None")
    anna.post(page, {**sent, "title": "Send them"}, page)
    assert _task(runtime)[0] != before
    assert "Send them" in said(anna.get("/tasks"))
    assert anna.post(page, {**sent, "title": " "}, page).status_code == 422


def _task(runtime):
    with runtime.begin() as work:
        task = work.session.scalars(select(Task)).one()
        return task.title._wire, str(task.due_on)


def test_a_company_is_renamed_and_its_name_from_google_is_googles(anna, filled, runtime):
    page = f"/companies/{filled.company_id}"
    sent = fields_of(anna.get(f"{page}/edit"), f"{page}/edit")
    assert sent["company_name"] == "Acme"
    for same in (sent, {**sent, "company_name": "ACME "}, {"company_name": "acme"}, {**sent, "seen.company_name": "x"}):
        anna.post(f"{page}/edit", same, f"{page}/edit")
        assert native_of(runtime) == []
        assert "Nothing was changed" in said(anna.get(page))
    anna.post(f"{page}/edit", {**sent, "company_name": "Acme Rockets"}, f"{page}/edit")
    assert native_of(runtime) == ["company_name"]
    assert "Acme Rockets" in said(anna.get(page))
    anna.post(f"{page}/edit", {"company_name": ""}, f"{page}/edit")
    assert native_of(runtime) == []
    assert anna.post(f"{page}/edit", {"company_name": "x" * 201}, f"{page}/edit").status_code == 413
    assert anna.post(f"/companies/{uuid.uuid4()}/edit", {}, f"{page}/edit").status_code == 404
