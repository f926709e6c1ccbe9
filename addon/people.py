"""A person, or an address that is none yet, as the sidebar shows them to one viewer: a few bounded queries.

Values from Google are the viewer's own grants', and what teammates share of theirs. What is shown of a field that
several sources tell is `crm.merging`'s choice.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Row, Select, bindparam, case, or_, select
from sqlalchemy.orm import Session

from addon.lookup import Participant
from addon.written import MOST, UNWRITTEN, Written, written_of
from crm import companies
from crm.facts import COMPANY_FIELDS, PERSON_FIELDS
from crm.merging import merged_at_work, merged_people
from crm.models import Attendance, Correspondent, Fact, Meeting, Message, Occurrence, Participation, Person
from crm.models.people import MadeBy
from crm.visibility import Sight, is_of_company
from kernel.database import Aspect
from limited_use.labels import NATIVE, Labels, label
from limited_use.sealing import Labelled, Place, Sealed, placed


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of a person's recent timeline."""

    is_meeting: bool
    kind: Labelled[str]
    """in, out or meeting."""
    title: Sealed | None
    at: Labelled[dt.datetime]


@dataclass(frozen=True, slots=True)
class Panel:
    """All that the sidebar shows of somebody."""

    person_id: uuid.UUID | None
    correspondent_id: uuid.UUID
    fields: Mapping[str, Sealed]
    """The best value of each field that any source tells."""
    company: Labelled[Sealed] | None = None
    """Where the person works, told by the accounts that know an address of theirs there."""
    last_at: Labelled[dt.datetime] | None = None
    recent: tuple[Moment, ...] = ()
    written: Written = UNWRITTEN
    reason: Labelled[str] | None = None
    """Why the address is no person: a word of crm.matching.Reason."""
    can_be_added: bool = False


def panel_of(session: Session, sight: Sight, found: Participant, now: dt.datetime) -> Panel:
    """Return what is shown of a participant whom `addon.lookup` found for this viewer."""
    if found.person_id is None:
        return Panel(
            person_id=None,
            correspondent_id=found.correspondent_id,
            fields=told_by(session, sight, [found.correspondent_id]).get(found.correspondent_id, {}),
            reason=found.reason,
            can_be_added=found.can_be_added,
        )
    known = _Known.read(session, sight, found.person_id, now)
    fields, company = _told(session, sight, found.person_id, known)
    return Panel(
        person_id=found.person_id,
        correspondent_id=found.correspondent_id,
        fields=fields,
        company=company,
        last_at=known.last_at,
        recent=known.recent(session, sight, now),
        written=written_of(session, sight, found.person_id),
        can_be_added=not known.is_users,
    )


def head_of(session: Session, sight: Sight, found: Participant) -> Panel:
    """Return no more than who a participant is."""
    fields = names_of(session, sight, [found]).get(found.correspondent_id, {})
    return Panel(found.person_id, found.correspondent_id, fields)


def told_by(session: Session, sight: Sight, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Sealed]]:
    """Return the name and address that each correspondent told of itself."""
    told: dict[uuid.UUID, dict[str, Sealed]] = {}
    asked = {"ids": ids, "organisation_id": sight.organisation_id, "grant_ids": sight.grant_ids}
    for fact in session.scalars(_TOLD, asked):
        if fact.correspondent_id is not None:
            told.setdefault(fact.correspondent_id, {})[fact.field] = fact.value
    return told


def names_of(session: Session, sight: Sight, found: Sequence[Participant]) -> dict[uuid.UUID, dict[str, Sealed]]:
    """Return name and address of participants, by correspondent; a person's own name before what a mail said."""
    told = told_by(session, sight, [one.correspondent_id for one in found])
    people = merged_people(session, sight, {one.person_id for one in found if one.person_id}, ("name",))
    for one in found:
        best = people[one.person_id].best("name") if one.person_id in people else None
        if best is not None:
            told.setdefault(one.correspondent_id, {})["name"] = best
    return told


def _told(
    session: Session, sight: Sight, person_id: uuid.UUID, known: "_Known"
) -> tuple[dict[str, Sealed], Labelled[Sealed] | None]:
    """Return what is told of a person, and what the company is called at which the person works."""
    asked = (*PERSON_FIELDS, *COMPANY_FIELDS)
    person, company = merged_at_work(session, sight, person_id, known.company_id, asked)
    fields = {name: value for name in PERSON_FIELDS if (value := person.best(name)) is not None}
    name = companies.name_in(company)
    if name is None:
        return fields, None
    return fields, Labelled(name, known.placing, Aspect.PEOPLE, ("people", person_id))


@dataclass(frozen=True, slots=True)
class _Known:
    """The addresses by which a person is known, as far as the viewer sees them, and where the person works."""

    company_id: uuid.UUID | None = None
    placing: Labels = NATIVE
    """The accounts that tell where the person works."""
    ids: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    last_at: Labelled[dt.datetime] | None = None
    is_users: bool = True
    """Whether a user made or touched the person; otherwise it is the viewer's alone until it is added."""

    @classmethod
    def read(cls, session: Session, sight: Sight, person_id: uuid.UUID, now: dt.datetime) -> "_Known":
        """Return them by source, and the last exchange that is not still to come."""
        rows = session.execute(*_known(sight, person_id)).all()
        ids: dict[str, list[uuid.UUID]] = {}
        for row in rows:
            ids.setdefault(row.source, []).append(row.id)
        past = [row for row in rows if row.last_at is not None and row.last_at <= now]
        last = max(past, key=lambda row: row.last_at, default=None)
        return cls(
            company_id=next((row.company_id for row in rows if row.company_id), None),
            placing=NATIVE.union(*(label(row.source, row.grant_id) for row in rows if row.company_id)),
            ids=ids,
            last_at=None if last is None else _last_at(person_id, last),
            is_users=not rows or rows[0].is_users,
        )

    def recent(self, session: Session, sight: Sight, now: dt.datetime) -> tuple[Moment, ...]:
        """Return the newest mails and meetings, the newest first."""
        lines: list[tuple[dt.datetime, Moment]] = []
        if mail := self.ids.get("gmail"):
            lines += _mails(session, sight, mail)
        if met := self.ids.get("calendar"):
            lines += _meetings(session, sight, met, now)
        lines.sort(key=lambda line: line[0], reverse=True)
        return tuple(moment for _, moment in lines[:MOST])


def _known(sight: Sight, person_id: uuid.UUID) -> tuple[Select[*tuple[Any, ...]], dict[str, Any]]:
    """Return the query for the addresses of a person, and what it asks for: made anew only where teammates share."""
    if sight.is_alone:
        return _KNOWN, {"person_id": person_id, "grant_ids": sight.grant_ids}
    shared = _OF_PERSON.add_columns(sight.last_at().label("last_at")).where(sight.correspondents())
    return shared, {"person_id": person_id}


def _last_at(person_id: uuid.UUID, row: Row[Any]) -> Labelled[dt.datetime]:
    return Labelled(row.last_at, label(row.source, row.grant_id), Aspect.TIMES, ("people", person_id))


def _mails(session: Session, sight: Sight, ids: Sequence[uuid.UUID]) -> list[tuple[dt.datetime, Moment]]:
    lines = []
    query = _MAILS if sight.is_alone else _MAILS.where(sight.messages())
    for mail in session.execute(query, {"ids": ids}):
        labels, about = label("gmail", mail.grant_id), ("messages", mail.id)
        title = placed(mail.subject, Place(sight.organisation_id, "messages", "subject", mail.id))
        kind = Labelled(str(mail.direction), labels, Aspect.TIMES, about)
        at = Labelled(mail.sent_at, labels, Aspect.TIMES, about)
        lines.append((mail.sent_at, Moment(is_meeting=False, kind=kind, title=title, at=at)))
    return lines


def _meetings(
    session: Session, sight: Sight, ids: Sequence[uuid.UUID], now: dt.datetime
) -> list[tuple[dt.datetime, Moment]]:
    lines = []
    query = _MEETINGS if sight.is_alone else _MEETINGS.where(sight.meetings())
    for meeting in session.execute(query, {"ids": ids, "now": now}):
        labels, about = label("calendar", meeting.grant_id), ("meetings", meeting.id)
        title = placed(meeting.title, Place(sight.organisation_id, "meetings", "title", meeting.id))
        kind = Labelled("meeting", labels, Aspect.TIMES, about)
        at = Labelled(meeting.starts_at, labels, Aspect.TIMES, about)
        lines.append((meeting.starts_at, Moment(is_meeting=True, kind=kind, title=title, at=at)))
    return lines


def _any_of(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


# Made once: the making of these statements costs more than their running.
_TOLD = (
    select(Fact)
    .where(
        Fact.correspondent_id.in_(_any_of("ids")),
        Fact.field.in_(("name", "email")),
        Fact.organisation_id == bindparam("organisation_id"),
        Fact.grant_id.in_(_any_of("grant_ids")),
    )
    .order_by(Fact.observed_at, Fact.id)
)
_OF_PERSON = (
    select(
        case((is_of_company(), Person.company_id)).label("company_id"),
        or_(Person.made_by == MadeBy.USER, Person.touched_at.is_not(None)).label("is_users"),
        Correspondent.id,
        Correspondent.source,
        Correspondent.grant_id,
    )
    .join(Correspondent, Correspondent.person_id == Person.id)
    .where(Person.id == bindparam("person_id"))
)
_KNOWN = _OF_PERSON.add_columns(Correspondent.last_at).where(Correspondent.grant_id.in_(_any_of("grant_ids")))
_MAILS = (
    select(Message.id, Message.grant_id, Message.direction, Message.subject, Message.sent_at)
    .where(Message.id.in_(select(Participation.message_id).where(Participation.correspondent_id.in_(_any_of("ids")))))
    .order_by(Message.sent_at.desc())
    .limit(MOST)
)
_MEETINGS = (
    select(Meeting.id, Meeting.grant_id, Meeting.title, Occurrence.starts_at)
    .join(Occurrence, Occurrence.meeting_id == Meeting.id)
    .where(
        Meeting.id.in_(select(Attendance.meeting_id).where(Attendance.correspondent_id.in_(_any_of("ids")))),
        Meeting.status != "cancelled",
        Occurrence.starts_at <= bindparam("now"),
    )
    .order_by(Occurrence.starts_at.desc())
    .limit(MOST)
)
