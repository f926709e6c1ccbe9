"""The mail that calendars write: invitations to the sample's meetings, and what guests answered."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from emulator.takeout.sample_calendar import local
from emulator.takeout.sample_mail import REFERENCE, Attachment, Mail, message_id, thread_number
from emulator.takeout.sample_people import MAYA, OWNER

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from emulator.takeout.sample_calendar import Meeting
    from emulator.takeout.sample_people import Person


def invitations(rng: random.Random, meetings: list[Meeting]) -> list[Mail]:
    """One message for each meeting that somebody else called, and an answer or two to those of the owner's."""
    mails = []
    for number, meeting in enumerate(meetings):
        at = local(meeting) - timedelta(days=rng.randrange(4, 11), minutes=rng.randrange(60, 500))
        guests = [guest for guest in meeting.guests if guest.email != OWNER]
        if meeting.organizer.email != OWNER:
            mails.append(_notice(f"invite{number}", "Invitation", meeting, meeting.organizer, at))
        elif number % 2 == 0:
            for guest in guests[:1]:
                answer = rng.choice(("Accepted", "Accepted", "Tentative", "Declined"))
                mails.append(
                    _notice(f"answer{number}", answer, meeting, guest, at + timedelta(hours=rng.uniform(1, 30)))
                )
    return [mail for mail in mails if mail.at < REFERENCE]


def _notice(name: str, kind: str, meeting: Meeting, sender: Person, at: datetime) -> Mail:
    start = local(meeting)
    when = f"{start:%a %-d %b %Y, %H:%M} (Europe/Stockholm)"
    verb = {
        "Invitation": "You have been invited to",
        "Accepted": "has accepted",
        "Tentative": "might attend",
        "Declined": "has declined",
    }[kind]
    opening = verb if kind == "Invitation" else f"{sender.name} {verb}"
    text = f"{opening}\n\n{meeting.title}\n{when}\n{meeting.place}".strip()
    mail = Mail(
        thread=thread_number(f"meeting|{meeting.uid}"),
        at=at,
        sender=(sender.name, sender.email),
        to=[(MAYA.name, OWNER)],
        subject=f"{kind}: {meeting.title} @ {when}",
        text=text,
        message_id=message_id(name, "calendar-server.example"),
        headers={
            "Auto-Submitted": "auto-generated",
            "Sender": "Calendar <calendar-notification@calendar-server.example>",
        },
        labels=["Archived" if REFERENCE - start > timedelta(days=20) else "Inbox", "Opened", "Category Updates"],
    )
    mail.attachments = [Attachment("invite.ics", "application/ics", _ics(kind, meeting, sender))]
    return mail


def _ics(kind: str, meeting: Meeting, sender: Person) -> bytes:
    start = local(meeting).astimezone(UTC)
    end = start + meeting.length
    method = "REQUEST" if kind == "Invitation" else "REPLY"
    lines = (
        "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Calendar//EN", f"METHOD:{method}", "BEGIN:VEVENT",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}", f"UID:{meeting.uid}@calendar-server.example",
        f"ORGANIZER:mailto:{meeting.organizer.email}", f"ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:{sender.email}",
        f"SUMMARY:{meeting.title}", "END:VEVENT", "END:VCALENDAR", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()
