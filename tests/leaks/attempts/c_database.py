"""C: reading the databases around the guard: SQL, copies, views, triggers, files on disk, the ORM's own hooks."""

# ruff: noqa: E501, PT011, SIM117, SIM118 -- what an attacker would write

import hashlib
import hmac
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import (
    LargeBinary,
    String,
    Text,
    cast,
    event,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    select,
    type_coerce,
    update,
)
from sqlalchemy.exc import DBAPIError

from accounts.models import Organisation
from crm.models import Correspondent, Fact, FactTerm, Message, Note
from kernel.database import Base
from limited_use.sealing import Sealed, SealedError
from tests.leaks.registry import attempt
from tests.leaks.resting import plain

ROOT = Path(__file__).parents[3]
TABLES = "messages", "facts", "meetings", "correspondents", "contacts"


def reads(name: str, technique: str, order: str, corpus: int | tuple[int, ...]) -> None:
    """Register statements of which the last gives rows: of ciphertext. Nothing of it is kept."""

    def act(house: Any, trap: Any) -> None:
        with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
            connection.add_notify_handler(lambda notify: trap.keep(notify.payload))
            for statement in order.split(";"):
                got = connection.execute(statement)
            rows = got.fetchall()
            assert rows, "nothing was read, so this proves nothing"
            trap.keep(rows)
            connection.rollback()

    attempt(name, sink="database", technique=technique, corpus=corpus)(act)


def selects(name: str, technique: str, expression: Any, corpus: int | tuple[int, ...] = 32) -> None:
    """Register an expression of SQLAlchemy over a sealed column: ciphertext, or an error of the database."""

    def act(house: Any, trap: Any) -> None:
        with house.runtime.sessions() as session:
            try:
                rows = session.execute(select(expression)).all()
            except DBAPIError as error:
                trap.fail(error)
                return
        assert rows
        trap.keep([repr(row) for row in rows])
        trap.keep([row[0]._wire if type(row[0]) is Sealed else row[0] for row in rows])

    attempt(name, sink="query", technique=technique, corpus=corpus)(act)


def copies(name: str, technique: str, order: str, corpus: int | tuple[int, ...] = 33) -> None:
    """Register a COPY: what it gives is ciphertext."""

    def act(house: Any, trap: Any) -> None:
        with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
            with connection.cursor() as cursor, cursor.copy(order) as out:
                got = b"".join(bytes(piece) for piece in out)
        assert got
        trap.keep(got)

    attempt(name, sink="database copy", technique=technique, corpus=corpus)(act)


reads("C31-text", "SELECT *", "SELECT * FROM messages m, facts f", 31)
reads("C31-jsonb", "to_jsonb(row)", "SELECT to_jsonb(m), row_to_json(m) FROM messages m", (31, 32))
reads("C31-row", "a row as text", "SELECT m::text, f::text FROM messages m, facts f", 31)
reads("C31-encode", "encode()", "SELECT encode(subject, 'escape'), encode(subject, 'base64') FROM messages", 31)
reads("C31-aggregate", "string_agg of bytes", "SELECT string_agg(value, ''::bytea) FROM facts", (31, 32))
reads("C31-substr", "substring by position", "SELECT substring(subject FROM 18 FOR 40) FROM messages", 32)
reads("C31-digest", "a digest inside SQL", "SELECT md5(subject), sha256(subject) FROM messages", (31, 32))
reads("C34-view", "a view", "CREATE VIEW v AS SELECT subject, snippet FROM messages; SELECT * FROM v", 34)
reads("C34-materialised", "a materialised view", "CREATE MATERIALIZED VIEW v AS TABLE facts; SELECT * FROM v", 34)
reads(
    "C34-generated",
    "a generated column",
    "ALTER TABLE messages ADD shown text GENERATED ALWAYS AS (encode(subject, 'escape')) STORED; SELECT shown FROM messages",
    34,
)
reads("C38-temporary", "a temporary table", "CREATE TEMP TABLE t AS TABLE meetings; SELECT * FROM t", 38)
reads("C38-cte", "a CTE", "WITH t AS MATERIALIZED (SELECT * FROM facts) SELECT array_agg(t) FROM t", 38)
reads("C38-cursor", "a server-side cursor", "DECLARE c CURSOR FOR TABLE facts; FETCH ALL FROM c", 38)
reads("C38-prepared", "a prepared statement", "PREPARE p AS TABLE messages; EXECUTE p", 38)
reads(
    "C38-unlogged",
    "an unlogged export table",
    "CREATE UNLOGGED TABLE t AS SELECT m.*::text AS r FROM messages m; TABLE t",
    38,
)
reads(
    "C41-migration",
    "a migration to a plain column",
    "ALTER TABLE messages ALTER subject TYPE text USING encode(subject, 'escape'); SELECT subject FROM messages",
    41,
)
copies("C33-copy", "COPY of a table", "COPY facts TO STDOUT")
copies("C33-csv", "COPY of a query as CSV", "COPY (SELECT * FROM messages) TO STDOUT (FORMAT csv, HEADER)")
copies("C33-binary", "COPY in binary", "COPY meetings TO STDOUT (FORMAT binary)")
selects("C32-lower", "lower()", func.lower(cast(Message.subject, Text)))
selects("C32-substr", "substr()", func.substr(Message.subject, 1, 40))
selects("C32-concat", "concat()", func.concat("subject: ", Message.subject))
selects("C32-operator", "||", Message.subject.op("||")(literal(b"x", LargeBinary)))
selects("C32-cast", "CAST AS text", cast(Message.subject, Text))
selects("C32-cast-bytes", "CAST AS bytea", cast(Message.subject, LargeBinary))
selects("C32-coerce", "type_coerce to bytes", type_coerce(Message.subject, LargeBinary))
selects("C32-coerce-text", "type_coerce to text", type_coerce(Message.subject, String))
selects("C32-literal", "literal_column", literal_column("(SELECT max(encode(snippet, 'escape')) FROM messages)"))
selects("C32-max", "max()", func.max(cast(Fact.value, Text)))
selects("C32-array", "array_agg()", func.array_agg(Fact.value))
selects("C32-json", "json_build_object()", func.json_build_object("v", cast(Fact.value, Text)))
selects("C32-convert", "convert_from()", func.convert_from(Fact.value, "UTF8"))
selects("C32-coalesce", "coalesce()", func.coalesce(Fact.value, literal(b"", LargeBinary)))
selects("C32-distinct", "DISTINCT ON", func.count(Fact.value.distinct()))


@attempt("C33-heap", sink="database file", technique="the table's file on disk", corpus=33)
def heap_file(house, trap):
    """A stolen disk: the heap, its toast and the write-ahead log, as bytes."""
    with psycopg.connect(plain(house.runtime.settings.database_url), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        folder = Path(connection.execute("SELECT current_setting('data_directory')").fetchone()[0])
        if not folder.is_dir():
            pytest.skip("the PostgreSQL server is not ours, so its files cannot be read")
        for table in TABLES:
            name = connection.execute("SELECT pg_relation_filepath(%s::regclass)", [table]).fetchone()[0]
            trap.keep((folder / name).read_bytes(), "files")


@attempt("C33-wal", sink="database file", technique="the write-ahead log", corpus=(33, 37))
def write_ahead_log(house, trap):
    """What a replica is sent: the log of every change, read where it lies, for marks in clear."""
    with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
        folder = Path(connection.execute("SELECT current_setting('data_directory')").fetchone()[0]) / "pg_wal"
    if not folder.is_dir():
        pytest.skip("the PostgreSQL server is not ours, so its files cannot be read")
    wire = house.mail().subject._wire
    held = b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())
    texts = [text.encode() for text in house.maya.planting.texts.values()]
    assert [text for text in texts if text in held] == []
    trap.keep(repr(wire in held))


@attempt("C35-trigger", sink="database", technique="a history table filled by a trigger", corpus=35)
def history(house, trap):
    _while_changing(
        house,
        trap,
        "CREATE TABLE history (old jsonb, new jsonb)",
        "CREATE FUNCTION keep_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO history VALUES (to_jsonb(OLD), to_jsonb(NEW)); RETURN NEW; END $$",
        "CREATE TRIGGER t AFTER UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION keep_history()",
        read="SELECT * FROM history",
    )


@attempt("C37-notify", sink="database", technique="a stream of changes by NOTIFY", corpus=37)
def notified(house, trap):
    seen: list[Any] = []
    url = plain(house.runtime.settings.database_url)
    with psycopg.connect(url, autocommit=True) as listener, psycopg.connect(url) as connection:
        listener.execute("LISTEN changes")
        connection.execute("SELECT pg_notify('changes', left(to_jsonb(f)::text, 7000)) FROM facts f")
        connection.commit()
        seen += [notify.payload for notify in listener.notifies(timeout=2, stop_after=3)]
    assert seen
    trap.keep(seen)


@attempt("C38-function", sink="database", technique="a function that returns rows as text", corpus=38)
def by_function(house, trap):
    _while_changing(
        house,
        trap,
        "CREATE FUNCTION told(m messages) RETURNS text LANGUAGE sql AS $$ SELECT m::text $$",
        read="SELECT told(m) FROM messages m",
    )


@attempt("C39-load", sink="ORM", technique="listeners on load and refresh", corpus=39)
def listened(house, trap):
    """A listener of somebody's own sees the row as it is loaded: sealed."""

    def copy_values(target: Any, *_: Any) -> None:
        trap.keep({name: repr(value) for name, value in vars(target).items()})
        trap.keep([value._wire for value in vars(target).values() if type(value) is Sealed])

    for name in ("load", "refresh"):
        event.listen(Base, name, copy_values, propagate=True)
    try:
        with house.runtime.sessions() as session:
            for row in session.scalars(select(Message)):
                session.refresh(row)
    finally:
        for name in ("load", "refresh"):
            event.remove(Base, name, copy_values)


@attempt("C39-history", sink="ORM", technique="the unit of work's history of an attribute", corpus=39)
def attribute_history(house, trap):
    with house.runtime.sessions() as session:
        for row in session.scalars(select(Message)).all():
            state = inspect(row)
            row.subject = row.snippet
            trap.keep([repr(state.attrs.subject.history), repr(state.dict), repr(state.committed_state)])
        session.rollback()


@attempt("C39-compiled", sink="ORM", technique="a statement compiled with its values in it", corpus=(22, 39))
def compiled(house, trap):
    with pytest.raises(Exception) as caught:
        update(Message).values(subject=house.mail().subject).compile(compile_kwargs={"literal_binds": True})
    trap.fail(caught.value)


@attempt(
    "C40-from-select", sink="database", technique="INSERT … SELECT into a native column", corpus=40, refused=DBAPIError
)
def copied_into_native(house):
    with house.runtime.begin() as work:
        work.session.execute(update(Organisation).values(name=select(Message.subject).limit(1).scalar_subquery()))


@attempt("C40-cast", sink="database", technique="a cast into a native column", corpus=40)
def cast_into_native(house, trap):
    with house.runtime.sessions() as session:
        shown = select(func.left(cast(Message.subject, Text), 80)).limit(1).scalar_subquery()
        session.execute(update(Organisation).values(name=shown))
        trap.keep(list(session.scalars(select(Organisation.name))))
        session.rollback()


@attempt(
    "C40-attribute",
    sink="ORM",
    technique="a sealed value in a native attribute",
    corpus=40,
    refused=(DBAPIError, SealedError),
)
def assigned_to_native(house):
    with house.runtime.begin() as work:
        work.session.scalars(select(Organisation)).first().name = house.mail().subject


@attempt("C40-bulk", sink="ORM", technique="plain rows in bulk into a sealed column", corpus=40, refused=Exception)
def bulk(house):
    note = house.record(Note)
    with house.runtime.begin() as work:
        values = {name: getattr(note, name) for name in inspect(Note).columns.keys() if name not in ("id", "body")}
        work.session.execute(insert(Note), [{**values, "body": "in clear"}])


@attempt("C42-sqlite", sink="file", technique="a fixture made of real rows, in SQLite", corpus=42)
def fixture(house, trap):
    with sqlite3.connect(trap.folder / "fixture.sqlite3") as there:
        there.execute("CREATE TABLE messages (id TEXT, subject BLOB, snippet BLOB)")
        for row in house.rows(Message):
            there.execute("INSERT INTO messages VALUES (?, ?, ?)", [str(row.id), row.subject._wire, row.snippet._wire])
    there.close()


@attempt("C42-repository", sink="file", technique="databases and dumps in the repository", corpus=42)
def repository(house):
    """No file that we keep is a database, a dump, a mailbox or an archive of one."""
    assert house
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    begins = (b"SQLite format 3", b"PGDMP", b"From ", b"\x1f\x8b", b"PK\x03\x04", b"REDIS")
    held = [name for name in listing if (ROOT / name).is_file() and (ROOT / name).read_bytes()[:16].startswith(begins)]
    assert held == []


@attempt("C44-orphans", sink="database", technique="rows left after an ending", corpus=44)
def orphans(house):
    """Of Dora's ended grant no row is left but the evidence of its ending."""
    with house.runtime.sessions() as session:
        for mapper in Base.registry.mappers:
            if "grant_id" in mapper.columns and "outlives_grant" not in mapper.local_table.info:
                column = mapper.columns["grant_id"]
                rows = select(func.count()).select_from(mapper.local_table).where(column == house.dora.grant_id)
                assert session.scalar(rows) == 0, mapper.local_table.name


@attempt(
    "C32-index", sink="blind index", technique="guessing addresses by unkeyed digests and known keys", corpus=(46, 72)
)
def guessed_indexes(house):
    """No digest that one can make without the organisation's index key is among the indexes."""
    texts, settings = house.maya.planting.texts, house.runtime.settings
    address = f"{texts['contact.email']}@{texts['contact.email.domain']}.example"
    organisation = house.maya.viewer.organisation_id.bytes
    with house.runtime.sessions() as session:
        indexes = [*session.scalars(select(Correspondent.address_index)), *session.scalars(select(Fact.value_index))]
        indexes += [*session.scalars(select(FactTerm.term))]
    known = {bytes(one)[:8] for one in indexes if one}
    assert len(known) > 10
    for guess in (address, address.upper(), texts["contact.email"], f"email\x00{address}", f"address\x00{address}"):
        digests = [hashlib.new(name, guess.encode()).digest() for name in ("md5", "sha1", "sha256", "blake2b")]
        keys = (b"", organisation, organisation.hex().encode(), settings.secret_key.encode())
        digests += [hmac.digest(key, guess.encode(), "sha256") for key in keys]
        assert not known & {digest[:8] for digest in digests}


def _while_changing(house: Any, trap: Any, *orders: str, read: str) -> None:
    with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
        for order in orders:
            connection.execute(order)
        connection.execute("UPDATE messages SET size = size + 1")
        rows = connection.execute(read).fetchall()
        assert rows
        trap.keep(rows)
        connection.rollback()
