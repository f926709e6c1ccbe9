"""The runtime: one of each part, connections that say UTC and hide what is bound."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from kernel import database
from kernel.runtime import Runtime


def test_a_part_is_made_once_though_many_threads_ask(runtime: Runtime) -> None:
    made: list[object] = []
    gate = threading.Barrier(8)

    def factory() -> object:
        made.append(object())
        return made[-1]

    def ask(found: list[object]) -> None:
        gate.wait()
        found.append(runtime.part("thing", factory))

    found: list[object] = []
    threads = [threading.Thread(target=ask, args=(found,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert set(map(id, found)) == {id(made[0])}


def test_a_part_may_be_made_of_other_parts(runtime: Runtime) -> None:
    assert runtime.part("outer", lambda: runtime.part("inner", lambda: 1) + 1) == 2


def test_sessions_speak_utc(runtime: Runtime) -> None:
    for sessions in (runtime.sessions, runtime.key_sessions):
        with sessions() as session:
            assert session.scalar(text("SHOW timezone")) == "UTC"


def test_an_error_of_the_database_shows_no_bound_value(runtime: Runtime) -> None:
    with runtime.sessions() as session, pytest.raises(ProgrammingError) as raised:
        session.execute(text("SELECT :value FROM nowhere"), {"value": "kryptonite"})
    assert "kryptonite" not in str(raised.value)


def test_the_two_databases_are_two(runtime: Runtime) -> None:
    with runtime.sessions() as one, runtime.key_sessions() as other:
        assert one.scalar(text("SELECT current_database()")) != other.scalar(text("SELECT current_database()"))


@pytest.mark.parametrize("sessions", ["sessions", "reading", "key_sessions"])
def test_connections_that_died_while_they_rested_are_replaced(runtime: Runtime, monkeypatch, sessions: str) -> None:
    monkeypatch.setattr(database, "RESTED_S", 0.0)
    make = getattr(runtime, sessions)
    with make() as one, make() as other:
        resting = {_pid(one), _pid(other)}
    with runtime.sessions() if sessions == "key_sessions" else runtime.key_sessions() as killer:
        for pid in resting:
            assert killer.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    with make() as one, make() as other:
        assert not {_pid(one), _pid(other)} & resting


def test_a_connection_that_was_just_used_is_not_asked_whether_it_lives(runtime: Runtime) -> None:
    asked = []
    with runtime.sessions() as session:
        dialect = session.get_bind().dialect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "do_ping", asked.append)
        for _ in range(3):
            with runtime.sessions() as session:
                _pid(session)
        assert asked == []
        patch.setattr(database, "RESTED_S", 0.0)
        with runtime.sessions() as session:
            _pid(session)
        assert len(asked) == 1


def test_a_session_that_only_reads_sees_what_is_committed_and_holds_no_transaction(runtime: Runtime) -> None:
    with runtime.reading() as reading, runtime.sessions() as other:
        pid = _pid(reading)
        state = text("SELECT state, xact_start FROM pg_stat_activity WHERE pid = :pid")
        assert tuple(other.execute(state, {"pid": pid}).one()) == ("idle", None)
        count = text("SELECT count(*) FROM organisations")
        other.execute(text("INSERT INTO organisations (id, name, created_at) VALUES (gen_random_uuid(), 'x', now())"))
        assert reading.scalar(count) == 0
        other.commit()
        assert reading.scalar(count) == 1


def _pid(session: Session) -> int:
    return session.scalar(text("SELECT pg_backend_pid()")) or 0


def test_tables_are_empty_at_the_start_of_each_test(runtime: Runtime) -> None:
    with runtime.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM runs")) == 0
