"""The pages of records, as a member's browser meets them."""

import datetime as dt
import html
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.members import viewer_of
from accounts.models import Grant, GrantStatus, Member
from crm.models import Company, Correspondent, Message, Person
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from limited_use.template_lint import faults_of
from tests.crm.world import World

TEMPLATES = Path(__file__).parent.parent.parent / "web" / "templates"


@pytest.fixture
def filled(anna, runtime):
    """Anna is signed in; her mail, calendar and contacts know Jane of Acme, and a newsletter."""
    anna.sign_in()
    with runtime.begin() as work:
        viewer = viewer_of(work.session.scalars(select(Member)).one())
    world = World(runtime, viewer.organisation_id)
    world.viewer, world.mine = viewer, world.grant(viewer)
    now = runtime.clock.now()
    jane = world.hear(world.mine, "jane@acme.example", name="Jane <Doe>", written_to=1, last_at=now)
    world.hear(world.mine, "letter@shop.example", received_from=3, received_bulk=3, last_at=now)
    world.contact(world.mine, "Jane Doe", "jane@acme.example", title="CTO", phone="+1 415 555 0100")
    world.message_id = world.message(world.mine, jane, "About the offer", now - dt.timedelta(days=2))
    world.meeting(world.mine, jane, "Kick-off", now - dt.timedelta(days=1), now + dt.timedelta(days=6))
    world.match_all(world.mine)
    with runtime.begin() as work:
        world.person_id = work.session.scalars(select(Person.id)).one()
        world.company_id = work.session.scalars(select(Company.id)).one()
    world.page = f"/people/{world.person_id}"
    return world


def said(answer):
    """Return what the page says, without its tags."""
    assert answer.status_code == 200, answer.text[:2000]
    return html.unescape(re.sub(r"<[^>]*>", " ", answer.text))


def test_no_template_of_the_records_lets_a_value_out_of_its_place(app):
    for folder in ("people", "companies", "tasks", "deals", "search"):
        for path in sorted((TEMPLATES / folder).glob("*.html")):
            assert faults_of(app.jinja_env, path.read_text()) == [], path


def test_the_empty_pages_say_what_to_do_next(anna):
    anna.sign_in()
    for path, words in [
        ("/people", "Connect Google"),
        ("/people/skipped", "Nothing was left out"),
        ("/companies", "No company yet"),
        ("/tasks", "Nothing to do"),
        ("/deals", "No deal yet"),
        ("/search", "at least three letters"),
        ("/search?q=nobody", "Nothing found"),
    ]:
        assert words in said(anna.get(path))


@pytest.mark.usefixtures("filled")
def test_the_list_shows_names_companies_and_last_contact_escaped(anna):
    answer = anna.get("/people")
    assert "Jane Doe" in said(answer)
    assert "Acme" in said(answer)
    assert "jane@acme.example" in said(answer)
    assert "<Doe>" not in answer.text


def test_a_persons_page_shows_facts_with_their_sources_and_the_timeline(anna, filled):
    words = said(anna.get(filled.page))
    for expected in (
        "Jane Doe",
        "CTO",
        "Google Contacts",
        "Gmail",
        "About the offer",
        "Kick-off",
        "Coming up",
        "You wrote to this address",
        "only as far as you share it",
    ):
        assert expected in words, expected


def test_a_note_a_task_and_a_deal_are_typed_on_a_persons_page(anna, filled):
    anna.post(f"{filled.page}/notes", {"body": "Likes <tea>"}, filled.page)
    anna.post(f"{filled.page}/tasks", {"title": "Send the offer", "due_on": "2020-01-31"}, filled.page)
    done = anna.post(f"{filled.page}/deals", {"title": "Big sale", "amount": "12500", "currency": "eur"}, filled.page)
    assert done.status_code == 303
    page = anna.get(filled.page)
    words = said(page)
    assert "Likes <tea>" in words
    assert "<tea>" not in page.text
    assert "Send the offer" in words
    assert "12,500.00 EUR" in words
    assert "Send the offer" in said(anna.get("/tasks"))
    assert "31 Jan 2020" in said(anna.get("/tasks"))
    assert "Big sale" in said(anna.get("/deals"))


@pytest.mark.usefixtures("filled")
def test_a_task_is_done_and_undone_and_removed(anna):
    anna.post("/tasks", {"title": "Call"}, "/tasks")
    path = re.search(r"/tasks/[0-9a-f-]+/done", anna.get("/tasks").text)[0]
    anna.post(path, {"done": "yes"}, "/tasks")
    assert "Nothing to do" in said(anna.get("/tasks"))
    assert "Call" in said(anna.get("/tasks"))
    anna.post(path, {"done": "no"}, "/tasks")
    assert "Nothing to do" not in said(anna.get("/tasks"))
    anna.post(path.replace("done", "remove"), {}, "/tasks")
    assert "Call" not in said(anna.get("/tasks"))
    left = anna.post(path.replace("done", "remove"), {"back": "//evil.example"}, "/tasks")
    assert left.status_code == 404


def test_where_somebody_works_is_withheld_with_the_connection_that_tells_it(anna, filled, runtime):
    anna.post(f"{filled.page}/notes", {"body": "Called"}, filled.page)
    rename = f"/companies/{filled.company_id}/edit"
    assert anna.post(rename, {"company_name": "What Anna calls it"}, rename).status_code == 303
    anna.post(f"{filled.page}/deals", {"title": "Sale"}, filled.page)
    pages = ["/people", filled.page, re.search(r"/deals/[0-9a-f-]{36}", anna.get("/deals").text)[0]]
    assert ["What Anna calls it" in said(anna.get(page)) for page in pages] == [True, True, True]
    with runtime.begin() as work:
        work.session.get_one(Grant, filled.mine).status = GrantStatus.SUSPENDED
    assert ["What Anna calls it" in said(anna.get(page)) for page in pages] == [False, False, False]
    assert "What Anna calls it" in said(anna.get("/companies")), "it is Anna's own word, where nobody works at it"


def test_how_many_people_there_are_is_withheld_with_a_connection_that_tells_of_them(anna, filled, runtime):
    assert "1 person" in said(anna.get("/people"))
    assert re.search(r"People\s+1 ", said(anna.get("/people/export")))
    with runtime.begin() as work:
        work.session.get_one(Grant, filled.mine).status = GrantStatus.SUSPENDED
    assert "1 person" not in said(anna.get("/people"))
    assert re.search(r"People\s+withheld .* Notes\s+0 ", said(anna.get("/people/export")), re.DOTALL)


@pytest.mark.usefixtures("filled")
def test_what_the_crm_holds_is_told_as_googles_and_how_far_the_sync_came_as_ours(anna, runtime):
    with runtime.sessions() as session:
        before = len(session.scalars(select(LogLeaf.id)).all())
    told = anna.get("/connections/counts").json
    assert told["crm"] == {"messages": 1, "threads": 1, "events": 1, "contacts": 1, "people": 1, "companies": 1}
    assert (told["collections"], told["retried"]) == ([], 0)
    with runtime.sessions() as session:
        (leaf,) = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))][before:]
    assert (leaf.feature, leaf.sink, set(leaf.labels)) == (
        "connections",
        "browser",
        {"gmail", "calendar", "contacts", "derived"},
    )


@pytest.mark.usefixtures("filled")
def test_a_deal_moves_is_edited_and_removed(anna):
    anna.post("/deals", {"title": "Sale", "amount": "10"}, "/deals")
    path = re.search(r"/deals/[0-9a-f-]{36}", anna.get("/deals").text)[0]
    assert anna.post(f"{path}/move", {"stage": "won"}, "/deals").status_code == 303
    form = {"title": "Sale two", "amount": "", "currency": "USD", "stage": "offered"}
    assert anna.post(path, form, path).status_code == 303
    assert "Sale two" in said(anna.get("/deals"))
    assert "Sale two" in anna.get(path).text
    assert anna.post(f"{path}/move", {"stage": "nowhere"}, "/deals").status_code == 422
    anna.post(f"{path}/remove", {}, path)
    assert anna.get(path).status_code == 404


def test_an_own_note_is_edited_and_removed(anna, filled):
    anna.post(f"{filled.page}/notes", {"body": "first words"}, filled.page)
    path = re.search(r"/notes/[0-9a-f-]{36}", anna.get(filled.page).text)[0]
    assert "first words" in anna.get(path).text
    anna.post(path, {"body": "second words"}, path)
    assert "second words" in said(anna.get(filled.page))
    anna.post(f"{path}/remove", {}, path)
    assert "second words" not in said(anna.get(filled.page))


def test_a_form_saved_unchanged_leaves_the_person_googles(anna, filled, runtime):
    form = dict(
        re.findall(
            r'name="(name|email|phone|title|organisation)"[^>]*? value="([^"]*)"', anna.get(f"{filled.page}/edit").text
        )
    )
    assert form["name"] == "Jane Doe"
    anna.post(f"{filled.page}/edit", form, f"{filled.page}/edit")
    with runtime.begin() as work:
        assert work.session.get_one(Person, filled.person_id).touched_at is None
    anna.post(f"{filled.page}/edit", {**form, "title": "Chief"}, f"{filled.page}/edit")
    assert "your team" in said(anna.get(filled.page))


@pytest.mark.usefixtures("filled")
def test_people_and_companies_are_added_by_hand_and_found(anna):
    made = anna.post("/people", {"name": "Kim Lee", "email": "kim@free.example"}, "/people/new")
    assert "Kim Lee" in said(anna.get(made.headers["Location"]))
    firm = anna.post("/companies", {"company_name": "Free Ltd", "domain": "free.example"}, "/companies")
    assert "Free Ltd" in said(anna.get(firm.headers["Location"]))
    for asked, expected in [
        ("kim", "Kim Lee"),
        ("jane acme", "Jane Doe"),
        ("free", "Free Ltd"),
        ("acme.example", "Jane"),
    ]:
        assert expected in said(anna.get(f"/search?q={asked}")), asked
    assert anna.post("/people", {"name": ""}, "/people/new").status_code == 422


@pytest.mark.usefixtures("filled")
def test_a_search_is_shown_back_escaped(anna):
    answer = anna.get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


@pytest.mark.usefixtures("filled")
def test_what_was_left_out_is_shown_with_its_reason_and_can_be_added(anna, runtime):
    words = said(anna.get("/people/skipped"))
    assert "letter@shop.example" in words
    assert "Only newsletters" in words
    with runtime.begin() as work:
        left_out = work.session.scalars(select(Correspondent.id).where(Correspondent.decision == "skipped")).one()
    made = anna.post(f"/people/skipped/{left_out}/add", {}, "/people/skipped")
    assert "You added this address" in said(anna.get(made.headers["Location"]))


def test_adding_to_the_crm_makes_the_person_the_teams(anna, filled):
    assert "Add to CRM" in said(anna.get(filled.page))
    anna.post(f"{filled.page}/keep", {}, filled.page)
    assert "Add to CRM" not in said(anna.get(filled.page))


def test_a_companys_page_shows_its_people_and_takes_a_note(anna, filled):
    path = f"/companies/{filled.company_id}"
    anna.post(f"{path}/notes", {"body": "Moves in May"}, path)
    words = said(anna.get(path))
    for expected in ("Acme", "acme.example", "Jane Doe", "About the offer", "Moves in May"):
        assert expected in words, expected
    assert "1 person you know" in words


def test_a_mail_that_gmail_does_not_give_is_shown_by_its_head(anna, filled):
    answer = anna.get(f"/messages/{filled.message_id}")
    assert "About the offer" in said(answer)
    assert "Jane Doe" in said(answer)


def test_lists_are_paged_by_cursors_that_serve_nobody_else(anna, filled):
    for n in range(60):
        filled.contact(filled.mine, f"Person {n}")
    filled.match_all(filled.mine)
    first = anna.get("/people")
    more = re.search(r'href="(/people\?after=[^"]+)"', first.text)[1]
    second = anna.get(html.unescape(more))
    assert "Back to the top" in said(second)
    assert anna.get("/people?after=bogus").status_code == 422
    assert len(re.findall('class="row-line"', first.text)) == 50
    assert len(re.findall('class="row-line"', second.text)) == 11


@pytest.mark.usefixtures("filled")
def test_what_is_not_there_is_not_found(anna):
    nobody = "01900000-0000-7000-8000-000000000000"
    for path in (
        f"/people/{nobody}",
        f"/companies/{nobody}",
        f"/messages/{nobody}",
        f"/deals/{nobody}",
        f"/notes/{nobody}",
    ):
        assert anna.get(path).status_code == 404, path


def test_another_organisation_finds_nothing_at_these_addresses(filled, app, runtime):
    from tests.signing_in import Person as Browser

    with runtime.begin() as work:
        assert work.session.scalars(select(Message.id)).all()
    stranger = Browser(app, "ben@northwind.example")
    if stranger.sign_in().status_code >= 400:
        pytest.skip("the local Google has no second account")
    for path in (filled.page, f"/companies/{filled.company_id}", f"/messages/{filled.message_id}"):
        assert stranger.get(path).status_code == 404
    assert "Jane" not in stranger.get("/search?q=jane").text.replace('value="jane"', "")
