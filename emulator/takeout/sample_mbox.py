"""The sample's messages as Google Takeout writes them: one mbox, each message with its thread number and its labels."""

from __future__ import annotations

from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from typing import TYPE_CHECKING

from emulator.takeout.sample_bulk import received_line
from emulator.takeout.sample_mail import Mail, utc
from emulator.takeout.sample_people import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterable

_POLICY = SMTP.clone(linesep="\n")


def mbox(mails: Iterable[Mail]) -> bytes:
    """The messages in the order of their times, in the form `mboxrd`."""
    ordered = sorted(mails, key=lambda mail: (utc(mail.at), mail.message_id))
    return b"".join(_entry(number, mail) for number, mail in enumerate(ordered, 1))


def _entry(number: int, mail: Mail) -> bytes:
    at = utc(mail.at)
    first = f"From {1_840_000_000_000_000_000 + number * 977}@xxx {at:%a %b %d %H:%M:%S +0000 %Y}\n"
    content = _head(mail).encode() + _message(mail).as_bytes(policy=_POLICY)
    lines = content.split(b"\n")
    return first.encode() + b"\n".join(b">" + line if _looks_like_start(line) else line for line in lines) + b"\n\n"


def _looks_like_start(line: bytes) -> bool:
    return line.lstrip(b">").startswith(b"From ")


def _head(mail: Mail) -> str:
    labels = ",".join(mail.labels)
    written = labels if labels.isascii() else Header(labels, "utf-8", maxlinelen=900).encode()
    return f"X-GM-THRID: {mail.thread}\nX-Gmail-Labels: {written}\n"


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    if mail.sender[1] != OWNER:
        message["Delivered-To"] = OWNER
        message["Received"] = received_line(mail)
    message["Date"] = format_datetime(mail.at)
    message["From"] = formataddr(mail.sender, "utf-8")
    for name, people in (("To", mail.to), ("Cc", mail.cc)):
        if people:
            message[name] = ", ".join(formataddr(person, "utf-8") for person in people)
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    if mail.references:
        message["In-Reply-To"] = mail.references[-1]
        message["References"] = " ".join(mail.references)
    for name, value in mail.headers.items():
        message[name] = value
    _fill(message, mail)
    return message


def _fill(message: EmailMessage, mail: Mail) -> None:
    message.set_content(mail.text + "\n", cte="quoted-printable")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        kind, _, subtype = attachment.mime.partition("/")
        message.add_attachment(attachment.content, kind, subtype, filename=attachment.filename)
    # Boundaries are random unless they are set, and the same sample must give the same bytes.
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"=_{mail.message_id[1:17]}_{number}")
