"""A unit of work: one transaction, and what is to be woken once it has committed.

Transactions begin and end here and nowhere else (a route, a job, a script): `with begin(...) as work`. Raising
rolls back; nothing is handed to the queue before the commit, for a woken worker must find its row.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from kernel import jobs
from kernel.clock import Clock
from kernel.database import Sessions

_WORK = "kernel.work"


class Work:
    """An open transaction and the runs to wake after it."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self.session = session
        self._clock = clock
        self.planned: list[jobs.Run] = []
        session.info[_WORK] = self

    def later(self, kind: str, subject_id: uuid.UUID, due_at: dt.datetime | None = None) -> jobs.Run:
        """Plan a run of `kind` for the subject, due now or at `due_at`, and wake it after the commit.

        A second call for the same kind and subject before the run was done gives the same run.
        """
        run = jobs.plan(self.session, kind, subject_id, due_at or self._clock.now())
        self.planned.append(run)
        return run


def later(session: Session, kind: str, subject_id: uuid.UUID, due_at: dt.datetime) -> jobs.Run:
    """Plan a run in the session's transaction; it is woken after the commit if the session is of a unit of work.

    For functions that are handed a session alone; without a unit of work the sweep finds the run within seconds.
    """
    work: Work | None = session.info.get(_WORK)
    return jobs.plan(session, kind, subject_id, due_at) if work is None else work.later(kind, subject_id, due_at)


@contextmanager
def begin(sessions: Sessions, queue: jobs.Queue, clock: Clock) -> Iterator[Work]:
    """Yield an open unit of work; committed when the block ends, rolled back when it raises.

    A queue that does not answer loses no run: the row is the truth, and the sweep finds it.
    """
    with sessions() as session:
        with session.begin():
            work = Work(session, clock)
            yield work
        now = clock.now()
        for run in work.planned:
            if run.due_at <= now:
                jobs.wake(queue, run)
