"""The times a series falls on, within a window, bounded. Pure.

Reckoned in the wall-clock time of the zone that the series was made in, as RFC 5545 §3.3.10 wants it, so that a
meeting at nine stays at nine across a change of clocks. What cannot be read as a recurrence gives the first time alone,
and says so. Frequencies below a day, which Google does not offer, count as unreadable: they could run for hours.
"""

import calendar
import datetime as dt
import functools
import itertools
import zoneinfo
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dateutil.rrule import rrule, rruleset, rrulestr  # type: ignore[import-untyped] # it has no types

BACK = dt.timedelta(days=365)
AHEAD = dt.timedelta(days=90)
MOST = 400
_MOST_CANDIDATES = 40_000
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_DAY = dt.timedelta(days=1)
_LONGEST_COUNT = dt.timedelta(days=40 * 366)


@dataclass(frozen=True, slots=True)
class Series:
    """How a series begins: its first time, in UTC (midnight of the date when `is_date`), and its zone."""

    start: dt.datetime
    is_date: bool
    zone: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expanded:
    """The starts within the window, in order; `is_whole` is False when the recurrence was unreadable or too long."""

    starts: tuple[dt.datetime, ...]
    is_whole: bool


def expand(series: Series, now: dt.datetime) -> Expanded:
    """Return the starts from a year ago to ninety days ahead, at most MOST of them."""
    first, last = now - BACK, now + AHEAD
    zone = _zone(series)
    try:
        rules = _rules(series, zone, last)
        found, is_whole = _within(rules, zone, first, last)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
        return Expanded((series.start,), is_whole=False)
    return Expanded(found, is_whole)


def _within(
    rules: Iterable[dt.datetime], zone: dt.tzinfo, first: dt.datetime, last: dt.datetime
) -> tuple[tuple[dt.datetime, ...], bool]:
    """Return the times of the window, the latest of them when they are too many, and whether that is all."""
    found: deque[dt.datetime] = deque(maxlen=MOST)
    number = 0
    for local in itertools.islice(rules, _MOST_CANDIDATES):
        at = local.replace(tzinfo=zone).astimezone(dt.UTC)
        if at > last:
            break
        if at >= first:
            found.append(at)
            number += 1
    return tuple(found), number <= MOST


def _zone(series: Series) -> dt.tzinfo:
    """Return the zone to reckon in; UTC for dates, and where the name says nothing."""
    if series.is_date or not series.zone:
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(series.zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def _rules(series: Series, zone: dt.tzinfo, last: dt.datetime) -> rruleset:
    """Return the set of all times, each rule ended with the window."""
    start = series.start.astimezone(zone).replace(tzinfo=None)
    end = last.astimezone(zone).replace(tzinfo=None) + _DAY
    rules = rruleset()
    repeats = False
    for line in series.lines:
        head, _, value = line.partition(":")
        name, _, parameters = head.partition(";")
        name = name.upper()
        if name == "RRULE":
            rules.rrule(_rule(value, start, end, zone))
            repeats = True
        elif name == "EXRULE":
            rules.exrule(_rule(value, start, end, zone))
        elif name in ("RDATE", "EXDATE"):
            add = rules.rdate if name == "RDATE" else rules.exdate
            for moment in _moments(value, _own_zone(parameters, zone), zone, start):
                add(moment)
    if not repeats:
        rules.rdate(start)
    return rules


def _rule(value: str, start: dt.datetime, end: dt.datetime, zone: dt.tzinfo) -> Iterable[dt.datetime]:
    """Return one rule's times in wall-clock time, until the end of the window at the latest.

    A count needs every time since the start; without one the years before the window are skipped, for a rule that
    never comes true is tried for every day of them.
    """
    parts = dict(part.upper().split("=", 1) for part in value.strip().strip(";").split(";"))
    if parts.get("FREQ") not in _FREQUENCIES or int(parts.get("INTERVAL", "1")) < 1:
        raise ValueError("a frequency that cannot be kept")
    until, count = parts.pop("UNTIL", None), parts.pop("COUNT", None)
    if count is None:
        start = _nearer(start, end - AHEAD - BACK, parts)
    elif end - start > _LONGEST_COUNT:
        raise ValueError("a count that began too long ago")
    read = rrulestr(";".join(f"{name}={part}" for name, part in parts.items()), dtstart=start)
    if not isinstance(read, rrule):
        raise TypeError("more than one rule in a line")
    limit = end if until is None else min(end, _moment(until, zone, zone, dt.datetime.max.time()))
    times = _bounded(read, start, limit)
    return times if count is None else itertools.islice(times, int(count))


def _bounded(rule: rrule, start: dt.datetime, limit: dt.datetime) -> Iterator[dt.datetime]:
    """Yield the rule's times up to the limit.

    The library looks for the next time up to the year 9999, whatever the rule's own end, and that takes seconds when
    there is none. So it reckons with the same calendar shortly before that year, where it has little to look through.
    """
    years = _same_years(start.year, max(start, limit).year)
    late = rule.replace(dtstart=start.replace(year=start.year + years), until=limit.replace(year=limit.year + years))
    for moment in late:
        yield moment.replace(year=moment.year - years)


@functools.lru_cache(maxsize=256)
def _same_years(first: int, last: int) -> int:
    """Return how many years later the calendar is the same from the first year to the one after the last."""
    wanted = [_shape(year) for year in range(first, last + 2)]
    for late in range(dt.MAXYEAR - len(wanted) + 1, first, -1):
        if all(_shape(late + number) == shape for number, shape in enumerate(wanted)):
            return late - first
    return 0


def _shape(year: int) -> tuple[int, bool]:
    """Return all that tells one year's calendar from another's: how it begins, and whether it is a leap year."""
    return calendar.weekday(year, 1, 1), calendar.isleap(year)


def _nearer(start: dt.datetime, first: dt.datetime, parts: Mapping[str, str]) -> dt.datetime:
    """Return a start in step with the given one, as near before the window as can be said for certain."""
    interval = int(parts.get("INTERVAL", "1"))
    if start >= first:
        return start
    if parts["FREQ"] in ("DAILY", "WEEKLY"):
        step = interval * (7 if parts["FREQ"] == "WEEKLY" else 1)
        return (
            start + dt.timedelta(days=((first - start).days // step - 1) * step)
            if (first - start).days > step
            else start
        )
    if (start.month, start.day) == (2, 29):
        return start
    years = ((first.year - start.year) // interval - 1) * interval
    return start.replace(year=start.year + years) if years > 0 else start


def _moments(value: str, own: dt.tzinfo, zone: dt.tzinfo, start: dt.datetime) -> list[dt.datetime]:
    """Return a list of dates or times in wall-clock time; of a period, its start."""
    pieces = [piece.partition("/")[0].strip() for piece in value.split(",")]
    return [_moment(piece, own, zone, start.time()) for piece in pieces if piece]


def _moment(text: str, own: dt.tzinfo, zone: dt.tzinfo, time_of_date: dt.time) -> dt.datetime:
    """Return one date or time of RFC 5545 in the wall-clock time of `zone`; a bare date has that time of day."""
    if "T" not in text:
        day = dt.datetime.strptime(text, "%Y%m%d").replace(tzinfo=dt.UTC).date()
        return dt.datetime.combine(day, time_of_date)
    if text.endswith("Z"):
        own, text = dt.UTC, text[:-1]
    at = dt.datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=own)
    return at.astimezone(zone).replace(tzinfo=None)


def _own_zone(parameters: str, zone: dt.tzinfo) -> dt.tzinfo:
    """Return the zone that a line names for itself, else the series' own."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.upper() == "TZID":
            try:
                return zoneinfo.ZoneInfo(value.strip('"'))
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                return zone
    return zone
