"""The calendar page: events as they are kept (a series is one line), and forms to add, change and delete them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Response, request

from emulator import calendars
from emulator.calendars import channels, state
from emulator.calendars.changes import missing_event
from emulator.pages.frame import PAGE, blueprint, page_number, person_at, show, to
from emulator.pages.sidebar import sidebar_of
from emulator.refusals import Refusal
from emulator.state import current
from emulator.takeout.calendars_zone import google_time, moment_of

if TYPE_CHECKING:
    from emulator.calendars.state import Resource


@blueprint.get("/u/<int:number>/calendar")
def list_events(number: int) -> str:
    """Show all events, the latest first."""
    person, page = person_at(number), page_number()
    with current().store.read() as db:
        found = [_line(calendar.summary, row.resource) for calendar, row in state.all_live(db, person)]
    found.sort(key=lambda line: (line["start"], line["id"]), reverse=True)
    lines = found[page * PAGE : (page + 1) * PAGE]
    return show("calendar.html", number, "calendar", lines=lines, total=len(found), page=page,
                last=max(0, (len(found) - 1) // PAGE))  # fmt: skip


@blueprint.get("/u/<int:number>/calendar/new")
def write_event(number: int) -> str:
    """Show the form for a new event."""
    day = datetime.fromtimestamp(current().clock.now() + 86_400, ZoneInfo("UTC")).replace(hour=10, minute=0, second=0)
    start = {"dateTime": day.isoformat(), "timeZone": "UTC"}
    end = {"dateTime": (day + timedelta(hours=1)).isoformat(), "timeZone": "UTC"}
    return show("event.html", number, "calendar", id=None, values=_values({"start": start, "end": end}), sidebar=None)


@blueprint.get("/u/<int:number>/calendar/<event_id>")
def open_event(number: int, event_id: str) -> str:
    """Show one event with the form to change it, and the add-on beside it."""
    person = person_at(number)
    with current().store.read() as db:
        found = state.find_anywhere(db, person, event_id)
    if found is None or found[1].cancelled:
        raise missing_event()
    values = _values(found[1].resource)
    beside = sidebar_of(person, number, "calendar", event_id)
    return show("event.html", number, "calendar", id=event_id, values=values, sidebar=beside)


@blueprint.post("/u/<int:number>/calendar/new")
def add_event(number: int) -> Response:
    """Have the event in the account's own calendar."""
    person = person_at(number)
    made = calendars.add_event(current().store, person, {key: value for key, value in _resource().items() if value})
    channels.notify(current(), person)
    return to("open_event", number=number, event_id=made["id"])


@blueprint.post("/u/<int:number>/calendar/<event_id>")
def change_event(number: int, event_id: str) -> Response:
    """Have the event as the form says; what the form does not show stays."""
    person = person_at(number)
    calendars.patch_event(current().store, person, event_id, _with_known_guests(number, event_id, _resource()))
    channels.notify(current(), person)
    return to("open_event", number=number, event_id=event_id)


@blueprint.post("/u/<int:number>/calendar/<event_id>/delete")
def delete_event(number: int, event_id: str) -> Response:
    """Have the event deleted."""
    person = person_at(number)
    calendars.delete_event(current().store, person, event_id)
    channels.notify(current(), person)
    return to("list_events", number=number)


def _line(calendar: str, resource: Resource) -> dict[str, Any]:
    return {
        "id": resource["id"],
        "title": resource.get("summary") or "(no title)",
        "start": moment_of(resource["start"]).timestamp(),
        "all_day": "date" in resource["start"],
        "guests": sum(1 for guest in resource.get("attendees", []) if not guest.get("self")),
        "repeats": "recurrence" in resource,
        "private": resource.get("visibility") in {"private", "confidential"},
        "calendar": calendar,
    }


def _values(resource: Resource) -> dict[str, Any]:
    guests = [guest["email"] for guest in resource.get("attendees", []) if "email" in guest]
    return {
        "summary": resource.get("summary", ""),
        "location": resource.get("location", ""),
        "description": resource.get("description", ""),
        "guests": ", ".join(guests),
        "private": resource.get("visibility") in {"private", "confidential"},
        "all_day": "date" in resource["start"],
        "zone": resource["start"].get("timeZone", "UTC"),
        "start": _local(resource["start"]),
        "end": _local(resource["end"]),
        "recurrence": resource.get("recurrence", []),
        "organizer": resource.get("organizer", {}).get("email", ""),
    }


def _local(time: dict[str, Any]) -> str:
    if "date" in time:
        return f"{time['date']}T00:00"
    return moment_of(time).astimezone(ZoneInfo(time.get("timeZone") or "UTC")).strftime("%Y-%m-%dT%H:%M")


def _resource() -> Resource:
    form = request.form
    guests = [address.strip().lower() for address in form.get("guests", "").replace(";", ",").split(",")]
    return {
        "summary": form.get("summary", "").strip() or None,
        "location": form.get("location", "").strip() or None,
        "description": form.get("description", "").strip() or None,
        "visibility": "private" if form.get("private") else None,
        "start": _time("start"),
        "end": _time("end"),
        "attendees": [{"email": address} for address in guests if "@" in address] or None,
    }


def _time(name: str) -> dict[str, str]:
    try:
        local = datetime.fromisoformat(request.form.get(name, ""))
        zone = request.form.get("zone", "UTC").strip() or "UTC"
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError) as error:
        raise Refusal(
            400, "invalid", "Give start and end as date and time, and a time zone such as Europe/Berlin."
        ) from error
    if request.form.get("all_day"):
        return {
            "date": (local + timedelta(days=1 if name == "end" and local.time() != local.min.time() else 0))
            .date()
            .isoformat()
        }
    return google_time(local, zone, zone)


def _with_known_guests(number: int, event_id: str, resource: Resource) -> Resource:
    """Keep what is known of guests who stay: their names and answers."""
    with current().store.read() as db:
        found = state.find_anywhere(db, person_at(number), event_id)
    known = {guest.get("email"): guest for guest in (found[1].resource.get("attendees", []) if found else [])}
    if resource["attendees"]:
        resource["attendees"] = [known.get(guest["email"], guest) for guest in resource["attendees"]]
    return resource
