"""The first words of a message, as a list of mail shows them.

Only the beginning of a message is looked at, and only as far as its first part that is text, so that a
message of 30 MB costs no more than a short one. A broken MIME tree gives the text that is there.
"""

from __future__ import annotations

import binascii
import html
import quopri
import re
from email.parser import BytesHeaderParser
from typing import TYPE_CHECKING

from emulator.gmail.headers import head_of

if TYPE_CHECKING:
    from email.message import Message

LOOKED_AT = 256 * 1024
_LENGTH = 200
_TEXT_BYTES = 16 * 1024
_DEEPEST = 10
_PARSER = BytesHeaderParser()
_DROPPED = re.compile(r"<(style|script|head|title)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*(>|\Z)")
_SPACE = re.compile(r"[\s\u200b\u200c\u200d\ufeff\u00ad\u034f]+")
_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


def snippet(raw: bytes) -> str:
    """Give up to 200 characters of the first text part, escaped for HTML as Gmail's are."""
    return html.escape(text(raw)[:_LENGTH].strip()).replace("&#x27;", "&#39;")


def text(raw: bytes) -> str:
    """Give the beginning of the first text part on one line; empty when there is none."""
    found = _first_text(raw[:LOOKED_AT], 0)
    if found is None:
        return ""
    head, body = found
    content = decode_text(_unpacked(body[:_TEXT_BYTES], _encoding(head)), head.get_content_charset())
    if head.get_content_type() == "text/html":
        content = html.unescape(_TAG.sub(" ", _DROPPED.sub(" ", content)))
    return _SPACE.sub(" ", content).strip()


def decode_text(data: bytes, charset: str | None) -> str:
    """Give bytes as text by their charset; an unknown or wrong one is guessed."""
    for guess in (charset or "utf-8", "utf-8"):
        try:
            return data.decode(guess)
        except (LookupError, ValueError):
            continue
    # A text that was cut in the middle of a character is still UTF-8.
    cut = data[:-3].decode("utf-8", "ignore")
    return cut if len(cut) * 1.5 > len(data) else data.decode("cp1252", "replace")


def _first_text(raw: bytes, depth: int) -> tuple[Message, bytes] | None:
    head_bytes, start = head_of(raw)
    head = _PARSER.parsebytes(head_bytes)
    if head.get_content_maintype() == "multipart" and depth < _DEEPEST:
        boundary = head.get_boundary()
        mark = b"--" + (boundary or "").encode("utf-8", "surrogateescape")
        if boundary and mark in raw[start:]:
            return _first_of_parts(raw[start:], mark, depth)
    if head.get_content_maintype() in {"text", "multipart"}:
        return head, raw[start:]
    return None


def _first_of_parts(body: bytes, mark: bytes, depth: int) -> tuple[Message, bytes] | None:
    at = body.find(mark)
    while at >= 0:
        line_end = body.find(b"\n", at)
        if line_end < 0 or body[at + len(mark) : at + len(mark) + 2] == b"--":
            return None
        following = body.find(b"\n" + mark, line_end - 1)
        part = body[line_end + 1 : following if following >= 0 else len(body)]
        found = _first_text(part, depth + 1)
        if found is not None and "attachment" not in str(found[0].get("Content-Disposition", "")).lower():
            return found
        at = following + 1 if following >= 0 else -1
    return None


def _encoding(head: Message) -> str:
    return str(head.get("Content-Transfer-Encoding", "")).strip().lower()


def _unpacked(body: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding == "base64":
        letters = _BASE64.sub(b"", body)
        try:
            return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
        except binascii.Error:
            return body
    return body
