"""The transaction of one page: opened on what must still hold, closed with the counts and the place moved."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus
from kernel.jobs import Lease, LeaseLost
from kernel.runtime import Runtime
from kernel.work import Work
from limited_use.sealing import Sealed
from sync.errors import GrantNotActive
from sync.models import Collection, CollectionKind, CollectionState
from sync.plan import Tally


@dataclass(frozen=True, slots=True)
class Place:
    """A collection as it was read before Google was asked."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    grant_id: uuid.UUID
    kind: CollectionKind
    remote_index: bytes
    remote_id: Sealed | None
    state: CollectionState
    cursor: str | None
    pin: str | None
    page_token: str | None
    generation: int
    found: int
    failures: int
    listed_at: dt.datetime | None

    @classmethod
    def of(cls, row: Collection) -> "Place":
        """Return the place that a row says."""
        return cls(
            id=row.id,
            organisation_id=row.organisation_id,
            grant_id=row.grant_id,
            kind=CollectionKind(row.kind),
            remote_index=row.remote_index,
            remote_id=row.remote_id,
            state=CollectionState(row.state),
            cursor=row.cursor,
            pin=row.pin,
            page_token=row.page_token,
            generation=row.generation,
            found=row.found,
            failures=row.failures,
            listed_at=row.listed_at,
        )


@dataclass(slots=True)
class Applying:
    """An open transaction on one collection."""

    work: Work
    session: Session
    collection: Collection
    now: dt.datetime

    def count(self, tally: Tally) -> None:
        """The collection's counts follow what was done."""
        row = self.collection
        row.found += tally.found
        row.stored += tally.stored
        row.removed += tally.removed
        if any(tally.skipped.values()):
            counts = dict(row.skipped)
            for reason, number in tally.skipped.items():
                counts[str(reason)] = counts.get(str(reason), 0) + number
            row.skipped = {reason: number for reason, number in sorted(counts.items()) if number}
        row.progressed_at = self.now

    def move(self, **values: Any) -> None:
        """The collection's place moves."""
        for name, value in values.items():
            setattr(self.collection, name, value)

    def succeeded(self, **values: Any) -> None:
        """Google was asked with success; the place moves."""
        self.move(error_code=None, failures=0, **values)


@contextmanager
def applying(runtime: Runtime, lease: Lease, place: Place) -> Iterator[Applying]:
    """Yield the transaction that stores a page; the lease, the grant and the place are held as they were read.

    Raises:
        LeaseLost: when another worker, or nobody any more, is to work on this collection.
        GrantNotActive: when the grant was suspended or ended meanwhile.
    """
    with runtime.begin() as work:
        session = work.session
        lease.check(session)
        status = session.scalar(select(Grant.status).where(Grant.id == place.grant_id).with_for_update(read=True))
        if status != GrantStatus.ACTIVE:
            raise GrantNotActive
        row = session.scalars(select(Collection).where(Collection.id == place.id).with_for_update()).one_or_none()
        if row is None or row.state == CollectionState.STOPPED or row.generation != place.generation:
            raise LeaseLost
        yield Applying(work, session, row, runtime.clock.now())


def begin_listing(at: Applying, **values: Any) -> None:
    """A new listing of everything begins: its counts start at nothing, what is stored stays."""
    at.succeeded(
        state=CollectionState.LISTING,
        generation=at.collection.generation + 1,
        cursor=None,
        page_token=None,
        found=0,
        stored=0,
        removed=0,
        skipped={},
        notes={},
        started_at=at.now,
        listed_at=None,
        **values,
    )
