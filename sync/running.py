"""Running a collection: page after page within a slice of time, and what becomes of it when Google refuses.

A handler gives `advance`: do one page, answer None when there is more to do at once, or for how many seconds it is in
step. A slice ends after about two seconds, so that many mailboxes share few workers, and a stop loses one page of work.
"""

import time
import uuid
from collections.abc import Callable

from sqlalchemy import select

from kernel.errors import AppError
from kernel.jobs import Lease, Next, Retry
from kernel.runtime import Runtime
from limited_use.asking import GrantEnded
from limited_use.egress import EgressRefused
from limited_use.keys import KeyDestroyed
from oauth.errors import NotConnected, RefusedByGoogle
from sync.access import Access, open_access
from sync.apply.page import Place, applying, begin_listing
from sync.errors import GrantNotActive
from sync.models import Collection, CollectionState
from sync.plan import SideEmpty
from workspace import errors as google

SLICE_S = 2.0
EMPTY_AGAIN_S = 3600.0
_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 900.0
_DAY_LIMIT_WAIT_S = 3600.0
_CLIENT_WAIT_S = 300.0

_LOST = (google.AuthFailed, GrantNotActive, NotConnected, GrantEnded, KeyDestroyed)
_STOPPING = (google.ScopeMissing, google.Terminal, google.Gone, RefusedByGoogle, EgressRefused)

Advance = Callable[[Access, Place, Lease], float | None]


def run(runtime: Runtime, collection_id: uuid.UUID, lease: Lease, advance: Advance) -> Next | None:
    """Advance the collection for a slice of time; return when to go on, None when it is at rest for good.

    Raises:
        Retry: when Google asks to wait, or does not answer.
    """
    started = time.monotonic()
    while (place := read_place(runtime, collection_id)) is not None:
        try:
            due = advance(open_access(runtime, place.grant_id), place, lease)
        except AppError as error:
            due = _meet(runtime, lease, place, error)
        if due is not None:
            return Next(due)
        if lease.stopping or time.monotonic() - started > SLICE_S:
            return Next()
    return None


def _meet(runtime: Runtime, lease: Lease, place: Place, error: AppError) -> float | None:
    """Do what an error asks for; return for how many seconds the collection is at rest, None to go on at once.

    Raises:
        Retry: when the work is to be tried again later.
        AppError: the error itself, when it is nothing that a sync understands.
    """
    if isinstance(error, google.CursorExpired):
        with applying(runtime, lease, place) as at:
            begin_listing(at, pin=None)
        return None
    if isinstance(error, SideEmpty):
        return _note_empty(runtime, lease, place, error)
    if isinstance(error, _LOST):
        _stop(runtime, lease, place, GrantNotActive.code)
        return None  # a stopped collection has no place to go on from
    if isinstance(error, _STOPPING) and not isinstance(error, google.ClientRefused):
        _stop(runtime, lease, place, error.code)
        return None
    wait_s = _wait_s(runtime, place, error)
    if wait_s is None:
        raise error
    if not isinstance(error, google.Paced):
        _note_delay(runtime, lease, place, error)
    raise Retry(wait_s, error.code) from error


def _wait_s(runtime: Runtime, place: Place, error: AppError) -> float | None:
    """Return how long to wait before another try; None for an error that no wait will mend."""
    if isinstance(error, google.DailyLimit):
        return _DAY_LIMIT_WAIT_S
    if isinstance(error, google.ClientRefused):
        return _CLIENT_WAIT_S
    if isinstance(error, google.Throttled):
        return error.wait_s(runtime.clock.now(), back_off_s(place.failures))
    return back_off_s(place.failures) if error.retry else None


def read_place(runtime: Runtime, collection_id: uuid.UUID) -> Place | None:
    """Return where the collection stands; None when it is stopped or gone."""
    with runtime.sessions() as session:
        row = session.scalars(select(Collection).where(Collection.id == collection_id)).one_or_none()
        return None if row is None or row.state == CollectionState.STOPPED else Place.of(row)


def back_off_s(failures: int) -> float:
    """Return how long to wait after so many failures in a row."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(failures, 10))


def _stop(runtime: Runtime, lease: Lease, place: Place, code: str) -> None:
    """The collection is at rest with its reason, until its owner connects again."""
    with runtime.begin() as work:
        lease.check(work.session)
        row = work.session.get(Collection, place.id, with_for_update=True)
        if row is not None:
            row.state, row.error_code = CollectionState.STOPPED, code


def _note_delay(runtime: Runtime, lease: Lease, place: Place, error: AppError) -> None:
    """The collection says why it waits."""
    with runtime.begin() as work:
        lease.check(work.session)
        row = work.session.get(Collection, place.id, with_for_update=True)
        if row is not None:
            row.error_code = error.code
            row.failures += 1
            row.retried += 1


def _note_empty(runtime: Runtime, lease: Lease, place: Place, error: SideEmpty) -> float:
    """The collection says that nothing was removed, and everything is listed anew in an hour."""
    with applying(runtime, lease, place) as at:
        begin_listing(at, pin=None)
        at.move(state=CollectionState.FAILED, error_code=error.code)
    return EMPTY_AGAIN_S
