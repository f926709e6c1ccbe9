"""Sealed columns: whatever way they are read, what comes out is a sealed value or ciphertext."""

import logging
import uuid

import pytest
from sqlalchemy import cast, func, insert, literal_column, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.types import String

from crm.models import Note
from kernel.ids import new_id
from limited_use.columns import sealed_formats
from limited_use.sealing import Place, Sealed, SealedError, placed

CANARY = "canary-0d1e2f"


@pytest.fixture
def note(tenant):
    """A note in the database, and its sealed body as it was written."""
    now = tenant.runtime.clock.now()
    row_id = new_id()
    body = tenant.sealed(CANARY, "content", row_id)
    with tenant.runtime.sessions.begin() as session:
        session.add(
            Note(
                id=row_id,
                organisation_id=tenant.organisation_id,
                author_id=tenant.owner_id,
                body=body,
                created_at=now,
                updated_at=now,
            )
        )
    return row_id


def opened(tenant, value):
    return tenant.guard.release(tenant.asking(), [value], list)


def test_a_loaded_value_has_its_place_and_opens(tenant, note):
    with tenant.runtime.sessions() as session:
        row = session.get_one(Note, note)
        assert type(row.body) is Sealed
        assert row.body._place == Place(tenant.organisation_id, "notes", "body", note)
        assert opened(tenant, row.body) == [CANARY]
        session.refresh(row)
        assert opened(tenant, row.body) == [CANARY]


def test_a_bare_column_has_no_place_until_its_query_gives_it_one(tenant, note):
    with tenant.runtime.sessions() as session:
        body = session.scalar(select(Note.body).where(Note.id == note))
    assert body is not None
    with pytest.raises(Exception, match="limited_use_refused"):
        opened(tenant, body)
    assert opened(tenant, placed(body, Place(tenant.organisation_id, "notes", "body", note))) == [CANARY]


def test_a_value_moved_between_rows_by_sql_does_not_open(tenant, note):
    other = new_id()
    with tenant.runtime.sessions.begin() as session:
        session.execute(
            text(
                "INSERT INTO notes (id, organisation_id, author_id, body, created_at, updated_at) "
                "SELECT :other, organisation_id, author_id, body, created_at, updated_at FROM notes WHERE id = :note"
            ),
            {"other": other, "note": note},
        )
    with tenant.runtime.sessions() as session:
        moved = session.get_one(Note, other).body
    with pytest.raises(Exception, match="tampered"):
        opened(tenant, moved)


@pytest.mark.parametrize(
    "expression",
    [
        Note.body,
        func.concat(Note.body, "x"),
        func.md5(Note.body),
        func.encode(Note.body, "escape"),
        func.substr(Note.body, 1, 10_000),
        func.json_build_object("b", Note.body),
        func.array_agg(Note.body),
        func.max(Note.body),
        func.string_agg(Note.body, text("''")),
        cast(Note.body, String),
        literal_column("to_jsonb(notes)::text"),
        literal_column("convert_from(body, 'SQL_ASCII')"),
        literal_column("notes::text"),
    ],
    ids=str,
)
def test_no_expression_in_sql_gives_plaintext(tenant, note, expression):
    with tenant.runtime.sessions() as session:
        try:
            found = session.execute(select(expression).select_from(Note)).scalar()
        except (DBAPIError, SealedError, StatementError) as error:
            found = str(error)
    assert note
    shown = found if isinstance(found, str | bytes) else repr(found)
    for form in (CANARY, CANARY.upper(), CANARY.encode().hex()):
        assert form not in (shown if isinstance(shown, str) else shown.decode("latin-1"))


@pytest.mark.usefixtures("note")
def test_a_dump_of_the_table_is_ciphertext(tenant):
    with tenant.runtime.sessions() as session:
        driver = session.connection().connection.driver_connection
        with driver.cursor() as cursor, cursor.copy("COPY notes TO STDOUT") as copy:
            dumped = b"".join(bytes(part) for part in copy)
    assert len(dumped) > 100
    assert CANARY.encode() not in dumped
    assert CANARY.encode().hex().encode() not in dumped


@pytest.mark.parametrize("bare", ["text", b"bytes", 3, object()])
def test_only_sealed_values_can_be_stored(tenant, note, bare):
    with tenant.runtime.sessions() as session, pytest.raises(StatementError) as caught:
        session.execute(update(Note).where(Note.id == note).values(body=bare))
    assert isinstance(caught.value.orig, SealedError)


def test_errors_and_echo_logs_show_no_values(tenant, note, caplog):
    engine = tenant.runtime.sessions.kw["bind"]
    body = tenant.sealed(CANARY, "content", note)
    with caplog.at_level(logging.DEBUG, "sqlalchemy.engine"), tenant.runtime.sessions() as session:
        engine.echo = True
        try:
            with pytest.raises(IntegrityError) as caught:
                session.execute(insert(Note).values(id=note, organisation_id=uuid.uuid4(), body=body))
        finally:
            engine.echo = False
    for shown in (str(caught.value), caplog.text):
        assert CANARY not in shown
        assert repr(body._wire)[2:-1] not in shown


def test_an_unchanged_value_is_not_written_again_and_a_new_one_is(tenant, note):
    with tenant.runtime.sessions.begin() as session:
        row = session.get_one(Note, note)
        row.body = Sealed(row.body._wire, row.body._place)
        session.flush()
        row.body = tenant.sealed("new", "content", note)
    with tenant.runtime.sessions() as session:
        assert opened(tenant, session.get_one(Note, note).body) == ["new"]


def test_only_the_same_ciphertext_is_the_same_value(tenant, note):
    kind = Note.__table__.c.body.type
    one, other = tenant.sealed(CANARY, "content"), tenant.sealed(CANARY, "content")
    again = placed(one, Place(tenant.organisation_id, "notes", "body", note))
    assert again is not one
    for pair, is_same in (((one, one), True), ((one, again), True), ((None, None), True), ((one, other), False)):
        assert kind.compare_values(*pair) is is_same
    for neither in (None, CANARY, b"x"):
        assert not kind.compare_values(one, neither)
        assert not kind.compare_values(neither, one)


def test_the_formats_of_a_class_are_known():
    assert sealed_formats(Note.__mapper__) == {"body": "text"}
