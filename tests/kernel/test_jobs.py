"""Runs: planned once, taken once, done again when they must be; RQ is told ids only."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from kernel import jobs, work
from kernel.clock import HeldClock
from kernel.errors import AppError, Unavailable
from kernel.ids import new_id
from kernel.jobs import attempt, kinds, lease, queue, sweeping
from kernel.runtime import Runtime

START = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)
Register = Callable[[str, jobs.Handler], None]


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(START)


@pytest.fixture
def handle() -> Iterator[Register]:
    """Registers handlers for the length of one test."""
    added: list[str] = []

    def register(kind: str, handler: jobs.Handler) -> None:
        jobs.register(kind)(handler)
        added.append(kind)

    yield register
    for kind in added:
        del kinds._handlers[kind]


def planned(runtime: Runtime, kind: str, *, after_s: float = 0, subject: uuid.UUID | None = None) -> jobs.Run:
    with runtime.begin() as open_work:
        return open_work.later(kind, subject or new_id(), runtime.clock.now() + dt.timedelta(seconds=after_s))


def stored(runtime: Runtime, run: jobs.Run) -> jobs.Run:
    with runtime.sessions() as session:
        return session.scalars(select(jobs.Run).where(jobs.Run.id == run.id)).one()


class HopelessError(AppError):
    code = "hopeless"


def hopeless(*_: object) -> None:
    raise HopelessError


def done(_runtime: Runtime, _subject: uuid.UUID, _lease: jobs.Lease) -> None:
    return None


def test_planning_twice_gives_one_run_due_at_the_earlier_time(runtime: Runtime) -> None:
    subject = new_id()
    later = planned(runtime, "t", after_s=60, subject=subject)
    sooner = planned(runtime, "t", after_s=5, subject=subject)
    again = planned(runtime, "t", after_s=600, subject=subject)
    assert later.id == sooner.id == again.id
    assert stored(runtime, later).due_at == START + dt.timedelta(seconds=5)


def test_a_run_is_woken_after_the_commit_and_not_when_it_rolls_back(runtime: Runtime) -> None:
    def plan_and_fail() -> None:
        with runtime.begin() as open_work:
            open_work.later("t", new_id())
            raise Unavailable

    with pytest.raises(Unavailable):
        plan_and_fail()
    assert queue.queued_ids(runtime.queue) == set()
    with runtime.begin() as open_work:
        run = open_work.later("t", new_id())
        assert queue.queued_ids(runtime.queue) == set()
    assert queue.queued_ids(runtime.queue) == {f"run-{run.id}-0"}


def test_what_is_handed_a_session_alone_plans_runs_that_are_woken_too(runtime: Runtime) -> None:
    now = runtime.clock.now()
    with runtime.begin() as open_work:
        run = work.later(open_work.session, "t", new_id(), now)
        assert queue.queued_ids(runtime.queue) == set()
    assert queue.queued_ids(runtime.queue) == {f"run-{run.id}-0"}
    with runtime.sessions.begin() as session:
        left = work.later(session, "t", new_id(), now)
    assert stored(runtime, left).state == "due"
    assert len(queue.queued_ids(runtime.queue)) == 1


def test_a_run_due_later_is_not_woken_now(runtime: Runtime) -> None:
    planned(runtime, "t", after_s=30)
    assert queue.queued_ids(runtime.queue) == set()


def test_redis_is_told_ids_as_json_and_nothing_else(runtime: Runtime) -> None:
    run = planned(runtime, "t")
    job = runtime.queue.fetch_job(f"run-{run.id}-0")
    assert job is not None
    assert (job.func_name, job.args, job.kwargs) == ("kernel.jobs.execute", [str(run.id), 0], {})
    assert job.description == job.id
    for value in runtime.redis.hgetall(job.key).values():
        assert b"pickle" not in value
        assert not value.startswith(b"\x80")


def test_a_queue_that_is_away_loses_no_run(runtime: Runtime) -> None:
    away = redis.Redis(unix_socket_path="/nowhere/redis.sock", retry=None)
    with work.begin(runtime.sessions, jobs.open_queue(away), runtime.clock) as open_work:
        run = open_work.later("t", new_id())
    assert queue.queued_ids(runtime.queue) == set()
    jobs.sweep(runtime)
    assert queue.queued_ids(runtime.queue) == {f"run-{run.id}-0"}


def test_a_second_delivery_does_nothing(runtime: Runtime, handle: Register) -> None:
    calls: list[uuid.UUID] = []
    handle("t", lambda _r, subject, _l: calls.append(subject))
    run = planned(runtime, "t")
    assert attempt.execute_on(runtime, run.id, 0)
    assert not attempt.execute_on(runtime, run.id, 0)
    assert not attempt.execute_on(runtime, run.id, 1)
    assert calls == [run.subject_id]
    assert stored(runtime, run).state == "done"


def test_of_many_deliveries_at_once_one_is_taken(runtime: Runtime, handle: Register) -> None:
    calls: list[uuid.UUID] = []
    handle("t", lambda _r, subject, _l: calls.append(subject))
    run = planned(runtime, "t")
    gate = threading.Barrier(6)

    def deliver() -> None:
        gate.wait()
        attempt.execute_on(runtime, run.id, 0)

    threads = [threading.Thread(target=deliver) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_run_is_not_taken_before_it_is_due(runtime: Runtime, clock: HeldClock, handle: Register) -> None:
    handle("t", done)
    run = planned(runtime, "t", after_s=10)
    assert not attempt.execute_on(runtime, run.id, 0)
    clock.advance(10)
    assert attempt.execute_on(runtime, run.id, 0)


def test_a_lease_that_ran_out_is_taken_by_another_and_lost_to_the_first(runtime: Runtime, clock: HeldClock) -> None:
    run = planned(runtime, "t")
    first = lease.take(runtime, run.id, 0)
    assert first is not None
    assert lease.take(runtime, run.id, 1) is None
    clock.advance(lease.LEASE_S + 1)
    second = lease.take(runtime, run.id, 1)
    assert second is not None
    with runtime.sessions.begin() as session:
        second[2].check(session)
        with pytest.raises(jobs.LeaseLost):
            first[2].check(session)
    assert not lease.extend(runtime, first[2])
    assert lease.extend(runtime, second[2])


def test_nobody_takes_a_run_while_its_holder_applies(runtime: Runtime, clock: HeldClock) -> None:
    run = planned(runtime, "t")
    first = lease.take(runtime, run.id, 0)
    assert first is not None
    taken = threading.Event()

    def take() -> None:
        assert lease.take(runtime, run.id, 1)
        taken.set()

    with runtime.sessions.begin() as session:
        first[2].check(session)
        clock.advance(lease.LEASE_S + 1)
        other = threading.Thread(target=take)
        other.start()
        assert not taken.wait(0.3)
    other.join()
    assert taken.is_set()


def test_the_outcome_of_a_lost_lease_is_not_recorded(runtime: Runtime, clock: HeldClock, handle: Register) -> None:
    def overtaken(runtime: Runtime, _subject: uuid.UUID, held: jobs.Lease) -> None:
        clock.advance(lease.LEASE_S + 1)
        assert lease.take(runtime, held.run_id, held.number)

    handle("t", overtaken)
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    after = stored(runtime, run)
    assert (after.state, after.lease) == ("due", 2)
    assert after.leased_until is not None


def test_planned_again_while_held_is_done_once_more(runtime: Runtime, handle: Register) -> None:
    calls: list[int] = []

    def handler(runtime: Runtime, subject: uuid.UUID, held: jobs.Lease) -> None:
        calls.append(held.number)
        if held.number == 1:
            planned(runtime, "t", subject=subject)

    handle("t", handler)
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    assert stored(runtime, run).state == "due"
    assert f"run-{run.id}-1" in queue.queued_ids(runtime.queue)
    attempt.execute_on(runtime, run.id, 1)
    assert calls == [1, 2]
    assert stored(runtime, run).state == "done"


def test_next_keeps_the_run_open_and_wakes_at_once_or_later(runtime: Runtime, handle: Register) -> None:
    answers = [jobs.Next(), jobs.Next(after_s=40), None]
    handle("t", lambda _r, _s, held: answers[held.number - 1])
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    assert f"run-{run.id}-1" in queue.queued_ids(runtime.queue)
    attempt.execute_on(runtime, run.id, 1)
    assert stored(runtime, run).due_at == START + dt.timedelta(seconds=40)
    assert f"run-{run.id}-2" not in queue.queued_ids(runtime.queue)


def test_retry_says_when_and_why_and_counts_as_no_failure(runtime: Runtime, handle: Register) -> None:
    def throttled(*_: object) -> None:
        raise jobs.Retry(7, "throttled")

    handle("t", throttled)
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    after = stored(runtime, run)
    assert (after.state, after.last_error, after.attempts) == ("due", "throttled", 0)
    assert after.due_at == START + dt.timedelta(seconds=7)


def test_an_unknown_error_is_tried_again_later_and_leaves_only_a_code(
    runtime: Runtime, handle: Register, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("kryptonite@example.test")

    handle("t", broken)
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    after = stored(runtime, run)
    assert (after.state, after.last_error, after.attempts) == ("due", "internal", 1)
    assert after.due_at > START
    assert "kryptonite" not in caplog.text
    assert any(record.__dict__.get("error") == "ValueError" for record in caplog.records)


def test_an_error_that_trying_again_cannot_mend_closes_the_run(runtime: Runtime, handle: Register) -> None:
    handle("t", hopeless)
    run = planned(runtime, "t")
    attempt.execute_on(runtime, run.id, 0)
    assert (stored(runtime, run).state, stored(runtime, run).last_error) == ("failed", "hopeless")
    assert planned(runtime, "t", subject=run.subject_id).id != run.id


def test_a_kind_this_worker_does_not_know_waits_for_one_that_does(runtime: Runtime) -> None:
    run = planned(runtime, "from_the_future")
    attempt.execute_on(runtime, run.id, 0)
    assert (stored(runtime, run).state, stored(runtime, run).last_error) == ("due", "unknown_kind")


def test_dropped_runs_take_the_lease_from_their_holder(runtime: Runtime) -> None:
    run = planned(runtime, "t")
    taken = lease.take(runtime, run.id, 0)
    assert taken is not None
    with runtime.begin() as open_work:
        assert jobs.drop(open_work.session, run.subject_id) == 1
        assert jobs.drop(open_work.session, run.subject_id) == 0
    with runtime.sessions.begin() as session, pytest.raises(jobs.LeaseLost):
        taken[2].check(session)


def test_the_sweep_wakes_what_is_due_once_and_what_is_held_not_at_all(runtime: Runtime, clock: HeldClock) -> None:
    lost, held, future = (planned(runtime, "t", after_s=after) for after in (0, 0, 3))
    assert lease.take(runtime, held.id, 0)
    runtime.redis.flushdb()
    assert jobs.sweep(runtime) == 3
    jobs.sweep(runtime)
    assert runtime.redis.lrange(runtime.queue.key, 0, -1) == [f"run-{lost.id}-0".encode()]
    clock.advance(lease.LEASE_S + 1)
    jobs.sweep(runtime)
    assert queue.queued_ids(runtime.queue) == {f"run-{lost.id}-0", f"run-{held.id}-1", f"run-{future.id}-0"}


def test_the_tick_makes_one_run_of_each_scheduled_kind_and_its_end_plans_the_next(runtime: Runtime) -> None:
    jobs.scheduled("t.hourly", 3600)(done)
    try:
        assert jobs.tick(runtime) >= 1
        assert jobs.tick(runtime) == 0
        with runtime.sessions() as session:
            run = session.scalars(select(jobs.Run).where(jobs.Run.kind == "t.hourly")).one()
        attempt.execute_on(runtime, run.id, 0)
        after = stored(runtime, run)
        assert (after.state, after.due_at) == ("due", START + dt.timedelta(hours=1))
    finally:
        del kinds._handlers["t.hourly"], kinds._every_s["t.hourly"]


def test_runs_that_ended_long_ago_are_forgotten_failed_ones_later(
    runtime: Runtime, clock: HeldClock, handle: Register
) -> None:
    handle("t.good", done)
    handle("t.bad", hopeless)
    for kind in ("t.good", "t.bad"):
        attempt.execute_on(runtime, planned(runtime, kind).id, 0)
    assert sweeping.tidy(runtime) == 0
    clock.advance(2 * 86_400)
    assert sweeping.tidy(runtime) == 1
    clock.advance(30 * 86_400)
    assert sweeping.tidy(runtime) == 1


def test_every_kind_of_the_product_is_known_to_a_worker() -> None:
    assert "privacy.retention" in jobs.load()
    assert kinds.handler_of("privacy.retention") is not None
    assert kinds.period_of("privacy.retention") is not None


def test_a_kind_has_one_handler(handle: Register) -> None:
    handle("t", done)
    with pytest.raises(ValueError, match="has a handler already"):
        jobs.register("t")(lambda *_: None)


@given(attempts=st.integers(min_value=0, max_value=10_000))
def test_waiting_grows_to_a_bound_and_ends(attempts: int) -> None:
    held = lease.Lease(jobs.Run(id=new_id(), lease=1, attempts=attempts))
    outcome = attempt._failed(held, "internal", again=True)
    if attempts + 1 >= attempt.MOST_ATTEMPTS:
        assert outcome.after_s is None
    else:
        assert outcome.after_s is not None
        assert 1 <= outcome.after_s <= 1.5 * attempt.LONGEST_WAIT_S
