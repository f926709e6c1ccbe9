"""The right to work on one run, and its heartbeat."""

import datetime as dt
import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kernel.errors import AppError
from kernel.jobs.runs import DUE, Run

if TYPE_CHECKING:
    from kernel.runtime import Runtime

LEASE_S = 10.0
BEAT_S = 3.0
LONGEST_S = 1000.0  # above the queue's own limit for a handler: one that hangs for longer loses its lease

_log = logging.getLogger(__name__)

stop_requested = threading.Event()


class LeaseLost(AppError):  # noqa: N818 -- the state it reports
    """Another worker has taken this run, or it was dropped: nothing more may be applied."""

    code = "lease_lost"
    status = HTTPStatus.CONFLICT
    sentence = "This work was taken over by another worker."


class Lease:
    """One taking of one run."""

    def __init__(self, run: Run) -> None:
        self.run_id: uuid.UUID = run.id
        self.number: int = run.lease
        self.attempts: int = run.attempts

    @property
    def stopping(self) -> bool:
        """Tell whether this worker is to stop: finish the page at hand and answer `Next()`."""
        return stop_requested.is_set()

    def check(self, session: Session) -> None:
        """This lease still holds, and nobody can take it before this session's transaction ends.

        Raises:
            LeaseLost: when it does not.
        """
        held = session.execute(
            select(Run.id)
            .where(Run.id == self.run_id, Run.lease == self.number, Run.state == DUE)
            .with_for_update(read=True)
        )
        if held.first() is None:
            raise LeaseLost


def take(runtime: "Runtime", run_id: uuid.UUID, lease: int) -> tuple[str, uuid.UUID, Lease] | None:
    """Return kind, subject and the lease; None when the run is not to be had at that lease number.

    Compare and set: of two deliveries of one wake, one finds the number already risen.
    """
    now = runtime.clock.now()
    statement = (
        update(Run)
        .where(Run.id == run_id, Run.lease == lease, Run.state == DUE, Run.due_at <= now)
        .where(or_(Run.leased_until.is_(None), Run.leased_until <= now))
        .values(lease=Run.lease + 1, leased_until=now + dt.timedelta(seconds=LEASE_S))
        .returning(Run)
        .execution_options(synchronize_session=False)
    )
    with runtime.sessions.begin() as session:
        run = session.scalars(statement).first()
        return (run.kind, run.subject_id, Lease(run)) if run else None


def extend(runtime: "Runtime", lease: Lease) -> bool:
    """Return True when the lease was extended, False when it is lost."""
    statement = (
        update(Run)
        .where(Run.id == lease.run_id, Run.lease == lease.number, Run.state == DUE)
        .values(leased_until=runtime.clock.now() + dt.timedelta(seconds=LEASE_S))
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    with runtime.sessions.begin() as session:
        return session.scalar(statement) is not None


@contextmanager
def kept(runtime: "Runtime", lease: Lease) -> Iterator[None]:
    """Extend the lease from a thread of its own while the block runs."""
    over = threading.Event()

    def beat() -> None:
        for _ in range(int(LONGEST_S / BEAT_S)):
            if over.wait(BEAT_S):
                return
            try:
                if not extend(runtime, lease):
                    return
            except SQLAlchemyError as error:  # the database is away for a moment: the next beat may pass
                _log.warning("heartbeat failed", extra={"error": type(error).__name__})

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
