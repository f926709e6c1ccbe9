"""B: errors on their way out, the database's own words about a row, dumps of a process's memory."""

# ruff: noqa: S608 -- what an attacker would write

import datetime as dt
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, event, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from addon import lookup
from crm import exporting, people
from crm.models import Fact, Message
from kernel.jobs import kinds
from kernel.jobs.attempt import execute_on
from kernel.jobs.runs import Run, plan
from kernel.work import begin
from limited_use.log import record
from limited_use.log.leaf import Leaf, LeafRefused
from limited_use.log.words import ActorClass, Decision, Kind
from limited_use.sealing import SealedError
from tests.leaks.forms import HEAD, TAIL
from tests.leaks.registry import attempt
from tests.leaks.resting import plain

ROOT = Path(__file__).parents[3]


def _breaks(house: Any) -> Any:
    """Return a function that fails as libraries do: quoting what they were given."""
    said = house.maya.planting.texts["mail.subject"]

    def fail(*_: object, **__: object) -> None:
        message = f"cannot parse {said!r}"
        raise ValueError(message, said)

    return fail


@attempt("B28-page", sink="browser", technique="an error that quotes content, on a page", corpus=28)
def broken_page(house):
    """The page says that something went wrong, and a number; the log says the type and the place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "list_people", _breaks(house))
        answer = house.maya.get("/people")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.text


@attempt("B28-api", sink="api", technique="an error that quotes content, in the API", corpus=28)
def broken_api(house):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "records_of", _breaks(house))
        answer = house.program("maya", "api", f"/api/v1/people/{house.person_id}")
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "internal")


@attempt("B28-card", sink="sidebar", technique="an error that quotes content, in a card", corpus=28)
def broken_card(house):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "open_message", _breaks(house), raising=False)
        patch.setattr(lookup, "participant", _breaks(house), raising=False)
        patch.setattr(lookup, "participants", _breaks(house), raising=False)
        host = house.host(house.maya)
        answer = host.post("/addon/gmail/message", host.event(house.mail().gmail_id))
    assert answer.status_code == 200
    assert answer.headers.get("X-Error-Code") == "internal"


@attempt("B28-job", sink="job", technique="an error that quotes content, in a job", corpus=(20, 28))
def broken_job(house):
    """The run keeps the code `internal`; the log line says the type and the place."""
    with (
        pytest.MonkeyPatch.context() as patch,
        begin(house.runtime.sessions, house.runtime.queue, house.runtime.clock) as work,
    ):
        run = plan(work.session, "leaks.broken", uuid.uuid4(), house.runtime.clock.now() + dt.timedelta(hours=1))
        patch.setitem(kinds._handlers, "leaks.broken", _breaks(house))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(kinds._handlers, "leaks.broken", _breaks(house))
        with house.runtime.begin() as work:
            work.session.get_one(Run, run.id).due_at = house.runtime.clock.now()
        assert execute_on(house.runtime, run.id, run.lease)
    with house.runtime.begin() as work:
        left = work.session.get_one(Run, run.id)
        assert left.last_error == "internal"
        work.session.delete(left)


@attempt("B27-debugger", sink="browser", technique="Werkzeug's debugger and console", corpus=27)
def debugger(house):
    """Debugging is off, and its addresses are nobody's."""
    assert not house.app.debug
    assert not house.app.config["PROPAGATE_EXCEPTIONS"]
    for path in (
        "/console",
        "/?__debugger__=yes&cmd=resource&f=debugger.js",
        "/__debug__",
        "/debug",
        "/_debug_toolbar",
    ):
        answer = house.maya.get(path)
        assert "EVALEX" not in answer.text
        assert "Traceback" not in answer.text


@attempt("B27-not-found", sink="browser", technique="addresses that quote what was asked for", corpus=28)
def not_found(house):
    for path in (f"/people/{uuid.uuid4()}", "/people/x'\"<>", "/messages/1", f"/connections/{uuid.uuid4()}/disconnect"):
        assert house.maya.get(path).status_code == 404


@attempt("B29-leaf-reason", sink="log leaf", technique="content as a reason", corpus=29)
def reason(house, trap):
    subject = f"Offer {house.maya.planting.texts['mail.subject']}"
    _refused(house, trap, reason=subject)


@attempt("B29-leaf-field", sink="log leaf", technique="an address as a field's name", corpus=29)
def field_name(house, trap):
    texts = house.maya.planting.texts
    _refused(house, trap, fields=(f"{texts['mail.from.address']}@example.test",))


@attempt("B29-leaf-destination", sink="log leaf", technique="an address as a destination", corpus=29)
def destination(house, trap):
    _refused(house, trap, destination=f"{house.maya.planting.texts['contact.email']}@example.test")


@attempt(
    "B29-leaf-sealed",
    sink="log leaf",
    technique="a sealed value in a leaf",
    corpus=29,
    refused=(LeafRefused, SealedError),
)
def sealed_reason(house):
    _append(house, reason=house.mail().subject)


@attempt("B22-echo", sink="log", technique="SQLAlchemy's echo of statements, parameters and rows", corpus=22)
def echoed(house):
    """An engine told to say all: with parameters shown, and every row."""
    engine = create_engine(house.runtime.settings.database_url, echo="debug", hide_parameters=False)
    try:
        with Session(engine) as session:
            session.scalars(select(Message)).all()
            session.scalars(select(Fact)).all()
            row = session.scalars(select(Message)).first()
            session.execute(update(Message).where(Message.id == row.id).values(subject=row.subject))
            session.rollback()
    finally:
        engine.dispose()


@attempt("B26-cursor", sink="trace", technique="a profiler at the database cursor", corpus=26)
def profiled(house, trap):
    """What an APM records of each statement and its parameters."""
    engine = house.runtime.sessions.kw["bind"]

    def before(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: Any) -> None:
        trap.keep([statement, repr(parameters)])

    event.listen(engine, "before_cursor_execute", before)
    try:
        house.maya.get("/search?q=nobody")
        house.bert.get(f"/people/{house.person_id}")
    finally:
        event.remove(engine, "before_cursor_execute", before)


@attempt(
    "B26-wsgi",
    sink="trace",
    technique="a middleware that records requests",
    corpus=26,
    opens=True,
    shown_in=("http",),
)
def recorded(house, trap):
    inner = house.app.wsgi_app

    def outer(environ: Any, start: Any) -> Any:
        sent_to_be_known_by = {"HTTP_AUTHORIZATION", "HTTP_COOKIE"}
        trap.keep({name: repr(value) for name, value in environ.items() if name not in sent_to_be_known_by})
        return inner(environ, start)

    house.app.wsgi_app = outer
    try:
        house.bert.get(f"/people/{house.person_id}")
        house.program("bert", "api", "/api/v1/people")
    finally:
        house.app.wsgi_app = inner


@attempt("B23-failing-row", sink="database error", technique="the failing row in PostgreSQL's DETAIL", corpus=23)
def failing_row(house, trap):
    with pytest.raises(IntegrityError) as caught, house.runtime.begin() as work:
        work.session.execute(text("UPDATE messages SET digest = NULL"))
    trap.keep([str(caught.value), repr(caught.value.orig.diag.message_detail)])


@attempt("B23-unique", sink="database error", technique="the key in a unique violation's DETAIL", corpus=23)
def duplicate(house, trap):
    values = dict(house.rows(Fact)[0].__dict__)
    values.pop("_sa_instance_state")
    with pytest.raises(IntegrityError) as caught, house.runtime.begin() as work:
        work.session.execute(insert(Fact).values(**values))
    trap.keep([str(caught.value), repr(caught.value.orig.diag.message_detail)])


@attempt("B23-cast", sink="database error", technique="a failing cast that quotes its input", corpus=23)
def failing_cast(house, trap):
    for expression in ("encode(subject, 'escape')::int", "convert_from(subject, 'UTF8')", "subject::text::uuid"):
        with pytest.raises(DBAPIError) as caught, house.runtime.begin() as work:
            work.session.execute(text(f"SELECT {expression} FROM messages")).all()
        trap.keep([str(caught.value), repr(caught.value.orig.diag.message_primary)])


@attempt("B23-plain-parameter", sink="database error", technique="plain text bound to a sealed column", corpus=(23, 40))
def plain_parameter(house):
    """Neither the error nor anything logged of it shows the parameters."""
    with pytest.raises(StatementError) as caught, house.runtime.begin() as work:
        work.session.execute(update(Message).values(subject="said in clear"))
    assert isinstance(caught.value.orig, SealedError)
    assert "said in clear" not in str(caught.value)


@attempt("B23-notice", sink="database log", technique="RAISE NOTICE of a row", corpus=23)
def noticed(house, trap):
    with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
        connection.add_notice_handler(lambda notice: trap.keep([notice.message_primary, notice.message_detail]))
        connection.execute(
            "DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM messages LOOP"
            " RAISE NOTICE '% %', r, to_jsonb(r); RAISE LOG '%', r; END LOOP; END $$"
        )


@attempt("B24-explain", sink="database log", technique="EXPLAIN with values in conditions", corpus=24)
def explained(house, trap):
    wire = house.mail().subject._wire
    with house.runtime.begin() as work:
        plan_ = text("EXPLAIN (ANALYZE, VERBOSE) SELECT subject FROM messages WHERE subject = :wire")
        trap.keep(list(work.session.execute(plan_, {"wire": wire}).scalars()))


@attempt("B24-statistics", sink="database statistics", technique="the planner's most common values", corpus=24)
def statistics(house, trap):
    with psycopg.connect(plain(house.runtime.settings.database_url), autocommit=True) as connection:
        connection.execute("ANALYZE")
        trap.keep(connection.execute("SELECT * FROM pg_stats WHERE schemaname = 'public'").fetchall())


@attempt(
    "B24-activity",
    sink="database statistics",
    technique="pg_stat_activity while pages are made",
    corpus=24,
    opens=True,
    shown_in=("http",),
)
def activity(house, trap):
    house.maya.get(f"/people/{house.hidden_id}", query_string={"q": "x"})
    with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
        trap.keep(connection.execute("SELECT query FROM pg_stat_activity").fetchall())


@attempt("B30-core", sink="memory", technique="a dump of a process that holds every row", corpus=30)
def core_dump(house, trap):
    """Another process loads every row and dumps its own memory: ciphertext is in it, and no text."""
    program = subprocess.run(
        [sys.executable, "-m", "tests.leaks.dumping"],
        cwd=ROOT,
        input=house.runtime.settings.database_url.encode(),
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},  # noqa: TID251 -- for the interpreter alone
    )
    memory = program.stdout
    assert house.mail().subject._wire in memory, "the rows are not in this dump, so it proves nothing"
    for mark in (HEAD, TAIL):
        for form in (mark.encode(), mark.upper().encode(), mark.encode("utf-16-le"), mark.encode("utf-32-le")):
            assert form not in memory
    trap.keep(program.stderr)


def _refused(house: Any, trap: Any, **said: Any) -> None:
    """The log takes no such entry, and its error names the field, never the value."""
    with pytest.raises(LeafRefused) as caught:
        _append(house, **said)
    trap.keep([str(caught.value), repr(caught.value)])


def _append(house: Any, **said: Any) -> None:
    leaf = Leaf(
        at=house.runtime.clock.now(), kind=Kind.RELEASE, decision=Decision.REFUSE, actor_class=ActorClass.MEMBER, **said
    )
    with house.runtime.begin() as work:
        record.append(work.session, leaf, organisation_id=house.maya.viewer.organisation_id, actor_id=None)
