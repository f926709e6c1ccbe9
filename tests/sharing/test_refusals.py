"""Refusals to see a person: told so that neither who knows the person nor how many do is told by them."""

from sqlalchemy import select

from accounts.models import Grant, Opening
from crm import editing
from privacy import requests


def refused_by(team, *who):
    with team.runtime.sessions() as session:
        whose = {session.get_one(Grant, row.grant_id).member_id: row.id for row in session.scalars(select(Opening))}
    for viewer in who:
        requests.refuse(team.runtime, viewer, whose[viewer.member_id])


def both_asked(team):
    """Anna and Cora know Carl, and said so; Bert asks to see him."""
    cora = team.world.member("Cora")
    hers = team.world.grant(cora)
    team.world.hear(hers, "carl@else.example", written_to=1)
    team.world.match_all(hers)
    carl = str(team.ids["carl"])
    with team.runtime.begin() as work:
        for viewer in (team.ann, cora):
            editing.touch_person(work.session, viewer, team.ids["carl"], team.runtime.clock.now())
    assert team.bert.post("/requests", {"kind": "person", "item": carl}, page=f"/people/{carl}").status_code == 303
    return cora


def test_refusals_are_told_together_once_the_last_who_was_asked_has_refused(team):
    cora = both_asked(team)
    refused_by(team, team.ann)
    assert "did not let you see" not in team.seen("/")
    assert "waiting" in team.seen("/requests")
    refused_by(team, cora)
    assert team.seen("/").count("Somebody did not let you see") == 1
    assert "refused" in team.seen("/requests")


def test_a_refusal_beside_what_another_allowed_is_not_told(team):
    cora = both_asked(team)
    with team.runtime.sessions() as session:
        mine = session.scalars(select(Opening).where(Opening.grant_id == team.ids["grant"])).one()
    requests.allow(team.runtime, team.ann, mine.id)
    requests.end(team.runtime, team.ann, mine.id)
    refused_by(team, cora)
    assert "let you see what you asked for, for a time" in team.seen("/")
    assert "did not let you see" not in team.seen("/")
