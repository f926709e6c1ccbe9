"""Events: read, judged and sealed, with the times they fall on and who takes part."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm.addresses import normalise
from crm.names import person_name
from kernel.ids import new_id
from sync.intake.heard import Gathering
from sync.intake.recurrence import MOST, Series, expand
from sync.intake.sealing import Desk
from sync.intake.text import clean
from sync.plan import Item, SkipReason
from workspace.calendars import Event, Guest

_MOST_GUESTS = 500
_LONGEST = 1000
_RESPONSES = frozenset({"accepted", "declined", "tentative", "needsAction"})
_STATUSES = frozenset({"confirmed", "tentative", "cancelled"})
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Attending:
    """One address's part in one event."""

    key: str
    address_index: bytes
    response: str
    is_organizer: bool


@dataclass(slots=True)
class EventPage:
    """A page of events, still readable: items to plan with; then rows, sealed, of those that are to be stored."""

    desk: Desk
    calendar_index: bytes
    gathering: Gathering
    now: dt.datetime
    items: dict[str, Item] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    prints: list[dict[str, Any]] = field(default_factory=list)
    unreadable_series: int = 0
    _events: dict[str, Event] = field(default_factory=dict, repr=False)

    def index_of(self, event_id: str) -> bytes:
        """Return the blind index of an event's id."""
        return self.desk.indexer.digest("event", event_id)

    def row(self, key: str, row_id: uuid.UUID | None, generation: int) -> dict[str, Any]:
        """Return an event's row, sealed for `row_id` or a new one; its prints are added."""
        event, desk = self._events[key], self.desk
        meeting_id = row_id or new_id()
        starts_at, ends_at = _span(event)
        seal = desk.sealer.seal
        title, location = clean(event.title, _LONGEST), clean(event.location, _LONGEST)
        lines = json.dumps(event.recurrence)
        self.prints.append(desk.printer.row(meeting_id, "head", event.series_id or event.id, (title, location)))
        return {
            "id": meeting_id,
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "calendar_index": self.calendar_index,
            "event_index": self.index_of(event.id),
            "series_index": self.index_of(event.series_id) if event.series_id else None,
            "uid_index": desk.indexer.digest("uid", event.uid) if event.uid else None,
            "event_id": seal("meetings", "event_id", meeting_id, event.id),
            "starts_at": starts_at,
            "ends_at": ends_at,
            "all_day": _start(event).is_date,
            "time_zone": (_start(event).zone or "")[:64] or None,
            "original_start": event.original_start.at if event.original_start else None,
            "status": event.status if event.status in _STATUSES else "confirmed",
            "is_private": event.is_private,
            "is_series": bool(event.recurrence),
            "title": seal("meetings", "title", meeting_id, title) if title else None,
            "location": seal("meetings", "location", meeting_id, location) if location else None,
            "recurrence": seal("meetings", "recurrence", meeting_id, lines, "json") if event.recurrence else None,
            "digest": self.items[key].digest,
            "generation": generation,
        }

    def times(self, key: str) -> list[tuple[dt.datetime, dt.datetime]]:
        """Return when the event falls, start and end, within the window that is kept."""
        event = self._events[key]
        if event.status == "cancelled":
            return []
        starts_at, ends_at = _span(event)
        if not event.recurrence:
            return [(starts_at, ends_at)]
        start = _start(event)
        expanded = expand(Series(starts_at, start.is_date, start.zone, event.recurrence), self.now)
        self.unreadable_series += not expanded.is_whole
        return [(at, at + (ends_at - starts_at)) for at in dict.fromkeys(expanded.starts[:MOST])]

    def attending(self, key: str) -> list[Attending]:
        """Return who takes part, each address once; rooms do not."""
        event = self._events[key]
        at = min(_span(event)[0], self.now)
        found: dict[bytes, Attending] = {}
        for guest in event.guests[:_MOST_GUESTS]:
            address = None if guest.is_resource else normalise(guest.address)
            if address is None:
                continue
            name = person_name(clean(guest.name, 200), address)
            heard = self.gathering.hear(address, name, at, is_own=guest.is_self)
            before = found.get(heard.address_index)
            found[heard.address_index] = _attending(key, heard.address_index, guest, before)
        return list(found.values())


def read(events: Iterable[Event], desk: Desk, calendar_index: bytes, generation: int, now: dt.datetime) -> EventPage:
    """Return the page; tombstones are among what is gone, an event without any time is unreadable."""
    page = EventPage(desk, calendar_index, Gathering(desk), now)
    for event in events:
        if event.status == "cancelled" and not event.series_id:
            page.gone.append(event.id)
            page.items.pop(event.id, None)
            continue
        is_timeless = event.start is None and event.original_start is None
        skip = SkipReason.UNREADABLE if is_timeless else None
        page.items[event.id] = Item(event.id, _digest(event, desk, generation), skip)
        page._events[event.id] = event  # noqa: SLF001 -- the page is made here
    _end_with_series(page)
    return page


def _end_with_series(page: EventPage) -> None:
    """Cancelled exceptions of a series that is gone itself are gone: Google sends their tombstones beside its own."""
    ended = set(page.gone)
    for event in list(page._events.values()):  # noqa: SLF001 -- the page is made here
        if event.status == "cancelled" and event.series_id in ended and event.id in page.items:
            page.gone.append(event.id)
            del page.items[event.id]


def _attending(key: str, index: bytes, guest: Guest, before: Attending | None) -> Attending:
    response = guest.response if guest.response in _RESPONSES else "needsAction"
    is_organizer = guest.is_organizer or (before is not None and before.is_organizer)
    return Attending(key, index, response, is_organizer)


def _start(event: Event) -> Any:
    """Return the event's start; of a cancelled exception, when it would have been."""
    return event.start or event.original_start


def _span(event: Event) -> tuple[dt.datetime, dt.datetime]:
    """Return start and end: without an end it lasts as RFC 5545 §3.6.1 says; one before its start ends with it."""
    start = _start(event)
    if event.end is None:
        return start.at, start.at + _DAY if start.is_date else start.at
    return start.at, max(event.end.at, start.at)


def _digest(event: Event, desk: Desk, generation: int) -> bytes:
    """Return the digest of all that is kept of an event; of a series, of the listing too, which moves its window."""
    text = repr(event) if not event.recurrence else f"{event!r}{generation}"
    return desk.indexer.digest("digest", text)
