"""A calendar file of a Takeout folder, read into event resources.

Terms: a *block* is the text of one VEVENT. A file is read as a whole; when `icalendar` refuses the whole, every block
is tried alone beside the file's time zones, so that one bad event never spoils others. Invariant: the events that are
read and the ones that are not add up to the number of `BEGIN:VEVENT` lines in the file.

Ids are the same each time: base32hex of file, UID and place, so that reading a folder again finds the same events. An
exception has the id of its master with the original start behind it, as at Google, even when its master is not there.
"""

import base64
import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from icalendar import Calendar, Component

from emulator.takeout.calendars_event import Resource, event_resource, text
from emulator.takeout.calendars_zone import known_zone, moment_of

_ID_LETTERS = 26


@dataclass(frozen=True)
class CalendarFile:
    """What one file held: `events` as (name of its calendar, resource), how many could not be read, its zone."""

    events: list[tuple[str, Resource]] = field(default_factory=list)
    unreadable: int = 0
    time_zone: str = "UTC"


def read_file(name: str, content: bytes, account: str) -> CalendarFile:
    """Every VEVENT of a file as an event resource with its ids; never raises for what the file holds."""
    lines = _unfold(content)
    total = sum(1 for line in lines if _is(line, "BEGIN:VEVENT"))
    if not total:
        return CalendarFile()
    with warnings.catch_warnings():
        # Guesses about vendors' zone names are what we want, not something to report.
        warnings.simplefilter("ignore")
        found = list(_read(lines, account))
    events = _with_ids(name, found[:total])
    return CalendarFile(events, total - len(events), found[0][1] if found else "UTC")


def _read(lines: list[str], account: str) -> Iterator[tuple[str, str, Resource, Component]]:
    try:
        calendars = [part for part in Calendar.from_ical("\r\n".join(lines), multiple=True) if part.name == "VCALENDAR"]
    except Exception:  # noqa: BLE001 -- whatever the parser trips over, the events are tried one by one
        calendars = []
    if sum(len(part.walk("VEVENT")) for part in calendars) != sum(_is(line, "BEGIN:VEVENT") for line in lines):
        calendars = list(_one_by_one(lines))
    for calendar in calendars:
        name, zone = (
            text(calendar, "X-WR-CALNAME").strip(),
            known_zone(text(calendar, "X-WR-TIMEZONE") or "UTC") or "UTC",
        )
        for event in calendar.walk("VEVENT"):
            try:
                yield name, zone, event_resource(event, account, zone), event
            except Exception:  # noqa: BLE001, S112 -- one event that cannot be read is counted, the others go on
                continue


def _one_by_one(lines: list[str]) -> Iterator[Calendar]:
    """A calendar for each VEVENT block that parses beside the zones and names of its file."""
    head = [line for line in lines if line.upper().startswith(("X-WR-CALNAME", "X-WR-TIMEZONE"))][:2]
    zones = [line for block in _blocks(lines, "VTIMEZONE") if _parses(block) for line in block]
    for block in _blocks(lines, "VEVENT"):
        parsed = _parse([*head, *zones, *block]) or _parse([*head, *block])
        if parsed is not None and len(parsed.walk("VEVENT")) == 1:
            yield parsed


def _blocks(lines: list[str], kind: str) -> Iterator[list[str]]:
    block: list[str] | None = None
    for line in lines:
        if _is(line, f"BEGIN:{kind}"):
            block = []
        if block is not None:
            block.append(line)
            if _is(line, f"END:{kind}"):
                yield block
                block = None


def _parses(block: list[str]) -> bool:
    return _parse(block) is not None


def _parse(body: list[str]) -> Calendar | None:
    try:
        parsed = Calendar.from_ical("\r\n".join(["BEGIN:VCALENDAR", *body, "END:VCALENDAR", ""]))
    except Exception:  # noqa: BLE001 -- the parser has errors of many kinds
        return None
    return parsed


def _unfold(content: bytes) -> list[str]:
    try:
        decoded = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        decoded = content.decode("cp1252", "replace")
    lines: list[str] = []
    for line in decoded.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line[:1] in {" ", "\t"} and lines:
            lines[-1] += line[1:]
        elif line:
            lines.append(line)
    return lines


def _is(line: str, marker: str) -> bool:
    return line.strip().upper() == marker


def _with_ids(name: str, found: list[tuple[str, str, Resource, Component]]) -> list[tuple[str, Resource]]:
    taken: set[str] = set()
    events: list[tuple[str, Resource]] = []
    for place, (calendar, _zone, resource, event) in enumerate(found):
        uid = text(event, "UID").strip()
        series = _event_id(name, uid or f"#{place}")
        original = resource.get("originalStartTime")
        key = f"{series}_{instance_suffix(original)}" if original else series
        if key in taken:
            key = _event_id(name, uid, f"#{place}")
        taken.add(key)
        resource["id"] = key
        resource["iCalUID"] = uid or f"{series}@google.com"
        if original:
            resource["recurringEventId"] = series
        events.append((calendar, resource))
    return events


def instance_suffix(original: dict[str, Any]) -> str:
    """What stands behind the master's id in the id of an instance: its original start, in UTC or as a date."""
    if "date" in original:
        return str(original["date"]).replace("-", "")
    return moment_of(original).strftime("%Y%m%dT%H%M%SZ")


def _event_id(*parts: str) -> str:
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()
    return base64.b32hexencode(digest).decode().lower()[:_ID_LETTERS]
