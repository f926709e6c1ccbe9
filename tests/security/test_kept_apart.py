"""Two people whom users wrote down stay two, whatever a contact at Google says: nobody is told, and nothing is lost."""

import json

import pytest
from sqlalchemy import select

from accounts.models import Grant, GrantStatus
from crm import editing, notes, people, tidy
from crm.models import Contact, Correspondent, Fact, Person
from crm.pen import pen
from oauth import purge

ALPHA = {"name": "Alpha One", "email": "alpha@one.example"}
BETA = {"name": "Beta Two", "email": "beta@two.example"}
BOTH = (ALPHA["email"], BETA["email"])


@pytest.fixture
def keys(world):
    return pen(world.runtime, world.organisation_id)


def typed(world, keys, viewer, fields):
    with world.runtime.begin() as work:
        return editing.create_person(work.session, keys, viewer, fields, world.now)


def said_at_google(world, viewer):
    """A member's own account holds both addresses in one contact, and has mail with each; returns the grant."""
    made = world.grant(viewer)
    world.contact(made, "Alpha alias Beta", *BOTH)
    for address in BOTH:
        world.hear(made, address, written_to=1)
    world.match_all(made)
    return made


def end(world, grant_id):
    with world.runtime.begin() as work:
        work.session.get_one(Grant, grant_id).status = GrantStatus.REVOKED
        world.vault.destroy_grant(work.session, grant_id)
        for table in purge.tables():
            while purge.purge_batch(work.session, table, grant_id):
                pass
    with world.runtime.begin() as work:
        while tidy.tidy(work.session, world.organisation_id):
            pass


def written(world):
    """Return what users wrote of each person, by the person, as blind indexes."""
    found = {}
    with world.runtime.sessions() as session:
        for person_id in session.scalars(select(Person.id)):
            own = select(Fact.field, Fact.value_index).where(Fact.person_id == person_id, Fact.grant_id.is_(None))
            found[person_id] = {row.field: row.value_index for row in session.execute(own)}
    return found


def exported(api, token):
    """Return of each person in the export for AI tools what was opened, marks aside."""
    lines = [json.loads(line) for line in api.get("/api/v1/ai/people.jsonl", token).text.splitlines()]
    opened = [
        {f: [one for one in line.get(f, []) if isinstance(one, str)] for f in ("name", "email")} for line in lines
    ]
    return sorted(opened, key=str)


def test_an_ai_tool_is_not_told_that_a_contact_holds_the_addresses_of_two(api, world, ann, keys):
    two = [typed(world, keys, ann, ALPHA), typed(world, keys, ann, BETA)]
    api.allow_ai(ann)
    token = api.token(ann, "ai_tool")
    before = exported(api, token)
    assert before == [{field: [text] for field, text in fields.items()} for fields in (ALPHA, BETA)]
    said_at_google(world, ann)
    assert exported(api, token) == before
    answer = api.get("/api/v1/ai/people.jsonl", token).text
    assert {line["id"] for line in map(json.loads, answer.splitlines())} == {str(person_id) for person_id in two}


@pytest.mark.parametrize("first", ["users", "google"])
def test_an_ending_leaves_two_people_as_if_the_account_had_never_been(world, ann, bob, keys, first):
    if first == "google":
        grant_id = said_at_google(world, bob)
    two = [typed(world, keys, ann, ALPHA), typed(world, keys, ann, BETA)]
    if first == "users":
        grant_id = said_at_google(world, bob)
    assert len(set(two)) == 2
    world.match_all(grant_id)
    end(world, grant_id)
    indexes = [{field: keys.index(field, text) for field, text in fields.items()} for fields in (ALPHA, BETA)]
    assert written(world) == dict(zip(two, indexes, strict=True))


def test_an_ending_changes_nothing_that_another_account_tells_of_the_two(world, ann, bob, keys):
    two = [typed(world, keys, ann, ALPHA), typed(world, keys, ann, BETA)]
    mine = world.grant(ann)
    heard = [world.hear(mine, address, written_to=1) for address in BOTH]
    world.match_all(mine)
    end(world, said_at_google(world, bob))
    world.match_all(mine)
    assert [world.decisions()[row] for row in heard] == [("person", "wrote_to", person_id) for person_id in two]


def test_typing_a_new_address_of_one_leaves_what_users_wrote_of_the_other(world, ann, keys):
    alpha, beta = typed(world, keys, ann, ALPHA), typed(world, keys, ann, BETA)
    said_at_google(world, ann)
    before = written(world)
    with world.runtime.begin() as work:
        editing.edit_person(work.session, keys, ann, alpha, {"email": "new@three.example"}, world.now)
    after = written(world)
    assert after[beta] == before[beta]
    assert after[alpha] == before[alpha] | {"email": keys.index("email", "new@three.example")}


def test_who_types_a_second_address_of_a_contact_writes_over_nobody(world, ann, keys):
    said_at_google(world, ann)
    alpha = typed(world, keys, ann, ALPHA)
    beta = typed(world, keys, ann, BETA)
    assert alpha != beta
    assert typed(world, keys, ann, {**BETA, "phone": "+1 415 555 0101"}) == beta
    assert written(world)[alpha]["name"] == keys.index("name", ALPHA["name"])
    with world.runtime.sessions() as session:
        held = select(Correspondent.address_index, Correspondent.person_id)
        assert set(map(tuple, session.execute(held))) == {(world.index(BOTH[0]), alpha), (world.index(BOTH[1]), beta)}


def test_who_was_only_added_or_has_one_address_is_found_by_it(world, ann, keys):
    grant_id = said_at_google(world, ann)
    world.hear(grant_id, "carol@three.example", written_to=1)
    world.match_all(grant_id)
    with world.runtime.begin() as work:
        both = editing.add_address(work.session, ann, world.index(BOTH[0]), world.now)
        carol = editing.add_address(work.session, ann, world.index("carol@three.example"), world.now)
        editing.edit_person(work.session, keys, ann, carol, {"name": "Carol"}, world.now)
    assert typed(world, keys, ann, ALPHA) == both
    assert typed(world, keys, ann, {"name": "Caroline", "email": "carol@three.example"}) == carol


def test_two_whom_a_user_wrote_about_stay_two_and_keep_what_showed_who_they_are(world, ann, keys):
    grant_id = world.grant(ann)
    heard = [world.hear(grant_id, address, name=address.split("@")[0], written_to=1) for address in BOTH]
    world.match_all(grant_id)
    two = [world.decisions()[row][2] for row in heard]
    with world.runtime.begin() as work:
        for person_id in two:
            notes.write_about_person(work.session, keys, ann, person_id, "A note", world.now)
    contact = world.contact(grant_id, "Alpha alias Beta", *BOTH)
    world.match_all(grant_id)
    assert [world.decisions()[row][2] for row in heard] == two
    with world.runtime.begin() as work:
        names = [people.get(work.session, ann, person_id).row.name for person_id in two]
        assert all(name is not None for name in names)
        assert work.session.get_one(Contact, contact).person_id in two


@pytest.mark.parametrize("told", [False, True])
def test_an_address_that_users_typed_of_both_makes_two_people_one(world, ann, keys, told):
    alpha, beta = typed(world, keys, ann, ALPHA), typed(world, keys, ann, BETA)
    shown = alpha
    if told:
        said_at_google(world, ann)
        with world.runtime.sessions() as session:
            shown = session.scalars(select(Contact.person_id)).one()
    other, address = (beta, ALPHA["email"]) if shown == alpha else (alpha, BETA["email"])
    with world.runtime.begin() as work:
        editing.edit_person(work.session, keys, ann, other, {"email": address}, world.now)
    (left,) = written(world)
    assert left in (alpha, beta)
