"""The sweep: wakes whatever is due, whoever lost it."""

import datetime as dt
import logging
import threading
import time
from typing import TYPE_CHECKING

import redis
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from kernel.jobs import attempt, kinds, queue
from kernel.jobs.runs import DUE, FAILED, Run, due_runs

if TYPE_CHECKING:
    from kernel.runtime import Runtime

EVERY_S = 5.0
TICK_S = 60.0
_AT_ONCE = 1000
_KEEP_DONE = dt.timedelta(days=1)
_KEEP_FAILED = dt.timedelta(days=30)

_log = logging.getLogger(__name__)


def sweep(runtime: "Runtime") -> float:
    """Everything due that no worker holds waits in the queue; return in how many seconds something else is due.

    What waits there already is not sent again, so that a long backlog does not grow by being swept.
    """
    now = runtime.clock.now()
    with runtime.sessions() as session:
        runs = due_runs(session, now + dt.timedelta(seconds=EVERY_S), _AT_ONCE)
    wait = EVERY_S
    waiting = queue.queued_ids(runtime.queue) if runs else set()
    for run, free_at in runs:
        if free_at > now:
            wait = min(wait, (free_at - now).total_seconds())
        elif queue.job_id(run.id, run.lease) not in waiting:
            queue.wake(runtime.queue, run)
    return wait


def tidy(runtime: "Runtime") -> int:
    """Forget runs that ended long ago, a bounded number at a time; return how many."""
    now = runtime.clock.now()
    old = (
        select(Run.id)
        .where(Run.state != DUE, Run.finished_at < now - _KEEP_DONE)
        .where((Run.state != FAILED) | (Run.finished_at < now - _KEEP_FAILED))
        .limit(_AT_ONCE)
    )
    with runtime.sessions.begin() as session:
        return len(session.scalars(delete(Run).where(Run.id.in_(old)).returning(Run.id)).all())


class Sweeper:
    """A thread that sweeps every few seconds, sooner when something is due sooner, and ticks every minute."""

    def __init__(self, runtime: "Runtime") -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)
        self.swept_at = time.monotonic()

    def start(self) -> None:
        """The thread runs; its first sweep comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """The thread has ended."""
        self._stop.set()
        attempt.due_soon.set()
        self._thread.join(EVERY_S)

    def is_well(self) -> bool:
        """Tell whether a sweep succeeded lately."""
        return time.monotonic() - self.swept_at < 6 * EVERY_S

    def _run(self) -> None:
        ticked_at = float("-inf")
        while not self._stop.is_set():
            wait = EVERY_S
            attempt.due_soon.clear()
            try:
                if time.monotonic() - ticked_at > TICK_S:
                    kinds.tick(self._runtime)
                    tidy(self._runtime)
                    ticked_at = time.monotonic()
                wait = sweep(self._runtime)
                self.swept_at = time.monotonic()
            except (SQLAlchemyError, redis.RedisError) as error:
                _log.warning("sweep failed", extra={"error": type(error).__name__})
            attempt.due_soon.wait(max(wait, 0.05))
