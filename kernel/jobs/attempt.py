"""Doing one run: take the lease, call the handler, record the outcome."""

import datetime as dt
import logging
import random
import threading
import traceback
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, update

from kernel.errors import AppError
from kernel.jobs import kinds, lease, queue
from kernel.jobs.runs import DONE, DUE, FAILED, Run

if TYPE_CHECKING:
    from kernel.runtime import Runtime

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 900.0
MOST_ATTEMPTS = 24
UNKNOWN_KIND_WAIT_S = 30.0

_log = logging.getLogger(__name__)
_bound: dict[str, "Runtime"] = {}
due_soon = threading.Event()


@dataclass(frozen=True)
class _Outcome:
    """What becomes of the run."""

    after_s: float | None = None  # None: closed
    code: str | None = None
    attempts: int = 0


def bind(runtime: "Runtime") -> None:
    """RQ's calls in this process are done on this runtime."""
    _bound["runtime"] = runtime


def execute(run_id: str, lease_number: int) -> None:
    """RQ's entry: the run is done, or left to whoever holds it. Never raises, so that RQ keeps nothing of it."""
    execute_on(_bound["runtime"], uuid.UUID(run_id), lease_number)


def execute_on(runtime: "Runtime", run_id: uuid.UUID, lease_number: int) -> bool:
    """Return True when the run was taken at this lease number and its handler called."""
    taken = lease.take(runtime, run_id, lease_number)
    if taken is None:
        return False
    kind, subject_id, held = taken
    with lease.kept(runtime, held):
        outcome = _handle(runtime, kind, subject_id, held)
    if outcome is not None:
        _record(runtime, held, outcome)
    return True


def _handle(runtime: "Runtime", kind: str, subject_id: uuid.UUID, held: lease.Lease) -> _Outcome | None:
    """Return the outcome of the handler; None when the lease was lost, and another will record its own."""
    handler = kinds.handler_of(kind)
    if handler is None:  # planned by a newer version of the product
        return _Outcome(UNKNOWN_KIND_WAIT_S, "unknown_kind", held.attempts)
    try:
        answer = handler(runtime, subject_id, held)
    except lease.LeaseLost:
        return None
    except Exception as error:  # noqa: BLE001 -- one bad run must not end the worker
        return _explain(kind, held, error)
    period = kinds.period_of(kind)
    if answer is None and period is not None:
        return _Outcome(period)
    return _Outcome(None if answer is None else answer.after_s)


def _explain(kind: str, held: lease.Lease, error: Exception) -> _Outcome:
    """Return the outcome of a handler that raised. Logged by code, type and place: a message may hold content."""
    about = {"kind": kind, "run": str(held.run_id)}
    if isinstance(error, kinds.Retry):
        return _Outcome(error.after_s, error.code, held.attempts)
    if isinstance(error, AppError):
        _log.warning("run refused", extra={**about, "code": error.code})
        return _failed(held, error.code, again=error.retry)
    where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("run failed", extra={**about, "error": type(error).__name__, "at": where[-6:]})
    return _failed(held, "internal", again=True)


def _failed(held: lease.Lease, code: str, *, again: bool) -> _Outcome:
    """Return the outcome of a failure: tried again ever more seldom, given up in the end."""
    attempts = held.attempts + 1
    if not again or attempts >= MOST_ATTEMPTS:
        return _Outcome(None, code, attempts)
    wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(attempts - 1, 20))
    return _Outcome(wait * random.uniform(0.5, 1.5), code, attempts)  # noqa: S311 -- jitter, not a secret


def _record(runtime: "Runtime", held: lease.Lease, outcome: _Outcome) -> None:
    """The row says what became of the run, if the lease still holds; what is due at once is woken."""
    now = runtime.clock.now()
    closed = outcome.after_s is None
    due_at = now + dt.timedelta(seconds=outcome.after_s or 0)
    again = Run.again_at.is_not(None)
    final = FAILED if outcome.code else DONE
    statement = (
        update(Run)
        .where(Run.id == held.run_id, Run.lease == held.number, Run.state == DUE)
        .values(
            state=case((again, DUE), else_=final) if closed else DUE,
            due_at=func.coalesce(Run.again_at, due_at) if closed else func.least(Run.again_at, due_at),
            finished_at=case((again, None), else_=now) if closed else None,
            leased_until=None,
            again_at=None,
            attempts=outcome.attempts,
            last_error=outcome.code,
        )
        .returning(Run.state, Run.due_at)
        .execution_options(synchronize_session=False)
    )
    with runtime.sessions.begin() as session:
        row = session.execute(statement).first()
    if row is None or row.state != DUE:
        return
    if row.due_at <= now:
        queue.wake_lease(runtime.queue, held.run_id, held.number)
    else:
        due_soon.set()
