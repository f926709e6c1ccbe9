"""A new message on its way into a mailbox: by insert, import, send, or by whoever plays the sender."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from email.utils import formatdate, getaddresses
from typing import TYPE_CHECKING, Any

from emulator.gmail import content, headers, mailbox, threading, words
from emulator.gmail.mailbox import NewMessage
from emulator.refusals import invalid, not_found
from emulator.state import current

if TYPE_CHECKING:
    import sqlite3
    from email.message import Message

_RECIPIENTS = ("To", "Cc", "Bcc", "Delivered-To")
_FIRST_DIGIT = 1 << 60


@dataclass(frozen=True)
class Filing:
    """Where a new message goes: its labels, its thread if named, and what its date comes from."""

    labels: frozenset[str] = frozenset()
    thread: str | None = None
    by_date_header: bool = False
    planted: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of a message's head when it arrives."""

    rfc_id: str
    references: list[str]
    subject: str
    sender: str
    recipients: str
    date_ms: int | None


def read_head(head: Message) -> Reading:
    """Give what threading, search and sorting need to know of a message."""
    own = headers.message_ids(headers.field(head, "Message-ID"))
    others = headers.message_ids(headers.field(head, "References"))
    others += headers.message_ids(headers.field(head, "In-Reply-To"))
    return Reading(
        rfc_id=own[0] if own else "",
        references=others + own[:1],
        subject=headers.field(head, "Subject"),
        sender=headers.field(head, "From"),
        recipients=" ".join(headers.field(head, name) for name in _RECIPIENTS),
        date_ms=headers.date_ms(headers.field(head, "Date")),
    )


def message_id(head: bytes, ordinal: int) -> str:
    """Give a message's id: 16 hex digits, the same for the same head; `ordinal` tells copies apart."""
    digest = hashlib.sha256(head + b"\0" + str(ordinal).encode()).digest()
    # The first digit is never 0: an add-on sends ids as numbers, and the way back drops zeros.
    return f"{int.from_bytes(digest[:8]) % _FIRST_DIGIT + _FIRST_DIGIT:016x}"


def raw_of(body: dict[str, Any]) -> bytes:
    """Give the message text of a call's body.

    Raises:
        Refusal: 400 when there is none, or it is not base64url.
    """
    text = body.get("raw")
    if not isinstance(text, str) or not text:
        raise invalid("'raw' RFC822 payload message string or uploading message via /upload/* URL required")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid value at 'message.raw' (TYPE_BYTES), Base64 decoding failed") from error


def take_in(db: sqlite3.Connection, account: str, raw: bytes, filing: Filing) -> str:
    """File a message and give its id.

    Raises:
        Refusal: 404 when the named thread does not exist.
    """
    clock = current().clock
    reading = read_head(headers.parse_head(raw))
    message = _free_id(db, account, raw)
    thread = _thread(db, account, reading, filing) or message
    threading.join(db, account, thread, reading.subject, reading.references)
    date = reading.date_ms if filing.by_date_header else None
    new = NewMessage(
        id=message,
        thread=thread,
        internal_date=clock.now_ms() if date is None else date,
        labels=filing.labels,
        source=None,
        start=content.keep(db, raw),
        length=len(raw),
        rfc_id=reading.rfc_id,
        sender_words=words.key(reading.sender),
        recipient_words=words.key(reading.recipients),
        subject_words=words.key(reading.subject),
        planted=filing.planted,
    )
    mailbox.add(db, account, new, clock.now())
    return message


def completed(raw: bytes, sender: str, now: float) -> bytes:
    """Give a message with the fields that Gmail adds on sending: From, Date, Message-ID."""
    head = headers.parse_head(raw)
    added = []
    if "From" not in head:
        added.append(f"From: {sender}")
    if "Date" not in head:
        added.append(f"Date: {formatdate(now)}")
    if "Message-ID" not in head:
        number = hashlib.sha256(raw + str(now).encode()).hexdigest()[:40]
        added.append(f"Message-ID: <CA{number}@mail.gmail.com>")
    newline = "\r\n" if b"\r\n" in raw else "\n"
    return "".join(line + newline for line in added).encode() + raw


def local_recipients(db: sqlite3.Connection, raw: bytes, sender: str) -> list[str]:
    """Give the accounts of this emulator, other than the sender's, that a message is addressed to."""
    head = headers.parse_head(raw)
    fields = [headers.field(head, name) for name in ("To", "Cc", "Bcc")]
    found = []
    for _, address in getaddresses(fields):
        row = db.execute("SELECT sub FROM account WHERE email = ?", (address.lower(),)).fetchone()
        if row is not None and row["sub"] != sender and row["sub"] not in found:
            found.append(row["sub"])
    return found


def _free_id(db: sqlite3.Connection, account: str, raw: bytes) -> str:
    ordinal = 0
    while True:
        # A deleted message's id is not used again: history still tells of it.
        message = message_id(raw, ordinal)
        taken = db.execute(
            "SELECT 1 FROM message WHERE account = ?1 AND id = ?2"
            " UNION ALL SELECT 1 FROM history WHERE account = ?1 AND message = ?2",
            (account, message),
        ).fetchone()
        if taken is None:
            return message
        ordinal += 1


def _thread(db: sqlite3.Connection, account: str, reading: Reading, filing: Filing) -> str | None:
    if filing.thread is None:
        return threading.find_thread(db, account, reading.references, reading.subject)
    row = db.execute(
        "SELECT subject FROM thread WHERE account = ? AND id = ? AND messages > 0", (account, filing.thread)
    ).fetchone()
    if row is None:
        raise not_found()
    # Gmail keeps a message out of a thread whose subject is another one.
    return filing.thread if row["subject"] == threading.subject_key(reading.subject) else None
