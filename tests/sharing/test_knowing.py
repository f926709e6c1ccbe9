"""What a member learns of accounts that are their owners' alone by typing, keeping and asking: nothing."""

import html
import re
import uuid

import pytest
from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Opening, Sharing
from crm import editing, notes, people
from crm.models import Attendance, Company, Contact, Correspondent, Fact, FactTerm, Participation, Person
from crm.pen import pen
from crm.people import Standing
from crm.webhooks.happenings import Event

CARLS, NOBODYS = "carl@else.example", "nobody@else.example"
EMPTY = dict.fromkeys(("name", "email", "phone", "title", "organisation"), "")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9-]{10}T[0-9:.]+Z|\d+ \w{3} \d{4}, \d\d:\d\d")
"""What differs between any two records: ids, and when something was written."""


def typed(team, **said):
    """Bert types a person; return their page."""
    answer = team.bert.post("/people", {**EMPTY, **said}, page="/people/new")
    assert answer.status_code == 303, answer.text[:500]
    return answer.headers["Location"]


def edited(team, page, **said):
    assert team.bert.post(f"{page}/edit", {**EMPTY, **said}, page=f"{page}/edit").status_code == 303


def id_of(page):
    return page.rsplit("/", 1)[-1]


def touched(team, viewer, person_id):
    with team.runtime.begin() as work:
        editing.touch_person(work.session, viewer, person_id, team.runtime.clock.now())


def standing(team, person_id, viewer=None):
    with team.runtime.begin() as work:
        return people.get(work.session, viewer or team.bob, person_id).standing


def whose(team, correspondent_id):
    return team.world.decisions()[correspondent_id][2]


def purged(team, grant_id):
    """The connection ended, and all that it told is gone."""
    with team.runtime.begin() as work:
        work.session.get_one(Grant, grant_id).status = GrantStatus.REVOKED
        for model in (FactTerm, Fact, Participation, Attendance, Correspondent, Contact):
            for row in work.session.scalars(select(model).where(model.grant_id == grant_id)).all():
                work.session.delete(row)
                work.session.flush()


def told(team, page):
    """Return all that Bert is told of a person, whatever he asks."""
    answer = team.bert.get(page)
    whole = re.sub(r'value="[^"]*"', "", answer.text)  # keys of forms, another at each asking
    listed = [row for row in team.answered("/api/v1/people?limit=200")["people"] if row["id"] == id_of(page)]
    asked = team.bert.post("/requests", {"kind": "person", "item": id_of(page)}, page=page).status_code
    record = team.answered(f"/api/v1/people/{id_of(page)}")
    return [IDS.sub("id", html.unescape(str(part))) for part in (answer.status_code, whole, listed, asked, record)]


def emptied(team, address):
    page = typed(team, name="X", email=address)
    edited(team, page)
    return page


def emptied_beside_a_note(team, address):
    page = typed(team, email=address)
    team.bert.post(f"{page}/notes", {"body": "What we know"}, page=page)
    edited(team, page)
    return page


def renamed(team, address):
    page = typed(team, name="X", email=address)
    edited(team, page, name="X", email=f"new.{address}")
    return page


def typed_into_one_that_was_there(team, address):
    page = typed(team, name="Somebody")
    edited(team, page, name="Somebody", email=address)
    edited(team, page, name="Somebody")
    return page


def typed_twice(team, address):
    first = emptied(team, address)
    second = typed(team, name="Y", email=address)
    assert first != second, "the id of the first would tell that its address is known"
    assert team.bert.get(first).status_code == 200
    edited(team, second)
    return second


def typed_again_into_another(team, address):
    first, second = emptied(team, address), typed(team, name="Somebody")
    edited(team, second, name="Somebody", email=address)
    assert {team.bert.get(page).status_code for page in (first, second)} == {200}
    return first


def met_after_it_was_emptied(team, address):
    """Bert writes to the address himself: it is a person of his, and the record that he emptied stays empty."""
    page = emptied(team, address)
    team.world.hear(team.ids["his"], address, written_to=1)
    team.world.match_all(team.ids["his"])
    return page


ACTS = [
    emptied,
    emptied_beside_a_note,
    renamed,
    typed_into_one_that_was_there,
    typed_twice,
    typed_again_into_another,
    met_after_it_was_emptied,
]


@pytest.mark.parametrize("act", ACTS)
def test_a_typed_address_tells_nothing_of_an_account_that_is_its_owners_alone(team, act):
    known, unknown = told(team, act(team, CARLS)), told(team, act(team, NOBODYS))
    assert [part.replace(CARLS, NOBODYS) for part in known] == unknown
    assert whose(team, team.ids["carls_row"]) is not None, "to Anna the person is there"


def test_later_records_stand_above_earlier_ones_whoever_knows_them(team):
    pages = [emptied(team, address) for address in (CARLS, NOBODYS)]
    listed = [row["id"] for row in team.answered("/api/v1/people?limit=200")["people"]]
    assert [row for row in listed if row in map(id_of, pages)] == [id_of(page) for page in reversed(pages)]


@pytest.mark.parametrize("again", [False, True], ids=["ended", "connected-again"])
def test_who_is_kept_from_ones_own_mail_tells_nothing_of_others_when_that_ends(team, again):
    pages = []
    for address in ("carl@else.example", "lone@else.example"):
        grant = team.world.grant(team.bob)
        row = team.world.hear(grant, address, name="Kept", written_to=1)
        team.world.match_all(grant)
        kept = whose(team, row)
        touched(team, team.bob, kept)
        purged(team, grant)
        pages.append(f"/people/{kept}")
        if again:
            grant = team.world.grant(team.bob)
            row = team.world.hear(grant, address, name="Back", written_to=1)
            team.world.match_all(grant)
            assert whose(team, row) != kept
    known, unknown = (told(team, page) for page in pages)
    assert known == unknown
    assert "Nothing is told of this person" in known[1]


def test_a_contact_of_an_account_that_is_its_owners_alone_joins_no_records_of_users(team):
    team.world.contact(team.ids["grant"], "Carl", CARLS, "carl@home.example")
    team.world.match_all(team.ids["grant"])
    pages = [typed(team, name=name, email=f"carl@{name}.example") for name in ("home", "else")]
    assert pages[0] != pages[1]
    assert [team.bert.get(page).status_code for page in pages] == [200, 200]


def test_a_member_shows_that_they_know_a_person_by_writing_to_the_record(team):
    page = emptied(team, CARLS)
    assert "Ask to see" not in team.seen(page)
    with team.runtime.begin() as work:
        written = pen(team.runtime, team.ann.organisation_id)
        now = team.runtime.clock.now()
        notes.write_about_person(work.session, written, team.ann, whose(team, team.ids["carls_row"]), "Mine", now)
    assert standing(team, id_of(page)) is Standing.TEAMMATES
    assert "Ask to see" in team.seen(page)
    assert team.bert.post("/requests", {"kind": "person", "item": id_of(page)}, page=page).status_code == 303


def test_a_touch_of_somebody_who_does_not_know_them_shows_nothing(team):
    page = emptied(team, CARLS)
    cora = team.world.member("Cora")
    touched(team, cora, id_of(page))
    team.world.hear(team.world.grant(cora), "somebody@else.example", written_to=1)
    assert standing(team, id_of(page)) is Standing.REMOVED


def test_who_showed_it_and_then_hides_the_person_is_not_told_of(team):
    touched(team, team.ann, team.ids["carl"])
    assert standing(team, team.ids["carl"]) is Standing.TEAMMATES
    team.person("carl", Sharing.ONLY_ME)
    assert standing(team, team.ids["carl"]) is Standing.REMOVED
    assert team.bert.post("/requests", {"kind": "person", "item": str(team.ids["carl"])}, page="/").status_code == 404


def test_only_those_are_asked_who_showed_that_they_know_the_person(team):
    cora = team.world.member("Cora")
    hers = team.world.grant(cora)
    team.world.hear(hers, CARLS, written_to=1)
    team.world.match_all(hers)
    touched(team, team.ann, team.ids["carl"])
    page = f"/people/{team.ids['carl']}"
    assert team.bert.post("/requests", {"kind": "person", "item": id_of(page)}, page=page).status_code == 303
    with team.runtime.sessions() as session:
        assert session.scalars(select(Opening.grant_id)).all() == [team.ids["grant"]]


def test_merged_records_are_known_by_all_who_knew_either(team):
    touched(team, team.ann, team.ids["carl"])
    assert id_of(typed(team, name="Carl", email=CARLS)) == str(team.ids["carl"])
    page = typed(team, name="Carla", email="carla@else.example")
    heard = team.world.hear(team.ids["his"], "carla@else.example", written_to=1)
    team.world.match_all(team.ids["his"])
    touched(team, team.bob, id_of(page))
    answer = team.bert.post(f"{page}/edit", {**EMPTY, "name": "Carla", "email": CARLS}, page=f"{page}/edit")
    assert team.bert.get(answer.headers["Location"]).status_code == 200, "whoever of the two is left"
    with team.runtime.sessions() as session:
        merged = session.get_one(Person, whose(team, heard))
    assert whose(team, team.ids["carls_row"]) == merged.id
    assert set(merged.known_by) == {team.ann.member_id, team.bob.member_id}


def test_what_is_shared_is_one_record_with_what_a_colleague_writes(team):
    team.share(Sharing.PEOPLE_AND_TIMES)
    page = typed(team, name="Carl H.", email=CARLS)
    assert id_of(page) == str(team.ids["carl"])
    cora = team.world.member("Cora")
    hers = team.world.grant(cora)
    heard = team.world.hear(hers, CARLS, written_to=1)
    team.world.match_all(hers)
    assert whose(team, heard) == team.ids["carl"]


def test_to_their_owner_an_account_and_what_others_type_stay_together(team):
    page = emptied(team, CARLS)
    assert whose(team, team.ids["carls_row"]).hex == id_of(page).replace("-", "")
    later = team.world.hear(team.ids["grant"], CARLS, source="calendar", met=1)
    team.world.match_all(team.ids["grant"])
    assert whose(team, later) == whose(team, team.ids["carls_row"])
    again = typed(team, name="Carl", email=CARLS)
    touched(team, team.ann, whose(team, later))
    team.world.match_all(team.ids["grant"])
    assert str(whose(team, later)) == id_of(again), "by Anna's act what her account tells goes where the address is"
    assert whose(team, team.ids["carls_row"]) == whose(team, later)
    assert team.bert.get(page).status_code == team.bert.get(again).status_code == 200, "no account unites users' people"


def test_webhooks_are_told_of_each_person_that_is_typed_alike(team, monkeypatch):
    events = []
    monkeypatch.setattr(
        editing, "happened", lambda _session, _viewer, event, subject, _now: events.append((event, subject))
    )
    pages = [typed(team, name="X", email=address) for address in (CARLS, NOBODYS)]
    assert events == [(Event.PERSON_ADDED, uuid.UUID(id_of(page))) for page in pages]


def company(team, viewer, domain):
    with team.runtime.begin() as work:
        typed = {"company_name": "Firm", "domain": domain}
        written = pen(team.runtime, viewer.organisation_id)
        return editing.create_company(work.session, written, viewer, typed, team.runtime.clock.now())


def test_a_typed_domain_tells_nothing_of_an_account_that_is_its_owners_alone(team):
    domains = ("else.example", "nowhere.example")
    made = [company(team, team.bob, domain) for domain in domains]
    seen = []
    for company_id, domain in zip(made, domains, strict=True):
        page = re.sub(r'value="[^"]*"', "", team.bert.get(f"/companies/{company_id}").text)
        seen.append(IDS.sub("id", page).replace(domain, "domain"))
    assert seen[0] == seen[1]
    with team.runtime.sessions() as session:
        assert len(session.scalars(select(Company.id)).all()) == 3, "to Anna it is one company with what she knows"
        assert session.get_one(Person, team.ids["carl"]).company_id == made[0]


def test_a_company_that_one_knew_is_not_found_by_its_domain_where_only_others_know_it(team):
    grant = team.world.grant(team.bob)
    for domain in ("else.example", "lone.example"):
        team.world.hear(grant, f"x@{domain}", written_to=1)
    team.world.match_all(grant)
    with team.runtime.begin() as work:
        index = team.world.indexer.digest
        told = select(Fact.company_id).where(Fact.field == "domain", Fact.grant_id == grant)
        known = [
            work.session.scalars(told.where(Fact.value_index == index("domain", domain))).one()
            for domain in ("else.example", "lone.example")
        ]
        for company_id in known:
            editing.touch_company(work.session, team.bob, company_id, team.runtime.clock.now())
    purged(team, grant)
    made = [company(team, team.bob, domain) for domain in ("else.example", "lone.example")]
    assert set(made).isdisjoint(known)


def test_a_company_is_found_by_its_domain_once_somebody_who_knows_it_wrote_to_it(team):
    with team.runtime.begin() as work:
        editing.touch_company(work.session, team.ann, team.ids["acme"], team.runtime.clock.now())
    assert company(team, team.bob, "acme.example") == team.ids["acme"]
