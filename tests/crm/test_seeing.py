"""What each viewer sees: lists, pages, timelines and search, and nothing of another's account."""

import datetime as dt

import pytest
from sqlalchemy import select

from accounts.members import Viewer
from crm import companies, decisions, editing, people, timeline
from crm.models import Company, Person
from crm.paging import BadCursor, Cursors, Page, Position
from crm.search import search
from kernel.errors import NotFound
from limited_use.sealing import Labelled, Sealed

DAY = dt.timedelta(days=1)


@pytest.fixture
def two(world):
    """Ann wrote to Jane of Acme; Bob, of the same organisation, got a newsletter from her firm."""
    ann, bob = world.member("Ann"), world.member("Bob")
    mine, theirs = world.grant(ann), world.grant(bob)
    jane = world.hear(mine, "jane.doe@acme.example", name="Jane Doe", written_to=2)
    world.hear(theirs, "news@acme.example", name="Acme News", received_from=4, received_bulk=4)
    world.match_all(mine)
    world.match_all(theirs)
    with world.runtime.begin() as work:
        world.person_id = work.session.scalars(select(Person.id)).one()
        world.company_id = work.session.scalars(select(Company.id)).one()
    world.ann, world.bob, world.mine, world.theirs, world.jane = ann, bob, mine, theirs, jane
    return world


def ids(listing):
    return [row.id.value for row in listing]


def test_the_owner_sees_a_person_and_a_teammate_sees_none(two):
    with two.runtime.begin() as work:
        rows = people.list_people(work.session, two.ann).rows
        assert ids(rows) == [two.person_id]
        assert type(rows[0].name) is type(rows[0].email) is Sealed
        assert type(rows[0].last_contact) is type(rows[0].works_at) is type(rows[0].company) is Labelled
        assert two.vault.labels(rows[0].last_contact) == two.vault.labels(rows[0].name)
        assert people.list_people(work.session, two.bob).rows == ()
        assert two.opened(two.ann, people.count(work.session, two.ann)) == [1]
        assert two.opened(two.bob, people.count(work.session, two.bob)) == [0]
        assert companies.list_companies(work.session, two.bob).rows == ()
        for ask in (people.get, decisions.list_of_person):
            with pytest.raises(NotFound):
                ask(work.session, two.bob, two.person_id)
        for ask in (timeline.of_person, timeline.of_company):
            with pytest.raises(NotFound):
                ask(work.session, two.bob, two.person_id, Page(), two.now)


def test_a_touched_person_is_seen_by_all_without_the_facts_of_others(two):
    with two.runtime.begin() as work:
        editing.touch_person(work.session, two.ann, two.person_id, two.now)
    with two.runtime.begin() as work:
        shown = people.get(work.session, two.bob, two.person_id)
        assert shown.facts == ()
        assert shown.row.name is shown.row.email is shown.row.company is shown.row.last_contact is None
        assert shown.standing is people.Standing.TEAMMATES
        assert len(people.get(work.session, two.ann, two.person_id).facts) == 2


def test_only_people_of_users_are_listed_where_existence_must_be_native(two):
    with two.runtime.begin() as work:
        assert people.list_people(work.session, two.ann, users_only=True).rows == ()
        work.session.get_one(Person, two.person_id).touched_at = two.now
        assert ids(people.list_people(work.session, two.ann, users_only=True).rows) == [two.person_id]


@pytest.mark.parametrize("asked", ["jane", "doe jan", "jane.doe@acme.example", "acme.example", "jane acme"])
def test_search_finds_ones_own_and_nothing_of_a_teammates(two, asked):
    with two.runtime.begin() as work:
        mine = search(work.session, two.indexer, two.ann, asked)
        theirs = search(work.session, two.indexer, two.bob, asked)
    assert ids(mine.people) == [two.person_id]
    assert theirs.people == theirs.companies == ()


def test_search_needs_every_word_and_asks_for_something(two):
    with two.runtime.begin() as work:
        assert search(work.session, two.indexer, two.ann, "jane smith").people == ()
        assert not search(work.session, two.indexer, two.ann, " , ").asked
        assert ids(search(work.session, two.indexer, two.ann, "acme").companies) == [two.company_id]


def test_a_contact_outranks_mail_and_equal_values_are_shown_once(two):
    contact = two.contact(two.mine, "Jane D. Doe", "jane.doe@acme.example", title="CTO")
    two.match(two.mine, contacts=(contact,))
    with two.runtime.begin() as work:
        shown = people.get(work.session, two.ann, two.person_id)
    told = [(row.field.value, [source.value for source in row.sources]) for row in shown.facts]
    assert told == [
        ("name", ["contacts"]),
        ("name", ["gmail"]),
        ("email", ["contacts", "gmail"]),
        ("title", ["contacts"]),
    ]


def test_the_timeline_merges_mail_and_meetings_page_by_page_newest_first(two):
    expected = []
    for day in range(1, 8):
        at = two.now - day * DAY
        if day % 3:
            expected.append(two.message(two.mine, two.jane, f"mail {day}", at))
        else:
            two.meeting(two.mine, two.jane, f"meeting {day}", at)
            expected.append(None)
    seen, after = [], None
    with two.runtime.begin() as work:
        while True:
            listing = timeline.of_person(work.session, two.ann, two.person_id, Page(3, after), two.now)
            seen += listing.rows
            after = listing.next
            if after is None:
                break
        firm = timeline.of_company(work.session, two.ann, two.company_id, Page(), two.now)
    assert [row.id.value if row.kind == "message" else None for row in seen] == expected
    assert ids(firm.rows) == ids(seen)


def test_of_a_series_ahead_only_the_next_time_is_shown(two):
    two.meeting(two.mine, two.jane, "weekly", *(two.now + n * 7 * DAY for n in range(-2, 5)))
    with two.runtime.begin() as work:
        ahead = timeline.upcoming(work.session, two.ann, two.person_id, two.now)
        past = timeline.of_person(work.session, two.ann, two.person_id, Page(), two.now)
    assert len(ahead) == 1
    assert len(past.rows) == 3


def test_a_message_is_its_owners_alone(two):
    message = two.message(two.mine, two.jane, "hello")
    with two.runtime.begin() as work:
        assert timeline.own_message(work.session, two.ann, message).id == message
        with pytest.raises(NotFound):
            timeline.own_message(work.session, two.bob, message)


def test_people_are_paged_by_last_contact_without_loss(two):
    for n in range(5):
        two.hear(two.mine, f"p{n}@x{n}.example", written_to=1, last_at=two.now - n * DAY)
    two.contact(two.mine, "Nobody Yet")
    two.match_all(two.mine)
    seen, after = [], None
    with two.runtime.begin() as work:
        whole = ids(people.list_people(work.session, two.ann).rows)
        while True:
            listing = people.list_people(work.session, two.ann, Page(2, after))
            seen += ids(listing.rows)
            if (after := listing.next) is None:
                break
    assert seen == whole
    assert len(set(seen)) == 7


def test_each_skipped_address_is_shown_with_its_reason_to_its_owner_alone(two):
    with two.runtime.begin() as work:
        (row,) = decisions.list_skipped(work.session, two.bob).rows
        assert type(row.address) is Sealed
        assert type(row.reason) is Labelled
        assert decisions.list_skipped(work.session, two.ann).rows == ()
        (why,) = decisions.list_of_person(work.session, two.ann, two.person_id)
        assert why.source.value == "gmail"


def test_a_cursor_tells_nothing_and_serves_one_viewer_and_list(two):
    made = Cursors("s" * 32)
    position = Position(two.now, two.person_id)
    text = made.write(two.ann, "people", position)
    assert made.read(two.ann, "people", text) == position
    assert two.person_id.hex not in text
    assert text != made.write(two.ann, "people", position)
    assert made.read(two.ann, "people", "") is None
    assert "2026" not in repr(position)
    for viewer, name, cursor in [
        (two.bob, "people", text),
        (two.ann, "companies", text),
        (two.ann, "people", text[:-2] + "AA"),
        (two.ann, "people", "\u00fc"),
        (two.ann, "people", "x"),
    ]:
        with pytest.raises(BadCursor):
            made.read(viewer, name, cursor)


def test_another_organisation_sees_nothing(two):
    from accounts.models import Role
    from kernel.ids import new_id

    stranger = Viewer(new_id(), new_id(), Role.OWNER)
    with two.runtime.begin() as work:
        work.session.get_one(Person, two.person_id).touched_at = two.now
        work.session.flush()
        assert people.list_people(work.session, stranger).rows == ()
        with pytest.raises(NotFound):
            people.get(work.session, stranger, two.person_id)
