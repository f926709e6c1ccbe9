"""People made by rule, on the real database."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from crm import editing
from crm.matching import hold, match, match_addresses
from crm.models import Company, Contact, Correspondent, Fact, Note, Person, Suppression
from crm.pen import pen
from limited_use.keys import KeyPurpose


@pytest.mark.parametrize(
    ("address", "known", "outcome"),
    [
        ("jane@acme.example", {"written_to": 1}, ("person", "wrote_to")),
        ("jane@acme.example", {"written_to": 1, "received_from": 9, "received_bulk": 9}, ("person", "wrote_to")),
        ("jane@acme.example", {"met": 1}, ("person", "met")),
        ("jane@acme.example", {"received_from": 3, "received_bulk": 1}, ("skipped", "only_received")),
        ("jane@acme.example", {"received_from": 3, "received_bulk": 3}, ("skipped", "bulk_only")),
        ("jane@acme.example", {}, ("skipped", "only_copied")),
        ("no-reply@acme.example", {"written_to": 4}, ("skipped", "robot")),
        ("info@acme.example", {"written_to": 4, "met": 1}, ("skipped", "role_address")),
        ("dev@lists.acme.example", {"written_to": 4, "is_list": True}, ("skipped", "mailing_list")),
        ("me@acme.example", {"written_to": 4, "is_own": True}, ("skipped", "own_address")),
        ("col@own.example", {"written_to": 4, "is_colleague": True}, ("skipped", "own_domain")),
    ],
)
def test_each_address_is_decided_with_its_reason(world, address, known, outcome):
    grant = world.grant(world.member())
    row = world.hear(grant, address, **known)
    world.match(grant, row)
    assert world.decisions()[row][:2] == outcome
    assert world.count(Person) == (outcome[0] == "person")


def test_matching_twice_changes_nothing(world):
    grant = world.grant(world.member())
    world.hear(grant, "jane@acme.example", written_to=1, name="Jane")
    world.hear(grant, "news@acme.example", received_from=2, received_bulk=2)
    world.contact(grant, "Bo", "bo@free.example", "bo@acme.example")
    world.contact(grant, "No Address")
    first = world.match_all(grant)
    before = world.decisions()
    again = world.match_all(grant)
    assert first.people == 3
    assert (again.people, again.merged, again.companies) == (0, 0, 0)
    assert world.decisions() == before


def test_what_one_source_shows_decides_for_all_sources_of_the_grant(world):
    grant = world.grant(world.member())
    mail = world.hear(grant, "jane@acme.example", received_from=1)
    world.match(grant, mail)
    met = world.hear(grant, "jane@acme.example", "calendar", met=2)
    world.match(grant, met)
    decided = world.decisions()
    assert decided[mail] == decided[met]
    assert decided[mail][:2] == ("person", "met")


def test_later_evidence_never_takes_a_person_back(world):
    grant = world.grant(world.member())
    row = world.hear(grant, "jane@acme.example", written_to=1)
    world.match(grant, row)
    with world.runtime.begin() as work:
        told = work.session.get_one(Correspondent, row)
        told.written_to, told.is_list = 0, True
    world.match(grant, row)
    assert world.decisions()[row][:2] == ("person", "wrote_to")


def test_another_members_mail_decides_nothing_for_me_but_one_address_is_one_person(world):
    mine, theirs = world.grant(world.member("Ann")), world.grant(world.member("Bob"))
    wrote = world.hear(mine, "jane@acme.example", written_to=1)
    got = world.hear(theirs, "jane@acme.example", received_from=1)
    world.match(mine, wrote)
    world.match(theirs, got)
    assert world.decisions()[got] == ("skipped", "only_received", None)
    met = world.hear(theirs, "jane@acme.example", "calendar", met=1)
    world.match(theirs, met)
    decided = world.decisions()
    assert decided[got][2] == decided[met][2] == decided[wrote][2] is not None
    assert world.count(Person) == 1


def test_a_contact_joins_the_people_of_its_addresses_and_what_users_wrote_survives(world):
    viewer = world.member()
    grant = world.grant(viewer)
    work_mail = world.hear(grant, "jane@acme.example", written_to=1)
    home = world.hear(grant, "jane@home.example", written_to=1)
    world.match_all(grant)
    people = [world.decisions()[row][2] for row in (work_mail, home)]
    sealer = world.vault.sealer(world.organisation_id, KeyPurpose.CONTENT)
    with world.runtime.begin() as work:
        for person_id in people:
            note = Note(organisation_id=world.organisation_id, author_id=viewer.member_id, person_id=person_id)
            note.id = person_id
            note.body = sealer.seal("notes", "body", note.id, "kept")
            note.created_at = note.updated_at = world.now
            work.session.add(note)
        touched = work.session.get_one(Person, people[1])
        touched.touched_at, touched.known_by = world.now, [viewer.member_id]
    contact = world.contact(grant, "Jane", "jane@acme.example", "jane@home.example")
    matched = world.match(grant, contacts=(contact,))
    assert matched.merged == 1
    with world.runtime.begin() as work:
        person = work.session.scalars(select(Person)).one()
        assert person.id == people[1], "the one that a user touched is kept"
        assert {note.person_id for note in work.session.scalars(select(Note))} == {person.id}
        assert work.session.get_one(Contact, contact).person_id == person.id
        personal = select(Fact.person_id).where(Fact.field.in_(("name", "email")))
        assert set(work.session.scalars(personal)) == {person.id}


@pytest.mark.parametrize("order", [("mine", "theirs"), ("theirs", "mine")])
def test_contacts_of_two_members_join_no_two_people_whom_users_typed(world, order):
    ann = world.member("Ann")
    grants = {"mine": world.grant(ann), "theirs": world.grant(world.member("Bob"))}
    ours = pen(world.runtime, world.organisation_id)
    held = {name: ("jane@acme.example", f"{name}@home.example", "bo@free.example") for name in grants}
    with world.runtime.begin() as work:
        jane, bo = (
            editing.create_person(work.session, ours, ann, {"email": address}, world.now)
            for address in ("jane@acme.example", "bo@free.example")
        )
        work.session.get_one(Person, bo).created_at += dt.timedelta(days=1)
    contacts = {name: world.contact(grants[name], name, *held[name]) for name in order}
    for name in order:
        assert world.match_all(grants[name]).merged == 0
    before = world.decisions()
    for name in reversed(order):
        matched = world.match_all(grants[name])
        assert (matched.people, matched.merged) == (0, 0)
    assert world.decisions() == before
    with world.runtime.begin() as work:
        assert {work.session.get_one(Contact, row).person_id for row in contacts.values()} == {jane}
        owners = {row.address_index: row.person_id for row in work.session.scalars(select(Correspondent))}
    assert owners.pop(world.index("bo@free.example")) == bo
    assert set(owners.values()) == {jane}
    assert world.count(Person) == 2


def test_a_contact_follows_its_addresses_to_whom_users_typed_them_of(world):
    ann = world.member("Ann")
    grant, ours = world.grant(ann), pen(world.runtime, world.organisation_id)
    contact = world.contact(grant, "Jane", "jane@acme.example")
    world.match_all(grant)
    with world.runtime.begin() as work:
        jane, bo = (
            editing.create_person(work.session, ours, ann, {"name": "Typed", "email": address}, world.now)
            for address in ("jane@acme.example", "bo@free.example")
        )
        editing.edit_person(work.session, ours, ann, jane, {"email": "jane@home.example"}, world.now)
        for fact in work.session.scalars(select(Fact).where(Fact.contact_id == contact, Fact.field == "email")):
            fact.value_index = world.index("bo@free.example")
    world.match_all(grant)
    with world.runtime.begin() as work:
        assert work.session.get_one(Contact, contact).person_id == bo
    assert world.count(Person) == 2


def test_a_shared_mailbox_held_in_two_contacts_does_not_make_them_one_person(world):
    grant = world.grant(world.member())
    world.contact(grant, "Jane", "jane@acme.example", "office@acme.example")
    world.contact(grant, "Bo", "bo@acme.example", "office@acme.example")
    lone = world.contact(grant, "Acme Support", "support@acme.example")
    world.match_all(grant)
    assert world.count(Person) == 3
    with world.runtime.begin() as work:
        reasons = {row.address_index: row.reason for row in work.session.scalars(select(Correspondent)) if row.is_role}
        assert work.session.get_one(Contact, lone).person_id is not None
    assert reasons[world.index("office@acme.example")] == "role_address"
    assert reasons[world.index("support@acme.example")] == "is_contact"


def test_my_own_card_is_no_person(world):
    grant = world.grant(world.member())
    own = world.hear(grant, "ann@own.example", is_own=True)
    contact = world.contact(grant, "Ann", "ann@own.example")
    world.match(grant, own, contacts=(contact,))
    assert world.count(Person) == 0


def test_a_suppressed_address_makes_no_person(world):
    grant = world.grant(world.member())
    row = world.hear(grant, "jane@acme.example", written_to=1)
    with world.runtime.begin() as work:
        suppression = Suppression(organisation_id=world.organisation_id, created_at=world.now)
        suppression.address_index = world.index("jane@acme.example")
        work.session.add(suppression)
    world.match(grant, row)
    assert world.decisions()[row][:2] == ("skipped", "suppressed")


def test_who_writes_from_one_domain_works_at_one_company_and_free_mail_is_none(world):
    mine, theirs = world.grant(world.member("Ann")), world.grant(world.member("Bob"))
    world.hear(mine, "jane@acme.example", written_to=1)
    world.hear(mine, "bo@mail.acme.example", met=1)
    world.hear(mine, "kim@gmail.com", written_to=1)
    world.hear(theirs, "news@acme.example", received_from=5, received_bulk=5)
    world.match_all(mine)
    world.match_all(theirs)
    with world.runtime.begin() as work:
        company = work.session.scalars(select(Company)).one()
        homes = [person.company_id for person in work.session.scalars(select(Person))]
        told = {fact.grant_id for fact in work.session.scalars(select(Fact).where(Fact.company_id == company.id))}
    assert sorted(home is None for home in homes) == [False, False, True]
    assert told == {mine}, "a newsletter's domain joins no company page"


def test_a_touched_person_takes_in_other_members_mail_with_the_same_address(world):
    ann = world.member("Ann")
    mine, theirs = world.grant(ann), world.grant(world.member("Bob"))
    wrote = world.hear(mine, "jane@acme.example", written_to=1)
    world.match(mine, wrote)
    with world.runtime.begin() as work:
        person = work.session.scalars(select(Person)).one()
        person.touched_at, person.known_by = world.now, [ann.member_id]
    got = world.hear(theirs, "jane@acme.example", received_from=1)
    world.match(theirs, got)
    assert world.decisions()[got][:2] == ("person", "in_crm")
    assert world.decisions()[got][2] == world.decisions()[wrote][2]


def test_two_grants_at_once_make_one_person_of_one_address(world, another_runtime):
    grants = [world.grant(world.member(name)) for name in ("Ann", "Bob", "Cyd")]
    rows = [world.hear(grant, "jane@acme.example", written_to=1) for grant in grants]
    ready = threading.Barrier(3)

    def run(grant, row, runtime):
        ready.wait()
        with runtime.begin() as work:
            match(work.session, world.organisation_id, grant, [row], world.now)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(run, *pair, another_runtime()) for pair in zip(grants, rows, strict=True)]:
            done.result(30)
    assert world.count(Person) == 1
    assert len({world.decisions()[row][2] for row in rows}) == 1


def test_a_revoked_grant_is_not_looked_at(world):
    from accounts.models import Grant, GrantStatus

    mine, theirs = world.grant(world.member("Ann")), world.grant(world.member("Bob"))
    old = world.hear(mine, "jane@acme.example", written_to=1)
    with world.runtime.begin() as work:
        work.session.get_one(Grant, mine).status = GrantStatus.REVOKED
    fresh = world.hear(theirs, "jane@acme.example", written_to=1)
    world.match(theirs, fresh)
    assert world.decisions()[old][0] == "waiting"


def test_holding_and_matching_nothing_is_no_work(world):
    with world.runtime.begin() as work:
        hold(work.session, world.organisation_id)
        assert match_addresses(work.session, world.organisation_id, (), world.now).people == 0
