"""What an owner opened to one colleague ends when they keep it from everybody."""

import pytest
from sqlalchemy import select

from accounts import openings
from accounts.models import ItemKind, Opening, OpeningState, Sharing
from tests.sharing.conftest import SUBJECT

HIDING = {
    "person": lambda team: team.person("jane", Sharing.ONLY_ME),
    "thread": lambda team: team.thread("mail", Sharing.ONLY_ME),
    "address": lambda team: team.protect("jane@acme.example"),
}


def open_to_bert(team, kind, name):
    with team.runtime.begin() as work:
        now, item = team.runtime.clock.now(), openings.Item(kind, team.ids[name])
        asked = openings.ask(work.session, team.bob, openings.Wish(item, team.ids["grant"]), now)
        openings.allow(work.session, team.ann, asked.opening.id, None, now)


def states(team):
    with team.runtime.sessions() as session:
        return {row.item_kind: row.state for row in session.scalars(select(Opening))}


@pytest.mark.parametrize("hide", HIDING)
def test_an_opened_mail_is_closed_by_hiding_it(team, hide):
    open_to_bert(team, ItemKind.MESSAGE, "mail")
    assert SUBJECT in team.seen(f"/messages/{team.ids['mail']}")
    HIDING[hide](team)
    assert team.seen(f"/messages/{team.ids['mail']}") == ""


@pytest.mark.parametrize("hide", ["person", "address"])
def test_an_opened_person_and_meeting_are_closed_by_hiding_the_person(team, hide):
    for kind, name in ((ItemKind.PERSON, "jane"), (ItemKind.MEETING, "meeting"), (ItemKind.MESSAGE, "lone")):
        open_to_bert(team, kind, name)
    HIDING[hide](team)
    ended, allowed = OpeningState.ENDED, OpeningState.ALLOWED
    assert states(team) == {ItemKind.PERSON: ended, ItemKind.MEETING: ended, ItemKind.MESSAGE: allowed}
