"""What a curious teammate could infer of another's account from what the organisation shares."""

import datetime as dt

import pytest
from sqlalchemy import select

from accounts.models import GrantStatus
from addon import lookup
from addon.people import panel_of
from crm import companies, deals, editing, notes, people, timeline
from crm.models import Company, Contact, Correspondent, Person
from crm.paging import Page
from crm.pen import pen
from crm.tidy import tidy
from crm.visibility import sight_of


@pytest.fixture
def shared(world, ann, bob):
    """Ann's mail alone knows Jane at Acme; both Jane and Acme are the organisation's by what users wrote."""
    world.mine = world.grant(ann)
    world.theirs = world.grant(bob)
    world.hear(world.mine, "jane@acme.example", name="Jane", written_to=1)
    world.match_all(world.mine)
    world.pen = pen(world.runtime, world.organisation_id)
    with world.runtime.begin() as work:
        world.jane = work.session.scalars(select(Person.id)).one()
        typed = {"company_name": "Acme", "domain": "acme.example"}
        world.acme = editing.create_company(work.session, world.pen, bob, typed, world.now)
        typed = deals.Typed("Big", person_id=world.jane)
        world.deal = deals.add(work.session, world.pen, ann, typed, world.now)
    return world


def test_where_somebody_works_is_for_those_whose_own_mail_tells_it(shared, ann, bob):
    with shared.runtime.begin() as work:
        session = work.session
        assert people.get(session, ann, shared.jane).row.company_id == shared.acme
        seen = people.get(session, bob, shared.jane).row
        assert (seen.works_at, seen.company, seen.company_id) == (None, None, None)
        assert [len(people.list_of_company(session, who, shared.acme).rows) for who in (ann, bob)] == [1, 0]


def test_a_deal_does_not_tell_a_teammate_where_the_person_works(shared, ann, bob):
    with shared.runtime.begin() as work:
        session = work.session
        assert deals.get(session, ann, shared.deal).person.company_id == shared.acme
        assert deals.get(session, bob, shared.deal).person.company_id is None
        assert [len(deals.list_of_company(session, who, shared.acme)) for who in (ann, bob)] == [1, 0]


def test_a_companys_timeline_does_not_tell_a_teammate_who_works_there(shared, ann, bob):
    with shared.runtime.begin() as work:
        notes.write_about_person(work.session, shared.pen, ann, shared.jane, "Met for lunch", shared.now)
    with shared.runtime.begin() as work:
        later = shared.now + dt.timedelta(days=1)
        found = [timeline.of_company(work.session, who, shared.acme, Page(), later).rows for who in (ann, bob)]
    assert [len(rows) for rows in found] == [1, 0]


def test_neither_page_nor_card_tells_what_only_another_address_of_the_person_tells(shared, ann, bob):
    """Ann's contacts say that Jane has a private address, too; Bob knows that one alone."""
    held = shared.contact(shared.mine, "Jane", "jane@acme.example", "jane@gmail.com")
    heard = shared.hear(shared.theirs, "jane@gmail.com", written_to=1)
    shared.match_all(shared.mine)
    shared.match_all(shared.theirs)
    with shared.runtime.begin() as work:
        session = work.session
        assert session.get_one(Contact, held).person_id == session.get_one(Correspondent, heard).person_id
        for viewer, knows in ((ann, True), (bob, False)):
            sight = sight_of(session, viewer)
            mine = select(Correspondent.id).where(Correspondent.grant_id.in_(sight.grant_ids)).limit(1)
            found = lookup.participant(session, sight, session.scalars(mine).one())
            assert (panel_of(session, sight, found, shared.now).company is not None) is knows
            assert (people.get(session, viewer, shared.jane).row.company is not None) is knows


def test_where_somebody_works_goes_with_the_connection_that_told_it(shared, ann):
    with shared.runtime.begin() as work:
        shared_rows = select(Correspondent).where(Correspondent.grant_id == shared.mine)
        for row in work.session.scalars(shared_rows):
            work.session.delete(row)
    with shared.runtime.begin() as work:
        assert tidy(work.session, shared.organisation_id) == 1
        assert tidy(work.session, shared.organisation_id) == 0
        assert work.session.get_one(Person, shared.jane).company_id is None
        assert companies.get(work.session, ann, shared.acme).row.is_users.value


def test_no_id_of_a_shared_record_tells_when_it_was_made(shared, bob):
    with shared.runtime.begin() as work:
        typed = {"name": "Kim", "email": "kim@else.example"}
        editing.create_person(work.session, shared.pen, bob, typed, shared.now)
        ids = [*work.session.scalars(select(Person.id)), *work.session.scalars(select(Company.id))]
    assert {found.version for found in ids} == {4}


def test_a_grant_that_ended_places_nobody(shared, ann):
    shared.set_status(shared.mine, GrantStatus.REVOKED)
    with shared.runtime.begin() as work:
        assert people.get(work.session, ann, shared.jane).row.company_id is None
