"""Takeout folders, written for one test: a believable small mailbox, or things that no mail program should send."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

OWNER = "maya@northlight.example"
_MARK = b"From x@y Thu Nov 19 10:00:00 +0000 2026\n"
_BEGUN = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)


def letter(number: int, text: str = "Hello.", **fields: str) -> bytes:
    """Return a message; fields are headers, with underscores for hyphens; `sender` and `to` the usual ones."""
    at = _BEGUN + dt.timedelta(hours=3 * number)
    head = {
        "From": fields.pop("sender", "Ann Lee <ann@client.example>"),
        "To": fields.pop("to", f"Maya <{OWNER}>"),
        "Subject": fields.pop("subject", f"Subject {number}"),
        "Message-ID": f"<m{number}@mail.example>",
        "Date": at.strftime("%a, %d %b %Y %H:%M:%S +0000"),
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in head.items()]
    return ("\n".join(lines) + "\n\n" + text + "\n").encode()


def event(uid: str, days: float, *lines: str, hours: float = 1) -> str:
    """Return an event so many days after the beginning of the mailbox."""
    start = _BEGUN + dt.timedelta(days=days)
    end = start + dt.timedelta(hours=hours)
    spoken = (f"UID:{uid}", f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end:%Y%m%dT%H%M%SZ}", *lines)
    return "\r\n".join(("BEGIN:VEVENT", *spoken, "END:VEVENT"))


def card(*lines: str) -> str:
    """Return a contact."""
    return "\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD"))


def write(folder: Path, messages: Iterable[bytes], events: Iterable[str] = (), cards: Iterable[str] = ()) -> Path:
    """The folder is a Takeout of these things; return it."""
    for name in ("Mail", "Calendar", "Contacts/All Contacts"):
        (folder / name).mkdir(parents=True)
    with (folder / "Mail" / "All mail Including Spam and Trash.mbox").open("wb") as file:
        for message in messages:
            file.write(_MARK + message.rstrip(b"\n") + b"\n\n")
    calendar = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//journeys//EN", *events, "END:VCALENDAR", "")
    (folder / "Calendar" / f"{OWNER}.ics").write_text("\r\n".join(calendar))
    (folder / "Contacts" / "All Contacts" / "All Contacts.vcf").write_text("\r\n".join((*cards, "")))
    return folder


def office(folder: Path, size: int = 400) -> Path:
    """Return a mailbox of so many messages with twenty companies, in threads, and what a sync leaves out."""
    return write(folder, _mail(size), _meetings(size // 8), _cards(size // 8))


def _mail(size: int) -> Iterable[bytes]:
    for number in range(size):
        who = number % 61
        other = f"Person {who} <person{who}@company{who % 20}.example>"
        topic = {"subject": f"Topic {number}"}
        if number % 8 in {1, 2, 5}:  # threads of three, of two, and single messages
            first = number // 8 * 8 + (4 if number % 8 == 5 else 0)
            topic = {
                "subject": f"Re: Topic {first}",
                "In_Reply_To": f"<m{number - 1}@mail.example>",
                "References": " ".join(f"<m{one}@mail.example>" for one in range(first, number)),
            }
        if number % 7 == 3:
            yield letter(number, sender=f"Maya <{OWNER}>", to=other, **topic, X_Gmail_Labels="Sent")
        elif number % 29 == 5:
            yield letter(number, sender=other, X_Gmail_Labels="Spam")
        elif number % 31 == 6:
            yield letter(number, sender=f"Maya <{OWNER}>", to=other, X_Gmail_Labels="Drafts")
        elif number % 37 == 8:
            yield letter(number, sender=other, X_Gmail_Labels="Trash")
        elif number % 11 == 2:
            yield letter(number, sender=f"News <news@list{number % 4}.example>", List_Id="<news.list.example>")
        else:
            yield letter(number, sender=other, **topic, Cc="Bo <bo@company1.example>", X_Gmail_Labels="Inbox,Opened")


def _meetings(number: int) -> Iterable[str]:
    for one in range(number):
        guest = f"ATTENDEE;CN=Guest {one};PARTSTAT=ACCEPTED:mailto:person{one}@company{one % 20}.example"
        more = ("RRULE:FREQ=WEEKLY;COUNT=6",) if one % 6 == 0 else ()
        yield event(f"e{one}@cal.example", one * 1.5, f"SUMMARY:Meeting {one}", guest, *more)


def _cards(number: int) -> Iterable[str]:
    for one in range(number):
        yield card(f"FN:Contact {one}", f"EMAIL:contact{one}@firm{one % 9}.example", f"TEL:+1 415 555 {one:04d}")
