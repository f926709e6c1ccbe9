"""Calendar API v3 on the wire: calendarList, calendars, events, channels.

See https://developers.google.com/workspace/calendar/api/v3/reference.

Differs from Google: no sharing and no access rules, every calendar in the list belongs to its reader; `sendUpdates`
sends nothing; `move`, `import` and `quickAdd` are not here; `calendarList.list` gives all calendars at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from emulator import cursors, faults
from emulator.calendars import changes, channels, state
from emulator.calendars.changes import Place
from emulator.calendars.expansion import instances
from emulator.calendars.listing import full_sync_required, list_events, span_of
from emulator.refusals import Refusal
from emulator.state import current
from emulator.wire import json_answer, method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.calendars.state import Calendar, Resource, Row
    from emulator.wire import Answer, Params

faults.declare("empty_page", "calendar.events.list")
blueprint = Blueprint("calendars", __name__)
_CALENDAR = "/calendar/v3/calendars/<calendarId>"


@method(blueprint, "calendar", "calendarList.list", "/calendar/v3/users/me/calendarList")
def list_calendars(account: Account, params: Params) -> Answer:
    """Give every calendar of the account; a sync token gives none unless tokens were ended since."""
    _ensure_primary(account)
    with current().store.read() as db:
        found = state.list_calendars(db, account)
    era = sum(calendar.era for calendar in found)
    items = [_entry(calendar) for calendar in found]
    if params.get("syncToken"):
        try:
            known_era, known = cursors.read(params["syncToken"], "calendars", account.sub)
        except cursors.BadCursor as error:
            raise full_sync_required() from error
        if known_era != era:
            raise full_sync_required()
        items = [item for item in items if item["id"] not in known]
    token = cursors.write("calendars", account.sub, [era, [calendar.id for calendar in found]])
    return {"kind": "calendar#calendarList", "etag": f'"{token[:16]}"', "nextSyncToken": token, "items": items}


@method(blueprint, "calendar", "calendarList.get", "/calendar/v3/users/me/calendarList/<calendarId>")
def get_calendar_entry(account: Account, params: Params) -> Answer:
    """Give one calendar as the account sees it."""
    _ensure_primary(account)
    with current().store.read() as db:
        return _entry(_calendar(db, account, params))


@method(blueprint, "calendar", "calendars.get", _CALENDAR)
def get_calendar(account: Account, params: Params) -> Answer:
    """Give what a calendar is called and where it is."""
    _ensure_primary(account)
    with current().store.read() as db:
        calendar = _calendar(db, account, params)
    return {
        "kind": "calendar#calendar",
        "etag": f'"{calendar.id[:12]}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "dataOwner": account.email,
    }


@method(blueprint, "calendar", "events.list", f"{_CALENDAR}/events")
def list_of_events(account: Account, params: Params) -> Answer:
    """Give one page of events."""
    if params.get("syncToken") and "showDeleted" not in request.args:
        params.pop("showDeleted", None)
    _ensure_primary(account)
    with current().store.read() as db:
        calendar = _calendar(db, account, params)
        page = list_events(db, calendar, params)
    answer: dict[str, Any] = {
        "kind": "calendar#events",
        "etag": f'"p{calendar.counter:014d}"',
        "summary": calendar.summary,
        "updated": state.timestamp(current().clock.now()),
        "timeZone": calendar.time_zone,
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 10}] if calendar.is_primary else [],
        "items": [_shown(account, resource, etag, params.get("maxAttendees")) for resource, etag in page.items],
    }
    if page.next_page:
        answer["nextPageToken"] = page.next_page
    elif page.next_sync:
        answer["nextSyncToken"] = page.next_sync
    return answer


@method(blueprint, "calendar", "events.get", f"{_CALENDAR}/events/<eventId>")
def get_event(account: Account, params: Params) -> Answer:
    """Give one event, a cancelled one too."""
    _ensure_primary(account)
    with current().store.read() as db:
        row = changes.current(_place(db, account, params), params["eventId"])
    if row is None:
        raise changes.missing_event()
    if request.headers.get("If-None-Match") == row.etag:
        return json_answer({}, 304)
    return _shown(account, row.resource, row.etag)


@method(blueprint, "calendar", "events.instances", f"{_CALENDAR}/events/<eventId>/instances")
def list_instances(account: Account, params: Params) -> Answer:
    """Give the instances of a series."""
    _ensure_primary(account)
    with current().store.read() as db:
        place = _place(db, account, params)
        master = state.find(db, place.calendar, params["eventId"])
        if master is None or master.cancelled:
            raise changes.missing_event()
        changed = state.exceptions(db, place.calendar, master.id)
    span = span_of(params)
    found = [
        _shown(account, resource, changed[resource["id"]].etag if resource["id"] in changed else master.etag)
        for resource in (instances(master, changed, span) if "recurrence" in master.resource else ())
        if params.get("showDeleted") or resource.get("status") != "cancelled"
    ]
    return {
        "kind": "calendar#events",
        "etag": master.etag,
        "summary": place.calendar.summary,
        "timeZone": place.calendar.time_zone,
        "accessRole": "owner",
        "defaultReminders": [],
        "items": found[: params.get("maxResults", 250)],
    }


@method(blueprint, "calendar", "events.insert", f"{_CALENDAR}/events")
def insert_event(account: Account, params: Params) -> Answer:
    """Make an event."""
    body = params.body
    _ensure_primary(account)
    with current().store.write() as db:
        place = _place(db, account, params)
        row = changes.insert(place, body)
    return _written(account, place.calendar, row)


@method(blueprint, "calendar", "events.update", f"{_CALENDAR}/events/<eventId>")
def update_event(account: Account, params: Params) -> Answer:
    """Replace an event."""
    return _changed(account, params, whole=True)


@method(blueprint, "calendar", "events.patch", f"{_CALENDAR}/events/<eventId>")
def patch_event(account: Account, params: Params) -> Answer:
    """Change what the body names."""
    return _changed(account, params, whole=False)


@method(blueprint, "calendar", "events.delete", f"{_CALENDAR}/events/<eventId>")
def delete_event(account: Account, params: Params) -> Answer:
    """Delete an event."""
    with current().store.write() as db:
        place = _place(db, account, params)
        changes.delete(place, params["eventId"], request.headers.get("If-Match"))
    channels.notify(current(), account, place.calendar.id)
    return None


@method(blueprint, "calendar", "events.watch", f"{_CALENDAR}/events/watch")
def watch_events(account: Account, params: Params) -> Answer:
    """Open a channel on a calendar."""
    _ensure_primary(account)
    with current().store.read() as db:
        calendar = _calendar(db, account, params)
    return channels.open_channel(current(), account, calendar.id, params.body)


@method(blueprint, "calendar", "channels.stop", "/calendar/v3/channels/stop")
def stop_channel(account: Account, params: Params) -> Answer:
    """Close a channel."""
    channels.stop(current(), account, params.body)
    return None


def _changed(account: Account, params: Params, *, whole: bool) -> Answer:
    body = params.body
    with current().store.write() as db:
        place = _place(db, account, params)
        row = changes.change(place, params["eventId"], body, whole=whole, etag=request.headers.get("If-Match"))
    return _written(account, place.calendar, row)


def _written(account: Account, calendar: Calendar, row: Row) -> Resource:
    channels.notify(current(), account, calendar.id)
    return _shown(account, row.resource, row.etag)


def _ensure_primary(account: Account) -> None:
    """Have the calendar that every account has; reading alone is the rule, for writers take turns."""
    with current().store.read() as db:
        found = state.find_calendar(db, account, "primary")
    if found is None:
        with current().store.write() as db:
            state.open_primary(db, account)


def _place(db: sqlite3.Connection, account: Account, params: Params) -> Place:
    return Place(db, account, _calendar(db, account, params), current().clock.now())


def _calendar(db: sqlite3.Connection, account: Account, params: Params) -> Calendar:
    found = state.find_calendar(db, account, params["calendarId"])
    if found is None:
        raise Refusal(404, "notFound", "Not Found")
    return found


def _entry(calendar: Calendar) -> Resource:
    entry: Resource = {
        "kind": "calendar#calendarListEntry",
        "etag": f'"{state.new_id(calendar.id)[:16]}"',
        "id": calendar.id,
        "summary": calendar.summary,
        "timeZone": calendar.time_zone,
        "colorId": "14",
        "backgroundColor": "#9fe1e7",
        "foregroundColor": "#000000",
        "selected": True,
        "accessRole": "owner",
        "defaultReminders": [],
    }
    return {**entry, "primary": True} if calendar.is_primary else entry


def _shown(account: Account, resource: Resource, etag: str, most: int | None = None) -> Resource:
    shown = {"kind": "calendar#event", "etag": etag, **resource}
    if resource.get("status") != "cancelled":
        shown["htmlLink"] = f"https://calendar.example/event?eid={resource['id']}&for={account.sub}"
    guests = resource.get("attendees", [])
    if most is not None and len(guests) > most:
        shown["attendees"] = [guest for guest in guests if guest.get("self")][:most]
        shown["attendeesOmitted"] = True
    return shown
