"""What the user changes at Google is so in the CRM after the next sync, seen where the user looks."""

import re
from pathlib import Path

import pytest
from sqlalchemy import select

from crm.models import Meeting, Occurrence
from tests.journeys import takeouts
from tests.journeys.takeouts import OWNER, card, event, letter

NINA = "Nina Park <nina@fresh.example>"


@pytest.fixture
def here(world, tmp_path: Path):
    guest = "ATTENDEE;CN=Ann Lee;PARTSTAT=ACCEPTED:mailto:ann@client.example"
    folder = takeouts.write(
        tmp_path / "Takeout",
        [letter(1), letter(2, sender=f"Maya <{OWNER}>", to="Ann Lee <ann@client.example>")],
        [event("kickoff@x", 80, "SUMMARY:Kickoff", guest)],
        [card("FN:Cora Quint", "EMAIL:cora@firm.example")],
    )
    made = world(folder)
    made.connect()
    made.settle()
    assert made.adds_up() | {"threads": 0} == {
        "messages": 2, "threads": 0, "events": 1, "contacts": 1, "people": 2, "companies": 2,
    }  # fmt: skip
    return made


def test_a_message_comes_goes_to_the_trash_comes_back_and_ends(here):
    incoming = here.arrive(letter(50, sender=NINA, subject="Quince harvest"))
    answer = letter(
        51, sender=f"Maya <{OWNER}>", to=NINA, subject="Re: Quince harvest", In_Reply_To="<m50@mail.example>"
    )
    written = here.arrive(answer, labels=["SENT"])
    assert here.follow()["crm"]["messages"] == 4
    (nina,) = here.finds("nina")
    assert "Quince harvest" in here.reads(nina)

    here.control("PATCH", f"messages/{incoming}", add=["TRASH"], remove=["INBOX"])
    counts = here.follow()
    assert (counts["crm"]["messages"], counts["skipped"]["messages"]) == (3, {"trash": 1})
    assert here.finds("nina") == [nina]

    here.control("PATCH", f"messages/{incoming}", add=["INBOX"], remove=["TRASH"])
    counts = here.follow()
    assert (counts["crm"]["messages"], counts["skipped"]["messages"]) == (4, {})

    for message in (incoming, written):
        here.control("DELETE", f"messages/{message}")
    counts = here.follow()
    assert (counts["crm"]["messages"], counts["crm"]["people"]) == (2, 2)
    assert here.finds("nina") == []
    assert here.person.get(nina).status_code == 404
    here.adds_up()


def test_a_person_with_a_note_outlives_the_mail_they_came_from(here):
    written = here.arrive(letter(60, sender=f"Maya <{OWNER}>", to=NINA, subject="Quince"), labels=["SENT"])
    here.follow()
    (nina,) = here.finds("nina")
    kept = here.person.post(f"{nina}/notes", {"body": "Grows the best quinces"}, page=nina)
    assert kept.status_code == 303
    here.control("DELETE", f"messages/{written}")
    here.follow()
    assert here.finds("nina") == []
    page = here.reads(nina)
    assert "Grows the best quinces" in page
    assert "Quince " not in page.replace("quinces", "")
    assert "Nina" not in page


def times(here, *, of_series: bool | None = None):
    query = select(Occurrence.starts_at, Meeting.is_series).join(Meeting, Meeting.id == Occurrence.meeting_id)
    with here.runtime.sessions() as session:
        return sorted(
            f"{at:%m-%d %H:%M}"
            for at, is_series in session.execute(query).all()
            if of_series is None or is_series == of_series
        )


def at(day: int, hour: int) -> dict[str, str]:
    return {"dateTime": f"2026-12-{day:02d}T{hour:02d}:00:00Z", "timeZone": "UTC"}


def test_an_event_is_moved_and_deleted(here):
    guests = [{"email": "ann@client.example", "displayName": "Ann Lee", "responseStatus": "accepted"}]
    made = here.control(
        "POST",
        "events",
        resource={"summary": "Lantern review", "start": at(3, 9), "end": at(3, 10), "attendees": guests},
    )
    assert here.follow()["crm"]["events"] == 2
    (ann,) = here.finds("ann")
    assert "Lantern review" in here.reads(ann)
    assert "12-03 09:00" in times(here)

    here.control("PATCH", f"events/{made['id']}", resource={"start": at(4, 15), "end": at(4, 16)})
    here.follow()
    assert "12-04 15:00" in times(here)
    assert "12-03 09:00" not in times(here)

    here.control("DELETE", f"events/{made['id']}")
    assert here.follow()["crm"]["events"] == 1
    assert "Lantern review" not in here.reads(ann)
    here.adds_up()


def test_a_series_changes_with_an_exception_in_it(here):
    resource = {
        "summary": "Weekly", "start": at(1, 9), "end": at(1, 10), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
        "attendees": [{"email": "ann@client.example", "responseStatus": "accepted"}],
    }  # fmt: skip
    series = here.control("POST", "events", resource=resource)["id"]
    here.follow()
    others = times(here, of_series=False)
    assert times(here, of_series=True) == ["12-01 09:00", "12-08 09:00", "12-15 09:00", "12-22 09:00"]

    here.control("PATCH", f"events/{series}_20261208T090000Z", resource={"start": at(9, 14), "end": at(9, 15)})
    here.follow()
    assert times(here, of_series=True) == ["12-01 09:00", "12-15 09:00", "12-22 09:00"]
    assert times(here, of_series=False) == sorted([*others, "12-09 14:00"])

    here.control("DELETE", f"events/{series}_20261215T090000Z")
    here.follow()
    assert times(here, of_series=True) == ["12-01 09:00", "12-22 09:00"]

    here.control("PATCH", f"events/{series}", resource={"start": at(1, 11), "end": at(1, 12)})
    here.follow()
    here.adds_up()
    assert not {"12-01 09:00", "12-22 09:00"} & set(times(here))
    assert {"12-01 11:00", "12-22 11:00"} <= set(times(here))

    here.control("DELETE", f"events/{series}")
    counts = here.follow()
    assert counts["crm"]["events"] == 1
    assert times(here) == others
    here.adds_up()


def test_a_contact_is_made_edited_and_deleted(here):
    typed = {
        "names": [{"givenName": "Odile", "familyName": "Marsh"}],
        "emailAddresses": [{"value": "odile@reed.example"}],
    }
    made = here.control("POST", "contacts", resource=typed)["resourceName"]
    assert here.follow()["crm"]["contacts"] == 2
    (odile,) = here.finds("odile")
    assert "Marsh" in here.reads(odile)

    number = made.removeprefix("people/")
    married = {
        "names": [{"givenName": "Odile", "familyName": "Fenner"}],
        "phoneNumbers": [{"value": "+33 1 44 55 66 77"}],
    }
    here.control("PATCH", f"contacts/{number}", resource=married)
    here.follow()
    assert here.finds("fenner") == [odile]
    assert here.finds("marsh") == []
    assert re.search(r"\+33", here.reads(odile))

    here.control("DELETE", f"contacts/{number}")
    counts = here.follow()
    assert counts["crm"]["contacts"] == 1
    assert here.finds("fenner") == []
    assert here.person.get(odile).status_code == 404
    here.adds_up()
