"""How far the collections of a connection have come: counts that add up, when it will end, why it does not go on."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Collection as Several
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import AppError
from sync.models import Collection, CollectionKind, CollectionState

_UNKNOWN = "Something went wrong on our side. We will try again."
_TELLING = (CollectionState.FAILED, CollectionState.LISTING, CollectionState.WAITING, CollectionState.CURRENT)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far some collections have come, taken together. found = stored + the sum of skipped, at every moment."""

    state: CollectionState
    found: int
    stored: int
    skipped: dict[str, int]
    removed: int
    expected: int | None
    remaining: int | None
    expected_end: dt.datetime | None
    checked_at: dt.datetime | None
    error_code: str | None
    """Of a failed collection: it is tried again by itself."""
    problem: str | None
    """The sentence of a stopped collection: its owner must act."""

    @property
    def running(self) -> bool:
        """Say whether something is being listed just now."""
        return self.state in {CollectionState.WAITING, CollectionState.LISTING}


def collections_of(session: Session, grant_ids: Several[uuid.UUID]) -> list[Collection]:
    """Return the collections of these grants, the oldest first."""
    return list(session.scalars(select(Collection).where(Collection.grant_id.in_(grant_ids)).order_by(Collection.id)))


def of_collections(rows: Sequence[Collection], now: dt.datetime) -> Progress | None:
    """Return how far they have come together, None without any. The list of calendars counts only by itself."""
    if not rows:
        return None
    counted = [row for row in rows if row.kind != CollectionKind.CALENDARS] or rows
    found = sum(row.found for row in counted)
    totals = [row.expected for row in counted if row.expected is not None]
    expected = sum(totals) if totals else None
    stopped = _error_of(rows, CollectionState.STOPPED)
    return Progress(
        state=_state(rows),
        found=found,
        stored=sum(row.stored for row in counted),
        skipped=skipped(counted),
        removed=sum(row.removed for row in counted),
        expected=expected,
        remaining=max(expected - found, 0) if expected is not None else None,
        expected_end=_expected_end(counted, found, expected, now),
        checked_at=max((row.checked_at for row in rows if row.checked_at is not None), default=None),
        error_code=_error_of(rows, CollectionState.FAILED),
        problem=sentence_of(stopped) if stopped else None,
    )


def skipped(rows: Sequence[Collection]) -> dict[str, int]:
    """Return how many items they left out, by reason."""
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row.skipped)
    return {reason: number for reason, number in sorted(total.items()) if number}


def _state(rows: Sequence[Collection]) -> CollectionState:
    """Return the state that says most: failed, else listing, else waiting, else in step; stopped if all are."""
    states = {CollectionState(row.state) for row in rows}
    return next((state for state in _TELLING if state in states), CollectionState.STOPPED)


def _error_of(rows: Sequence[Collection], state: CollectionState) -> str | None:
    return next((row.error_code for row in rows if row.state == state and row.error_code), None)


def _expected_end(rows: Sequence[Collection], found: int, expected: int | None, now: dt.datetime) -> dt.datetime | None:
    """Return when the listing will be done if it goes on as fast as until now; None before it has a pace."""
    started = [row.started_at for row in rows if row.started_at is not None and row.state == CollectionState.LISTING]
    if not started or not found or expected is None or expected <= found:
        return None
    elapsed = max((now - min(started)).total_seconds(), 1.0)
    return now + dt.timedelta(seconds=elapsed / found * (expected - found))


def sentence_of(code: str) -> str:
    """Return the sentence that belongs to an error's code."""
    return next((error.sentence for error in _errors(AppError) if error.code == code), _UNKNOWN)


def _errors(root: type[AppError]) -> Iterator[type[AppError]]:
    for error in root.__subclasses__():
        yield error
        yield from _errors(error)
