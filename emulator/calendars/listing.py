"""events.list: one way through all of a calendar, whether whole, in part, unrolled, or since a sync token.

The list is gone through anew for each page, in an order that a row keeps while it is not written again, and a page
begins behind the last place of the one before. So what is written between two pages shows up on a later one or in the
next delta, never twice. The sync token names the counter as it stood at the first page.

Differs from Google: the order without `orderBy` is that of the last writes; a range of times that was given for the
first list does not bind the deltas after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from emulator import cursors
from emulator.calendars import state
from emulator.calendars.expansion import instances, touches
from emulator.refusals import Refusal
from emulator.takeout.calendars_zone import moment_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from emulator.calendars.state import Calendar, Resource, Row
    from emulator.wire import Params

_NEVER_WITH_TOKEN = (
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
)  # fmt: skip
_NO_TOKEN_AFTER = ("iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "updatedMin")
_PAGE, _LARGEST_PAGE = 250, 2_500
_NOT_LIST = frozenset({"calendarId", "pageToken", "syncToken", "maxResults"})

Span = tuple[datetime | None, datetime | None]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Start:
    """Where a list begins: behind change `since` (0 for all), as the calendar stood at counter `counter`."""

    since: int
    counter: int
    after: Key | None = None


@dataclass(frozen=True)
class Page:
    """One page: its items with their etags, and the token that leads on or, on the last page, back."""

    items: list[tuple[Resource, str]]
    next_page: str | None
    next_sync: str | None


def list_events(db: sqlite3.Connection, calendar: Calendar, params: Params) -> Page:
    """Give one page of a calendar's events.

    Raises:
        Refusal: for a token that is not of this list, or parameters that do not go together.
    """
    mark = cursors.digest({key: value for key, value in params.items() if key not in _NOT_LIST})
    start = _start(calendar, params, mark)
    size = 0 if params.fault == "empty_page" else min(int(params.get("maxResults", _PAGE)), _LARGEST_PAGE)
    found = _matching(db, calendar, params, start)
    if params.get("orderBy") or params.get("singleEvents"):
        found = iter(sorted(found, key=lambda entry: entry[0]))
    rest = list(islice((entry for entry in found if start.after is None or entry[0] > start.after), size + 1))
    page = rest[:size]
    items = [(resource, etag) for _, resource, etag in page]
    if len(rest) > size:
        after = list(page[-1][0]) if page else (list(start.after) if start.after else None)
        return Page(items, cursors.write("page", mark, [start.since, start.counter, after]), None)
    if any(params.get(name) for name in _NO_TOKEN_AFTER):
        return Page(items, None, None)
    return Page(items, None, cursors.write("sync", mark, [calendar.id, start.counter, calendar.era]))


def _start(calendar: Calendar, params: Params, mark: str) -> Start:
    token = params.get("syncToken")
    if token:
        _check_token_goes_alone(params)
    if params.get("pageToken"):
        try:
            since, counter, after = cursors.read(params["pageToken"], "page", mark)
        except cursors.BadCursor as error:
            raise Refusal(400, "invalid", "Invalid page token value.", where=("parameter", "pageToken")) from error
        return Start(since, counter, None if after is None else tuple(after))
    if not token:
        return Start(0, calendar.counter)
    try:
        calendar_id, since, era = cursors.read(token, "sync", mark)
    except cursors.BadCursor as error:
        raise full_sync_required() from error
    if calendar_id != calendar.id or era != calendar.era or since > calendar.counter:
        raise full_sync_required()
    return Start(since, calendar.counter)


def _check_token_goes_alone(params: Params) -> None:
    for name in _NEVER_WITH_TOKEN:
        if params.get(name):
            raise Refusal(400, "invalidParameter", f"Sync token cannot be used with {name}.", where=("parameter", name))
    if params.get("showDeleted") is False:
        message = "Sync token cannot be used with showDeleted=false."
        raise Refusal(400, "invalidParameter", message, where=("parameter", "showDeleted"))


def full_sync_required() -> Refusal:
    """Refuse a sync token that leads nowhere any more."""
    return Refusal(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        where=("parameter", "syncToken"),
    )


def _matching(
    db: sqlite3.Connection, calendar: Calendar, params: Params, start: Start
) -> Iterator[tuple[Key, Resource, str]]:
    span = span_of(params)
    ordered = params.get("orderBy")
    if ordered == "startTime" and not params.get("singleEvents"):
        raise Refusal(400, "invalid", "The requested ordering is not available for the particular query.")
    for row, resource in _candidates(db, calendar, params, start, span):
        if not _wanted(resource, params):
            continue
        if ordered == "startTime":
            first: Any = moment_of(resource.get("start") or resource["originalStartTime"]).timestamp()
        else:
            first = resource.get("updated", "") if ordered == "updated" else row.change
        yield (first, resource["id"]), resource, row.etag


def _candidates(
    db: sqlite3.Connection, calendar: Calendar, params: Params, start: Start, span: Span
) -> Iterator[tuple[Row, Resource]]:
    since, single = start.since, bool(params.get("singleEvents"))
    # In the plain order a page begins behind the last change of the one before.
    plain = start.after is not None and not single and not params.get("orderBy")
    first = max(since, start.after[0] - 1) if plain and start.after is not None else since
    deleted = since > 0 or bool(params.get("showDeleted"))
    unrolled: set[str] = set()
    for row in state.rows_since(db, calendar, first):
        series = "recurrence" in row.resource and not row.cancelled
        if series and single:
            changed = state.exceptions(db, calendar, row.id)
            for resource in instances(row, changed, span):
                if resource.get("status") != "cancelled" or deleted:
                    unrolled.add(resource["id"])
                    yield row, resource
        elif row.cancelled and not deleted and (single or not _is_hole(db, calendar, row)):
            continue
        elif row.id not in unrolled and _in_span(db, calendar, row, span):
            unrolled.add(row.id)
            if not (single and row.master and _has_master(db, calendar, row.master, since)):
                yield row, row.resource


def _is_hole(db: sqlite3.Connection, calendar: Calendar, row: Row) -> bool:
    """Tell whether a cancelled row is an instance missing from a series that goes on: Google lists those always."""
    master = None if row.master is None else state.find(db, calendar, row.master)
    return row.master is not None and (master is None or not master.cancelled)


def _has_master(db: sqlite3.Connection, calendar: Calendar, master: str, since: int) -> bool:
    """Tell whether a series is itself in the list, and gives its changed instances when it is unrolled."""
    row = state.find(db, calendar, master)
    return row is not None and not row.cancelled and row.change > since


def _in_span(db: sqlite3.Connection, calendar: Calendar, row: Row, span: Span) -> bool:
    if span == (None, None):
        return True
    if "recurrence" in row.resource:
        return next(instances(row, state.exceptions(db, calendar, row.id), span), None) is not None
    if "start" not in row.resource and "originalStartTime" in row.resource:
        moment = row.resource["originalStartTime"]
        return touches({"start": moment, "end": moment}, span)
    return touches(row.resource, span)


def span_of(params: Params) -> Span:
    """Give the bounds that a call names.

    Raises:
        Refusal: when they cannot be read, or leave nothing between them.
    """
    first, last = (_bound(params, name) for name in ("timeMin", "timeMax"))
    if first is not None and last is not None and last <= first:
        raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    return first, last


def _bound(params: Params, name: str) -> datetime | None:
    text = params.get(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text).replace(" ", "+"))
    except ValueError as error:
        raise Refusal(400, "badRequest", "Bad Request", where=("parameter", name)) from error
    if moment.tzinfo is None:
        raise Refusal(400, "badRequest", "Bad Request", where=("parameter", name))
    return moment


def _wanted(resource: Resource, params: Params) -> bool:
    if params.get("iCalUID") and resource.get("iCalUID") != params["iCalUID"]:
        return False
    types = params.get("eventTypes")
    if types and resource.get("eventType", "default") not in types:
        return False
    oldest = params.get("updatedMin")
    if oldest and resource.get("updated") and _time(resource["updated"]) < _time(str(oldest).replace(" ", "+")):
        return False
    for name, kind in (("privateExtendedProperty", "private"), ("sharedExtendedProperty", "shared")):
        held = resource.get("extendedProperties", {}).get(kind, {})
        if not all(f"{key}={held.get(key)}" == wish for wish in params.get(name, []) for key in [wish.split("=")[0]]):
            return False
    return _mentions(resource, params.get("q"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _mentions(resource: Resource, words: str | None) -> bool:
    if not words:
        return True
    people = [*resource.get("attendees", []), resource.get("organizer", {})]
    texts = [resource.get(key, "") for key in ("summary", "description", "location")]
    texts += [person.get(key, "") for person in people for key in ("email", "displayName")]
    whole = " ".join(str(text) for text in texts).lower()
    return all(word in whole for word in words.lower().split())
