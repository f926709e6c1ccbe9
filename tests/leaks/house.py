"""A lived-in house to break into: two organisations, five people, their mail, meetings and contacts, each field marked.

Maya owns the first organisation and Bert administers it; both have connected Google. Dora's connection was ended
after its values were copied; Emil's is suspended. Carla is of another organisation. What users wrote carries native
marks of its own, which are no leak.
"""

import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus
from crm.models import Company, Correspondent, Deal, Fact, Meeting, Message, Note, Person, Task
from demo import canaries
from emulator.server import Running
from kernel.runtime import Runtime, build
from limited_use.asking import Asking
from limited_use.keys import KeyPurpose, vault
from limited_use.labels import label
from limited_use.log.leaf import Leaf, read_leaf
from limited_use.log.models import LogLeaf
from limited_use.release import Guard, guard
from limited_use.sealing import Labelled, Sealed
from oauth.models import RefreshToken
from tests.addon.calls import Host, make_key
from tests.leaks.forms import marked
from tests.leaks.trap import Trap
from tests.signing_in import PUBLIC
from tests.signing_in import Person as Browser


@cache
def signing() -> Any:
    """Return the key that Google's calls of the add-on are signed with here, and its certificate."""
    return make_key()


class Planting(canaries.Planting):
    """Texts to be planted for one account, each marked."""

    def text(self, name: str) -> str:
        return self.texts.setdefault(name, marked())

    def phone(self) -> str:
        """Return a number that no other account has."""
        return "+" + self.texts.setdefault("contact.phone", f"49301{secrets.randbelow(10**8):08}")

    def wholes(self) -> dict[str, str]:
        """Return what a reader would digest: the texts, and the addresses made of them."""
        pairs = [(name, f"{name}.domain") for name in self.texts if f"{name}.domain" in self.texts]
        made = {name: f"{self.texts[name]}@{self.texts[domain]}.example" for name, domain in pairs}
        return {**self.texts, **{f"{name} whole": text for name, text in made.items()}}


class Recording(FlaskClient):
    """A client all of whose answers are kept by the trap that is set."""

    trap: Trap | None = None

    def open(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().open(*args, **{**kwargs, "buffered": True})
        if Recording.trap is not None:
            Recording.trap.keep_answer(answer)
        return answer


@dataclass
class Resident:
    """One of the people: their browser, their ids, and what is marked at their Google."""

    browser: Browser
    planting: Planting
    viewer: Viewer
    grant_id: uuid.UUID | None = None

    def __repr__(self) -> str:
        return "<resident>"

    def get(self, path: str, **more: Any) -> Any:
        return self.browser.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, page: str = "/") -> Any:
        return self.browser.post(path, data, page)


@dataclass
class House:
    """Everything at hand for an attempt; it says nothing of itself, for tracebacks show locals."""

    runtime: Runtime
    google: Running
    app: Flask
    maya: Resident
    bert: Resident
    dora: Resident
    emil: Resident
    carla: Resident
    native: dict[str, str] = field(default_factory=dict)
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    copied: list[Sealed] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "<house>"

    # --- what stands in it

    @cached_property
    def person_id(self) -> uuid.UUID:
        """Return Maya's correspondent, whom she has added to the CRM: the organisation knows that there is somebody."""
        return self._person_of(self.maya.grant_id)

    @cached_property
    def hidden_id(self) -> uuid.UUID:
        """Return somebody whom Maya's contacts alone know."""
        with self.runtime.sessions() as session:
            mine = select(Correspondent.person_id).where(
                Correspondent.grant_id == self.maya.grant_id,
                Correspondent.person_id.is_not(None),
                Correspondent.person_id != self.person_id,
            )
            return session.scalars(mine.order_by(Correspondent.id)).all()[0]

    def _person_of(self, grant_id: uuid.UUID | None) -> uuid.UUID:
        with self.runtime.sessions() as session:
            wrote = select(Correspondent.person_id).where(
                Correspondent.grant_id == grant_id,
                Correspondent.received_from > 0,
                Correspondent.person_id.is_not(None),
            )
            return session.scalars(wrote).all()[0]

    def rows(self, model: type, grant_id: uuid.UUID | None = None) -> list[Any]:
        """Return the rows of Maya's grant, or another, as the ORM loads them; nothing is bound to a session."""
        with self.runtime.sessions() as session:
            query = select(model).where(model.grant_id == (grant_id or self.maya.grant_id))
            found = list(session.scalars(query.order_by(model.id)))
            session.expunge_all()
        return found

    def mail(self, grant_id: uuid.UUID | None = None) -> Message:
        """Return the marked incoming message."""
        return next(row for row in self.rows(Message, grant_id) if row.direction == "in")

    def meeting(self) -> Meeting:
        return self.rows(Meeting)[0]

    def fact(self, name: str) -> Fact:
        """Return a fact of Maya's contacts."""
        return next(row for row in self.rows(Fact) if row.field == name and row.source == "contacts")

    @cached_property
    def loaded(self) -> dict[str, Any]:
        """Return a guarded value of every kind, loaded once: for what is tried on each of them."""
        return self.values()

    def values(self) -> dict[str, Any]:
        """Return a guarded value of every kind, freshly loaded."""
        mail, meeting = self.mail(), self.meeting()
        facts = {f"fact.{row.field}": row.value for row in self.rows(Fact)}
        with self.runtime.sessions() as session:
            token = session.scalars(select(RefreshToken).where(RefreshToken.grant_id == self.maya.grant_id)).one()
        return {
            "mail.subject": mail.subject,
            "mail.snippet": mail.snippet,
            "meeting.title": meeting.title,
            "meeting.location": meeting.location,
            "meeting.event_id": meeting.event_id,
            "token": token.refresh_token,
            **facts,
            "labelled": Labelled(self.secrets["labelled"], label("gmail", self.maya.grant_id or uuid.uuid4())),
        }

    def record(self, model: type[Note | Task | Deal | Company | Person]) -> Any:
        """Return what users of the first organisation wrote."""
        with self.runtime.sessions() as session:
            query = select(model).where(model.organisation_id == self.maya.viewer.organisation_id)
            found = session.scalars(query.order_by(model.id)).first()
            session.expunge_all()
        return found

    # --- asking

    @property
    def guard(self) -> Guard:
        return guard(self.runtime)

    def asking(self, sink: str = "browser", feature: str = "people", **said: Any) -> Asking:
        whole = {
            "organisation_id": self.maya.viewer.organisation_id,
            "member_id": self.maya.viewer.member_id,
            "actor": "member",
            "feature": feature,
            "purpose": "user_feature",
            "sink": sink,
            **said,
        }
        return Asking(**whole)

    def sealed_for(self, resident: Resident, text: str, table: str = "messages", column: str = "subject") -> Sealed:
        """Return a text sealed under the resident's mail key, in a row that nobody has."""
        sealer = vault(self.runtime).sealer(resident.viewer.organisation_id, KeyPurpose.MAIL, resident.grant_id)
        return sealer.seal(table, column, uuid.uuid4(), text)

    def program(self, whose: str, sink: str, path: str, **more: Any) -> Any:
        """Return what a program with that member's token of that class is answered."""
        headers = {"Authorization": f"Bearer {self.tokens[whose, sink]}", **more.pop("headers", {})}
        return self.app.test_client().open(path, base_url=PUBLIC, headers=headers, **more)

    def host(self, resident: Resident) -> Host:
        """Return Gmail, calling the add-on for the resident."""
        signer, _ = signing()
        return Host(self.runtime, self.app.test_client(), signer).as_member(resident.viewer)

    @contextmanager
    def another_process(self) -> Iterator[Runtime]:
        """Yield a runtime on the same data that has nothing cached, as another process has it."""
        made = build(self.runtime.settings, self.runtime.clock)
        try:
            yield made
        finally:
            made.close()

    def leaves(self, after: int = 0) -> list[Leaf]:
        with self.runtime.sessions() as session:
            query = select(LogLeaf.body).where(LogLeaf.id > after).order_by(LogLeaf.id)
            return [read_leaf(body) for body in session.scalars(query)]

    def last_leaf(self) -> int:
        with self.runtime.sessions() as session:
            return session.scalars(select(LogLeaf.id).order_by(LogLeaf.id.desc()).limit(1)).first() or 0

    @contextmanager
    def status(self, status: GrantStatus) -> Iterator[None]:
        """Maya's grant has that status for a while."""
        self.set_status(self.maya, status)
        try:
            yield
        finally:
            self.set_status(self.maya, GrantStatus.ACTIVE)

    def set_status(self, resident: Resident, status: GrantStatus) -> None:
        """Somebody's grant has that status."""
        with self.runtime.begin() as work:
            work.session.get_one(Grant, resident.grant_id).status = status

    # --- what is hunted

    def planted(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return everything that may be found nowhere, by name, and what no digest of may be found either."""
        whole: dict[str, str] = {}
        hashed: dict[str, str] = {}
        for name in ("maya", "bert", "dora", "emil", "carla"):
            planting: Planting = getattr(self, name).planting
            whole |= {f"{name} {what}": text for what, text in planting.texts.items()}
            hashed |= {f"{name} {what}": text for what, text in planting.wholes().items()}
        # A token is kept as a digest, which is how it is known again: only the token itself is a leak.
        return {**whole, **self.secrets}, {**hashed, "labelled": self.secrets["labelled"]}
