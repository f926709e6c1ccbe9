"""The sink `mail`: a letter to a member, as plain text and as HTML, in the form in which a mail server takes it.

A letter is lines of our own words with guarded values between them, and links to our own pages. Everything opened is
escaped in the HTML part, is bare text in the other, and cannot begin a header: what would break a line is a blank. The
address is a value too, and comes from our own table of members. Values from Google are withheld by the policy.
"""

import datetime as dt
import email.policy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from html import escape
from typing import Any

from limited_use.asking import Asking, Sink
from limited_use.release import Guard, Withheld
from limited_use.sealing import Native, SealedError
from limited_use.sinks.presentations import PRESENTATIONS, Moment
from limited_use.sinks.trees import GUARDED

WITHHELD = "withheld"
LONGEST_SUBJECT = 200
LARGEST = 256 * 1024
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_TEXT = PRESENTATIONS["text"]


class Line:
    """A line of a letter: plain text of ours and guarded values."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Any) -> None:
        if not all(isinstance(part, (str, *GUARDED)) for part in parts):
            raise SealedError("A line of a letter is made of plain text and guarded values.")
        self.parts = parts

    def __repr__(self) -> str:
        """Return a constant."""
        return "<line>"


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a page of ours, on a line of its own."""

    says: str
    url: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is composed: sealed."""

    to: Native[str]
    subject: Line
    body: Sequence[Line | Link]
    message_id: str
    sender: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A letter as it leaves: the envelope's two addresses and the message. Its repr shows nothing."""

    sender: str = field(repr=False)
    to: str = field(repr=False)
    message: bytes = field(repr=False)


def letter(guard: Guard, asking: Asking, composed: Letter) -> Finished:
    """Return the letter, opened, ready for a mail server.

    Raises:
        Refused: if the asking is of another class, the guard refuses, or the address is none.
    """
    if asking.sink is not Sink.MAIL:
        guard.refuse(asking, "wrong_sink")
    lines = [composed.subject, *(one for one in composed.body if isinstance(one, Line))]
    values = [composed.to, *(part for line in lines for part in line.parts if not isinstance(part, str))]

    def deliver(opened: list[Any]) -> Finished:
        to, moment, rest = _address(opened[0]), Moment(guard.clock.now()), iter(opened[1:])
        if to is None:
            guard.refuse(asking, "no_address")
        subject = _fill(composed.subject, rest, moment)[:LONGEST_SUBJECT]
        body = [one if isinstance(one, Link) else _fill(one, rest, moment) for one in composed.body]
        made = _message(composed, to, subject, body, moment.now)
        if len(made) > LARGEST:
            guard.refuse(asking, "too_large")
        return Finished(composed.sender, to, made)

    return guard.release(asking, values, deliver, records=1)


def _fill(line: Line, opened: Iterator[Any], moment: Moment) -> str:
    said = [part if isinstance(part, str) else _shown(next(opened), moment) for part in line.parts]
    return _BLANKS.sub(" ", "".join(said)).strip()


def _shown(value: Any, moment: Moment) -> str:
    if isinstance(value, Withheld):
        return WITHHELD
    return "" if value is None else _TEXT.make(value, moment)


def _address(value: Any) -> str | None:
    """Return the address if it is one that can stand in an envelope."""
    if type(value) is not str or not value.isascii() or _BLANKS.search(value):
        return None
    try:
        read = Address(addr_spec=value)
    except (HeaderParseError, ValueError, IndexError):
        return None
    return value if read.addr_spec == value and read.domain else None


def _message(composed: Letter, to: str, subject: str, body: Sequence[str | Link], now: dt.datetime) -> bytes:
    made = MIMEMultipart("alternative")
    # Always encoded: `EmailMessage` would read encoded words inside a value, and fold what they hide into headers.
    made["Subject"] = Header(subject, "utf-8", header_name="Subject").encode()
    made["From"], made["To"] = composed.sender, to
    made["Date"], made["Message-ID"] = format_datetime(now), composed.message_id
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    text = "\n\n".join(f"{one.says}:\n{one.url}" if isinstance(one, Link) else one for one in body) + "\n"
    made.attach(MIMEText(text, "plain", "utf-8"))
    made.attach(MIMEText(_html(body), "html", "utf-8"))
    return made.as_bytes(policy=email.policy.compat32.clone(linesep="\r\n"))


def _html(body: Sequence[str | Link]) -> str:
    made = []
    for one in body:
        if isinstance(one, Link):
            made.append(f'<p><a href="{escape(one.url)}">{escape(one.says)}</a></p>')
        else:
            made.append(f"<p>{escape(one)}</p>")
    return f'<!doctype html><html lang="en"><body>{"".join(made)}</body></html>\n'
