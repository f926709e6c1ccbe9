"""Contacts: listed once, then followed by the sync token that the listing's last page gave."""

from kernel.jobs import Lease
from limited_use.labels import Source
from sync.access import Access
from sync.apply import contacts as apply
from sync.apply.page import Place, applying, begin_listing
from sync.intake import contacts as intake
from sync.intake.sealing import Desk, open_desk
from sync.models import CollectionState


def advance(access: Access, place: Place, lease: Lease) -> float | None:
    """Do the next page of the contacts."""
    if (place.cursor is None and place.generation == 0) or place.state is CollectionState.FAILED:
        with applying(access.runtime, lease, place) as at:
            begin_listing(at)
        return None
    if place.cursor is None and place.listed_at is not None:
        return _finish(access, place, lease)
    return _page(access, place, lease)


def _page(access: Access, place: Place, lease: Lease) -> float | None:
    """One page of the listing, or of what changed, is stored."""
    page = access.people().connections(place.cursor, place.page_token)
    desk = _desk(access)
    read = intake.read(page.cards, desk, access.runtime.clock.now())
    with applying(access.runtime, lease, place) as at:
        at.count(apply.store_page(at, place, read))
        if page.next is not None:
            expected = {} if place.cursor or page.total is None else {"expected": page.total}
            at.succeeded(page_token=page.next, **expected)
            return None
        if place.cursor is None:
            # The token waits in `pin` until what the listing lacked is removed.
            at.succeeded(page_token=None, pin=page.sync_token, listed_at=at.now)
            return None
        at.succeeded(
            page_token=None,
            cursor=page.sync_token or place.cursor,
            state=CollectionState.CURRENT,
            checked_at=at.now,
        )
    return float(access.runtime.settings.sync_poll_seconds)


def _finish(access: Access, place: Place, lease: Lease) -> float | None:
    """What the complete listing lacked is removed, some at a time; then the contacts are in step."""
    desk = _desk(access)
    with applying(access.runtime, lease, place) as at:
        if apply.sweep(at, place, desk):
            return None
        at.succeeded(cursor=place.pin, pin=None, state=CollectionState.CURRENT, checked_at=at.now)
    return float(access.runtime.settings.sync_poll_seconds)


def _desk(access: Access) -> Desk:
    return open_desk(access.runtime, access.organisation_id, access.grant_id, Source.CONTACTS, access.owner())
