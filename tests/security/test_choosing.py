"""No caller chooses where an answer goes, why, or for whom: not by query, header, body, cookie or address."""

import pytest
from sqlalchemy import select

from accounts.members import viewer_of
from accounts.models import Member
from limited_use.destinations import Destination
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.crm.world import World as Filled

CHOICES = {
    "sink": "browser",
    "sink_class": "api",
    "class": "api",
    "purpose": "legal",
    "feature": "people",
    "actor": "member",
    "role": "owner",
    "policy": "open",
}


@pytest.fixture
def others(runtime, api, bob):
    """What a caller could name beside words: the other member, and where that member's own program is."""
    api.token(bob, "api")
    with runtime.sessions() as session:
        places = [str(one) for one in session.scalars(select(Destination.id))]
    return {"member_id": str(bob.member_id), "viewer": str(bob.member_id), "destination": places[0]}


def facts(leaf):
    return (leaf.sink, leaf.feature, leaf.purpose, leaf.actor_class, leaf.actor, leaf.destination, leaf.opened)


@pytest.mark.parametrize(("sink", "path"), [("api", "/api/v1/people"), ("ai_tool", "/api/v1/ai/people.jsonl")])
def test_a_program_gets_what_its_token_says_whatever_it_sends(api, world, ann, others, sink, path):
    grant = world.grant(ann)
    world.hear(grant, "jane@canary.example", name="Jane Canary", written_to=1)
    world.match_all(grant)
    api.allow_ai(ann)
    token = api.token(ann, sink)
    plain = api.get(path, token)
    assert plain.status_code == 200
    told = facts(api.leaves()[-1])
    said = {**CHOICES, **others}
    headers = {
        "Authorization": f"Bearer {token}",
        **{f"X-{name.replace('_', '-')}": value for name, value in said.items()},
    }
    headers |= {"X-Http-Method-Override": "POST", "X-Original-Url": "/people", "Cookie": "sink=browser; crm=x"}
    answer = api.client.get(path, base_url="http://localhost:8080", query_string=said, headers=headers, json=said)
    assert (answer.status_code, answer.data) == (200, plain.data)
    assert facts(api.leaves()[-1]) == told
    assert told[0] == sink


@pytest.mark.parametrize("sink", ["ai_tool", "export", "webhook", None])
def test_no_word_makes_a_token_of_another_class_an_own_program(api, world, ann, others, sink):
    grant = world.grant(ann)
    world.hear(grant, "jane@canary.example", name="Jane Canary", written_to=1)
    world.match_all(grant)
    headers = {"Authorization": f"Bearer {api.token(ann, sink)}", "X-Sink": "api", "X-Destination-Class": "api"}
    said = {**CHOICES, **others}
    answer = api.client.get(
        "/api/v1/people", base_url="http://localhost:8080", query_string=said, headers=headers, json=said
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_sink")
    assert "anary" not in answer.text
    assert (api.leaves()[-1].sink, api.leaves()[-1].reason) == (sink or "ai_tool", "wrong_sink")


def test_a_member_takes_along_their_own_whatever_the_form_says(anna, runtime):
    anna.sign_in()
    with runtime.sessions() as session:
        viewer = viewer_of(session.scalars(select(Member)).one())
    filled = Filled(runtime, viewer.organisation_id)
    bea = filled.member("Bea")
    hers = filled.grant(bea)
    filled.hear(hers, "secret@canary.example", name="Jane Canary", written_to=1)
    filled.match_all(hers)
    said = {
        **CHOICES,
        "member_id": str(bea.member_id),
        "viewer": str(bea.member_id),
        "what": "people",
        "format": "json",
    }
    answer = anna.post("/people/export", said, page="/people/export")
    assert (answer.status_code, answer.json) == (200, {"people": []})
    with runtime.sessions() as session:
        leaf = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))][-1]
    assert facts(leaf)[:4] == ("export", "export", "user_feature", "member")
