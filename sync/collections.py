"""Collections: made when a product is connected, made due when somebody asks, started again after a reconnect.

Gmail is one collection, Contacts one, Calendar one for the list of calendars and one for each calendar in it. Every
live collection has one open run, which polls: what it does when is decided by its handler.
"""

import datetime as dt
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Grant
from kernel import jobs
from limited_use.labels import Source
from limited_use.sealing import Sealed
from sync.models import Collection, CollectionKind, CollectionState

NO_REMOTE = bytes(16)

_BY_FEATURE = {
    Source.GMAIL: CollectionKind.MAIL,
    Source.CALENDAR: CollectionKind.CALENDARS,
    Source.CONTACTS: CollectionKind.CONTACTS,
}


def job_of(kind: CollectionKind | str) -> str:
    """Return the kind of run that keeps a collection in step."""
    return f"sync.{CollectionKind(kind).value}"


def kinds_of(feature: Source | str) -> tuple[CollectionKind, ...]:
    """Return the kinds of collections that a feature has."""
    first = _BY_FEATURE[Source(feature)]
    return (first, CollectionKind.CALENDAR) if first is CollectionKind.CALENDARS else (first,)


def open_for(session: Session, grant: Grant, feature: str) -> list[Collection]:
    """Return the feature's collections, made now if there are none, at work again if they had stopped.

    Their runs are due at once; a sweep finds them within seconds, or whoever opened them wakes them.
    """
    now = _now(session)
    kept = _of_feature(session, grant.id, feature)
    if not kept:
        kept = [make(session, grant.organisation_id, grant.id, _BY_FEATURE[Source(feature)])]
    for row in kept:
        if row.state == CollectionState.STOPPED:
            start_again(row)
        jobs.plan(session, job_of(row.kind), row.id, now)
    return kept


def make(
    session: Session,
    organisation_id: uuid.UUID,
    grant_id: uuid.UUID,
    kind: CollectionKind,
    remote_index: bytes = NO_REMOTE,
) -> Collection:
    """Return a new collection that waits to begin."""
    row = Collection(
        organisation_id=organisation_id,
        grant_id=grant_id,
        kind=kind,
        remote_index=remote_index,
        state=CollectionState.WAITING,
        generation=0,
        found=0,
        stored=0,
        skipped={},
        removed=0,
        retried=0,
        failures=0,
    )
    session.add(row)
    session.flush()
    return row


def name(row: Collection, remote_id: Sealed, title: Sealed | None) -> None:
    """The calendar's collection says which calendar it is."""
    row.remote_id, row.title = remote_id, title


def start_again(row: Collection) -> None:
    """A stopped collection goes on from where it was; whether its place is still good, Google will say."""
    row.state = CollectionState.CURRENT if row.cursor and row.checked_at else CollectionState.WAITING
    if row.generation and row.state is CollectionState.WAITING:
        row.state = CollectionState.LISTING
    row.error_code, row.failures = None, 0


def _of_feature(session: Session, grant_id: uuid.UUID, feature: str) -> list[Collection]:
    query = select(Collection).where(Collection.grant_id == grant_id, Collection.kind.in_(kinds_of(feature)))
    return list(session.scalars(query.with_for_update()))


def _now(session: Session) -> dt.datetime:
    """Return the database's time: a run that is due by it is due by every worker's clock that is not behind."""
    at: dt.datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return at.astimezone(dt.UTC)
