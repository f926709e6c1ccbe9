"""Records in full, for programs: every fact that the viewer may see, notes and deals about a person, their own tasks.

Read in bounded pieces, each in a transaction of its own, ordered by id, so that an export of any size holds no
transaction open and neither repeats nor skips a record that changes meanwhile.
"""

import datetime as dt
import decimal
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm import people
from crm.facts import PERSON_FIELDS
from crm.merging import NOTHING, FactRow, merged_people
from crm.models import Deal, Note, Person, Task
from crm.paging import LARGEST_PAGE
from crm.people import PersonRow
from crm.visibility import is_users, sight_of
from kernel.database import Sessions
from limited_use.sealing import Native, Sealed, System


@dataclass(frozen=True, slots=True)
class NoteRecord:
    """A note as it was typed."""

    id: System[uuid.UUID]
    body: Sealed
    created_at: Native[dt.datetime]
    updated_at: Native[dt.datetime]


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task, done or not."""

    id: System[uuid.UUID]
    title: Sealed
    due_on: Native[dt.date]
    done_at: Native[dt.datetime]


@dataclass(frozen=True, slots=True)
class DealRecord:
    """A deal at any stage."""

    id: System[uuid.UUID]
    title: Sealed
    stage: Native[str]
    amount: Native[decimal.Decimal]
    currency: Native[str]


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person with all that the viewer may see of them."""

    row: PersonRow
    facts: tuple[FactRow, ...]
    notes: tuple[NoteRecord, ...]
    tasks: tuple[TaskRecord, ...]
    deals: tuple[DealRecord, ...]


def records_of(session: Session, viewer: Viewer, ids: Collection[uuid.UUID]) -> list[PersonRecord]:
    """Return those of these people whom the viewer may see, in full, by id; at most LARGEST_PAGE of them."""
    sight = sight_of(session, viewer)
    facts = merged_people(session, sight, ids, PERSON_FIELDS)
    organisation_id = viewer.organisation_id
    notes = _notes(session, (Note.organisation_id == organisation_id) & Note.person_id.in_(ids))
    tasks = _tasks(
        session,
        (Task.organisation_id == organisation_id) & (Task.owner_id == viewer.member_id) & Task.person_id.in_(ids),
    )
    deals = _deals(session, (Deal.organisation_id == organisation_id) & Deal.person_id.in_(ids))
    found = {row.id.value: row for row in people.rows_of(session, viewer, ids)}
    return [
        PersonRecord(
            row=found[person_id],
            facts=facts.get(person_id, NOTHING).rows(PERSON_FIELDS),
            notes=tuple(notes.get(person_id, ())),
            tasks=tuple(tasks.get(person_id, ())),
            deals=tuple(deals.get(person_id, ())),
        )
        for person_id in sorted(ids)
        if person_id in found
    ]


def users_people(sessions: Sessions, viewer: Viewer) -> Iterator[PersonRecord]:
    """Yield every person whom a user of the viewer's organisation made or touched; of no other is there a trace."""
    after: uuid.UUID | None = None
    while True:
        with sessions() as session:
            query = select(Person.id).where(Person.organisation_id == viewer.organisation_id, is_users(Person))
            if after is not None:
                query = query.where(Person.id > after)
            ids = session.scalars(query.order_by(Person.id).limit(LARGEST_PAGE)).all()
            records = records_of(session, viewer, ids) if ids else []
        yield from records
        if len(ids) < LARGEST_PAGE:
            return
        after = ids[-1]


def _notes(session: Session, about: ColumnElement[bool]) -> dict[uuid.UUID | None, list[NoteRecord]]:
    found: dict[uuid.UUID | None, list[NoteRecord]] = defaultdict(list)
    for note in session.scalars(select(Note).where(about).order_by(Note.id)):
        made = NoteRecord(System(note.id), note.body, Native(note.created_at), Native(note.updated_at))
        found[note.person_id].append(made)
    return found


def _tasks(session: Session, about: ColumnElement[bool]) -> dict[uuid.UUID | None, list[TaskRecord]]:
    found: dict[uuid.UUID | None, list[TaskRecord]] = defaultdict(list)
    for task in session.scalars(select(Task).where(about).order_by(Task.id)):
        made = TaskRecord(System(task.id), task.title, Native(task.due_on), Native(task.done_at))
        found[task.person_id].append(made)
    return found


def _deals(session: Session, about: ColumnElement[bool]) -> dict[uuid.UUID | None, list[DealRecord]]:
    found: dict[uuid.UUID | None, list[DealRecord]] = defaultdict(list)
    for deal in session.scalars(select(Deal).where(about).order_by(Deal.id)):
        money = Native(deal.amount), Native(deal.currency)
        found[deal.person_id].append(DealRecord(System(deal.id), deal.title, Native(deal.stage), *money))
    return found
