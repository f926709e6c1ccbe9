"""The rows: what is to be done, when, and who holds the lease."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, Index, String, case, func, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session

from kernel.database import Base, Id, system
from kernel.ids import new_id

DUE = "due"
DONE = "done"
FAILED = "failed"
_OPEN = text("state = 'due'")


class Run(Base):
    """One piece of work on one subject."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("uq_runs_open", "kind", "subject_id", unique=True, postgresql_where=_OPEN),
        Index("ix_runs_due_at", "due_at", postgresql_where=_OPEN),
        Index("ix_runs_closed", "finished_at", postgresql_where=text("state <> 'due'")),
        CheckConstraint("state IN ('due', 'done', 'failed')", name="state"),
    )

    id: Mapped[Id]
    kind: Mapped[str] = system(String(64), doc="Which handler does it.")
    subject_id: Mapped[uuid.UUID] = system(doc="What it is done to; its meaning is the handler's.")
    due_at: Mapped[dt.datetime] = system(doc="Not to be started before.")
    lease: Mapped[int] = system(default=0, doc="How often a worker has taken this run; the holder's number.")
    leased_until: Mapped[dt.datetime | None] = system(doc="Until when the holder may work; null when none does.")
    again_at: Mapped[dt.datetime | None] = system(
        doc="Set when it was planned again while a worker held it: due then, once that worker is through."
    )
    attempts: Mapped[int] = system(default=0, doc="Failures in a row.")
    state: Mapped[str] = system(String(8), default=DUE, doc="due, done or failed.")
    last_error: Mapped[str | None] = system(String(64), doc="Code of the last failure; never its text.")
    created_at: Mapped[dt.datetime] = system(server_default=func.now(), doc="When it was planned.")
    finished_at: Mapped[dt.datetime | None] = system(doc="When it became done or failed.")


def plan(session: Session, kind: str, subject_id: uuid.UUID, due_at: dt.datetime) -> Run:
    """Return the open run of this kind and subject, made now if there is none, due at `due_at` or earlier.

    A run that a worker holds just now will be done once more afterwards: what it has already read may be older than
    what it was planned again for.
    """
    held = Run.leased_until.is_not(None)
    new = insert(Run).values(id=new_id(), kind=kind, subject_id=subject_id, due_at=due_at)
    sooner = func.least(Run.due_at, new.excluded.due_at)
    again = func.least(Run.again_at, new.excluded.due_at)  # of a null and a time, LEAST gives the time
    statement = new.on_conflict_do_update(
        index_elements=["kind", "subject_id"],
        index_where=_OPEN,
        set_={
            "due_at": case((held, Run.due_at), else_=sooner),
            "again_at": case((held, again), else_=Run.again_at),
        },
    ).returning(Run)
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def plan_if_absent(session: Session, kind: str, subject_id: uuid.UUID, due_at: dt.datetime) -> uuid.UUID | None:
    """Return the id of a new run, or None when one of this kind and subject is open already (left as it is)."""
    statement = (
        insert(Run)
        .values(id=new_id(), kind=kind, subject_id=subject_id, due_at=due_at)
        .on_conflict_do_nothing(index_elements=["kind", "subject_id"], index_where=_OPEN)
        .returning(Run.id)
    )
    return session.scalar(statement)


def drop(session: Session, subject_id: uuid.UUID, kind: str | None = None) -> int:
    """Close the open runs of a subject, taking the lease from a worker that holds one; return how many."""
    statement = (
        update(Run)
        .where(Run.subject_id == subject_id, Run.state == DUE, *([Run.kind == kind] if kind else []))
        .values(state=DONE, lease=Run.lease + 1, leased_until=None, again_at=None, finished_at=func.now())
        .returning(Run.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(statement).all())


def due_runs(session: Session, before: dt.datetime, limit: int) -> list[tuple[Run, dt.datetime]]:
    """Return up to `limit` runs that can be taken before that moment, and from when, the longest due first.

    A run that is held can be taken when its lease runs out; a living holder extends it long before.
    """
    free_at = func.greatest(Run.due_at, Run.leased_until)  # of a time and a null, GREATEST gives the time
    statement = (
        select(Run, free_at)
        .where(Run.state == literal_column("'due'"), Run.due_at <= before)
        .where(Run.leased_until.is_(None) | (Run.leased_until <= before))
        .order_by(Run.due_at)
        .limit(limit)
    )
    return [(run, moment) for run, moment in session.execute(statement)]
