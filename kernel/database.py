"""The databases: two declarative bases, the shared column kinds, and the data class of every column.

Each mapped column declares one of four classes (DESIGN.md §3): `system` our own bookkeeping; `native` users'
own structured values; `labelled` Google-derived but clear at rest so that SQL can sort and filter; `sealed`
ciphertext (`limited_use.columns`). A column without a class breaks the build.
"""

import datetime as dt
import enum
import time
import uuid
from functools import partial
from typing import Annotated, Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, Uuid, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, MappedColumn, Session, mapped_column, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from kernel.ids import new_id

Sessions = sessionmaker[Session]

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class DataClass(enum.Enum):
    """What a column holds, in the eyes of the Limited Use guard."""

    SYSTEM = "system"
    NATIVE = "native"
    LABELLED = "labelled"
    SEALED = "sealed"


class Aspect(enum.StrEnum):
    """Which part of a conversation a value from Google tells: what an owner shares is shared by these."""

    PEOPLE = "people"
    """Who: names, addresses, telephone numbers, companies."""
    TIMES = "times"
    """When, how often, which way: times, counts, flags."""
    SUBJECTS = "subjects"
    """What about: subjects, titles, places."""
    CONTENT = "content"
    """What was said: snippets, descriptions, texts, files."""
    NONE = "none"
    """Nothing that anybody is shown by sharing: tokens, cursors, Google's own ids, blind indexes."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """A moment; naive times are refused, UTC comes back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse a naive time."""
        if value is not None and value.tzinfo is None:
            msg = "a naive time cannot be stored"
            raise ValueError(msg)
        return value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Return the moment in UTC."""
        return None if value is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """Everything in the main database."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dt.datetime: UtcDateTime(), uuid.UUID: Uuid()}  # noqa: RUF012 -- read by SQLAlchemy


class KeysBase(DeclarativeBase):
    """Everything in the keys' own database: wrapped keys, backed up apart and for at most 30 days."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dt.datetime: UtcDateTime(), uuid.UUID: Uuid()}  # noqa: RUF012 -- read by SQLAlchemy


def classed(
    data_class: DataClass, *args: Any, doc: str, aspect: Aspect | None = None, **kwargs: Any
) -> MappedColumn[Any]:
    """Return a mapped column that declares its data class and its meaning, and of what is Google's its aspect."""
    info = {**kwargs.pop("info", {}), "data_class": data_class, "aspect": aspect}
    return mapped_column(*args, doc=doc, info=info, **kwargs)


def system(*args: Any, doc: str, **kwargs: Any) -> MappedColumn[Any]:
    """Return a column of our own bookkeeping."""
    return classed(DataClass.SYSTEM, *args, doc=doc, **kwargs)


def native(*args: Any, doc: str, **kwargs: Any) -> MappedColumn[Any]:
    """Return a column of users' own structured values, clear at rest."""
    return classed(DataClass.NATIVE, *args, doc=doc, **kwargs)


def labelled(*args: Any, doc: str, aspect: Aspect | None = None, **kwargs: Any) -> MappedColumn[Any]:
    """Return a column that derives from Google and is clear at rest so that SQL can sort and filter."""
    return classed(DataClass.LABELLED, *args, doc=doc, aspect=aspect, **kwargs)


def aspect_of(table: str, column: str) -> Aspect | None:
    """Return which aspect a column of the main database declares; None for one that is not there or declares none."""
    found = Base.metadata.tables.get(table)
    if found is None or column not in found.columns:
        return None
    aspect: Aspect | None = found.columns[column].info.get("aspect")
    return aspect


Id = Annotated[
    uuid.UUID,
    mapped_column(Uuid, primary_key=True, default=new_id, doc="Our own id.", info={"data_class": DataClass.SYSTEM}),
]


RESTED_S = 1.0
"""A connection that was used less long ago is taken to be alive: to ask costs as much as a small query."""


def connect(url: str) -> Engine:
    """Return an engine on `url` (PostgreSQL through psycopg 3) that never prints bound values.

    A connection that rested in its pool is asked whether it is alive before it is used, and replaced if not.
    """
    engine = create_engine(
        url, hide_parameters=True, pool_size=8, max_overflow=16, connect_args={"options": "-c timezone=UTC"}
    )
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", partial(_check_rested, engine.dialect))
    return engine


def _note_rest(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = time.monotonic()


def _check_rested(
    dialect: Dialect, connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    since = record.info.get("rests_since")
    if since is None or time.monotonic() - since < RESTED_S:
        return
    try:
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error:
        raise InvalidatePoolError from None  # the pool makes this one anew, and all others as old when they are due


def sessions_on(engine: Engine) -> Sessions:
    """Return the session maker of `engine`; objects stay readable after commit."""
    return sessionmaker(engine, expire_on_commit=False)


def reading_on(engine: Engine) -> Sessions:
    """Return the maker of sessions on `engine` that only read.

    At READ COMMITTED each statement sees what was committed when it began, in a transaction or out of one, so these
    have none: that saves a message to the database before the first and after the last.
    """
    return sessions_on(engine.execution_options(isolation_level="AUTOCOMMIT"))
