"""What a member may take along as a file: rows of people, notes, tasks and deals, as this viewer sees them.

Each table is read by id in bounded pieces, each in a transaction of its own, so that a file of any size holds no
transaction open and neither repeats nor skips a row that changes meanwhile. Rows are guarded: the sink adaptor opens
them, a thousand at a time.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import Member
from crm import companies, copies, exporting, people
from crm.copies import ExcerptRow
from crm.exporting import PersonRecord
from crm.models import Deal, Note, Person, Task
from crm.paging import LARGEST_PAGE
from crm.people import PersonRow
from crm.visibility import sight_of
from kernel.database import Sessions
from limited_use.sealing import Labelled, Native, System

_AT_ONCE = 25 * LARGEST_PAGE
"""How many ids are looked up at a time: which rows there are costs more to find out than to read them."""
R = TypeVar("R")
Row = Sequence[Any]
Record = type[Person] | type[Note] | type[Task] | type[Deal]


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of file: its columns, whose rows are in it, and how a piece of them is read."""

    columns: tuple[str, ...]
    record: Record
    visible: Callable[[Session, Viewer], ColumnElement[bool]]
    read: Callable[[Session, Viewer, Sequence[uuid.UUID]], list[Row]]


def count(session: Session, viewer: Viewer, table: Table) -> Labelled[int] | System[int]:
    """Return how many rows the file would have now: of people Google tells, of all else users."""
    return people.count(session, viewer) if table is PEOPLE else System(_count(session, viewer, table))


def is_larger(session: Session, viewer: Viewer, table: Table, most: int) -> bool:
    """Tell whether the file would have more rows than that now."""
    return _count(session, viewer, table) > most


def _count(session: Session, viewer: Viewer, table: Table) -> int:
    return session.scalar(select(func.count()).select_from(table.record).where(table.visible(session, viewer))) or 0


def rows(sessions: Sessions, viewer: Viewer, table: Table) -> Iterator[Row]:
    """Yield the rows that the viewer sees, by id; each has one guarded value, or None, a column."""
    return _read(sessions, viewer, table, table.read)


def people_in_full(sessions: Sessions, viewer: Viewer) -> Iterator[PersonRecord]:
    """Yield every person whom the viewer sees, by id, with all that the viewer sees of them."""
    return _read(sessions, viewer, PEOPLE, exporting.records_of)


def _read(
    sessions: Sessions, viewer: Viewer, table: Table, read: Callable[[Session, Viewer, Sequence[uuid.UUID]], list[R]]
) -> Iterator[R]:
    """Yield what `read` makes of each piece; no transaction is open while a piece is being sent."""
    key = table.record.id
    after: uuid.UUID | None = None
    while True:
        with sessions() as session:
            query = select(key).where(table.visible(session, viewer))
            if after is not None:
                query = query.where(key > after)
            ids = session.scalars(query.order_by(key).limit(_AT_ONCE)).all()
        for at in range(0, len(ids), LARGEST_PAGE):
            with sessions() as session:
                found = read(session, viewer, ids[at : at + LARGEST_PAGE])
            yield from found
        if len(ids) < _AT_ONCE:
            return
        after = ids[-1]


def _people(session: Session, viewer: Viewer, ids: Sequence[uuid.UUID]) -> list[Row]:
    return [
        (
            row.name,
            row.email,
            row.phone,
            row.title,
            row.organisation,
            row.company,
            row.last_contact,
            row.is_users,
            row.id,
        )
        for row in people.rows_of(session, viewer, ids)
    ]


def _notes(session: Session, viewer: Viewer, ids: Sequence[uuid.UUID]) -> list[Row]:
    found = session.scalars(select(Note).where(Note.id.in_(ids)).order_by(Note.id)).all()
    about = _people_of(session, viewer, found)
    at = companies.names_of(session, sight_of(session, viewer), {note.company_id for note in found if note.company_id})
    authors = _members_of(session, {note.author_id for note in found})
    beside = copies.beside(session, viewer, ids)
    made: list[Row] = []
    for note in found:
        person = about.get(note.person_id)
        company = None if note.company_id is None else at.get(note.company_id)
        times = Native(note.created_at), Native(note.updated_at)
        named = _name_of(person), _email_of(person), company
        made.append(
            (note.body, *_quoted(beside, note.id), *named, authors.get(note.author_id), *times, System(note.id))
        )
    return made


def _tasks(session: Session, viewer: Viewer, ids: Sequence[uuid.UUID]) -> list[Row]:
    found = session.scalars(select(Task).where(Task.id.in_(ids)).order_by(Task.id)).all()
    about, beside = _people_of(session, viewer, found), copies.beside(session, viewer, ids)
    made: list[Row] = []
    for task in found:
        person = about.get(task.person_id)
        times = Native(task.due_on), Native(task.done_at), Native(task.created_at)
        subject, _ = _quoted(beside, task.id)
        made.append((task.title, subject, *times, _name_of(person), _email_of(person), System(task.id)))
    return made


def _deals(session: Session, viewer: Viewer, ids: Sequence[uuid.UUID]) -> list[Row]:
    found = session.scalars(select(Deal).where(Deal.id.in_(ids)).order_by(Deal.id)).all()
    about = _people_of(session, viewer, found)
    at = companies.names_of(session, sight_of(session, viewer), {deal.company_id for deal in found if deal.company_id})
    made: list[Row] = []
    for deal in found:
        person = about.get(deal.person_id)
        company = None if deal.company_id is None else at.get(deal.company_id)
        worth = Native(deal.stage), Native(deal.amount), Native(deal.currency)
        times = Native(deal.created_at), Native(deal.updated_at)
        made.append((deal.title, *worth, _name_of(person), _email_of(person), company, *times, System(deal.id)))
    return made


def _people_of(
    session: Session, viewer: Viewer, found: Sequence[Note | Task | Deal]
) -> Mapping[uuid.UUID | None, PersonRow]:
    """Return the people that these are about, as far as the viewer sees them."""
    ids = {one.person_id for one in found if one.person_id}
    return {row.id.value: row for row in people.rows_of(session, viewer, ids)}


def _members_of(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Native[str]]:
    named = session.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))
    return {row.id: Native(row.name) for row in named}


def _quoted(beside: Mapping[uuid.UUID, ExcerptRow], record_id: uuid.UUID) -> tuple[Any, Any]:
    """Return subject and beginning of the mail that was quoted there, if one was."""
    found = beside.get(record_id)
    return (None, None) if found is None else (found.subject, found.text)


def _name_of(person: PersonRow | None) -> Any:
    return None if person is None else person.name


def _email_of(person: PersonRow | None) -> Any:
    return None if person is None else person.email


PEOPLE = Table(
    ("name", "email", "phone", "title", "works_at", "company", "last_contact_at", "added_by_your_team", "id"),
    Person,
    lambda session, viewer: sight_of(session, viewer).people(),
    _people,
)
NOTES = Table(
    (
        "note",
        "quoted_subject",
        "quoted_text",
        "person",
        "person_email",
        "company",
        "written_by",
        "created_at",
        "updated_at",
        "id",
    ),
    Note,
    lambda _, viewer: Note.organisation_id == viewer.organisation_id,
    _notes,
)
TASKS = Table(
    ("task", "from_mail", "due_on", "done_at", "created_at", "person", "person_email", "id"),
    Task,
    lambda _, viewer: (Task.organisation_id == viewer.organisation_id) & (Task.owner_id == viewer.member_id),
    _tasks,
)
DEALS = Table(
    (
        *("deal", "stage", "amount", "currency"),
        *("person", "person_email", "company", "created_at", "updated_at", "id"),
    ),
    Deal,
    lambda _, viewer: Deal.organisation_id == viewer.organisation_id,
    _deals,
)
