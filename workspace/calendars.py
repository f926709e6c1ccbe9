"""Calendars: the list of an account's calendars, and the events of one, masters and exceptions apart.

Series are never asked for unrolled: one touched series without an end would unroll decades. Times come out as
moments in UTC; what Google's answer leaves unclear is told by `None`, never by an error.
"""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from workspace.documents import Api, Call, rooted, service
from workspace.errors import CursorExpired, Gone, Terminal
from workspace.transport import Transport

PAGE = 250
CALENDARS_PAGE = 250


@dataclass(frozen=True, slots=True)
class Entry:
    """One calendar of the account's list."""

    id: str
    title: str
    role: str
    is_primary: bool
    is_deleted: bool
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """One page of the calendars; the last one carries the token for the next time."""

    entries: tuple[Entry, ...]
    next: str | None
    sync_token: str | None


@dataclass(frozen=True, slots=True)
class When:
    """A moment in UTC (midnight of the date when `is_date`), and the IANA zone it was made in."""

    at: dt.datetime
    is_date: bool
    zone: str | None


@dataclass(frozen=True, slots=True)
class Guest:
    """One attendee, or the organiser."""

    address: str
    name: str
    response: str
    is_organizer: bool
    is_self: bool
    is_resource: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event resource: a single event, the master of a series, an exception of one, or a tombstone."""

    id: str
    uid: str
    status: str
    kind: str
    title: str
    location: str
    start: When | None
    end: When | None
    series_id: str | None
    original_start: When | None
    recurrence: tuple[str, ...]
    guests: tuple[Guest, ...]
    is_private: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of events; it may be empty with more to come. The last one carries the sync token."""

    events: tuple[Event, ...]
    next: str | None
    sync_token: str | None


class Calendars:
    """The calendars of one account, over one transport."""

    def __init__(self, transport: Transport, root: str) -> None:
        self._transport = transport
        self._lists, self._events = _resources(rooted(root))

    def calendars(self, sync_token: str | None = None, token: str | None = None) -> CalendarPage:
        """Return a page of the account's calendars, or of what changed in the list since `sync_token`.

        Raises:
            CursorExpired: when the sync token is no longer good.
        """
        call = self._lists.list(maxResults=CALENDARS_PAGE, showHidden=True, syncToken=sync_token, pageToken=token)
        said = self._ask(call, is_delta=sync_token is not None)
        entries = tuple(map(_entry, said.get("items") or ()))
        return CalendarPage(entries, said.get("nextPageToken"), said.get("nextSyncToken"))

    def events(self, calendar_id: str, sync_token: str | None = None, token: str | None = None) -> EventPage:
        """Return a page of a calendar's events, or of what changed since `sync_token`, tombstones included.

        Raises:
            CursorExpired: when the sync token is no longer good.
            Gone: when there is no such calendar (any more).
        """
        call = self._events.list(
            calendarId=calendar_id, maxResults=PAGE, singleEvents=False, syncToken=sync_token, pageToken=token
        )
        said = self._ask(call, is_delta=sync_token is not None)
        events = tuple(_event(item) for item in said.get("items") or () if item.get("id"))
        return EventPage(events, said.get("nextPageToken"), said.get("nextSyncToken"))

    def _ask(self, call: Call, *, is_delta: bool) -> dict[str, Any]:
        try:
            said: dict[str, Any] = orjson.loads(self._transport.ask(call))
        except Terminal as error:
            # A token that Google cannot read is refused as a bad request: with a listing anew it gets a good one.
            if is_delta and type(error) is Terminal:
                raise CursorExpired from error
            raise
        return said


@functools.lru_cache(maxsize=4)
def _resources(root: str) -> tuple[Any, Any]:
    calendar = service(Api.CALENDAR, root)
    return calendar.calendarList(), calendar.events()


def _entry(item: Mapping[str, Any]) -> Entry:
    return Entry(
        id=str(item.get("id", "")),
        title=str(item.get("summaryOverride") or item.get("summary") or ""),
        role=str(item.get("accessRole", "")),
        is_primary=bool(item.get("primary")),
        is_deleted=bool(item.get("deleted")),
        is_hidden=bool(item.get("hidden")),
    )


def _event(item: Mapping[str, Any]) -> Event:
    return Event(
        id=str(item["id"]),
        uid=str(item.get("iCalUID") or ""),
        status=str(item.get("status") or "confirmed"),
        kind=str(item.get("eventType") or "default"),
        title=str(item.get("summary") or ""),
        location=str(item.get("location") or ""),
        start=_when(item.get("start")),
        end=_when(item.get("end")),
        series_id=item.get("recurringEventId") or None,
        original_start=_when(item.get("originalStartTime")),
        recurrence=tuple(map(str, item.get("recurrence") or ())),
        guests=_guests(item),
        is_private=item.get("visibility") in ("private", "confidential"),
    )


def _guests(item: Mapping[str, Any]) -> tuple[Guest, ...]:
    """Return the attendees, and the organiser when the list does not hold them."""
    guests = [_guest(entry) for entry in item.get("attendees") or () if isinstance(entry, dict)]
    organizer = item.get("organizer")
    if isinstance(organizer, dict):
        address = str(organizer.get("email") or "").lower()
        if address and all(guest.address.lower() != address for guest in guests):
            guests.append(_guest({**organizer, "organizer": True, "responseStatus": "accepted"}))
    return tuple(guests)


def _guest(entry: Mapping[str, Any]) -> Guest:
    return Guest(
        address=str(entry.get("email") or ""),
        name=str(entry.get("displayName") or ""),
        response=str(entry.get("responseStatus") or "needsAction"),
        is_organizer=bool(entry.get("organizer")),
        is_self=bool(entry.get("self")),
        is_resource=bool(entry.get("resource")),
    )


def _when(value: Any) -> When | None:
    """Return a start or end; None when there is none that can be read."""
    if not isinstance(value, dict):
        return None
    zone = str(value["timeZone"]) if value.get("timeZone") else None
    try:
        if value.get("date"):
            day = dt.date.fromisoformat(str(value["date"]))
            return When(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC), is_date=True, zone=zone)
        at = dt.datetime.fromisoformat(str(value["dateTime"]))
        if at.tzinfo is None:
            at = at.replace(tzinfo=zoneinfo.ZoneInfo(zone) if zone else dt.UTC)
        return When(at.astimezone(dt.UTC), is_date=False, zone=zone)
    except (KeyError, ValueError, OverflowError, OSError):  # OSError: a zone name that is a folder of tzdata
        return None


__all__ = ["CalendarPage", "Calendars", "Entry", "Event", "EventPage", "Gone", "Guest", "When"]
