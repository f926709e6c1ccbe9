"""The tokens' API: who is answered, with what, and what stays out."""

import json
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import select

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, Member
from crm import editing
from crm.models import Company, Deal, Person
from crm.notes import write_about_person
from crm.pen import pen
from crm.tasks import Typed, add
from kernel.ids import new_id
from limited_use import destinations
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.addon.conftest import World
from web.api.described import DOCUMENT

CANARIES = ("Bob Canary", "bob@canary.example", "Canary subject")


@dataclass
class Api:
    """Programs with tokens, asking."""

    runtime: Any
    client: Any
    world: World

    def token(self, viewer: Viewer, sink: str | None, scopes: tuple[str, ...] = ("people.read",)) -> str:
        with self.runtime.begin() as work:
            session, now = work.session, self.runtime.clock.now()
            place = None
            if sink:
                made = destinations.register_destination(session, viewer.organisation_id, sink, sink, "EU", now)
                place = made.id
            member = session.get_one(Member, viewer.member_id)
            return destinations.create_token(session, member, "t", scopes, now, place)[1]

    def get(self, path: str, token: str | None) -> Any:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.client.get(path, base_url="http://localhost:8080", headers=headers)

    def allow_ai(self, viewer: Viewer) -> None:
        with self.runtime.begin() as work:
            now = self.runtime.clock.now()
            destinations.allow_ai(work.session, viewer.organisation_id, viewer.member_id, now)

    def leaves(self) -> list[Any]:
        with self.runtime.sessions() as session:
            return [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]


@pytest.fixture
def world(runtime):
    return World(runtime)


@pytest.fixture
def api(runtime, app, world):
    return Api(runtime, app.test_client(), world)


@pytest.fixture
def ann(world):
    return world.member("Ann")


@pytest.fixture
def bob(world, ann):
    """The id of a person whom only Ann's mail knows."""
    grant = world.grant(ann)
    heard = world.hear(grant, "bob@canary.example", name="Bob Canary", written_to=2)
    world.message(grant, heard, "Canary subject")
    world.match_all(grant)
    with world.runtime.sessions() as session:
        return session.scalars(select(Person.id)).one()


def write(world: World, viewer: Viewer, person_id: Any) -> None:
    """Have the viewer write a note, a task and a deal."""
    keys, now = pen(world.runtime, world.organisation_id), world.runtime.clock.now()
    with world.runtime.begin() as work:
        write_about_person(work.session, keys, viewer, person_id, "Native note", now)
        add(work.session, keys, viewer, Typed("Native task", None, person_id), now)
        deal = Deal(id=new_id(), organisation_id=world.organisation_id, owner_id=viewer.member_id, person_id=person_id)
        deal.title, deal.stage, deal.amount = keys.seal("deals", "title", deal.id, "Native deal"), "new", 100
        deal.currency, deal.created_at, deal.updated_at = "EUR", now, now
        work.session.add(deal)


@pytest.mark.parametrize(
    "path", ["/api/v1/people", "/api/v1/ai/people.jsonl", "/api/v1/people/00000000-0000-7000-8000-000000000001"]
)
@pytest.mark.parametrize("header", [None, "", "crm_wrong", "x" * 3000])
def test_without_a_good_token_nothing_is_answered(api, path, header):
    answer = api.get(path, header)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "not_signed_in")


def test_a_cookie_is_no_token(api, ann):
    token = api.token(ann, "api")
    api.client.set_cookie("crm", token)
    assert api.get("/api/v1/people", None).status_code == 401


def test_a_token_that_was_ended_is_refused(api, ann, runtime):
    token = api.token(ann, "api")
    with runtime.begin() as work:
        (row,) = destinations.list_tokens(work.session, ann.organisation_id)
        destinations.revoke_token(work.session, ann.organisation_id, row.id, runtime.clock.now())
    assert api.get("/api/v1/people", token).status_code == 401


def test_a_token_without_the_right_is_refused(api, ann):
    answer = api.get("/api/v1/people", api.token(ann, "api", ()))
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "scope_missing")


def test_the_owners_program_reads_what_the_owner_sees(api, ann, bob):
    answer = api.get("/api/v1/people", api.token(ann, "api"))
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    (person,) = answer.json["people"]
    assert (person["id"], person["name"], person["email"]) == (str(bob), "Bob Canary", "bob@canary.example")
    assert (person["company"]["name"], person["made_or_touched_by_user"]) == ("Canary", False)
    assert person["last_contact_at"].endswith("Z")
    assert answer.json["next_cursor"] is None


def test_people_whom_only_a_colleague_knows_are_absent(api, world, bob):
    bea = world.member("Bea")
    token = api.token(bea, "api")
    assert api.get("/api/v1/people", token).json == {"people": [], "next_cursor": None}
    assert api.get(f"/api/v1/people/{bob}", token).status_code == 404
    assert api.get("/api/v1/people?q=bob", token).json["people"] == []


def test_of_a_shared_person_a_colleague_reads_what_users_wrote_alone(api, world, ann, bob):
    write(world, ann, bob)
    answer = api.get(f"/api/v1/people/{bob}", api.token(world.member("Bea"), "api"))
    assert answer.status_code == 200
    assert not [canary for canary in CANARIES if canary in answer.text]
    assert [note["body"] for note in answer.json["notes"]] == ["Native note"]
    assert answer.json["made_or_touched_by_user"] is True


def test_one_person_in_full(api, world, ann, bob):
    write(world, ann, bob)
    person = api.get(f"/api/v1/people/{bob}", api.token(ann, "api")).json
    assert person["facts"]["email"] == [{"value": "bob@canary.example", "sources": ["gmail"]}]
    assert [task["title"] for task in person["tasks"]] == ["Native task"]
    assert [(deal["title"], deal["amount"], deal["currency"]) for deal in person["deals"]] == [
        ("Native deal", "100.00", "EUR")
    ]


def test_where_somebody_works_is_withheld_with_the_connection_that_tells_it(api, world, ann, bob):
    write(world, ann, bob)
    with world.runtime.begin() as work:
        acme, grant = work.session.scalars(select(Company.id)).one(), work.session.scalars(select(Grant)).one()
        editing.edit_company(work.session, pen(world.runtime, world.organisation_id), ann, acme, "Ours", world.now)
    token = api.token(ann, "api")
    assert api.get(f"/api/v1/people/{bob}", token).json["company"] == {"id": str(acme), "name": "Ours"}
    with world.runtime.begin() as work:
        work.session.get_one(Grant, grant.id).status = GrantStatus.SUSPENDED
    mark = {"withheld": "suspended", "source": "gmail"}
    for person in (
        api.get(f"/api/v1/people/{bob}", token).json,
        *api.get("/api/v1/people", token).json["people"],
    ):
        assert person["company"] == {"id": mark, "name": mark}
        schema = {"$ref": "#/components/schemas/Company"}
        check(api.get("/api/v1/openapi.json", None).json["components"]["schemas"], schema, person["company"])
    assert api.leaves()[-1].withheld == 5, "name, address, last contact, and twice where Bob works"


def test_pages_follow_each_other_and_belong_to_their_reader(api, world, ann):
    grant = world.grant(ann)
    for number in range(5):
        world.hear(grant, f"p{number}@else.example", name=f"P {number}", written_to=1)
    world.match_all(grant)
    token, seen, cursor = api.token(ann, "api"), [], ""
    for _ in range(3):
        page = api.get(f"/api/v1/people?limit=2&cursor={cursor}", token).json
        seen += [person["name"] for person in page["people"]]
        cursor = page["next_cursor"]
    assert (sorted(seen), cursor) == ([f"P {number}" for number in range(5)], None)
    first = api.get("/api/v1/people?limit=2", token).json["next_cursor"]
    bea = api.token(world.member("Bea"), "api")
    assert api.get(f"/api/v1/people?cursor={first}", bea).json["error"]["code"] == "bad_cursor"


def test_search_finds_by_the_beginning_of_a_name(api, ann, bob):
    token = api.token(ann, "api")
    for asked, found in (("bob", 1), ("bob@canary.example", 1), ("nobody", 0)):
        assert len(api.get(f"/api/v1/people?q={asked}", token).json["people"]) == found
    assert bob


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=", "limit=٣", "q=a&cursor=b", "q=" + "a" * 201]
)
def test_what_cannot_be_asked_is_explained(api, ann, query):
    answer = api.get(f"/api/v1/people?{query}", api.token(ann, "api"))
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "bad_input")


@pytest.mark.parametrize("sink", [None, "ai_tool", "export", "webhook"])
def test_a_token_of_another_class_gets_no_people_here(api, ann, bob, sink):
    for path in ("/api/v1/people", f"/api/v1/people/{bob}", "/api/v1/people?q=bob"):
        answer = api.get(path, api.token(ann, sink))
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_sink")
        assert not [canary for canary in CANARIES if canary in answer.text]
        assert (api.leaves()[-1].decision, api.leaves()[-1].reason) == ("refuse", "wrong_sink")
    if sink in {None, "ai_tool"}:
        assert "/api/v1/ai/people.jsonl" in answer.json["error"]["message"]


@pytest.mark.parametrize("sink", [None, "ai_tool"])
def test_ai_tools_get_nothing_until_an_admin_allows_it(api, world, ann, bob, sink):
    write(world, ann, bob)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(ann, sink))
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "ai_not_allowed")
    assert api.leaves()[-1].reason == "ai_not_allowed"


@pytest.mark.parametrize("sink", ["api", "export"])
def test_a_token_that_is_no_ai_tools_gets_no_ai_export(api, ann, sink):
    api.allow_ai(ann)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(ann, sink))
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_sink")


def test_an_ai_export_of_people_known_only_from_google_is_empty(api, ann, bob):
    api.allow_ai(ann)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(ann, "ai_tool"))
    assert (answer.status_code, answer.data) == (200, b"")
    assert str(bob) not in answer.text


def test_an_ai_tool_gets_what_users_wrote_and_marks_for_the_rest(api, world, ann, bob):
    write(world, ann, bob)
    api.allow_ai(ann)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(ann, None))
    assert answer.content_type.startswith("application/x-ndjson")
    (record,) = [json.loads(line) for line in answer.text.splitlines()]
    mark = {"withheld": "limited_use", "source": "gmail"}
    assert (record["id"], record["name"], record["email"]) == (str(bob), [mark], [mark])
    assert (record["company"], record["last_contact_at"]) == (mark, mark)
    assert [note["body"] for note in record["notes"]] == ["Native note"]
    assert [task["title"] for task in record["tasks"]] == ["Native task"]
    assert [deal["title"] for deal in record["deals"]] == ["Native deal"]
    assert not [canary for canary in CANARIES if canary in answer.text]
    leaf = api.leaves()[-1]
    assert (leaf.sink, leaf.feature, leaf.records) == ("ai_tool", "ai_export", 1)


def test_the_description_names_every_route_and_field(api, app, world, ann, bob):
    told = api.get("/api/v1/openapi.json", None).json
    assert told == json.loads(json.dumps(DOCUMENT))
    routes = {rule.rule.replace("<uuid:", "{").replace(">", "}") for rule in app.url_map.iter_rules()}
    ours = {route for route in routes if route.startswith("/api/")} - {"/api/v1/openapi.json"}
    assert set(told["paths"]) == ours
    write(world, ann, bob)
    api.allow_ai(ann)
    token = api.token(ann, "api")
    line = api.get("/api/v1/ai/people.jsonl", api.token(ann, "ai_tool")).text.splitlines()[0]
    for name, value in (
        ("People", api.get("/api/v1/people", token).json),
        ("PersonInFull", api.get(f"/api/v1/people/{bob}", token).json),
        ("AiPerson", json.loads(line)),
    ):
        check(told["components"]["schemas"], {"$ref": f"#/components/schemas/{name}"}, value)


def check(schemas: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Hold a value against a schema of ours, as far as ours go."""
    jsonschema_rs.validate({**schema, "components": {"schemas": schemas}}, value)
