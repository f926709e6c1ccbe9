"""What happened with a person or company, newest first: mail and meetings that the viewer sees, and everyone's notes.

Each kind is read by its own index up to a page and the three are merged by time. Meetings that lie ahead stand apart
(`upcoming`), the next time of each, so that a weekly series does not bury the past.
"""

import datetime as dt
import enum
import heapq
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import Member
from crm.models import Attendance, Correspondent, Meeting, Message, Note, Occurrence, Participation, Person
from crm.paging import Listing, Page, Position, cut
from crm.people import PersonRow, rows_of
from crm.visibility import Sight, check_company, check_person, sight_of
from kernel.database import Aspect
from kernel.errors import NotFound
from limited_use.labels import Source, label
from limited_use.sealing import Labelled, Native, Place, Sealed, System, placed

MOST_UPCOMING = 3


class Kind(enum.StrEnum):
    """What an entry is."""

    MESSAGE = "message"
    MEETING = "meeting"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timeline. `title` is a subject or a summary; `text` a snippet, a place or a note's body."""

    kind: Kind
    id: System[uuid.UUID]
    at: Labelled[dt.datetime] | Native[dt.datetime]
    title: Sealed | None
    text: Sealed | None
    direction: Labelled[str] | None = None
    ends_at: Labelled[dt.datetime] | None = None
    all_day: Labelled[bool] | None = None
    author: Native[str] | None = None
    """Who wrote a note, or which teammate shares the mail or meeting."""
    is_mine: bool = False


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry and where it stands."""

    position: Position
    entry: Entry


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whose timeline: a person's or a company's, as one viewer sees it."""

    sight: Sight
    correspondents: Select[uuid.UUID]
    notes: Any


def of_person(session: Session, viewer: Viewer, person_id: uuid.UUID, page: Page, now: dt.datetime) -> Listing[Entry]:
    """Return a page of what happened with a person until now, newest first.

    Raises:
        NotFound: if the viewer may not see the person.
    """
    check_person(session, viewer, person_id)
    return _merged(session, _of_person(sight_of(session, viewer), person_id), page, now)


def of_company(session: Session, viewer: Viewer, company_id: uuid.UUID, page: Page, now: dt.datetime) -> Listing[Entry]:
    """Return a page of what happened with a company and its people until now, newest first.

    Raises:
        NotFound: if the viewer may not see the company.
    """
    check_company(session, viewer, company_id)
    sight = sight_of(session, viewer)
    staff = select(Person.id).where(Person.company_id == company_id, sight.people(), sight.placed())
    heard = select(Correspondent.id).where(Correspondent.person_id.in_(staff), sight.correspondents())
    about = (Note.company_id == company_id) | Note.person_id.in_(staff)
    return _merged(session, _Subject(sight, heard, about), page, now)


def upcoming(session: Session, viewer: Viewer, person_id: uuid.UUID, now: dt.datetime) -> tuple[Entry, ...]:
    """Return the next meetings with a person that the viewer sees, the nearest first; of a series the next alone."""
    check_person(session, viewer, person_id)
    subject = _of_person(sight_of(session, viewer), person_id)
    soonest = (
        select(Occurrence.meeting_id, func.min(Occurrence.starts_at).label("starts_at"))
        .where(Occurrence.starts_at > now, Occurrence.grant_id.in_(subject.sight.all_ids))
        .group_by(Occurrence.meeting_id)
        .subquery()
    )
    query = (
        _meetings(subject)
        .join(soonest, (soonest.c.meeting_id == Occurrence.meeting_id) & (soonest.c.starts_at == Occurrence.starts_at))
        .order_by(Occurrence.starts_at, Occurrence.id)
        .limit(MOST_UPCOMING)
    )
    return tuple(_meeting(subject.sight, row).entry for row in session.execute(query))


def own_message(session: Session, viewer: Viewer, message_id: uuid.UUID) -> Message:
    """Return a message of the viewer's own mailbox.

    Raises:
        NotFound: if it is not theirs, or gone.
    """
    sight = sight_of(session, viewer)
    found = session.scalar(
        select(Message).where(
            Message.id == message_id,
            Message.organisation_id == sight.organisation_id,
            Message.grant_id.in_(sight.grant_ids),
        )
    )
    if found is None:
        raise NotFound
    return found


def message_entry(session: Session, viewer: Viewer, message_id: uuid.UUID) -> Entry:
    """Return the head of a message of the viewer's own, or that a teammate shares.

    Raises:
        NotFound: if it is neither, or gone: the answer is the same.
    """
    sight = sight_of(session, viewer)
    mine = (Message.organisation_id == sight.organisation_id, sight.messages())
    row = session.execute(_message_columns().where(Message.id == message_id, *mine)).one_or_none()
    if row is None:
        raise NotFound
    return _message(sight, row).entry


def people_of_message(session: Session, viewer: Viewer, message_id: uuid.UUID) -> list[PersonRow]:
    """Return the people whom the viewer may see of those who take part in a message, by last contact.

    Raises:
        NotFound: as for `message_entry`.
    """
    message_entry(session, viewer, message_id)
    ids = session.scalars(
        select(Correspondent.person_id)
        .join(Participation, Participation.correspondent_id == Correspondent.id)
        .where(Participation.message_id == message_id, Correspondent.person_id.is_not(None))
        .distinct()
    )
    return rows_of(session, viewer, [found for found in ids if found is not None])


def _of_person(sight: Sight, person_id: uuid.UUID) -> _Subject:
    heard = select(Correspondent.id).where(Correspondent.person_id == person_id, sight.correspondents())
    return _Subject(sight, heard, Note.person_id == person_id)


def _merged(session: Session, subject: _Subject, page: Page, now: dt.datetime) -> Listing[Entry]:
    kinds = (_read_messages, _read_meetings, _read_notes)
    streams = [read(session, subject, page, now) for read in kinds]
    together = heapq.merge(*streams, key=_newest_first)
    found = [line for line, _ in zip(together, range(page.limit), strict=False)]
    kept, following = cut(found, page, lambda line: line.position)
    return Listing(tuple(line.entry for line in kept), following)


def _newest_first(line: _Placed) -> tuple[float, int]:
    return -line.position.at.timestamp(), -line.position.row_id.int


def _read_messages(session: Session, subject: _Subject, page: Page, _now: dt.datetime) -> list[_Placed]:
    parts = select(Participation.message_id).where(Participation.correspondent_id.in_(subject.correspondents))
    query = (
        _message_columns()
        .where(Message.id.in_(parts), subject.sight.messages())
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(page.limit)
    )
    if page.after:
        query = query.where(tuple_(Message.sent_at, Message.id) < tuple_(page.after.at, page.after.row_id))
    return [_message(subject.sight, row) for row in session.execute(query)]


def _message_columns() -> Select[*tuple[Any, ...]]:
    return select(Message.id, Message.grant_id, Message.sent_at, Message.direction, Message.subject, Message.snippet)


def _message(sight: Sight, row: Row[*tuple[Any, ...]]) -> _Placed:
    labels, about = label(Source.GMAIL, row.grant_id), ("messages", row.id)
    shared_by = sight.shared_by(row.grant_id)
    entry = Entry(
        kind=Kind.MESSAGE,
        id=System(row.id),
        at=Labelled(row.sent_at, labels, Aspect.TIMES, about),
        title=placed(row.subject, Place(sight.organisation_id, "messages", "subject", row.id)),
        text=placed(row.snippet, Place(sight.organisation_id, "messages", "snippet", row.id)),
        direction=Labelled(str(row.direction), labels, Aspect.TIMES, about),
        author=shared_by,
        is_mine=shared_by is None,
    )
    return _Placed(Position(row.sent_at, row.id), entry)


def _meetings(subject: _Subject) -> Select[*tuple[Any, ...]]:
    parts = select(Attendance.meeting_id).where(Attendance.correspondent_id.in_(subject.correspondents))
    return (
        select(
            Occurrence.id,
            Occurrence.grant_id,
            Occurrence.starts_at,
            Occurrence.ends_at,
            Meeting.id.label("meeting_id"),
            Meeting.all_day,
            Meeting.title,
            Meeting.location,
        )
        .join(Meeting, Meeting.id == Occurrence.meeting_id)
        .where(
            Meeting.id.in_(parts),
            Meeting.status != "cancelled",
            Occurrence.grant_id.in_(subject.sight.all_ids),
            subject.sight.meetings(),
        )
    )


def _read_meetings(session: Session, subject: _Subject, page: Page, now: dt.datetime) -> Iterable[_Placed]:
    query = (
        _meetings(subject)
        .where(Occurrence.starts_at <= now)
        .order_by(Occurrence.starts_at.desc(), Occurrence.id.desc())
        .limit(page.limit)
    )
    if page.after:
        query = query.where(tuple_(Occurrence.starts_at, Occurrence.id) < tuple_(page.after.at, page.after.row_id))
    return [_meeting(subject.sight, row) for row in session.execute(query)]


def _meeting(sight: Sight, row: Row[*tuple[Any, ...]]) -> _Placed:
    labels, about = label(Source.CALENDAR, row.grant_id), ("meetings", row.meeting_id)
    shared_by = sight.shared_by(row.grant_id)
    entry = Entry(
        kind=Kind.MEETING,
        id=System(row.id),
        at=Labelled(row.starts_at, labels, Aspect.TIMES, about),
        title=placed(row.title, Place(sight.organisation_id, "meetings", "title", row.meeting_id)),
        text=placed(row.location, Place(sight.organisation_id, "meetings", "location", row.meeting_id)),
        ends_at=Labelled(row.ends_at, labels, Aspect.TIMES, about),
        all_day=Labelled(row.all_day, labels, Aspect.TIMES, about),
        author=shared_by,
        is_mine=shared_by is None,
    )
    return _Placed(Position(row.starts_at, row.id), entry)


def _read_notes(session: Session, subject: _Subject, page: Page, _now: dt.datetime) -> Iterable[_Placed]:
    query = (
        select(Note.id, Note.body, Note.created_at, Note.author_id, Member.name)
        .join(Member, Member.id == Note.author_id)
        .where(Note.organisation_id == subject.sight.organisation_id, subject.notes)
        .order_by(Note.created_at.desc(), Note.id.desc())
        .limit(page.limit)
    )
    if page.after:
        query = query.where(tuple_(Note.created_at, Note.id) < tuple_(page.after.at, page.after.row_id))
    return [_note(subject.sight, row) for row in session.execute(query)]


def _note(sight: Sight, row: Row[*tuple[Any, ...]]) -> _Placed:
    entry = Entry(
        kind=Kind.NOTE,
        id=System(row.id),
        at=Native(row.created_at),
        title=None,
        text=placed(row.body, Place(sight.organisation_id, "notes", "body", row.id)),
        author=Native(row.name),
        is_mine=row.author_id == sight.member_id,
    )
    return _Placed(Position(row.created_at, row.id), entry)
