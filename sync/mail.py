"""A mailbox: listed newest first, caught up from where it stood when the listing began, then followed by its history.

The place of a mailbox: `pin` is the history id read before the listing; `page_token` the next page of the listing, or
of the history under way; `cursor` the history id up to which everything is stored. Source: Gmail's guide to
synchronising clients.
"""

from collections.abc import Collection, Iterable

from kernel.jobs import Lease
from limited_use.labels import Source
from sync.access import Access
from sync.apply import mail as apply
from sync.apply.page import Applying, Place, applying, begin_listing
from sync.intake import mail as intake
from sync.intake.sealing import Desk, open_desk
from sync.models import CollectionState
from sync.plan import skip_of_labels
from workspace.errors import GoogleError
from workspace.mail import HistoryPage, Mail, Ref

AT_ONCE = 250


def advance(access: Access, place: Place, lease: Lease) -> float | None:
    """Do the next page of the mailbox."""
    if place.cursor is not None:
        return _follow(access, place, lease)
    if place.pin is None:
        _begin(access, place, lease)
    elif place.listed_at is None:
        _list(access, place, lease)
    else:
        _finish(access, place, lease)
    return None


def _begin(access: Access, place: Place, lease: Lease) -> None:
    """The listing begins; first of all the mailbox's history id is pinned, so that nothing between is lost."""
    profile = access.gmail().profile()
    with applying(access.runtime, lease, place) as at:
        if not place.generation:
            begin_listing(at)
        at.succeeded(state=CollectionState.LISTING, pin=profile.history_id, expected=profile.messages)


def _list(access: Access, place: Place, lease: Lease) -> None:
    """One page of the listing is stored, in pieces; a page half stored is listed again, and only its rest fetched."""
    gmail, desk = access.gmail(), _desk(access)
    page = gmail.page(place.page_token)
    with access.runtime.sessions() as session:
        known = apply.known_messages(session, place, desk, [ref.id for ref in page.refs])
    done = {key for key, held in known.items() if held.generation == place.generation}
    _fetch_and_store(access, place, lease, desk, [ref for ref in page.refs if ref.id not in done])
    with applying(access.runtime, lease, place) as at:
        _note(access, at)
        ended = {"listed_at": at.now} if page.next is None else {}
        at.succeeded(page_token=page.next, progressed_at=at.now, **ended)


def _finish(access: Access, place: Place, lease: Lease) -> None:
    """What the complete listing lacked is removed, some at a time; then the history is followed from the pin."""
    desk = _desk(access)
    with applying(access.runtime, lease, place) as at:
        if not apply.sweep(at, place, desk):
            at.succeeded(cursor=place.pin, pin=None, page_token=None)


def _follow(access: Access, place: Place, lease: Lease) -> float | None:
    """One page of history is stored; after the last one the mailbox is in step."""
    gmail, desk = access.gmail(), _desk(access)
    page = gmail.history(str(place.cursor), place.page_token)
    changes = page.changes
    with access.runtime.sessions() as session:
        named = [*changes.added, *changes.labels, *changes.deleted]
        known = apply.known_messages(session, place, desk, named)
    stored = {key for key, held in known.items() if held.skip is None}
    wanted, left_out = _wanted(page, stored)
    _fetch_and_store(access, place, lease, desk, wanted)
    with applying(access.runtime, lease, place) as at:
        at.count(apply.store_page(at, place, intake.read(left_out, desk), changes.deleted))
        at.count(apply.change_labels(at, place, desk, changes.labels))
        _note(access, at)
        if page.next is not None:
            at.succeeded(page_token=page.next)
            return None
        at.succeeded(cursor=page.history_id, page_token=None, state=CollectionState.CURRENT, checked_at=at.now)
    return float(access.runtime.settings.sync_poll_seconds)


def _wanted(page: HistoryPage, stored: Collection[str]) -> tuple[list[Ref], list[Mail]]:
    """Return the messages to fetch, and those whose labels, named with them, already say that they are left out."""
    changes = page.changes
    wanted, left_out = [], []
    for key in dict.fromkeys((*changes.added, *changes.labels)):
        if key in stored or key in changes.deleted:
            continue
        labels = changes.added.get(key)
        if labels is not None and key not in changes.labels and skip_of_labels(labels) is not None:
            left_out.append(Mail(key, changes.threads[key], tuple(labels), 0, 0, "", {}))
        else:
            wanted.append(Ref(key, changes.threads[key]))
    return wanted, left_out


def _fetch_and_store(access: Access, place: Place, lease: Lease, desk: Desk, refs: Iterable[Ref]) -> None:
    """The messages are fetched by the cheapest calls and stored, some at a time; one that is gone is passed over.

    Raises:
        GoogleError: when some could not be fetched; whatever was is stored by then.
    """
    gmail = access.gmail()
    mails: list[Mail] = []
    seen: set[str] = set()
    for group in gmail.groups(refs):
        try:
            fetched = gmail.fetch(group)
        except GoogleError:
            _store(access, place, lease, desk, mails)
            raise
        mails += [mail for mail in fetched.mails if mail.id not in seen]
        seen.update(mail.id for mail in fetched.mails)
        if len(mails) >= AT_ONCE or fetched.error is not None:
            _store(access, place, lease, desk, mails)
            mails = []
        if fetched.error is not None:
            raise fetched.error
    _store(access, place, lease, desk, mails)


def _store(access: Access, place: Place, lease: Lease, desk: Desk, mails: list[Mail]) -> None:
    if mails:
        page = intake.read(mails, desk)
        with applying(access.runtime, lease, place) as at:
            at.count(apply.store_page(at, place, page, ()))


def _note(access: Access, at: Applying) -> None:
    """The calls that had to be repeated are counted."""
    tally = access.transport.tally
    at.collection.retried += tally.repeated
    tally.repeated = 0


def _desk(access: Access) -> Desk:
    owner = access.mail_owner()
    return open_desk(access.runtime, access.organisation_id, access.grant_id, Source.GMAIL, owner)
