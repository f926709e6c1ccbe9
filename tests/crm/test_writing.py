"""What users write, on what came from Google and beside it."""

import datetime as dt

import pytest
from sqlalchemy import select

from crm import deals, editing, notes, people, tasks, timeline
from crm.jobs import tidy_organisation
from crm.matching.store import merge
from crm.models import Company, Contact, Correspondent, Fact, FactTerm, Note, Participation, Person
from crm.paging import Page
from crm.pen import LONGEST_TEXT, pen
from crm.search import search
from crm.tidy import tidy
from kernel.errors import BadInput, Forbidden, NotFound, TooLarge
from limited_use.labels import NATIVE


@pytest.fixture
def desk(world):
    """Ann wrote to Jane; Bob is a teammate; a pen lies ready."""
    world.ann, world.bob = world.member("Ann"), world.member("Bob")
    world.mine, world.theirs = world.grant(world.ann), world.grant(world.bob)
    world.jane = world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    world.person_id = world.decisions()[world.jane][2]
    world.pen = pen(world.runtime, world.organisation_id)
    return world


def shown(world, viewer, person_id, field):
    with world.runtime.begin() as work:
        page = people.get(work.session, viewer, person_id)
    return [[source.value for source in row.sources] for row in page.facts if row.field.value == field]


def test_a_note_makes_the_person_the_organisations_own(desk):
    with desk.runtime.begin() as work:
        notes.write_about_person(work.session, desk.pen, desk.ann, desk.person_id, " Likes tea. \r\n", desk.now)
    with desk.runtime.begin() as work:
        (entry,) = timeline.of_person(work.session, desk.bob, desk.person_id, Page(), desk.now).rows
        assert entry.kind == "note"
        assert not entry.is_mine
        assert entry.author.value == "Ann"
        assert desk.vault.labels(entry.text) == NATIVE


def test_a_teammate_cannot_write_about_somebody_they_may_not_see(desk):
    with desk.runtime.begin() as work, pytest.raises(NotFound):
        notes.write_about_person(work.session, desk.pen, desk.bob, desk.person_id, "hello", desk.now)
    with desk.runtime.begin() as work, pytest.raises(NotFound):
        tasks.add(work.session, desk.pen, desk.bob, tasks.Typed("call", None, desk.person_id), desk.now)
    with desk.runtime.begin() as work, pytest.raises(NotFound):
        deals.add(work.session, desk.pen, desk.bob, deals.Typed("sale", person_id=desk.person_id), desk.now)
    assert desk.count(Note) == 0


def test_only_its_author_changes_a_note_and_a_manager_may_remove_it(desk):
    with desk.runtime.begin() as work:
        note = notes.write_about_person(work.session, desk.pen, desk.ann, desk.person_id, "one", desk.now)
    with desk.runtime.begin() as work, pytest.raises(Forbidden):
        notes.change(work.session, desk.pen, desk.bob, note, "two", desk.now)
    with desk.runtime.begin() as work, pytest.raises(Forbidden):
        notes.remove(work.session, desk.bob, note)
    with desk.runtime.begin() as work:
        notes.change(work.session, desk.pen, desk.ann, note, "two", desk.now)
        notes.remove(work.session, desk.ann, note)
    assert desk.count(Note) == 0


@pytest.mark.parametrize(("text", "error"), [("  \n ", BadInput), ("x" * (LONGEST_TEXT + 1), TooLarge)])
def test_a_note_has_its_limits_and_the_error_repeats_nothing(desk, text, error):
    with desk.runtime.begin() as work, pytest.raises(error) as refused:
        notes.write_about_person(work.session, desk.pen, desk.ann, desk.person_id, text, desk.now)
    assert "xxx" not in str(refused.value)


def test_typing_what_google_told_stores_nothing_native(desk):
    with desk.runtime.begin() as work:
        typed = {"name": " jane  DOE", "email": "Jane@Acme.example"}
        assert not editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, typed, desk.now)
        assert work.session.get_one(Person, desk.person_id).touched_at is None
    assert shown(desk, desk.ann, desk.person_id, "name") == [["gmail"]]


def test_what_a_user_typed_outranks_google_and_can_be_taken_back(desk):
    with desk.runtime.begin() as work:
        assert editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": "Jane D."}, desk.now)
    assert shown(desk, desk.ann, desk.person_id, "name") == [["user"], ["gmail"]]
    with desk.runtime.begin() as work:
        assert not editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": "Jane D."}, desk.now)
        assert search(work.session, desk.indexer, desk.bob, "jane").people, "what users wrote is found by all"
        assert editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": "Jane Doe"}, desk.now)
    assert shown(desk, desk.ann, desk.person_id, "name") == [["gmail"]]


def test_a_value_that_replaces_another_stands_in_its_row_and_is_found_by_its_own_terms_alone(desk):
    rows = []
    for typed in ("Joan of Kestrel", "Joan of Heron"):
        with desk.runtime.begin() as work:
            assert editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": typed}, desk.now)
            rows.append(work.session.scalars(select(Fact).where(Fact.source == "user")).one())
            assert search(work.session, desk.indexer, desk.bob, typed).people
    assert rows[0].id == rows[1].id
    assert rows[0].value_index != rows[1].value_index
    with desk.runtime.begin() as work:
        assert not search(work.session, desk.indexer, desk.bob, "kestrel").people


def test_of_several_values_that_users_gave_a_field_the_one_that_was_shown_is_replaced_and_the_others_stay(desk):
    with desk.runtime.begin() as work:
        other = editing.create_person(work.session, desk.pen, desk.ann, {"name": "Janet"}, desk.now)
        later = desk.now + dt.timedelta(hours=1)
        editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": "Jane D."}, later)
        merge(work.session, other, desk.person_id)
    own = select(Fact.id).where(Fact.source == "user", Fact.person_id == desk.person_id, Fact.field == "name")
    with desk.runtime.begin() as work:
        shown_id = people.get(work.session, desk.ann, desk.person_id).facts[0].id.value
        both = set(work.session.scalars(own).all())
        later = desk.now + dt.timedelta(hours=2)
        for typed, left in (("Jane Dee", both), ("", both - {shown_id}), ("", set())):
            assert editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": typed}, later)
            assert set(work.session.scalars(own).all()) == left


def test_of_several_values_the_one_that_is_typed_again_is_the_one_that_is_left(desk):
    with desk.runtime.begin() as work:
        other = editing.create_person(work.session, desk.pen, desk.ann, {"name": "Janet"}, desk.now)
        later = desk.now + dt.timedelta(hours=1)
        editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, {"name": "Jane D."}, later)
        merge(work.session, other, desk.person_id)
        for is_news in (True, False):
            typed = {"name": "Janet"}
            left = editing.edit_person(work.session, desk.pen, desk.ann, desk.person_id, typed, later)
            assert (left is not None) is is_news
    own = select(Fact.value_index).where(Fact.source == "user", Fact.person_id == desk.person_id)
    with desk.runtime.begin() as work:
        assert work.session.scalars(own).all() == [desk.pen.index("name", "Janet")]


def test_an_address_that_no_rule_made_a_person_of_is_googles_also_when_its_owner_types_it(desk):
    desk.hear(desk.mine, "lead@secret.example", name="Secret Lead", received_from=1)
    desk.match_all(desk.mine)
    typed = {"name": "Secret Lead", "email": "lead@secret.example", "phone": "+49 30 1234567"}
    with desk.runtime.begin() as work:
        person_id = editing.create_person(work.session, desk.pen, desk.ann, typed, desk.now)
    for field, source in (("name", "gmail"), ("email", "gmail"), ("phone", "user")):
        assert shown(desk, desk.ann, person_id, field) == [[source]]
    assert all(desk.decisions()[row][2] != person_id for row in (desk.jane,))
    with desk.runtime.begin() as work:
        theirs = editing.create_person(work.session, desk.pen, desk.bob, {"email": "bobs@own.example"}, desk.now)
    assert shown(desk, desk.bob, theirs, "email") == [["user"]]


@pytest.mark.parametrize("name", ["Acme", "ACME ", ""])
def test_a_company_typed_as_google_tells_it_keeps_googles_label(desk, name):
    with desk.runtime.begin() as work:
        known = work.session.scalars(select(Fact.company_id).where(Fact.field == "domain")).one()
        typed = {"company_name": name, "domain": "acme.example"}
        assert editing.create_company(work.session, desk.pen, desk.ann, typed, desk.now) == known
        assert not work.session.scalars(select(Fact.id).where(Fact.source == "user")).all()


def test_a_domain_typed_again_leaves_the_companys_own_name(desk):
    with desk.runtime.begin() as work:
        known = work.session.scalars(select(Fact.company_id).where(Fact.field == "domain")).one()
        editing.edit_company(work.session, desk.pen, desk.ann, known, "Acme Holding", desk.now)
        assert not editing.edit_company(work.session, desk.pen, desk.ann, known, "Acme Holding", desk.now)
        editing.create_company(work.session, desk.pen, desk.ann, {"domain": "acme.example"}, desk.now)
    own = select(Fact.value_index).where(Fact.source == "user", Fact.field == "company_name")
    with desk.runtime.begin() as work:
        assert work.session.scalars(own).all() == [desk.pen.index("company_name", "Acme Holding")]


def test_a_person_typed_with_a_known_address_is_that_person(desk):
    with desk.runtime.begin() as work:
        same = editing.create_person(
            work.session, desk.pen, desk.bob, {"name": "J. Doe", "email": "JANE@acme.example"}, desk.now
        )
    assert desk.decisions()[desk.jane][2] == same, "what Ann's account told is of this person now"
    assert same != desk.person_id, "by its id Bob would know one that he had seen before"
    assert shown(desk, desk.ann, same, "name") == [["user"], ["gmail"]]
    assert shown(desk, desk.bob, same, "name") == [["user"]]
    assert shown(desk, desk.bob, same, "email") == [["user"]], "Bob typed it himself: to him it tells nothing"
    assert desk.count(Person) == 1


def test_mail_that_comes_later_joins_the_person_a_user_typed(desk):
    with desk.runtime.begin() as work:
        person = editing.create_person(
            work.session, desk.pen, desk.bob, {"name": "Kim", "email": "kim@free.example"}, desk.now
        )
    heard = desk.hear(desk.mine, "kim@free.example", received_from=1)
    desk.match(desk.mine, heard)
    assert desk.decisions()[heard] == ("person", "in_crm", person)


@pytest.mark.parametrize("typed", [{}, {"name": " ", "email": ""}, {"email": "no address"}, {"name": "x" * 201}])
def test_a_person_needs_a_name_or_an_address_that_can_be_one(desk, typed):
    with desk.runtime.begin() as work, pytest.raises((BadInput, TooLarge)):
        editing.create_person(work.session, desk.pen, desk.ann, typed, desk.now)


def test_a_skipped_address_can_be_added_by_its_owner_alone(desk):
    robot = desk.hear(desk.mine, "no-reply@shop.example", received_from=3)
    desk.match(desk.mine, robot)
    with desk.runtime.begin() as work, pytest.raises(NotFound):
        editing.add_correspondent(work.session, desk.bob, robot, desk.now)
    with desk.runtime.begin() as work:
        person = editing.add_address(work.session, desk.ann, desk.index("no-reply@shop.example"), desk.now)
        assert editing.add_correspondent(work.session, desk.ann, robot, desk.now) == person
    assert desk.decisions()[robot] == ("person", "added", person)
    desk.match(desk.mine, robot)
    assert desk.decisions()[robot] == ("person", "added", person)
    assert shown(desk, desk.ann, person, "email") == [["gmail"]], "the address stays Google's"
    with desk.runtime.begin() as work, pytest.raises(NotFound):
        editing.add_address(work.session, desk.ann, desk.index("never@heard.example"), desk.now)


def test_a_company_is_one_by_its_domain(desk):
    with desk.runtime.begin() as work:
        typed = {"company_name": "Acme Inc.", "domain": "https://www.acme.example/about"}
        acme = editing.create_company(work.session, desk.pen, desk.bob, typed, desk.now)
        assert work.session.scalars(select(Company.id)).one() == acme
        assert work.session.scalars(select(Person.company_id)).one() == acme, "and Jane, whom Ann knows, works there"
        assert editing.create_company(work.session, desk.pen, desk.ann, typed, desk.now) == acme
        other = editing.create_company(work.session, desk.pen, desk.bob, {"company_name": "Other"}, desk.now)
        assert other != acme
    for typed in ({"company_name": ""}, {"domain": "gmail.com"}, {"domain": "no domain"}):
        with desk.runtime.begin() as work, pytest.raises(BadInput):
            editing.create_company(work.session, desk.pen, desk.bob, typed, desk.now)


def test_tasks_are_ones_own_listed_by_day_and_done_once(desk):
    today = desk.now.date()
    with desk.runtime.begin() as work:
        for title, days in (("later", 3), ("today", 0), ("whenever", None)):
            due = None if days is None else today + dt.timedelta(days=days)
            typed = tasks.Typed(title, due, desk.person_id if days == 0 else None)
            tasks.add(work.session, desk.pen, desk.ann, typed, desk.now)
    with desk.runtime.begin() as work:
        rows = tasks.list_open(work.session, desk.ann, today).rows
        assert [row.is_due for row in rows] == [True, False, False]
        assert rows[0].person.id.value == desk.person_id
        first = rows[0].id.value
        assert tasks.list_open(work.session, desk.bob, today).rows == ()
        with pytest.raises(NotFound):
            tasks.set_done(work.session, desk.bob, first, desk.now, done=True)
        tasks.set_done(work.session, desk.ann, first, desk.now, done=True)
        tasks.set_done(work.session, desk.ann, first, desk.now + dt.timedelta(days=1), done=True)
        assert tasks.own(work.session, desk.ann, first).done_at == desk.now
        assert len(tasks.list_done(work.session, desk.ann, today)) == 1
        paged = tasks.list_open(work.session, desk.ann, today, Page(1))
        assert len(tasks.list_open(work.session, desk.ann, today, Page(1, paged.next)).rows) == 1


def test_deals_are_the_organisations_and_hide_whom_a_teammate_may_not_see(desk):
    with desk.runtime.begin() as work:
        company = work.session.get_one(Person, desk.person_id).company_id
        deal = deals.add(
            work.session, desk.pen, desk.ann, deals.Typed("Big", amount="12 500.50", person_id=desk.person_id), desk.now
        )
    with desk.runtime.begin() as work:
        mine, theirs = (deals.get(work.session, viewer, deal) for viewer in (desk.ann, desk.bob))
        assert str(mine.amount.value) == "12500.50"
        assert mine.person.company_id == company
        assert theirs.person.company_id is None, "nobody wrote to the company itself, so it is Ann's alone"
        assert mine.company is theirs.company is None, "the deal itself names none"
        assert theirs.person.name is None
        assert len(deals.list_of_person(work.session, desk.bob, desk.person_id)) == 1
        deals.move(work.session, desk.bob, deal, "won", desk.now)
        board = deals.list_by_stage(work.session, desk.ann)
        assert [len(board[stage]) for stage in deals.Stage] == [0, 0, 0, 1, 0]
    for typed in (
        deals.Typed("x", amount="1e99"),
        deals.Typed("x", amount="-1"),
        deals.Typed("x", amount="NaN"),
        deals.Typed("x", stage="?"),
        deals.Typed("x", currency="E"),
        deals.Typed(""),
    ):
        with desk.runtime.begin() as work, pytest.raises(BadInput):
            deals.change(work.session, desk.pen, desk.ann, deal, typed, desk.now)


def _forget(world, grant_id):
    """Take everything that the grant told, as a purge does."""
    with world.runtime.begin() as work:
        for model in (FactTerm, Fact, Participation, Correspondent, Contact):
            for row in work.session.scalars(select(model).where(model.grant_id == grant_id)).all():
                work.session.delete(row)
                work.session.flush()


def test_after_a_purge_rule_made_people_go_and_what_users_wrote_stays(desk):
    kept = desk.person_id
    desk.hear(desk.mine, "gone@x.example", written_to=1)
    desk.match_all(desk.mine)
    with desk.runtime.begin() as work:
        notes.write_about_person(work.session, desk.pen, desk.ann, kept, "remember", desk.now)
    _forget(desk, desk.mine)
    with desk.runtime.begin() as work:
        assert tidy(work.session, desk.organisation_id) == 3  # a person and both companies
        assert tidy(work.session, desk.organisation_id) == 0
    with desk.runtime.begin() as work:
        page = people.get(work.session, desk.ann, kept)
        assert page.standing is people.Standing.REMOVED
        assert len(timeline.of_person(work.session, desk.ann, kept, Page(), desk.now).rows) == 1
    assert desk.count(Person) == 1


def test_tidying_leaves_everybody_of_whom_something_is_told(desk):
    with desk.runtime.begin() as work:
        assert tidy(work.session, desk.organisation_id) == 0
    assert callable(tidy_organisation)
    assert desk.count(Person) == 1
