# ruff: noqa: E501 -- prose reads best in one piece
"""The sample's calendars: what the owner's quarter looked like, as 120 events in two files of iCalendar.

Series with moved and cancelled instances, all-day and multi-day events, private ones, meetings with guests in their own
time zones. Times follow from one fixed start, so that the same sample gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vDDDTypes, vText

from emulator.takeout.sample_mail import HOME, QUARTER_START
from emulator.takeout.sample_people import AOIFE, FIRMS, JONAS, KENJI, MAYA, OWNER, PRIYA, TEAM, TOMAS, Firm, Person

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

EVENTS = 120
_OPTIONAL = 0.1
_TENTATIVE = 4
_ROOMS = ("Kajen", "Skäret", "Fyren")
_STATES = ("ACCEPTED", "ACCEPTED", "ACCEPTED", "TENTATIVE", "DECLINED", "NEEDS-ACTION")
_MONDAY = QUARTER_START.date()


@dataclass
class Meeting:
    """One event to be written: `start` is a day for all-day events; `lines` are recurrence rules."""

    title: str
    start: datetime | date
    length: timedelta
    guests: tuple[Person, ...] = ()
    organizer: Person = MAYA
    place: str = ""
    notes: str = ""
    marks: dict[str, str] = field(default_factory=dict)
    rule: Mapping[str, object] = field(default_factory=dict)
    without: tuple[datetime, ...] = ()
    uid: str = ""
    instead_of: datetime | None = None


def calendars(rng: random.Random) -> tuple[dict[str, bytes], list[Meeting]]:
    """The files by name, and the meetings to which mail of the sample belongs."""
    main = [*_series(), *_private(), *_inside(rng)]
    fairs = _fairs()
    outside = _with_customers(rng, EVENTS - len(main) - len(fairs))
    files = {
        f"{OWNER}.ics": _write(rng, OWNER, [*main, *outside]),
        "Fairs and holidays.ics": _write(rng, "Fairs and holidays", fairs),
    }
    return files, outside


def _at(week: int, weekday: int, hour: int, minute: int = 0, zone: str = "Europe/Stockholm") -> datetime:
    day = _MONDAY + timedelta(weeks=week, days=weekday)
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone))


def _series() -> list[Meeting]:
    hour, half = timedelta(hours=1), timedelta(minutes=30)
    pipeline = _at(0, 0, 9)
    standup = _at(0, 0, 8, 45)
    tomas = _at(0, 2, 15)
    hands = _at(1, 4, 13)
    osaka = _at(2, 1, 9, zone="Asia/Tokyo")
    tanaka = FIRMS[7].people[0]
    weekly = {"FREQ": "WEEKLY"}
    return [
        Meeting("Pipeline review", pipeline, hour, TEAM, TOMAS, "Kajen", "Bring one deal that worries you.", rule=weekly, uid="pipeline"),
        Meeting("Pipeline review (moved, Tomás travels)", _at(4, 1, 10), hour, TEAM, TOMAS, "Kajen", uid="pipeline", instead_of=_at(4, 0, 9)),
        Meeting("Pipeline review, quarter close", _at(6, 0, 9), 2 * hour, TEAM, TOMAS, "Fyren", uid="pipeline", instead_of=_at(6, 0, 9)),
        Meeting("Pipeline review", _at(10, 0, 9), hour, TEAM, TOMAS, marks={"STATUS": "CANCELLED"}, uid="pipeline", instead_of=_at(10, 0, 9)),
        Meeting("Stand-up", standup, timedelta(minutes=15), (MAYA, PRIYA, JONAS), PRIYA, "Skäret",
                rule={"FREQ": "WEEKLY", "BYDAY": ["MO", "TU", "WE", "TH", "FR"], "UNTIL": _at(17, 4, 23).astimezone(UTC)},
                without=(_at(7, 0, 8, 45), _at(11, 2, 8, 45)), uid="standup"),
        Meeting("Stand-up at the customer's", _at(5, 3, 8, 15), half, (MAYA, PRIYA, JONAS), PRIYA, uid="standup", instead_of=_at(5, 3, 8, 45)),
        Meeting("Maya / Tomás", tomas, half, (MAYA, TOMAS), TOMAS, rule={"FREQ": "WEEKLY", "INTERVAL": 2}, uid="one-to-one"),
        Meeting("Maya / Tomás (walk)", _at(8, 3, 16), hour, (MAYA, TOMAS), TOMAS, "Along the canal", uid="one-to-one", instead_of=_at(8, 2, 15)),
        Meeting("All hands", hands, hour, TEAM, TOMAS, "Fyren", rule={"FREQ": "MONTHLY", "BYDAY": ["-1FR"], "COUNT": 6}, uid="all-hands"),
        Meeting("Osaka partners' call", osaka, hour, (MAYA, PRIYA, tanaka), tanaka, "Video", rule={"FREQ": "WEEKLY", "INTERVAL": 4, "COUNT": 4}, uid="osaka"),
        Meeting("Osaka partners' call (an hour later)", _at(6, 1, 10, zone="Asia/Tokyo"), hour, (MAYA, PRIYA, tanaka), tanaka, "Video",
                uid="osaka", instead_of=_at(6, 1, 9, zone="Asia/Tokyo")),
        Meeting("Running group", _at(0, 3, 18), hour, marks={"CLASS": "PRIVATE"}, rule=weekly, uid="running"),
        Meeting("Linnea's birthday", date(2026, 9, 12), timedelta(days=1), marks={"TRANSP": "TRANSPARENT"}, rule={"FREQ": "YEARLY"}, uid="birthday-linnea"),
    ]  # fmt: skip


def _private() -> list[Meeting]:
    private = {"CLASS": "PRIVATE"}
    titles = (
        "Dentist",
        "Parents' evening",
        "Car to the garage",
        "Physio",
        "Notary",
        "Concert with Amara",
        "Flu jab",
        "Plumber comes",
    )
    return [Meeting(title, _at(1 + week, week % 5, 16 - week % 3, 30), timedelta(minutes=45), marks=dict(private), uid=f"private-{week}")
            for week, title in enumerate(titles)]  # fmt: skip


def _fairs() -> list[Meeting]:
    free = {"TRANSP": "TRANSPARENT"}
    days = (
        ("Water Week, hall B", date(2026, 9, 21), 4), ("Vacation", date(2026, 10, 12), 7), ("All Saints' Day", date(2026, 10, 31), 1),
        ("Price list goes to print", date(2026, 11, 16), 1), ("Office closed: flooring", date(2026, 10, 5), 2), ("Chamber boat evening", date(2026, 9, 24), 1),
        ("Trade mission to Osaka", date(2026, 12, 7), 4), ("Inventory", date(2026, 12, 18), 1),
    )  # fmt: skip
    return [
        Meeting(title, day, timedelta(days=length), marks=dict(free) if number % 2 else {}, uid=f"day-{number}")
        for number, (title, day, length) in enumerate(days)
    ]


def _inside(rng: random.Random) -> list[Meeting]:
    topics = (
        ("Quote check", (MAYA, PRIYA)), ("Support handover", (MAYA, JONAS)), ("Invoices of the month", (MAYA, AOIFE)), ("Roadmap preview", (MAYA, KENJI, PRIYA)),
        ("Tank for the stand", (MAYA, KENJI, JONAS)), ("Forecast", (MAYA, TOMAS)), ("Interview: sales assistant", (MAYA, TOMAS, AOIFE)), ("Price list 2027", (MAYA, AOIFE)),
    )  # fmt: skip
    meetings = []
    for number in range(22):
        title, people = topics[number % len(topics)]
        start = _at(number % 14, 1 + number % 4, 10 + number % 6)
        marks = {"STATUS": "TENTATIVE"} if number % 9 == _TENTATIVE else {}
        meetings.append(
            Meeting(
                title,
                start,
                timedelta(minutes=30 + 15 * (number % 3)),
                people,
                people[number % len(people)],
                rng.choice(_ROOMS),
                marks=marks,
                uid=f"inside-{number}",
            )
        )
    return meetings


def _with_customers(rng: random.Random, count: int) -> list[Meeting]:
    meetings = []
    for number in range(count):
        firm = FIRMS[number % len(FIRMS)]
        guests = (MAYA, *firm.people[: 1 + number % len(firm.people)], *((PRIYA,) if number % 3 == 0 else ()))
        title, place, notes = _occasion(firm, number)
        week = (number * 5 + number // len(FIRMS)) % 16
        meetings.append(
            Meeting(
                title,
                _at(
                    week,
                    1 + number % 4,
                    9 + (number * 2) % 7,
                    (number % 2) * 30,
                    firm.zone if number % 4 == 1 else "Europe/Stockholm",
                ),
                timedelta(minutes=rng.choice((30, 45, 60, 60, 90))),
                guests,
                firm.people[0] if number % 3 == 1 else MAYA,
                place,
                notes,
                uid=f"customer-{number}",
            )
        )
    return meetings


def _occasion(firm: Firm, number: int) -> tuple[str, str, str]:
    link = f"https://meet.example/{firm.domain.partition('.')[0]}"
    occasions = (
        (f"{firm.name}: first call", link, f"Positions, pipe diameters, who cleans the optics.\n{link}"),
        (f"Visit at {firm.name}", f"{firm.city}, {firm.country}", f"Gate 1, safety shoes. Look at {firm.site}."),
        (f"Offer for {firm.product}", link, f"{firm.quantity} pieces, one spare, wiper as an option."),
        (f"{firm.name} / Brightwater: open points", link, "Cabling, training, spare unit, export, warranty."),
        (f"Commissioning at {firm.city}", f"{firm.city}, {firm.country}", "Bring the small tool case and two blades."),
    )
    return occasions[(number + number // len(FIRMS)) % len(occasions)]


def _write(rng: random.Random, name: str, meetings: list[Meeting]) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", "-//Google Inc//Google Calendar 70.9054//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", "Europe/Stockholm")
    for meeting in meetings:
        calendar.add_component(_event(rng, meeting))
    written: bytes = calendar.to_ical(sorted=False)
    return written


def _event(rng: random.Random, meeting: Meeting) -> Event:
    event = Event()
    made = QUARTER_START.astimezone(UTC) - timedelta(days=rng.randrange(3, 40), minutes=rng.randrange(600))
    event.add("dtstart", meeting.start)
    event.add("dtend", meeting.start + meeting.length)
    event.add("dtstamp", made)
    event.add("uid", f"{hashlib.sha256(meeting.uid.encode()).hexdigest()[:26]}@google.com")
    event.add("created", made)
    event.add("last-modified", made + timedelta(hours=rng.randrange(1, 200)))
    event.add("sequence", 1 if meeting.instead_of else 0)
    event.add("status", meeting.marks.get("STATUS", "CONFIRMED"))
    event.add("summary", meeting.title)
    event.add("transp", meeting.marks.get("TRANSP", "OPAQUE"))
    for name, value in (
        ("class", meeting.marks.get("CLASS")),
        ("location", meeting.place),
        ("description", meeting.notes),
    ):
        if value:
            event.add(name, value)
    if meeting.rule:
        event.add("rrule", meeting.rule)
    for moment in meeting.without:
        event.add("exdate", moment)
    if meeting.instead_of is not None:
        event["RECURRENCE-ID"] = vDDDTypes(meeting.instead_of)
    if meeting.guests:
        _invite(rng, event, meeting)
    return event


def _invite(rng: random.Random, event: Event, meeting: Meeting) -> None:
    event["ORGANIZER"] = _address(meeting.organizer)
    for guest in meeting.guests:
        attendee = _address(guest)
        own = guest.email in {OWNER, meeting.organizer.email}
        attendee.params["PARTSTAT"] = vText("ACCEPTED" if own else rng.choice(_STATES))
        attendee.params["ROLE"] = vText(
            "OPT-PARTICIPANT" if not own and rng.random() < _OPTIONAL else "REQ-PARTICIPANT"
        )
        attendee.params["CUTYPE"] = vText("INDIVIDUAL")
        event.add("attendee", attendee, encode=False)


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(f"mailto:{person.email}")
    address.params["CN"] = vText(person.name)
    return address


def local(meeting: Meeting) -> datetime:
    """When a meeting starts where the owner is."""
    if isinstance(meeting.start, datetime):
        return meeting.start.astimezone(HOME)
    return datetime.combine(meeting.start, time(8), HOME)
