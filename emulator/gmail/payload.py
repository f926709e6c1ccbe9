"""A message as Gmail's tree of parts.

Text without a file name stands in the answer, turned into UTF-8; everything else is fetched by
`attachments.get` under an id that is good for this answer only.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from emulator.gmail import headers
from emulator.gmail.snippet import decode_text
from emulator.refusals import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

_INLINE_LIMIT = 1024 * 1024
_PREFIX = "ANGjdJ"


def tree(message: Message, name: str, nonce: int) -> dict[str, Any]:
    """Give the `payload` of a message whose id is `name`."""
    return _part(message, "", (name, nonce))


def attachment_id(name: str, part_id: str, nonce: int) -> str:
    """Give an id for a part of a message: another one each time, as at Google."""
    text = f"{name}/{part_id}/{nonce}".encode()
    return _PREFIX + base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def part_named(attachment: str, name: str) -> str:
    """Give the part that an attachment id of this message stands for.

    Raises:
        Refusal: 400 when it is not one of this message's.
    """
    text = attachment.removeprefix(_PREFIX)
    try:
        message, part_id, _ = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("/")
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid attachment token") from error
    if message != name or not attachment.startswith(_PREFIX):
        raise invalid("Invalid attachment token")
    return part_id


def bytes_of(message: Message, part_id: str) -> bytes:
    """Give the decoded content of one part.

    Raises:
        Refusal: 400 when the message has no such part.
    """
    for found, part in _walk(message, ""):
        if found == part_id:
            return _content(part)
    raise invalid("Invalid attachment token")


def encoded(data: bytes) -> str:
    """Encode as Gmail does: base64url, padded."""
    return base64.urlsafe_b64encode(data).decode()


def _part(message: Message, part_id: str, owner: tuple[str, int]) -> dict[str, Any]:
    children = _children(message)
    filename = _filename(message)
    part: dict[str, Any] = {
        "partId": part_id,
        "mimeType": message.get_content_type(),
        "filename": filename,
        "headers": [{"name": name, "value": value} for name, value in headers.pairs(message)],
    }
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        part["body"] = {"size": 0}
    else:
        part["body"] = _body(message, part_id, filename, owner)
    if children:
        part["parts"] = [_part(child, _child_id(part_id, n), owner) for n, child in enumerate(children)]
    return part


def _body(message: Message, part_id: str, filename: str, owner: tuple[str, int]) -> dict[str, Any]:
    content = _content(message)
    is_text = message.get_content_maintype() in {"text", "multipart"}
    if is_text and not filename and len(content) <= _INLINE_LIMIT:
        if message.get_content_maintype() == "text":
            content = decode_text(content, message.get_content_charset()).encode("utf-8", "replace")
        return {"size": len(content), "data": encoded(content)} if content else {"size": 0}
    return {"attachmentId": attachment_id(owner[0], part_id, owner[1]), "size": len(content)}


def _content(message: Message) -> bytes:
    if message.is_multipart():
        # A message inside a message, or a report: its content is its own text.
        children = _children(message)
        return children[0].as_bytes() if children else b""
    try:
        content = message.get_payload(decode=True)
    except (ValueError, LookupError):
        content = None
    if isinstance(content, bytes):
        return content
    return str(message.get_payload()).encode("utf-8", "surrogateescape")


def _children(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [child for child in payload if not isinstance(child, str)] if isinstance(payload, list) else []


def _walk(message: Message, part_id: str) -> Iterator[tuple[str, Message]]:
    yield part_id, message
    for number, child in enumerate(_children(message)):
        yield from _walk(child, _child_id(part_id, number))


def _child_id(parent: str, number: int) -> str:
    return f"{parent}.{number}" if parent else str(number)


def _filename(message: Message) -> str:
    try:
        found = message.get_filename()
    except (ValueError, LookupError, TypeError):
        return ""
    return headers.decoded("filename", found) if found else ""
