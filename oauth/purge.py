"""Purging: no row of a grant is left, in any mapped table that carries a grant.

The walk needs to know no package: it takes every table of the main database with a `grant_id`, dependents before what
they depend on, and deletes in bounded batches, one short transaction each. A table that must outlive the grant says
why in its `info["outlives_grant"]`; a census test reads those reasons, and finds any table that escapes. Rows of other
tables that hang on purged ones go with them by the database's own rules, which the same census checks.
"""

import uuid
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, func, literal_column, select
from sqlalchemy.orm import Session

from kernel.database import Base

BATCH = 5_000
COLUMN = "grant_id"
OUTLIVES = "outlives_grant"


def tables() -> list[Table]:
    """Return the tables to purge, each before those that it refers to."""
    carrying = [table for table in Base.metadata.sorted_tables if COLUMN in table.c]
    return [table for table in reversed(carrying) if OUTLIVES not in table.info]


def purge_batch(session: Session, table: Table, grant_id: uuid.UUID, limit: int = BATCH) -> int:
    """Delete up to `limit` rows of the grant from the table and return how many they were."""
    row: ColumnElement[Any] = literal_column("ctid")  # the physical row: no table needs a key of any certain form
    chosen = select(row).select_from(table).where(table.c[COLUMN] == grant_id).limit(limit)
    # An array and not IN: so the planner goes straight to the rows, however many the table has.
    gone = delete(table).where(row == func.any(func.array(chosen.scalar_subquery())))
    return int(session.execute(gone).rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it


def left(session: Session, grant_id: uuid.UUID) -> Iterator[tuple[str, int]]:
    """Yield each table that still holds rows of the grant, and how many."""
    for table in tables():
        count = session.scalar(select(func.count()).select_from(table).where(table.c[COLUMN] == grant_id)) or 0
        if count:
            yield table.name, count
