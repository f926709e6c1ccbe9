"""What users wrote of somebody, as the sidebar shows it: notes and deals are the organisation's, tasks the viewer's.

All three are read by one statement: a card is small, and each statement costs more to send than to answer.
"""

import datetime as dt
import decimal
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Numeric,
    Row,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.deals import OPEN
from crm.models import Deal, Note, Task
from crm.visibility import Sight
from kernel.database import UtcDateTime
from limited_use.sealing import Native, Place, Sealed, placed

MOST = 3


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A note that somebody wrote."""

    body: Sealed
    at: Native[dt.datetime]


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task that is not done."""

    title: Sealed
    due_on: Native[dt.date] | None


@dataclass(frozen=True, slots=True)
class DealLine:
    """A deal that is open."""

    title: Sealed
    stage: Native[str]
    amount: Native[decimal.Decimal] | None
    currency: str


@dataclass(frozen=True, slots=True)
class Written:
    """The newest notes, the tasks that are due first, and the deals that changed last."""

    notes: tuple[NoteLine, ...] = ()
    tasks: tuple[TaskLine, ...] = ()
    deals: tuple[DealLine, ...] = ()


UNWRITTEN = Written()


def written_of(session: Session, sight: Sight, person_id: uuid.UUID) -> Written:
    """Return what users wrote of a person whom the viewer may see."""
    whose = {"organisation_id": sight.organisation_id, "member_id": sight.member_id, "person_id": person_id}
    lines = session.execute(_WRITTEN, whose).all()
    return Written(
        notes=tuple(_note(sight, line) for line in lines if line.table == "notes"),
        tasks=tuple(_task(sight, line) for line in lines if line.table == "tasks"),
        deals=tuple(_deal(sight, line) for line in lines if line.table == "deals"),
    )


def _typed(sight: Sight, line: Row[Any]) -> Sealed:
    """Return the text that somebody typed, in its place."""
    value = placed(line.text, Place(sight.organisation_id, line.table, line.column, line.id))
    assert value is not None  # noqa: S101 -- these columns are never null
    return value


def _note(sight: Sight, line: Row[Any]) -> NoteLine:
    return NoteLine(_typed(sight, line), Native(line.at))


def _task(sight: Sight, line: Row[Any]) -> TaskLine:
    return TaskLine(_typed(sight, line), Native(line.due_on) if line.due_on else None)


def _deal(sight: Sight, line: Row[Any]) -> DealLine:
    amount = None if line.amount is None else Native(line.amount)
    return DealLine(_typed(sight, line), Native(line.stage), amount, line.currency)


def _first(
    text: InstrumentedAttribute[Sealed],
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    **told: InstrumentedAttribute[Any],
) -> Select[Any]:
    """Return the first rows of one table, in the columns that notes, tasks and deals are read in together."""
    table = text.class_
    columns = [told.get(name, cast(null(), kind)).label(name) for name, kind in _READ.items()]
    lines = (
        select(
            literal(table.__tablename__).label("table"),
            literal(text.key).label("column"),
            func.row_number().over(order_by=order).label("rank"),
            table.id,
            text.label("text"),
            *columns,
        )
        .where(table.organisation_id == bindparam("organisation_id"), table.person_id == bindparam("person_id"), *where)
        .order_by(*order)
        .limit(MOST)
    )
    return select(lines.subquery())


_READ = {"at": UtcDateTime, "due_on": Date, "stage": String, "amount": Numeric, "currency": String}
_WRITTEN = union_all(
    _first(Note.body, (), (Note.created_at.desc(), Note.id.desc()), at=Note.created_at),
    _first(
        Task.title,
        (Task.owner_id == bindparam("member_id"), Task.done_at.is_(None)),
        (Task.due_on.asc().nulls_last(), Task.id.asc()),
        due_on=Task.due_on,
    ),
    _first(
        Deal.title,
        (Deal.stage.in_(OPEN),),
        (Deal.updated_at.desc(), Deal.id.asc()),
        stage=Deal.stage,
        amount=Deal.amount,
        currency=Deal.currency,
    ),
).order_by("rank")
"""Made once: its making costs more than its running."""
