"""Many rows at once: copied into a table, or asked for by a list, at a cost that hardly grows with their number.

An insert of many rows costs the driver about a tenth of a millisecond a row, and a list of parameters is taken apart
one by one; PostgreSQL's COPY and one array parameter cost a few microseconds. What the columns' types do to a value
(refuse what is not sealed, refuse a naive time) they do here too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
    any_,
    literal,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator, TypeEngine


class CopyError(RuntimeError):
    """The database did not take the rows; says why by the kind of error and the table alone."""


_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (Uuid, "uuid"),
    (LargeBinary, "bytea"),
    (ARRAY, "varchar[]"),
    (BigInteger, "int8"),
    (DateTime, "timestamptz"),
    (Boolean, "bool"),
    (Integer, "int4"),
    (String, "text"),
)


def copy_rows(session: Session, mapped: type[Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows stand in the table; each has the same columns, and those left out get their database default."""
    if not rows:
        return
    table: Table = mapped.__table__
    columns = [table.columns[name] for name in rows[0]]
    connection = session.connection()
    ready = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    driver: Any = connection.connection.driver_connection
    statement = f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)'
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_type_of(column) for column in columns])
            for row in rows:
                copy.write_row(_values(row.values(), ready))
    except psycopg.Error as error:
        raise CopyError(type(error).__name__, table.name) from None  # its text may quote a row


def among(column: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the condition that the column's value is one of these: one parameter, however many they are."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def _values(values: Collection[Any], ready: Sequence[Any]) -> list[Any]:
    """Return a row as the database takes it; words of a closed list as their text."""
    return [
        str(value) if process is None and isinstance(value, str) else value if process is None else process(value)
        for value, process in zip(values, ready, strict=True)
    ]


def _type_of(column: Column[Any]) -> str:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, ARRAY) and isinstance(kind.item_type, BigInteger):
        return "int8[]"
    return next(name for shape, name in _TYPES if isinstance(kind, shape))
