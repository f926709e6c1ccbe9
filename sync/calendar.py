"""One calendar: masters and exceptions listed once, then followed by the sync token of the listing's last page.

Series are expanded by ourselves within a window that is moved by a new listing now and then; until the listing has
ended, its token waits in `pin`.
"""

import datetime as dt

from kernel.jobs import Lease
from limited_use.labels import Source
from sync.access import Access
from sync.apply import meetings as apply
from sync.apply.page import Place, applying, begin_listing
from sync.intake import events as intake
from sync.intake.sealing import Desk, open_desk
from sync.models import CollectionState
from workspace.errors import Transient

WINDOW_KEPT = dt.timedelta(days=20)


def advance(access: Access, place: Place, lease: Lease) -> float | None:
    """Do the next page of the calendar."""
    now = access.runtime.clock.now()
    is_old = place.cursor is not None and place.listed_at is not None and place.listed_at < now - WINDOW_KEPT
    if is_old or place.generation == 0 or place.state is CollectionState.FAILED:
        with applying(access.runtime, lease, place) as at:
            begin_listing(at, pin=None)
        return None
    if place.cursor is None and place.listed_at is not None:
        return _finish(access, place, lease)
    return _page(access, place, lease)


def _page(access: Access, place: Place, lease: Lease) -> float | None:
    """One page of the listing, or of what changed, is stored."""
    if place.remote_id is None:
        raise Transient  # its list will name it
    page = access.calendars().events(access.open_id(place.remote_id), place.cursor, place.page_token)
    desk, now = _desk(access), access.runtime.clock.now()
    read = intake.read(page.events, desk, place.remote_index, place.generation, now)
    with applying(access.runtime, lease, place) as at:
        at.count(apply.store_page(at, place, read))
        if page.next is not None:
            at.succeeded(page_token=page.next)
            return None
        if page.sync_token is None:
            raise Transient  # a last page without a token is a fault of the listing, not its end
        if place.cursor is None:
            at.succeeded(page_token=None, pin=page.sync_token, listed_at=at.now)
            return None
        at.succeeded(page_token=None, cursor=page.sync_token, state=CollectionState.CURRENT, checked_at=at.now)
    return float(access.runtime.settings.sync_poll_seconds)


def _finish(access: Access, place: Place, lease: Lease) -> float | None:
    """What the complete listing lacked is removed, some at a time; then the calendar is in step."""
    desk = _desk(access)
    with applying(access.runtime, lease, place) as at:
        if apply.sweep(at, place, desk):
            return None
        at.succeeded(cursor=place.pin, pin=None, state=CollectionState.CURRENT, checked_at=at.now)
    return float(access.runtime.settings.sync_poll_seconds)


def _desk(access: Access) -> Desk:
    return open_desk(access.runtime, access.organisation_id, access.grant_id, Source.CALENDAR, access.owner())
