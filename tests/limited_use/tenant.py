"""A tenant for tests of the guard: an organisation, two members, the first one's grant, and all keys."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Member, Organisation, Role, Sharing
from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.asking import Asking
from limited_use.keys import KeyPurpose, vault
from limited_use.labels import label
from limited_use.log.leaf import Leaf, read_leaf
from limited_use.log.models import LogLeaf
from limited_use.release import Guard, guard
from limited_use.sealing import Labelled, Sealed
from limited_use.sinks import api


@dataclass
class Tenant:
    """What a test of the guard needs at hand."""

    runtime: Runtime
    organisation_id: uuid.UUID
    owner_id: uuid.UUID
    teammate_id: uuid.UUID
    grant_id: uuid.UUID

    @property
    def guard(self) -> Guard:
        return guard(self.runtime)

    def sealed(self, text: str, purpose: str = "mail", row_id: uuid.UUID | None = None, form: str = "text") -> Sealed:
        """Return a subject as the mailbox's owner's grant would have it, or a native note body."""
        native = purpose == "content"
        sealer = vault(self.runtime).sealer(
            self.organisation_id, KeyPurpose(purpose), None if native else self.grant_id
        )
        table, column = ("notes", "body") if native else ("messages", "subject")
        return sealer.seal(table, column, row_id or new_id(), text, form)

    def labelled(self, value: Any, source: str = "gmail") -> Labelled[Any]:
        return Labelled(value, label(source, self.grant_id))

    def asking(self, sink: str = "browser", feature: str = "people", **said: Any) -> Asking:
        whole = {
            "organisation_id": self.organisation_id,
            "member_id": self.owner_id,
            "actor": "member",
            "feature": feature,
            "purpose": "user_feature",
            "sink": sink,
            **said,
        }
        return Asking(**whole)

    def read(self, value: Any, runtime: Runtime | None = None) -> bytes:
        """Return what the owner's own program reads of the value."""
        return api.json(guard(runtime or self.runtime), self.asking("api", "api", actor="token"), [value])

    def leaves(self) -> list[Leaf]:
        with self.runtime.sessions() as session:
            return [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]

    def another_grant(self, member_id: uuid.UUID | None = None) -> uuid.UUID:
        """Return a further grant of the organisation, the teammate's if not said, with its keys."""
        grant_id = new_id()
        with self.runtime.sessions.begin() as session:
            first = session.get_one(Grant, self.grant_id)
            session.add(
                Grant(
                    id=grant_id,
                    organisation_id=first.organisation_id,
                    member_id=member_id or self.teammate_id,
                    google_sub=str(grant_id),
                    email="t@example.test",
                    status=first.status,
                    sharing=first.sharing,
                    scopes=[],
                    created_at=first.created_at,
                )
            )
        vault(self.runtime).create_grant(self.organisation_id, grant_id)
        return grant_id

    def set_status(self, status: GrantStatus) -> None:
        with self.runtime.sessions.begin() as session:
            session.get_one(Grant, self.grant_id, with_for_update=True).status = status


def make_tenant(runtime: Runtime) -> Tenant:
    """Return a tenant that was not there before."""
    now = runtime.clock.now()
    made = Tenant(runtime, *(new_id() for _ in range(4)))
    with runtime.sessions.begin() as session:
        session.add(Organisation(id=made.organisation_id, name="Acme", created_at=now))
        session.flush()
        for member_id in (made.owner_id, made.teammate_id):
            session.add(
                Member(
                    id=member_id,
                    organisation_id=made.organisation_id,
                    google_sub=str(member_id),
                    email=f"{member_id.hex}@example.test",
                    name="A Member",
                    role=Role.MEMBER,
                    created_at=now,
                )
            )
        session.flush()
        session.add(
            Grant(
                id=made.grant_id,
                organisation_id=made.organisation_id,
                member_id=made.owner_id,
                google_sub=str(made.owner_id),
                email="owner@example.test",
                status=GrantStatus.ACTIVE,
                sharing=Sharing.ONLY_ME,
                scopes=[],
                created_at=now,
            )
        )
    vault(runtime).create_organisation(made.organisation_id)
    vault(runtime).create_grant(made.organisation_id, made.grant_id)
    return made
