"""The runtime: one of each part, connections that say UTC and hide what is bound."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

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


def test_tables_are_empty_at_the_start_of_each_test(runtime: Runtime) -> None:
    with runtime.sessions() as session:
        assert session.scalar(text("SELECT count(*) FROM runs")) == 0
