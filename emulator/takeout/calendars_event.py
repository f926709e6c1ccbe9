"""One VEVENT as the event resource that Google would hold.

Terms: a *master* carries recurrence lines; an *exception* carries RECURRENCE-ID and becomes an instance of its master
(`recurringEventId`, `originalStartTime`); anything else is a *single*.

Rules where a file says less, or worse, than Google needs: - without an end an event lasts as RFC 5545 section 3.6.1
says: its DURATION, a day when all-day, no time when timed; - an end before the start becomes the start; - a rule that
cannot be expanded is dropped and the first occurrence stays, a date list that cannot be read likewise; - without a
readable DTSTART the nearest time it names counts (end, recurrence id, stamp, created, modified). Google   refuses an
event that names none; here it stands on 1 January 1970, for every VEVENT that can be read is one event; -
`STATUS:CANCELLED` is kept on exceptions alone. At Google a cancelled event is a deleted one that no listing shows, so
a single or a series that a file calls cancelled stays as an event.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # it has no types
from icalendar import Component

from emulator.takeout.calendars_zone import google_time, known_zone, stamp

_PARTSTAT = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative", "DELEGATED": "declined"}
_STATUS = {"TENTATIVE": "tentative", "CANCELLED": "cancelled"}
_VISIBILITY = {"PRIVATE": "private", "CONFIDENTIAL": "confidential"}
_STARTS = ("DTSTART", "DTEND", "RECURRENCE-ID", "DTSTAMP", "CREATED", "LAST-MODIFIED")
_EPOCH = date(1970, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 2, 9_998
_TOO_OFTEN = ("FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY")

Resource = dict[str, Any]


def event_resource(event: Component, account: str, zone: str) -> Resource:
    """The event resource for one VEVENT of `account`, without ids; `zone` is the calendar's own time zone."""
    start, end = _span(event)
    resource: Resource = {
        "status": _status(event),
        "start": google_time(start, _tzid(event, "DTSTART"), zone),
        "end": google_time(end, _tzid(event, "DTEND") or _tzid(event, "DTSTART"), zone),
        "sequence": _integer(event, "SEQUENCE"),
        "eventType": "default",
        "reminders": {"useDefault": True},
    }
    for key, name in (("summary", "SUMMARY"), ("description", "DESCRIPTION"), ("location", "LOCATION")):
        if value := text(event, name).strip():
            resource[key] = value
    resource.update(_access(event))
    resource.update(_times(event))
    resource.update(_people(event, account))
    if (original := _when(event, "RECURRENCE-ID")) is not None:
        resource["originalStartTime"] = google_time(original, _tzid(event, "RECURRENCE-ID"), zone)
    elif lines := _recurrence(event, zone):
        resource["recurrence"] = lines
    return resource


def _status(event: Component) -> str:
    status = _STATUS.get(text(event, "STATUS").upper(), "confirmed")
    return "confirmed" if status == "cancelled" and "RECURRENCE-ID" not in event else status


def text(event: Component, name: str) -> str:
    """The text of a property, the first when it is given twice, empty when it is missing."""
    return str(_first(event, name) or "")


def _first(event: Component, name: str) -> Any:
    value = event.get(name)
    return value[0] if isinstance(value, list) and value else value


def _when(event: Component, name: str) -> date | datetime | None:
    value = _dt(event, name)
    # At the ends of the calendar a change of zone, or a day more, would fall off it.
    return value if isinstance(value, date) and _FIRST_YEAR <= value.year <= _LAST_YEAR else None


def _dt(event: Component, name: str) -> object:
    """The value of a date, time or duration; None when it is missing or was kept as text that makes no sense."""
    try:
        return _first(event, name).dt
    except (AttributeError, ValueError):
        return None


def _tzid(event: Component, name: str) -> str:
    params = getattr(_first(event, name), "params", None) or {}
    return str(params.get("TZID") or "")


def _integer(event: Component, name: str) -> int:
    try:
        return int(text(event, name) or 0)
    except ValueError:
        return 0


def _span(event: Component) -> tuple[date, date]:
    start = next((at for name in _STARTS if (at := _when(event, name)) is not None), _EPOCH)
    end = _end(event, start)
    if isinstance(start, datetime) and isinstance(end, datetime):
        early = _instant(end) < _instant(start)
    else:
        early = isinstance(start, datetime) != isinstance(end, datetime) or end < start
    if not isinstance(start, datetime) and (early or end == start):
        return start, start + timedelta(days=1)  # an all-day end is exclusive: the shortest is one day
    return start, start if early else end


def _instant(moment: datetime) -> float:
    # A floating time beside a zoned one is read in the zone of the other: offsets are small, order is what matters.
    return moment.replace(tzinfo=None).timestamp() if moment.tzinfo is None else moment.timestamp()


def _end(event: Component, start: date) -> date:
    end = _when(event, "DTEND")
    if end is not None:
        return end
    duration = _dt(event, "DURATION")
    try:
        if isinstance(duration, timedelta):
            end = start + duration
            return end if end.year <= _LAST_YEAR else start
    except OverflowError:
        pass  # longer than the calendar itself: as if none were given
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def _access(event: Component) -> Resource:
    found: Resource = {}
    if visibility := _VISIBILITY.get(text(event, "CLASS").upper()):
        found["visibility"] = visibility
    if text(event, "TRANSP").upper() == "TRANSPARENT":
        found["transparency"] = "transparent"
    return found


def _times(event: Component) -> Resource:
    found: Resource = {}
    for key, names in (
        ("created", ("CREATED", "DTSTAMP")),
        ("updated", ("LAST-MODIFIED", "DTSTAMP", "CREATED")),
    ):
        moment = next((at for name in names if isinstance(at := _when(event, name), datetime)), None)
        if moment is not None:
            zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            found[key] = stamp(zoned).removesuffix("Z") + ".000Z"
    return found


def _people(event: Component, account: str) -> Resource:
    found: Resource = {}
    organizer = _person(_first(event, "ORGANIZER"), account)
    found["organizer"] = organizer or {"email": account, "self": True}
    found["creator"] = dict(found["organizer"])
    given = event.get("ATTENDEE") or []
    guests = [guest for value in (given if isinstance(given, list) else [given]) if (guest := _guest(value, account))]
    for guest in guests:
        if guest["email"] == found["organizer"]["email"]:
            guest["organizer"] = True
    if guests:
        found["attendees"] = list({guest["email"]: guest for guest in guests}.values())
    return found


def _person(value: Any, account: str) -> Resource | None:
    address = str(value or "").strip()
    address = address[7:] if address[:7].lower() == "mailto:" else address
    if "@" not in address or ":" in address or any(letter.isspace() for letter in address):
        return None  # Google keeps people by address alone
    person: Resource = {"email": address.lower()}
    params = getattr(value, "params", None) or {}
    if name := str(params.get("CN") or "").strip():
        person["displayName"] = name
    if person["email"] == account.lower():
        person["self"] = True
    return person


def _guest(value: Any, account: str) -> Resource | None:
    guest = _person(value, account)
    if guest is None:
        return None
    params = getattr(value, "params", None) or {}
    guest["responseStatus"] = _PARTSTAT.get(str(params.get("PARTSTAT") or "").upper(), "needsAction")
    if str(params.get("ROLE") or "").upper() == "OPT-PARTICIPANT":
        guest["optional"] = True
    if str(params.get("CUTYPE") or "").upper() in {"RESOURCE", "ROOM"}:
        guest["resource"] = True
    return guest


def _recurrence(event: Component, zone: str) -> list[str]:
    lines: list[str] = []
    for name in ("RRULE", "EXRULE", "RDATE", "EXDATE"):
        given = event.get(name)
        for value in given if isinstance(given, list) else [given]:
            line = None if value is None else _rule(name, value) if name.endswith("RULE") else _dates(name, value, zone)
            if line:
                lines.append(line)
    return lines if any(line.startswith(("RRULE", "RDATE")) for line in lines) else []


def _rule(name: str, value: Any) -> str | None:
    # What icalendar could not read it kept as text; a rule with spaces in its lists is understood all the same.
    raw = str(value) if isinstance(value, str) else value.to_ical().decode("utf-8", "replace")
    rule = raw.replace(" ", "")
    return f"{name}:{rule}" if may_repeat(rule) else None


def may_repeat(rule: str) -> bool:
    """Tell whether Google would take a rule: one that can be unrolled, and repeats daily at most."""
    if any(often in rule.upper() for often in _TOO_OFTEN):
        return False
    checked = ";".join(part for part in rule.split(";") if not part.upper().startswith("UNTIL="))
    try:
        rrulestr(checked, dtstart=datetime(2026, 1, 1))  # noqa: DTZ001 -- only the form of the rule is tried
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return False
    return True


def _dates(name: str, value: Any, zone: str) -> str | None:
    raw = value.to_ical() if hasattr(value, "dts") else b""
    content = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    if not content:
        return None
    params = getattr(value, "params", None) or {}
    kind = f";VALUE={params['VALUE']}" if str(params.get("VALUE", "")).upper() in {"DATE", "PERIOD"} else ""
    tzid = str(params.get("TZID") or "")
    if tzid.upper() == "UTC" or "Z" in content or "DATE" in kind:
        return f"{name}{kind}:{content}"
    return f"{name};TZID={known_zone(tzid) or zone}{kind}:{content}"
