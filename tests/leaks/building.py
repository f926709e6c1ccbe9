"""Building the house: everything in it is stored by the product's own flows, from signing in to disconnecting."""

import datetime as dt
import uuid
from pathlib import Path

import requests
from flask import Flask
from sqlalchemy import select

from accounts.members import Viewer, viewer_of
from accounts.models import Grant, GrantStatus, Member
from crm.models import Fact, Message
from demo import canaries
from demo.hunt import fresh
from emulator.server import Running
from kernel.runtime import Runtime
from limited_use import destinations
from limited_use.cipher import key_id_of
from limited_use.sinks import google as google_sink
from oauth import custody
from oauth.certs import certificates
from tests.addon.calls import KEY_ID
from tests.journeys import takeouts
from tests.journeys.world import World
from tests.leaks.forms import marked
from tests.leaks.house import House, Planting, Recording, Resident, signing
from tests.signing_in import Person as Browser

MAYA = takeouts.OWNER
BERT, DORA, EMIL = (f"{name}@northlight.example" for name in ("bert", "dora", "emil"))
CARLA = "carla@elsewhere.example"
FEATURES = ("gmail", "calendar", "contacts")
SCOPES = ("people.read",)


def build_house(runtime: Runtime, google: Running, app: Flask) -> House:
    """Return the house, everything in it stored by the product's own flows."""
    app.test_client_class = Recording
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 -- when the mail was written: no clock of the product's
    browsers = {address: Browser(app, address) for address in (MAYA, BERT, DORA, EMIL, CARLA)}
    residents: dict[str, Resident] = {}
    for address, browser in browsers.items():
        if address in (BERT, DORA, EMIL):
            role = "admin" if address == BERT else "member"
            browsers[MAYA].post("/members/invite", {"email": address, "role": role}, "/members")
        assert browser.sign_in().status_code == 303
        residents[address] = Resident(browser, Planting(address, now), _viewer(runtime, address))
        _plant(google, residents[address])
        for feature in FEATURES:
            assert browser.connect(feature).status_code == 303
        residents[address].grant_id = _grant_of(runtime, residents[address].viewer)
    world = World(runtime, google, browsers[MAYA])
    world.settle()
    house = House(runtime, google, app, *residents.values())
    _trust(runtime)
    _furnish(house)
    _end_some(house, world)
    return house


def _viewer(runtime: Runtime, address: str) -> Viewer:
    with runtime.sessions() as session:
        return viewer_of(session.scalars(select(Member).where(Member.email == address)).one())


def _grant_of(runtime: Runtime, viewer: Viewer) -> uuid.UUID:
    with runtime.sessions() as session:
        return session.scalars(select(Grant.id).where(Grant.member_id == viewer.member_id)).one()


def _plant(google: Running, resident: Resident) -> None:
    planting = resident.planting
    things = [("messages", message) for message in canaries.messages(planting)]
    things += [
        ("events", {"resource": canaries.event(planting)}),
        ("contacts", {"resource": canaries.contact(planting)}),
    ]
    for what, body in things:
        whole = {"account": planting.owner, "planted": True, **body}
        requests.post(f"{google.url}/_control/{what}", json=whole, timeout=10).raise_for_status()


def _trust(runtime: Runtime) -> None:
    """The runtime takes calls of the add-on signed with the test's key, beside Google's own."""
    known = certificates(runtime)
    known.find("any")
    known._known[KEY_ID] = signing()[1]
    known._good_until = float("inf")


def _furnish(house: House) -> None:
    """Users write what they mean to, and make tokens of every class."""
    for what in ("note", "task", "deal", "person", "company", "edit"):
        house.native[what] = "native" + fresh()
    page = f"/people/{house.person_id}"
    maya = house.maya
    assert maya.post(f"{page}/keep", page=page).status_code == 303
    maya.post(f"{page}/notes", {"body": house.native["note"]}, page)
    maya.post(f"{page}/tasks", {"title": house.native["task"], "due_on": "2030-01-01"}, page)
    maya.post(f"{page}/deals", {"title": house.native["deal"], "amount": "1200.50", "currency": "EUR"}, page)
    maya.post(
        "/people", {"name": house.native["person"], "email": f"{house.native['edit']}@typed.example"}, "/people/new"
    )
    company = {"company_name": house.native["company"], "domain": f"{house.native['company']}.example"}
    maya.post("/companies", company, "/companies")
    _make_tokens(house)
    house.secrets["labelled"] = marked()
    house.secrets["refresh token"] = _refresh_token(house)
    house.secrets["access token"] = custody.custody(house.runtime).fresh(maya.grant_id, failed=None)[0]
    house.secrets |= {f"api token {whose} {sink}": text for (whose, sink), text in house.tokens.items()}


def _make_tokens(house: House) -> None:
    with house.runtime.begin() as work:
        now = house.runtime.clock.now()
        for whose in ("maya", "bert", "carla", "dora"):
            viewer: Viewer = getattr(house, whose).viewer
            member = work.session.get_one(Member, viewer.member_id)
            for sink in ("api", "export", "webhook", "ai_tool", ""):
                place = None
                if sink:
                    place = destinations.register_destination(
                        work.session, viewer.organisation_id, f"{whose} {sink}", sink, "EU", now
                    ).id
                _, house.tokens[whose, sink] = destinations.create_token(
                    work.session, member, f"{whose} {sink}", SCOPES, now, place
                )
        for viewer in (house.maya.viewer, house.carla.viewer):
            destinations.allow_ai(work.session, viewer.organisation_id, viewer.member_id, now)


def _refresh_token(house: House) -> str:
    asking = house.asking("google", "connections", actor="worker", destination=str(house.maya.grant_id))
    return google_sink.open_secret(house.guard, asking, house.values()["token"])


def _end_some(house: House, world: World) -> None:
    """Dora's values are copied and her connection is ended; Emil's is suspended."""
    dora = house.dora
    assert dora.grant_id is not None
    mail, facts = house.rows(Message, dora.grant_id), house.rows(Fact, dora.grant_id)
    house.copied = [row.subject for row in mail] + [row.snippet for row in mail] + [row.value for row in facts]
    assert all(key_id_of(value._wire) for value in house.copied)
    page = f"/connections/{dora.grant_id}/disconnect"
    assert dora.post(page, page=page).status_code == 303
    world.work()
    house.set_status(house.emil, GrantStatus.SUSPENDED)


def write_takeout(folder: Path) -> Path:
    """Return a Takeout folder with hardly anything in it: what matters is planted."""
    return takeouts.write(folder, [takeouts.letter(1)])
