"""Calendar files become event resources as Google would have them, and every VEVENT is accounted for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.takeout.calendars_file import read_file

OWNER = "maya@example.com"


def calendar(*events: str, head: str = "") -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", *head.strip().split("\n")]
    for event in events:
        lines += ["BEGIN:VEVENT", *event.strip().split("\n"), "END:VEVENT"]
    return "\r\n".join([*(line for line in lines if line), "END:VCALENDAR", ""]).encode()


def only(*events: str, head: str = "") -> dict[str, Any]:
    found = read_file("c.ics", calendar(*events, head=head), OWNER)
    assert found.unreadable == 0
    ((_, resource),) = found.events
    return resource


def test_a_timed_event_keeps_its_zone_and_offset() -> None:
    event = only("UID:1\nDTSTART;TZID=Europe/Berlin:20260305T100000\nDTEND;TZID=Europe/Berlin:20260305T113000")
    assert event["start"] == {"dateTime": "2026-03-05T10:00:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["end"] == {"dateTime": "2026-03-05T11:30:00+01:00", "timeZone": "Europe/Berlin"}
    assert event["iCalUID"] == "1"


@pytest.mark.parametrize(
    ("lines", "end"),
    [
        ("DTSTART;VALUE=DATE:20260305", {"date": "2026-03-06"}),
        ("DTSTART:20260305T100000Z", {"dateTime": "2026-03-05T10:00:00Z", "timeZone": "UTC"}),
        ("DTSTART:20260305T100000Z\nDURATION:PT45M", {"dateTime": "2026-03-05T10:45:00Z", "timeZone": "UTC"}),
        ("DTSTART;VALUE=DATE:20260305\nDURATION:P3D", {"date": "2026-03-08"}),
        ("DTSTART;VALUE=DATE:20260305\nDURATION:P2915000D", {"date": "2026-03-06"}),
        (
            "DTSTART;VALUE=DATE:99991231\nDTSTAMP:20260305T100000Z",
            {"dateTime": "2026-03-05T10:00:00Z", "timeZone": "UTC"},
        ),
        ("DTSTART:20260305T100000Z\nDURATION:P999999999999W", {"dateTime": "2026-03-05T10:00:00Z", "timeZone": "UTC"}),
    ],
)
def test_without_an_end_an_event_lasts_as_rfc_5545_says(lines: str, end: dict[str, str]) -> None:
    assert only(f"UID:1\n{lines}")["end"] == end


def test_an_event_that_ends_before_it_starts_ends_when_it_starts() -> None:
    event = only("UID:1\nDTSTART:20260305T100000Z\nDTEND:20260305T090000Z")
    assert event["end"] == event["start"]


@pytest.mark.parametrize(
    ("tzid", "zone"),
    [
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("/mozilla.org/20070129_1/America/New_York", "America/New_York"),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("Nowhere", "Europe/Vienna"),
    ],
)
def test_zones_get_the_names_that_google_knows(tzid: str, zone: str) -> None:
    event = only(f"UID:1\nDTSTART;TZID={tzid}:20260705T100000", head="X-WR-TIMEZONE:Europe/Vienna")
    assert event["start"]["timeZone"] == zone
    assert event["start"]["dateTime"].startswith("2026-07-05T10:00:00")


def test_a_zone_of_the_file_s_own_keeps_its_offset() -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:Ours\nBEGIN:STANDARD\nDTSTART:20170101T000000\n"
    zone += "TZOFFSETFROM:+1100\nTZOFFSETTO:+1100\nEND:STANDARD\nEND:VTIMEZONE"
    event = only("UID:1\nDTSTART;TZID=Ours:20260705T100000", head=zone)
    assert event["start"] == {"dateTime": "2026-07-05T10:00:00+11:00", "timeZone": "Etc/GMT-11"}


def test_an_exception_is_an_instance_of_its_series() -> None:
    found = read_file(
        "c.ics",
        calendar(
            "UID:s\nDTSTART;TZID=Europe/Berlin:20260301T090000\nRRULE:FREQ=WEEKLY\nEXDATE;TZID=Europe/Berlin:20260308T090000",
            "UID:s\nRECURRENCE-ID;TZID=Europe/Berlin:20260315T090000\nDTSTART;TZID=Europe/Berlin:20260315T110000",
            "UID:s\nRECURRENCE-ID;TZID=Europe/Berlin:20260322T090000\nDTSTART;TZID=Europe/Berlin:20260322T090000\nSTATUS:CANCELLED",
        ),
        OWNER,
    )
    master, moved, cancelled = (resource for _, resource in found.events)
    assert master["recurrence"] == ["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Berlin:20260308T090000"]
    assert moved["recurringEventId"] == master["id"]
    assert moved["id"] == f"{master['id']}_20260315T080000Z"
    assert moved["originalStartTime"]["dateTime"] == "2026-03-15T09:00:00+01:00"
    assert cancelled["status"] == "cancelled"


def test_a_rule_that_cannot_be_unrolled_leaves_one_event() -> None:
    for rule in ("FREQ=NEVER", "FREQ=SECONDLY", "RSCALE=CHINESE;FREQ=YEARLY", "FREQ=HOURLY;COUNT=3"):
        assert "recurrence" not in only(f"UID:1\nDTSTART:20260101T100000Z\nRRULE:{rule}")
    loose = only("UID:1\nDTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;BYDAY=MO, TU;COUNT=4")
    assert loose["recurrence"] == ["RRULE:FREQ=DAILY;BYDAY=MO,TU;COUNT=4"]


def test_people_and_marks_come_along() -> None:
    event = only(
        "UID:1\nDTSTART:20260101T100000Z\nSUMMARY:Call\\, short\nCLASS:PRIVATE\nTRANSP:TRANSPARENT\nSEQUENCE:3\n"
        f"ORGANIZER;CN=Ann:mailto:Ann@Client.test\nATTENDEE;PARTSTAT=ACCEPTED;CN=Maya:MAILTO:{OWNER}\n"
        "ATTENDEE;ROLE=OPT-PARTICIPANT:mailto:ann@client.test\nATTENDEE:http://not.a/person"
    )
    assert event["summary"] == "Call, short"
    assert (event["visibility"], event["transparency"], event["sequence"]) == ("private", "transparent", 3)
    assert event["organizer"] == {"email": "ann@client.test", "displayName": "Ann"}
    maya, ann = event["attendees"]
    assert maya == {"email": OWNER, "displayName": "Maya", "self": True, "responseStatus": "accepted"}
    assert ann == {"email": "ann@client.test", "responseStatus": "needsAction", "optional": True, "organizer": True}


def test_events_without_a_start_are_still_one_event_each() -> None:
    found = read_file("c.ics", calendar("UID:1\nDTSTART:SOON", "", "UID:3\nDTSTAMP:20260101T100000Z"), OWNER)
    assert found.unreadable == 0
    assert [resource["start"] for _, resource in found.events] == [
        {"date": "1970-01-01"},
        {"date": "1970-01-01"},
        {"dateTime": "2026-01-01T10:00:00Z", "timeZone": "UTC"},
    ]


def test_the_same_file_gives_the_same_ids_and_copies_get_their_own() -> None:
    content = calendar("UID:1\nDTSTART:20260101T100000Z", "UID:1\nDTSTART:20260101T100000Z")
    first, second = (read_file("c.ics", content, OWNER) for _ in range(2))
    assert first == second
    assert len({resource["id"] for _, resource in first.events}) == 2
    other = read_file("d.ics", content, OWNER)
    assert {resource["id"] for _, resource in first.events}.isdisjoint(resource["id"] for _, resource in other.events)


def test_a_broken_event_spoils_no_other() -> None:
    content = calendar("UID:1\nDTSTART:20260101T100000Z").replace(
        b"END:VCALENDAR", b"BEGIN:VEVENT\r\nUID:2\r\nEND:VCALENDAR"
    )
    found = read_file("c.ics", content + calendar("UID:3\nDTSTART:20260101T100000Z"), OWNER)
    assert len(found.events) + found.unreadable == 3
    assert {resource["iCalUID"] for _, resource in found.events} >= {"1", "3"}


def test_tasks_and_journals_are_no_events() -> None:
    lines = ["BEGIN:VCALENDAR", "BEGIN:VTODO", "UID:1", "END:VTODO", "BEGIN:VJOURNAL", "END:VJOURNAL", "END:VCALENDAR"]
    found = read_file("c.ics", "\r\n".join(lines).encode(), OWNER)
    assert (found.events, found.unreadable) == ([], 0)


_LINES = st.sampled_from(
    [
        b"BEGIN:VCALENDAR",
        b"END:VCALENDAR",
        b"BEGIN:VEVENT",
        b"END:VEVENT",
        b"UID:x",
        b"DTSTART:20260101T100000Z",
        b"DTSTART;VALUE=DATE:20261332",
        b"DTEND:nonsense",
        b"RRULE:FREQ=DAILY",
        b"RRULE:;;",
        b"DURATION:P1Y",
        b"\xff\xfe:\xff",
        b" folded",
        b'ATTENDEE;CN="a:mailto:b@c',
        b"RECURRENCE-ID:20260101",
        b"BEGIN:VTIMEZONE",
        b"END:VTIMEZONE",
        b"TZID:z",
        b"EXDATE:20260101,,",
        b"RDATE;VALUE=PERIOD:20260101T100000Z/PT1H",
        b"begin:vevent",
        b":",
        b"SUMMARY:\\n\\;",
    ]
)


@given(st.lists(_LINES, max_size=30), st.sampled_from([b"\n", b"\r\n"]))
def test_whatever_a_file_holds_its_events_are_counted_exactly(lines: list[bytes], newline: bytes) -> None:
    found = read_file("c.ics", newline.join(lines), OWNER)
    unfolded: list[bytes] = []
    for line in lines:
        if line[:1] == b" " and unfolded:
            unfolded[-1] += line[1:]
        else:
            unfolded.append(line)
    assert len(found.events) + found.unreadable == sum(line.strip().upper() == b"BEGIN:VEVENT" for line in unfolded)
