"""Time zones of calendar files, as the names that Google uses.

Google knows IANA zones only. A file may name a zone by its IANA name, by a Windows name, by a vendor's path that ends
in an IANA name, or by a name of its own that a VTIMEZONE explains. `zone_of` finds the IANA zone in that order; for a
zone of its own it looks for a common zone with the same offsets through that year, then for a fixed offset, then it
takes UTC. The instant never changes: what the file's own zone says about the offset is kept, only the name is
translated.
"""

from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

_COMMON = (
    "Europe/London", "Europe/Berlin", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai", "Australia/Sydney",
)  # fmt: skip
_WHOLE_HOUR_S = 3600


@lru_cache(maxsize=512)
def known_zone(name: str) -> str | None:
    """The IANA zone that a file's zone name stands for, or None when the name alone does not say."""
    text = name.strip().strip('"')
    if text in WINDOWS_TO_OLSON and not _exists(text):
        return WINDOWS_TO_OLSON[text]
    parts = [part for part in text.split("/") if part]
    for start in range(len(parts)):
        candidate = "/".join(parts[start:])
        if _exists(candidate):
            return candidate
    return None


def zone_of(moment: datetime, tzid: str, default: str) -> str:
    """The IANA zone for a date-time of a file: `tzid` is what the file calls it, `default` the calendar's own zone."""
    key = getattr(moment.tzinfo, "key", None)
    if isinstance(key, str) and _exists(key):
        return key
    named = known_zone(tzid) if tzid else None
    if named is not None:
        return named
    if moment.tzinfo is None:
        return default
    return _same_offsets(moment.tzinfo, moment.year) or _fixed(moment)


def google_time(value: date | datetime, tzid: str, default: str) -> dict[str, str]:
    """A start or end in Google's form: `date`, or `dateTime` with its offset and the IANA `timeZone`."""
    if not isinstance(value, datetime):
        return {"date": value.isoformat()}
    zone = zone_of(value, tzid, default)
    local = value.replace(tzinfo=ZoneInfo(zone)) if value.tzinfo is None else value.astimezone(ZoneInfo(zone))
    return {"dateTime": stamp(local), "timeZone": zone}


def stamp(moment: datetime) -> str:
    """RFC 3339 to the second, with `Z` for UTC."""
    text = moment.replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def moment_of(time: dict[str, Any]) -> datetime:
    """The instant a Google start or end stands for; a date counts from midnight UTC."""
    if "date" in time:
        return datetime.fromisoformat(f"{time['date']}T00:00:00+00:00")
    moment = datetime.fromisoformat(time["dateTime"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(time.get("timeZone") or "UTC"))
    return moment.astimezone(UTC)


@lru_cache(maxsize=2048)
def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _same_offsets(zone: tzinfo, year: int) -> str | None:
    """A common zone that agrees with `zone` in the middle of every month of `year`."""
    moments = [datetime(year, month, 15, 12) for month in range(1, 13)]  # noqa: DTZ001 -- local, by intention
    wanted = [zone.utcoffset(moment) for moment in moments]
    for name in _COMMON:
        if [ZoneInfo(name).utcoffset(moment) for moment in moments] == wanted:
            return name
    return None


def _fixed(moment: datetime) -> str:
    offset = moment.utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    if seconds % _WHOLE_HOUR_S:
        return "UTC"
    hours = seconds // _WHOLE_HOUR_S
    # POSIX names count westward: UTC+11 is Etc/GMT-11.
    name = f"Etc/GMT{-hours:+d}" if hours else "UTC"
    return name if _exists(name) else "UTC"
