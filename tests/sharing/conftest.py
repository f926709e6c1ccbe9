"""Anna and Bert of one organisation, both signed in: Anna's accounts hold what Bert may or may not see."""

import datetime as dt
import html
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from accounts.members import Viewer, viewer_of
from accounts.models import Member, Sharing
from crm import sharing
from crm.models import Company, Fact, Person
from kernel.runtime import Runtime
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.addon.calls import Host, make_key, texts, trust
from tests.addon.conftest import World
from tests.signing_in import Person as Somebody
from tests.signing_in import anna, app, google, migrated
from tests.web.test_api import Api

__all__ = ["anna", "app", "google", "migrated"]

BERT = "bert@northwind.example"
NAME, PHONE = "Jane Quokka", "+1 415 555 0199"
SUBJECT, TITLE, PLACE = "Zebra offer", "Wombat kick-off", "Numbat hall"
SNIPPET = "Dear all, the ocelot has landed"
HIDDEN = "Carl Hoopoe"
KEPT = "Vera Kakapo"
LEVELS = tuple(Sharing)


@pytest.fixture(scope="session")
def signing():
    return make_key()


@dataclass
class Team:
    """Anna, who owns an account full of mail; Bert, her teammate, with one of his own; and what Bert is shown."""

    runtime: Runtime
    world: World
    ann: Viewer
    bob: Viewer
    bert: Somebody
    api: Api
    host: Host
    ids: dict[str, Any] = field(default_factory=dict)

    def share(self, level: Sharing) -> None:
        with self.runtime.begin() as work:
            sharing.share(self.runtime, work.session, self.ann, self.ids["grant"], level)

    def person(self, name: str, level: Sharing) -> None:
        """Anna shares a person otherwise."""
        with self.runtime.begin() as work:
            grant, person = self.ids["grant"], self.ids[name]
            sharing.except_person(self.runtime, work.session, self.ann, grant, person, level)

    def thread(self, message: str, level: Sharing) -> None:
        """Anna shares the thread of a message otherwise."""
        with self.runtime.begin() as work:
            sharing.except_thread(self.runtime, work.session, self.ann, self.ids[message], level)

    def protect(self, address: str) -> None:
        with self.runtime.begin() as work:
            sharing.protect(self.runtime, work.session, self.ann, self.ids["grant"], address)

    def seen(self, path: str) -> str:
        """Return what a page says to Bert; nothing where there is no such page for him."""
        answer = self.bert.get(path)
        assert answer.status_code in {200, 404}, answer.text[:1500]
        return "" if answer.status_code == 404 else html.unescape(re.sub(r"<[^>]*>", " ", answer.text))

    def answered(self, path: str) -> Any:
        """Return what the API answers Bert's program."""
        if "token" not in self.ids:
            self.ids["token"] = self.api.token(self.bob, "api")
        answer = self.api.get(path, self.ids["token"])
        return answer.json if answer.status_code == 200 else {}

    def exported(self, form: str = "csv", what: str = "people") -> str:
        answer = self.bert.post("/people/export", {"what": what, "format": form}, page="/people/export")
        assert answer.status_code == 200
        return answer.text

    def card(self) -> str:
        """Return what the card beside a mail of Bert's own from Jane says to him."""
        return texts(self.host.message(self.ids["bobs_mail"].hex[-16:]))

    def leaves(self) -> list[Any]:
        with self.runtime.sessions() as session:
            return [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]


def fill(world: World, ann: Viewer, bob: Viewer, now: dt.datetime) -> dict[str, Any]:
    """Anna wrote with Jane and Vera of Acme, and with Carl; Bert knows Jane by her address alone."""
    grant, his = world.grant(ann), world.grant(bob)
    days = dt.timedelta(days=1)
    jane = world.hear(grant, "jane@acme.example", name=NAME, written_to=2, last_at=now - 2 * days)
    carl = world.hear(grant, "carl@else.example", name=HIDDEN, written_to=1, last_at=now - 3 * days)
    vera = world.hear(grant, "vera@acme.example", name=KEPT, written_to=1, last_at=now - 3 * days)
    world.contact(grant, NAME, "jane@acme.example", phone=PHONE)
    old = world.message(grant, jane, "Earlier aardvark", now - 9 * days, snippet="Long ago")
    mail = world.message(grant, jane, SUBJECT, now - 2 * days, snippet=SNIPPET)
    group = world.message(grant, jane, "Group gnu", now - 3 * days)
    world.take_part(group, carl, "cc")
    lone = world.message(grant, vera, "Vera vole", now - 3 * days)
    meeting = world.meeting(grant, jane, TITLE, now - 4 * days, now + 5 * days)
    world.match_all(grant)
    heard = world.hear(his, "jane@acme.example", written_to=1, last_at=now - 30 * days)
    bobs_mail = world.message(his, heard, "Bert's own", now - 30 * days)
    world.match_all(his)
    with world.runtime.begin() as work:
        told = {
            "jane": jane,
            "carl": carl,
            "vera": vera,
        }
        people = {
            name: work.session.scalars(select(Fact.person_id).where(Fact.correspondent_id == row).limit(1)).one()
            for name, row in told.items()
        }
        acme = work.session.get_one(Person, people["jane"]).company_id
        assert acme in work.session.scalars(select(Company.id)).all()
    mails = {"mail": mail, "group": group, "lone": lone, "old": old, "meeting": meeting, "bobs_mail": bobs_mail}
    return {"grant": grant, "his": his, **people, **mails, "acme": acme, "carls_row": carl}


@pytest.fixture
def team(anna, app, runtime, signing):
    anna.sign_in()
    invitation = {"email": BERT, "role": "admin"}
    assert anna.post("/members/invite", invitation, "/members").status_code == 303
    bert = Somebody(app, BERT)
    bert.sign_in()
    with runtime.begin() as work:
        members = {member.email: viewer_of(member) for member in work.session.scalars(select(Member))}
    ann, bob = members[anna.address], members[BERT]
    world = World(runtime, ann.organisation_id)
    signer, certificate = signing
    runtime._parts.pop("oauth.certs", None)  # those of the local Google, by which both signed in
    trust(runtime, certificate)
    host = Host(runtime, app.test_client(), signer).as_member(bob)
    made = Team(runtime, world, ann, bob, bert, Api(runtime, app.test_client(), world), host)
    made.ids = fill(world, ann, bob, runtime.clock.now())
    return made
