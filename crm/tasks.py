"""Tasks: what a member means to do, by when and for whom."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.editing import touch_person
from crm.models import Task
from crm.paging import FIRST, Listing, Page, Position, cut
from crm.pen import Pen, line
from crm.people import PersonRow, rows_of
from crm.visibility import check_person
from crm.webhooks.happenings import Event, happened
from kernel.errors import NotFound
from kernel.ids import new_id
from limited_use import repeats
from limited_use.sealing import Native, Place, Sealed, System, placed

_NO_DAY = dt.date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task; `person` is None when it is for nobody, or for somebody the viewer may not see."""

    id: System[uuid.UUID]
    title: Sealed
    due_on: Native[dt.date] | None
    is_due: bool
    is_done: bool
    person: PersonRow | None


@dataclass(frozen=True, slots=True)
class Typed:
    """What a member typed of a task. Its repr shows nothing."""

    title: str
    due_on: dt.date | None = None
    person_id: uuid.UUID | None = None

    def __repr__(self) -> str:
        """Return a constant."""
        return "<typed>"


def add(session: Session, pen: Pen, viewer: Viewer, typed: Typed, now: dt.datetime) -> uuid.UUID:
    """Return a new task of the viewer's.

    Raises:
        NotFound: if it is for a person whom the viewer may not see.
        BadInput, TooLarge: if the title cannot be taken.
    """
    title = line(typed.title, "title")
    person_id = touch_person(session, viewer, typed.person_id, now).id if typed.person_id else None
    task = Task(id=new_id(), organisation_id=viewer.organisation_id, owner_id=viewer.member_id, person_id=person_id)
    task.title = pen.write(session, viewer.member_id, ("tasks", "title", task.id), title)
    task.due_on, task.created_at = typed.due_on, now
    session.add(task)
    session.flush()
    return task.id


def change(
    session: Session, pen: Pen, viewer: Viewer, task_id: uuid.UUID, title: str | None, due_on: dt.date | None
) -> bool:
    """Leave the viewer's task with another title and day; with None its title stays. Return whether that was news.

    Raises:
        NotFound: if it is not theirs.
        BadInput, TooLarge: if the title cannot be taken.
    """
    task = own(session, viewer, task_id)
    if title is None and task.due_on == due_on:
        return False
    if title is not None:
        task.title = pen.write(session, viewer.member_id, ("tasks", "title", task.id), line(title, "title"))
    task.due_on = due_on
    return True


def set_done(session: Session, viewer: Viewer, task_id: uuid.UUID, now: dt.datetime, *, done: bool) -> None:
    """Leave the viewer's task done, or to do; saying it again changes nothing.

    Raises:
        NotFound: if it is not theirs.
    """
    task = own(session, viewer, task_id)
    if done and task.done_at is None:
        happened(session, viewer, Event.TASK_DONE, task_id, now)
    task.done_at = (task.done_at or now) if done else None


def remove(session: Session, viewer: Viewer, task_id: uuid.UUID) -> None:
    """The viewer's task is gone.

    Raises:
        NotFound: if it is not theirs.
    """
    session.delete(own(session, viewer, task_id))
    repeats.forget(session, [task_id])


def own(session: Session, viewer: Viewer, task_id: uuid.UUID) -> Task:
    """Return a task of the viewer's.

    Raises:
        NotFound: if it is not theirs.
    """
    task = session.scalar(select(Task).where(Task.id == task_id, _is_own(viewer)))
    if task is None:
        raise NotFound
    return task


def get(session: Session, viewer: Viewer, task_id: uuid.UUID, today: dt.date) -> TaskRow:
    """Return a task of the viewer's.

    Raises:
        NotFound: if it is not theirs.
    """
    (row,) = _rows(session, viewer, [own(session, viewer, task_id)], today)
    return row


def list_open(session: Session, viewer: Viewer, today: dt.date, page: Page = FIRST) -> Listing[TaskRow]:
    """Return a page of what the viewer means to do, what is due first on top, what has no day last."""
    day = func.coalesce(Task.due_on, literal(_NO_DAY))
    query = select(Task, day.label("day")).where(_is_own(viewer), Task.done_at.is_(None))
    if page.after:
        query = query.where(tuple_(day, Task.id) > tuple_(page.after.at.date(), page.after.row_id))
    found = session.execute(query.order_by(day, Task.id).limit(page.limit)).all()
    kept, following = cut(found, page, _position)
    return Listing(_rows(session, viewer, [row.Task for row in kept], today), following)


def list_done(session: Session, viewer: Viewer, today: dt.date, limit: int = 20) -> tuple[TaskRow, ...]:
    """Return what the viewer has done last."""
    query = select(Task).where(_is_own(viewer), Task.done_at.is_not(None))
    done = session.scalars(query.order_by(Task.done_at.desc(), Task.id).limit(limit)).all()
    return _rows(session, viewer, list(done), today)


def list_of_person(session: Session, viewer: Viewer, person_id: uuid.UUID, today: dt.date) -> tuple[TaskRow, ...]:
    """Return the viewer's open tasks for a person.

    Raises:
        NotFound: if the viewer may not see the person.
    """
    check_person(session, viewer, person_id)
    query = select(Task).where(_is_own(viewer), Task.person_id == person_id, Task.done_at.is_(None))
    found = session.scalars(query.order_by(Task.due_on.asc().nulls_last(), Task.id).limit(100)).all()
    return _rows(session, viewer, list(found), today)


def _is_own(viewer: Viewer) -> ColumnElement[bool]:
    return and_(Task.organisation_id == viewer.organisation_id, Task.owner_id == viewer.member_id)


def _position(row: Row[*tuple[Any, ...]]) -> Position:
    return Position(dt.datetime.combine(row.day, dt.time(), dt.UTC), row.Task.id)


def _rows(session: Session, viewer: Viewer, tasks: list[Task], today: dt.date) -> tuple[TaskRow, ...]:
    people = {row.id.value: row for row in rows_of(session, viewer, {t.person_id for t in tasks if t.person_id})}
    made = []
    for task in tasks:
        title = placed(task.title, Place(viewer.organisation_id, "tasks", "title", task.id))
        if title is None:
            continue
        made.append(
            TaskRow(
                id=System(task.id),
                title=title,
                due_on=Native(task.due_on) if task.due_on else None,
                is_due=task.due_on is not None and task.due_on <= today,
                is_done=task.done_at is not None,
                person=people.get(task.person_id),
            )
        )
    return tuple(made)
