"""Reading the log as the admins and auditors of one organisation see it.

What is shown is what the leaves say, read from their signed bodies; the columns only find them. No question
here can be asked across organisations. Reading the log is itself worth a leaf: the caller writes it.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from limited_use.log.leaf import Leaf, read_leaf
from limited_use.log.models import LogLeaf
from limited_use.log.words import Decision, Kind, Sink

PAGE = 50
MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for; an empty field does not narrow. `since` is included, `until` is not."""

    sinks: tuple[Sink, ...] = ()
    decisions: tuple[Decision, ...] = ()
    kinds: tuple[Kind, ...] = ()
    features: tuple[str, ...] = ()
    actor_id: uuid.UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Which part: the newest `size` leaves written before the one with id `before`."""

    before: int | None = None
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class Row:
    """A leaf as it is listed. Without an index it is written, and its checkpoint is due within a second."""

    id: int
    index: int | None
    actor_id: uuid.UUID | None
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of leaves, newest first; `before` asks for the next one, None where there is none."""

    rows: tuple[Row, ...]
    before: int | None


def leaves(session: Session, organisation_id: uuid.UUID, filters: Filters, page: Page) -> Rows:
    """Return one page of the organisation's leaves, newest first."""
    size = min(max(page.size, 1), MAX_PAGE)
    wanted = [*_narrowed(organisation_id, filters), *([LogLeaf.id < page.before] if page.before is not None else [])]
    found = session.scalars(select(LogLeaf).where(and_(*wanted)).order_by(LogLeaf.id.desc()).limit(size + 1)).all()
    rows = tuple(map(_row, found[:size]))
    return Rows(rows, rows[-1].id if len(found) > size else None)


def one(session: Session, organisation_id: uuid.UUID, leaf_id: int) -> Row | None:
    """Return a leaf of the organisation, or None."""
    mine = (LogLeaf.id == leaf_id) & (LogLeaf.organisation_id == organisation_id)
    found = session.scalars(select(LogLeaf).where(mine)).one_or_none()
    return _row(found) if found else None


def facets(session: Session, organisation_id: uuid.UUID, filters: Filters) -> dict[str, dict[str, int]]:
    """Return, for sink, decision, kind and feature, how many of the filtered leaves have each value."""
    wanted = and_(*_narrowed(organisation_id, filters))
    counted: dict[str, dict[str, int]] = {}
    for column in (LogLeaf.sink, LogLeaf.decision, LogLeaf.kind, LogLeaf.feature):
        found = session.execute(
            select(column, func.count()).where(wanted, column.is_not(None)).group_by(column).order_by(column)
        )
        counted[column.key] = {str(value): number for value, number in found}
    return counted


def _row(stored: LogLeaf) -> Row:
    return Row(stored.id, stored.index, stored.actor_id, read_leaf(stored.body))


def _narrowed(organisation_id: uuid.UUID, filters: Filters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [LogLeaf.organisation_id == organisation_id]
    choices: list[tuple[InstrumentedAttribute[Any], tuple[str, ...]]] = [
        (LogLeaf.sink, filters.sinks),
        (LogLeaf.decision, filters.decisions),
        (LogLeaf.kind, filters.kinds),
        (LogLeaf.feature, filters.features),
    ]
    wanted += [column.in_(values) for column, values in choices if values]
    if filters.actor_id is not None:
        wanted.append(LogLeaf.actor_id == filters.actor_id)
    if filters.since is not None:
        wanted.append(LogLeaf.at >= filters.since)
    if filters.until is not None:
        wanted.append(LogLeaf.at < filters.until)
    return wanted
