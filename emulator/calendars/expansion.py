"""A series, unrolled: which instances a master has between two moments.

The rules are those of RFC 5545, read by `recurring_ical_events` in the zone of the series, so that a meeting at nine
stays at nine when the clocks change. An instance that was moved or cancelled is a row of its own and takes the place
of the one that the rule gives. A series without an end gives at most `MOST` instances.
"""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from emulator.takeout.calendars_file import instance_suffix
from emulator.takeout.calendars_zone import google_time, moment_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.calendars.state import Resource, Row

MOST = 1_000
_FAR = timedelta(days=366 * 10)


def instances(
    master: Row, changed: dict[str, Row], span: tuple[datetime | None, datetime | None]
) -> Iterator[Resource]:
    """Give the instances of a series that touch a span of time, cancelled ones too, in the order of their starts."""
    found: dict[str, Resource] = {}
    for resource in _by_rule(master.resource, span):
        exception = changed.get(resource["id"])
        found[resource["id"]] = resource if exception is None else exception.resource
    for key, row in changed.items():
        if key not in found and touches(row.resource, span):
            found[key] = row.resource
    kept = [resource for resource in found.values() if "start" not in resource or touches(resource, span)]
    yield from sorted(kept, key=lambda resource: moment_of(resource.get("start") or resource["originalStartTime"]))


def find_instance(master: Row, event_id: str) -> Resource | None:
    """Give one instance of a series by its id, as the rule gives it."""
    suffix = event_id.removeprefix(f"{master.id}_")
    try:
        day = datetime.strptime(suffix[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return None
    span = (day - timedelta(days=2), day + timedelta(days=3))
    return next((found for found in _by_rule(master.resource, span) if found["id"] == event_id), None)


def touches(resource: Resource, span: tuple[datetime | None, datetime | None]) -> bool:
    """Tell whether an event ends after the first moment and starts before the second, as Google's bounds say."""
    start, end = resource.get("start"), resource.get("end")
    if not start or not end:
        return True
    after = span[0] is None or moment_of(end) > span[0] or (start == end and moment_of(start) >= span[0])
    return after and (span[1] is None or moment_of(start) < span[1])


def _by_rule(master: Resource, span: tuple[datetime | None, datetime | None]) -> Iterator[Resource]:
    start = moment_of(master["start"])
    length = moment_of(master["end"]) - start
    first = max(start - timedelta(days=1), (span[0] or start) - length - timedelta(days=1))
    last = span[1] + timedelta(days=1) if span[1] is not None else max(start, first) + _FAR
    if last <= first:
        return
    for occurrence in _occurrences(master, first, last)[:MOST]:
        yield _instance(master, occurrence.start, occurrence.end)


def _occurrences(master: Resource, first: datetime, last: datetime) -> list[Any]:
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:series", _line("DTSTART", master["start"])]
    lines += [_line("DTEND", master["end"]), *master["recurrence"], "END:VEVENT", "END:VCALENDAR", ""]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found: list[Any] = recurring_ical_events.of(Calendar.from_ical("\r\n".join(lines))).between(first, last)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            # A rule that cannot be unrolled leaves the first occurrence, as on import.
            event = Event()
            event.start, event.end = _python(master["start"]), _python(master["end"])
            found = [event]
    return sorted(found, key=lambda event: str(event.start))


def _python(time: dict[str, Any]) -> date | datetime:
    if "date" in time:
        return date.fromisoformat(time["date"])
    return moment_of(time).astimezone(ZoneInfo(time.get("timeZone") or "UTC"))


def _line(name: str, time: dict[str, Any]) -> str:
    if "date" in time:
        return f"{name};VALUE=DATE:{str(time['date']).replace('-', '')}"
    zone = time.get("timeZone") or "UTC"
    local = moment_of(time).astimezone(ZoneInfo(zone))
    return f"{name}:{local:%Y%m%dT%H%M%SZ}" if zone == "UTC" else f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def _instance(master: Resource, start: date | datetime, end: date | datetime) -> Resource:
    zone = master["start"].get("timeZone") or "UTC"
    original = google_time(start, "", zone)
    copied = {key: value for key, value in master.items() if key != "recurrence"}
    return {
        **copied,
        "id": f"{master['id']}_{instance_suffix(original)}",
        "start": original,
        "end": google_time(end, "", master["end"].get("timeZone") or zone),
        "recurringEventId": master["id"],
        "originalStartTime": original,
    }
