"""Conversations of the sample: who wrote what, when, in answer to what.

A `Talk` is one thread. Each `say` adds a message that quotes the one before it and names all earlier ones in
References, as mail programs do. Nothing here looks at the real time: the same seed gives the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from emulator.takeout.sample_people import MAYA, OWNER, Person

if TYPE_CHECKING:
    import random

HOME = ZoneInfo("Europe/Stockholm")
QUARTER_START = datetime(2026, 8, 17, 8, 0, tzinfo=HOME)
REFERENCE = datetime(2026, 11, 20, 17, 30, tzinfo=HOME)
_OPENING, _CLOSING, _SATURDAY = 8, 18, 5
_UNREAD_DAYS = 2
_IMPORTANT = 0.12


@dataclass(frozen=True)
class Attachment:
    """A small file that came with a message."""

    filename: str
    mime: str
    content: bytes


@dataclass
class Mail:
    """One message, before it is written as RFC 5322. `thread` is Gmail's number of its conversation."""

    thread: int
    at: datetime
    sender: tuple[str, str]
    to: list[tuple[str, str]]
    subject: str
    text: str
    message_id: str
    cc: list[tuple[str, str]] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    html: str | None = None
    attachments: list[Attachment] = field(default_factory=list)


def thread_number(name: str) -> int:
    """The number of a conversation, always the same for the same name, in the range that Gmail uses."""
    return (int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) >> 4) | (1 << 60)


def message_id(name: str, domain: str) -> str:
    """A Message-ID that is always the same for the same name."""
    return f"<{hashlib.sha256(name.encode()).hexdigest()[:24]}@{domain}>"


def working_time(rng: random.Random, after: datetime, hours: tuple[float, float]) -> datetime:
    """A moment in office hours, so many hours after another."""
    at = after.astimezone(HOME) + timedelta(hours=rng.uniform(*hours))
    if at.hour >= _CLOSING:
        at = (at + timedelta(days=1)).replace(hour=_OPENING, minute=rng.randrange(5, 55))
    if at.hour < _OPENING:
        at = at.replace(hour=_OPENING, minute=rng.randrange(5, 55))
    while at.weekday() >= _SATURDAY:
        at += timedelta(days=1)
    return at.replace(second=rng.randrange(60), microsecond=0)


def reading_labels(at: datetime, sender: str) -> list[str]:
    """What Gmail would have on a message of the owner's: sent, waiting unread, or read and put away."""
    if sender == OWNER:
        return ["Sent", "Opened"]
    if REFERENCE - at < timedelta(days=_UNREAD_DAYS):
        return ["Inbox", "Unread", "Category Personal"]
    if REFERENCE - at < timedelta(days=30):
        return ["Inbox", "Opened", "Category Personal"]
    return ["Archived", "Opened", "Category Personal"]


class Talk:
    """One conversation among people. `labels` are the owner's own labels on all of it."""

    def __init__(self, rng: random.Random, subject: str, start: datetime, labels: tuple[str, ...] = ()) -> None:
        self.rng = rng
        self.subject = subject
        self.at = start
        self.labels = labels
        self.mails: list[Mail] = []
        self._name = f"{subject}|{start.isoformat()}"

    @property
    def over(self) -> bool:
        """True once the next message would be written after the end of the quarter."""
        return self.at > REFERENCE

    def say(
        self,
        sender: Person,
        to: tuple[Person, ...],
        text: str,
        hours: tuple[float, float] = (1, 30),
        attachment: Attachment | None = None,
        cc: tuple[Person, ...] = (),
    ) -> None:
        """Add a message, unless its time would be past the end of the quarter."""
        if self.mails:
            self.at = working_time(self.rng, self.at, hours)
        if self.over:
            return
        earlier = self.mails[-1] if self.mails else None
        body = f"{text}\n\n{_signature(sender)}"
        mail = Mail(
            thread=thread_number(self._name),
            at=self.at,
            sender=(sender.name, sender.email),
            to=[(person.name, person.email) for person in to],
            cc=[(person.name, person.email) for person in cc],
            subject=f"Re: {self.subject}" if earlier else self.subject,
            text=body + (_quoted(earlier) if earlier else ""),
            html=_html(body, earlier) if sender.html else None,
            message_id=message_id(f"{self._name}|{len(self.mails)}", sender.email.partition("@")[2]),
            references=[mail.message_id for mail in self.mails],
            labels=[*reading_labels(self.at, sender.email), *self.labels],
            attachments=[attachment] if attachment else [],
        )
        if self.rng.random() < _IMPORTANT and sender.email != OWNER:
            mail.labels.append("Important")
        self.mails.append(mail)


def _signature(person: Person) -> str:
    lines = ["--", person.name]
    if person.title:
        lines.append(f"{person.title}, {person.firm}")
    if person.phone:
        lines.append(person.phone)
    return "\n".join(lines if person.firm else [person.first])


def _introduction(mail: Mail) -> str:
    day = mail.at.astimezone(HOME)
    return f"On {day:%a, %-d %b %Y} at {day:%H:%M}, {mail.sender[0]} <{mail.sender[1]}> wrote:"


def _quoted(mail: Mail) -> str:
    lines = [f"> {line}".rstrip() for line in mail.text.splitlines()]
    return f"\n\n{_introduction(mail)}\n" + "\n".join(lines)


def _html(body: str, earlier: Mail | None) -> str:
    paragraphs = "".join(f"<p>{_escaped(part).replace(chr(10), '<br>')}</p>" for part in body.split("\n\n"))
    quote = ""
    if earlier is not None:
        quote = (
            f'<div class="gmail_quote"><div class="gmail_attr">{_escaped(_introduction(earlier))}</div>'
            f'<blockquote style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">'
            f"{_escaped(earlier.text).replace(chr(10), '<br>')}</blockquote></div>"
        )
    return f'<html><body style="font-family:Calibri,sans-serif;font-size:11pt">{paragraphs}{quote}</body></html>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def utc(at: datetime) -> datetime:
    """The same moment in UTC."""
    return at.astimezone(UTC)


__all__ = ["HOME", "MAYA", "OWNER", "QUARTER_START", "REFERENCE", "Attachment", "Mail", "Talk"]
