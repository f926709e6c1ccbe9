"""Whoever says that two addresses are one person opens nothing by it of what somebody else shares of one of them."""

import pytest
from sqlalchemy import select

from accounts import openings
from accounts.models import ItemKind, Opening, OpeningState, Sharing
from crm.models import SharingException
from tests.sharing.conftest import HIDDEN, NAME, SNIPPET

CARLS = "carl@else.example"


def typed(team):
    """Bert types Carl's address as Jane's."""
    path = f"/people/{team.ids['jane']}/edit"
    assert team.bert.post(path, {"email": CARLS}, page=path).status_code == 303


def held(team):
    """Bert's own contacts say that Jane and Carl are one."""
    team.world.contact(team.ids["his"], "Both", "jane@acme.example", CARLS)
    team.world.match_all(team.ids["his"])


def excepted(team):
    with team.runtime.sessions() as session:
        return [row.level for row in session.scalars(select(SharingException))]


def told_of_them(team):
    """Return all that Bert is told of Jane and Carl, whichever of them is left."""
    return "".join(team.seen(f"/people/{team.ids[name]}") for name in ("jane", "carl"))


@pytest.mark.parametrize("shared", ["jane", "carl"])
@pytest.mark.parametrize("joined", [typed, held])
def test_an_address_that_a_colleague_joins_is_not_shared_with_the_person(team, joined, shared):
    team.person(shared, Sharing.EVERYTHING)
    name, other = (NAME, HIDDEN) if shared == "jane" else (HIDDEN, NAME)
    before = told_of_them(team)
    assert name in before
    assert other not in before
    joined(team)
    after = told_of_them(team)
    assert other not in after
    assert "Group gnu" not in after
    assert SNIPPET not in after
    assert excepted(team) == [], "the rest of the account is not shared, so nobody of it is"


def test_an_address_that_is_met_later_under_a_typed_one_is_not_shared_with_the_person(team):
    team.person("jane", Sharing.EVERYTHING)
    path = f"/people/{team.ids['jane']}/edit"
    assert team.bert.post(path, {"email": "dora@later.example"}, page=path).status_code == 303
    assert excepted(team) == [Sharing.EVERYTHING]
    dora = team.world.hear(team.ids["grant"], "dora@later.example", name="Dora Dugong", written_to=1)
    team.world.message(team.ids["grant"], dora, "To Dora alone", team.runtime.clock.now())
    team.world.match_all(team.ids["grant"])
    after = told_of_them(team)
    assert "Dora Dugong" not in after
    assert "To Dora alone" not in after


def test_what_shares_a_person_less_stays_and_so_does_what_the_owners_own_contacts_join(team):
    team.person("jane", Sharing.EVERYTHING)
    team.world.contact(team.ids["grant"], NAME, "jane@acme.example", "jane@home.example")
    team.world.hear(team.ids["grant"], "jane@acme.example", source="calendar", met=1)
    team.world.match_all(team.ids["grant"])
    assert excepted(team) == [Sharing.EVERYTHING]
    assert SNIPPET in told_of_them(team)
    team.share(Sharing.EVERYTHING)
    team.person("jane", Sharing.PEOPLE_AND_TIMES)
    held(team)
    assert excepted(team) == [Sharing.PEOPLE_AND_TIMES]


def test_what_was_opened_to_somebody_ends_with_an_address_that_is_joined(team):
    with team.runtime.begin() as work:
        now, item = team.runtime.clock.now(), openings.Item(ItemKind.PERSON, team.ids["jane"])
        asked = openings.ask(work.session, team.bob, openings.Wish(item, team.ids["grant"]), now)
        openings.allow(work.session, team.ann, asked.opening.id, None, now)
    assert NAME in told_of_them(team)
    typed(team)
    assert HIDDEN not in told_of_them(team)
    with team.runtime.sessions() as session:
        assert session.scalars(select(Opening.state)).all() == [OpeningState.ENDED]
