"""An organisation to fill: what intake would store, said in a line each."""

import datetime as dt
import uuid

from sqlalchemy import select

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, Member, Organisation, Role, Sharing
from crm import addresses, facts
from crm.matching import match
from crm.models import Attendance, Contact, Correspondent, Fact, FactTerm, Meeting, Message, Occurrence, Participation
from crm.names import company_name
from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.keys import KeyPurpose, vault
from limited_use.release import guard

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
_PURPOSES = {"gmail": KeyPurpose.MAIL, "calendar": KeyPurpose.CALENDAR, "contacts": KeyPurpose.CONTACTS}


class World:
    """One organisation, its members, and what Google told of them; each verb commits."""

    now = NOW

    def __init__(self, runtime: Runtime, organisation_id: uuid.UUID | None = None) -> None:
        self.runtime = runtime
        self.vault = vault(runtime)
        self.organisation_id = organisation_id or self._found()
        self.vault.create_organisation(self.organisation_id)
        self.indexer = self.vault.indexer(self.organisation_id)

    def _found(self) -> uuid.UUID:
        with self.runtime.begin() as work:
            organisation = Organisation(name="Acme", created_at=NOW)
            work.session.add(organisation)
        return organisation.id

    def member(self, name: str = "Ann") -> Viewer:
        with self.runtime.begin() as work:
            member = Member(
                organisation_id=self.organisation_id,
                google_sub=f"sub-{name}",
                email=f"{name.lower()}@own.example",
                name=name,
                role=Role.MEMBER,
                created_at=NOW,
            )
            work.session.add(member)
        return Viewer(self.organisation_id, member.id, Role.MEMBER)

    def grant(self, viewer: Viewer) -> uuid.UUID:
        with self.runtime.begin() as work:
            grant = Grant(
                organisation_id=self.organisation_id,
                member_id=viewer.member_id,
                google_sub=str(new_id()),
                email="ann@own.example",
                status=GrantStatus.ACTIVE,
                sharing=Sharing.ONLY_ME,
                scopes=[],
                created_at=NOW,
            )
            work.session.add(grant)
        self.vault.create_grant(self.organisation_id, grant.id)
        return grant.id

    def index(self, address: str) -> bytes:
        return facts.index_of(self.indexer, "email", address)

    def hear(self, grant_id: uuid.UUID, address: str, source: str = "gmail", **known) -> uuid.UUID:
        """Store a correspondent as intake would: its flags, counts and facts."""
        name = known.pop("name", None)
        with self.runtime.begin() as work:
            row = self._correspondent(grant_id, address, source, known)
            work.session.add(row)
            work.session.flush()
            told = {"email": address} | ({"name": name} if name else {})
            self._facts(work.session, grant_id, source, told, correspondent_id=row.id)
            if row.domain_index:
                self._company_facts(work.session, grant_id, source, address)
        return row.id

    def _correspondent(self, grant_id, address, source, known):
        domain = addresses.company_domain(address)
        values = {
            "is_own": False,
            "is_role": addresses.is_role(address),
            "is_robot": addresses.is_robot(address),
            "written_to": 0,
            "received_from": 0,
            "received_bulk": 0,
            "met": 0,
            "first_at": None,
            "last_at": NOW,
            **known,
        }
        return Correspondent(
            organisation_id=self.organisation_id,
            grant_id=grant_id,
            source=source,
            address_index=self.index(address),
            domain_index=self.indexer.digest("domain", domain) if domain else None,
            decision="waiting",
            reason="not_yet",
            **values,
        )

    def contact(self, grant_id: uuid.UUID, name: str | None, *held: str, **more: str) -> uuid.UUID:
        """Store a contact with its addresses, each a correspondent of the contacts too."""
        with self.runtime.begin() as work:
            row = Contact(
                organisation_id=self.organisation_id,
                grant_id=grant_id,
                resource_name=f"people/{new_id()}",
                etag="e",
                digest=bytes(16),
                generation=1,
            )
            work.session.add(row)
            work.session.flush()
            told = ({"name": name} if name else {}) | more
            self._facts(work.session, grant_id, "contacts", told, contact_id=row.id)
            for address in held:
                query = select(Correspondent).where(
                    Correspondent.grant_id == grant_id,
                    Correspondent.source == "contacts",
                    Correspondent.address_index == self.index(address),
                )
                heard = work.session.scalars(query).one_or_none()
                if heard is None:
                    heard = self._correspondent(grant_id, address, "contacts", {"last_at": None})
                    work.session.add(heard)
                    work.session.flush()
                told = {"contact_id": row.id, "correspondent_id": heard.id}
                self._facts(work.session, grant_id, "contacts", {"email": address}, **told)
        return row.id

    def _company_facts(self, session, grant_id, source, address):
        domain = addresses.company_domain(address)
        query = select(Fact.id).where(
            Fact.grant_id == grant_id, Fact.source == source, Fact.value_index == self.indexer.digest("domain", domain)
        )
        if session.scalar(query) is None:
            self._facts(session, grant_id, source, {"domain": domain, "company_name": company_name(domain)})

    def _facts(self, session, grant_id, source, told, **owners):
        sealer = self.vault.sealer(self.organisation_id, _PURPOSES[source], grant_id)
        domain = told.get("domain")
        for field, text in told.items():
            fact_id = new_id()
            index = facts.index_of(self.indexer, "domain" if domain else field, domain or text)
            session.add(
                Fact(
                    id=fact_id,
                    organisation_id=self.organisation_id,
                    grant_id=grant_id,
                    source=source,
                    field=field,
                    value=sealer.seal("facts", "value", fact_id, text),
                    value_index=index,
                    position=0,
                    observed_at=NOW,
                    **owners,
                )
            )
            session.flush()
            for term in facts.terms_of(field, text):
                session.add(
                    FactTerm(
                        organisation_id=self.organisation_id,
                        grant_id=grant_id,
                        fact_id=fact_id,
                        term=self.indexer.digest("term", term),
                    )
                )

    def message(self, grant_id: uuid.UUID, correspondent_id: uuid.UUID, subject: str, at: dt.datetime = NOW, **more):
        sealer = self.vault.sealer(self.organisation_id, KeyPurpose.MAIL, grant_id)
        row_id = new_id()
        with self.runtime.begin() as work:
            message = Message(
                id=row_id,
                organisation_id=self.organisation_id,
                grant_id=grant_id,
                gmail_id=row_id.hex[-16:],
                thread_id=more.get("thread_id", row_id.hex[-16:]),
                sent_at=at,
                direction=more.get("direction", "in"),
                label_ids=[],
                is_bulk=False,
                is_auto=False,
                size=1,
                subject=sealer.seal("messages", "subject", row_id, subject),
                snippet=sealer.seal("messages", "snippet", row_id, more.get("snippet", f"{subject} …")),
                digest=bytes(16),
                generation=1,
            )
            work.session.add(message)
            work.session.flush()
            work.session.add(
                Participation(
                    organisation_id=self.organisation_id,
                    grant_id=grant_id,
                    message_id=row_id,
                    correspondent_id=correspondent_id,
                    role=more.get("role", "from"),
                    position=0,
                )
            )
        return row_id

    def meeting(self, grant_id: uuid.UUID, correspondent_id: uuid.UUID, title: str, *starts: dt.datetime):
        sealer = self.vault.sealer(self.organisation_id, KeyPurpose.CALENDAR, grant_id)
        row_id = new_id()
        hour = dt.timedelta(hours=1)
        with self.runtime.begin() as work:
            meeting = Meeting(
                id=row_id,
                organisation_id=self.organisation_id,
                grant_id=grant_id,
                calendar_index=bytes(16),
                event_index=row_id.bytes,
                event_id=sealer.seal("meetings", "event_id", row_id, "e1"),
                starts_at=starts[0],
                ends_at=starts[0] + hour,
                all_day=False,
                status="confirmed",
                is_private=False,
                is_series=len(starts) > 1,
                title=sealer.seal("meetings", "title", row_id, title),
                digest=bytes(16),
                generation=1,
            )
            work.session.add(meeting)
            work.session.flush()
            common = {"organisation_id": self.organisation_id, "grant_id": grant_id, "meeting_id": row_id}
            for start in starts:
                work.session.add(Occurrence(**common, starts_at=start, ends_at=start + hour))
            attendance = Attendance(**common, correspondent_id=correspondent_id)
            attendance.response, attendance.is_organizer = "accepted", False
            work.session.add(attendance)
        return row_id

    def match(self, grant_id: uuid.UUID, *correspondent_ids: uuid.UUID, contacts: tuple[uuid.UUID, ...] = ()):
        with self.runtime.begin() as work:
            return match(work.session, self.organisation_id, grant_id, correspondent_ids, NOW, contacts)

    def match_all(self, grant_id: uuid.UUID):
        """Match everything that the grant has told."""
        with self.runtime.begin() as work:
            people = work.session.scalars(select(Correspondent.id).where(Correspondent.grant_id == grant_id)).all()
            contacts = work.session.scalars(select(Contact.id).where(Contact.grant_id == grant_id)).all()
            return match(work.session, self.organisation_id, grant_id, people, NOW, contacts)

    def decisions(self) -> dict[uuid.UUID, tuple[str, str, uuid.UUID | None]]:
        with self.runtime.begin() as work:
            return {
                row.id: (row.decision, row.reason, row.person_id) for row in work.session.scalars(select(Correspondent))
            }

    def opened(self, viewer: Viewer, *values) -> list:
        """Return the values as a page of the viewer's would show them."""
        said = (viewer.organisation_id, viewer.member_id, ActorClass.MEMBER, "people")
        asking = Asking(*said, Purpose.USER_FEATURE, Sink.BROWSER)
        return guard(self.runtime).release(asking, values, list)

    def count(self, model) -> int:
        with self.runtime.begin() as work:
            return len(work.session.scalars(select(model)).all())
