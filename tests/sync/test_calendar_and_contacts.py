"""Calendars and contacts from end to end, against a local Google."""

import datetime as dt

import pytest
from sqlalchemy import select

from crm.models import Attendance, Contact, Correspondent, Fact, Meeting, Occurrence, Person
from sync.models import Collection

_DAY = dt.timedelta(days=1)


def ics(*events: str) -> str:
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *events, "END:VCALENDAR", ""))


def event(uid: str, start: str, *lines: str, end: str | None = None) -> str:
    spoken = [f"DTEND:{end}"] if end else []
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{uid}", f"DTSTART{start}", *spoken, *lines, "END:VEVENT"))


@pytest.fixture
def soon(runtime):
    """Return the stamp of nine o'clock UTC so many days from now."""
    day = runtime.clock.now().replace(hour=9, minute=0, second=0, microsecond=0)
    return lambda days: f":{(day + days * _DAY):%Y%m%dT%H%M%SZ}"


def rows(desk, query):
    with desk.runtime.sessions() as session:
        return session.execute(query).all()


def test_events_of_every_kind_are_stored_with_their_times(start, soon):
    guest = "ATTENDEE;CN=Ann Lee;PARTSTAT=ACCEPTED:mailto:ann@client.example"
    single = event("one@x", soon(-3), "SUMMARY:One", guest, end=soon(-3)[1:])
    series = event("many@x", soon(-4), "SUMMARY:Many", "RRULE:FREQ=DAILY;COUNT=6", f"EXDATE{soon(-2)}", guest)
    moved = event("many@x", soon(9), "SUMMARY:Moved", f"RECURRENCE-ID{soon(-1)}")
    desk = start(work=ics(single, series, moved))
    desk.connect("calendar")
    desk.work()
    desk.checks()
    found = rows(desk, select(Meeting.id, Meeting.is_series, Meeting.series_index, Meeting.starts_at))
    assert len(found) == 3
    master = next(row.id for row in found if row.is_series)
    assert desk.count(Occurrence, Occurrence.meeting_id == master) == 4
    assert desk.count(Occurrence) == 6
    assert rows(desk, select(Correspondent.met, Correspondent.decision).where(~Correspondent.is_own))[0] == (
        2,
        "person",
    )
    again = desk.count(Occurrence), desk.count(Attendance), desk.count(Fact)
    desk.again()
    assert (desk.count(Occurrence), desk.count(Attendance), desk.count(Fact)) == again


def calendar_row(desk):
    with desk.runtime.sessions() as session:
        return session.scalars(
            select(Collection).where(Collection.kind == "calendar").order_by(Collection.found.desc()).limit(1)
        ).one()


def test_a_lost_place_in_a_calendar_leads_to_a_listing_that_keeps_the_rows(start, soon):
    desk = start(work=ics(event("a@x", soon(1)), event("b@x", soon(2), "RRULE:FREQ=WEEKLY")))
    desk.connect("calendar")
    desk.work()
    before = rows(desk, select(Meeting.id).order_by(Meeting.id)), desk.count(Occurrence)
    for _ in range(desk.count(Collection, Collection.kind == "calendar")):
        desk.google.fault("calendar.events.list", "full_sync_required", count=1)
    desk.again()
    row = calendar_row(desk)
    assert (row.state, row.generation, row.found, row.stored) == ("current", 2, 2, 2)
    assert (rows(desk, select(Meeting.id).order_by(Meeting.id)), desk.count(Occurrence)) == before
    desk.checks()


def test_an_account_without_calendar_stops_with_a_sentence(start):
    desk = start()
    desk.google.fault("calendar.calendarList.list", "not_a_calendar_user", count=1)
    desk.connect("calendar")
    desk.work()
    row = desk.row("calendars")
    assert (row.state, row.error_code) == ("stopped", "google_no_calendar")


def test_a_bad_recurrence_gives_the_first_time_and_says_so(start, soon):
    desk = start(work=ics(event("a@x", soon(1), "RRULE:FREQ=SECONDLY"), event("b@x", soon(1), end=soon(-1)[1:])))
    desk.connect("calendar")
    desk.work()
    assert desk.count(Meeting) == desk.count(Occurrence) == 2
    assert all(end >= begin for begin, end in rows(desk, select(Occurrence.starts_at, Occurrence.ends_at)))
    desk.checks()


CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\n{more}END:VCARD\r\n"


def test_contacts_become_people_with_facts(start):
    ann = CARD.format(
        name="Ann Lee", more="EMAIL:ann@client.example\r\nTEL:+1 415 555 0100\r\nORG:Client\r\nBDAY:1980-05-06\r\n"
    )
    bob = CARD.format(name="Bob", more="TEL:+1 415 555 0101\r\n")
    desk = start(contacts=ann + bob)
    desk.connect("contacts")
    desk.work()
    row = desk.row("contacts")
    assert (row.state, row.found, row.stored) == ("current", 2, 2)
    assert desk.count(Contact, Contact.person_id.is_not(None)) == desk.count(Person) == 2
    fields = sorted(field for (field,) in rows(desk, select(Fact.field).where(Fact.contact_id.is_not(None))))
    assert fields == ["birthday", "email", "name", "name", "organisation", "phone", "phone"]
    desk.checks()
    desk.again()
    assert desk.count(Fact, Fact.contact_id.is_not(None)) == 7


def test_an_expired_token_of_contacts_leads_to_a_listing_that_keeps_the_rows(start):
    desk = start(contacts=CARD.format(name="Ann", more="EMAIL:ann@client.example\r\n"))
    desk.connect("contacts")
    desk.work()
    before = rows(desk, select(Contact.id)), rows(desk, select(Fact.id).order_by(Fact.id))
    desk.google.control("POST", "clock", offset_s=8 * 86_400)
    desk.again()
    row = desk.row("contacts")
    assert (row.state, row.generation, row.stored) == ("current", 2, 1)
    assert (rows(desk, select(Contact.id)), rows(desk, select(Fact.id).order_by(Fact.id))) == before
