"""The list of calendars: each calendar of the account is a collection of its own.

Calendars of whose events nothing can be read are left out. A calendar that left the list is listed no more, and its
meetings go with it.
"""

from sqlalchemy import delete, select

from kernel import jobs
from kernel.jobs import Lease
from limited_use.labels import Source
from sync import collections
from sync.access import Access
from sync.apply import meetings
from sync.apply.page import Applying, Place, applying, begin_listing
from sync.intake.sealing import Desk, open_desk
from sync.intake.text import clean
from sync.models import Collection, CollectionKind, CollectionState, Skip
from workspace.calendars import CalendarPage, Entry

_READABLE = frozenset({"owner", "writer", "writerWithoutPrivateAccess", "reader"})
_LONGEST = 200
"""Of a title."""


def advance(access: Access, place: Place, lease: Lease) -> float | None:
    """Do the next page of the list of calendars."""
    if place.cursor is None and place.generation == 0:
        with applying(access.runtime, lease, place) as at:
            begin_listing(at)
        return None
    page = access.calendars().calendars(place.cursor, place.page_token)
    desk = open_desk(access.runtime, access.organisation_id, access.grant_id, Source.CALENDAR, access.owner())
    with applying(access.runtime, lease, place) as at:
        _store(at, place, desk, page)
        if page.next is not None:
            at.succeeded(page_token=page.next)
            return None
        if place.cursor is None:
            _sweep(at, place, desk)
        at.succeeded(
            page_token=None,
            cursor=page.sync_token or place.cursor,
            state=CollectionState.CURRENT,
            checked_at=at.now,
            listed_at=at.collection.listed_at or at.now,
        )
    return float(access.runtime.settings.sync_poll_seconds)


def _store(at: Applying, place: Place, desk: Desk, page: CalendarPage) -> None:
    """Each calendar of the page has a collection that knows its id and title, or none."""
    for entry in page.entries:
        index = desk.indexer.digest("calendar", entry.id)
        row = at.session.scalars(
            select(Collection).where(
                Collection.grant_id == place.grant_id,
                Collection.kind == CollectionKind.CALENDAR,
                Collection.remote_index == index,
            )
        ).one_or_none()
        if entry.is_deleted or entry.role not in _READABLE:
            if row is not None:
                remove(at, place, desk, row)
            continue
        if row is None:
            row = collections.make(at.session, place.organisation_id, place.grant_id, CollectionKind.CALENDAR, index)
            at.work.later(collections.job_of(row.kind), row.id)
        _name(desk, row, entry)
        at.collection.progressed_at = at.now
        row.seen_in = place.generation


def _name(desk: Desk, row: Collection, entry: Entry) -> None:
    """The collection holds the calendar's id and title."""
    title = clean(entry.title, _LONGEST)
    digest = desk.indexer.digest("digest", f"{entry.id}\x00{title}")
    if row.digest == digest:
        return
    row.digest = digest
    row.remote_id = desk.sealer.seal("collections", "remote_id", row.id, entry.id)
    row.title = desk.sealer.seal("collections", "title", row.id, title) if title else None


def _sweep(at: Applying, place: Place, desk: Desk) -> None:
    """Calendars that the complete list lacks are gone."""
    lacking = at.session.scalars(
        select(Collection).where(
            Collection.grant_id == place.grant_id,
            Collection.kind == CollectionKind.CALENDAR,
            Collection.seen_in < place.generation,
        )
    ).all()
    for row in lacking:
        remove(at, place, desk, row)


def remove(at: Applying, place: Place, desk: Desk, row: Collection) -> None:
    """The calendar's collection, its run and its meetings are gone."""
    jobs.drop(at.session, row.id)
    meetings.remove_calendar(at, place, desk, row.remote_index)
    at.session.execute(delete(Skip).where(Skip.collection_id == row.id))
    at.session.delete(row)
    at.session.flush()
