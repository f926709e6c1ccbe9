"""The head of a message: found, split and decoded as leniently as Gmail does."""

from __future__ import annotations

import email
import re
from email.header import decode_header
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

_END = re.compile(rb"\r?\n\r?\n")
_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?=(?:\s+(?==\?))?")
_RUN = re.compile(rf"(?:{_WORD.pattern})+\s*")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_ADDRESS_HEADERS = frozenset({"from", "to", "cc", "bcc", "reply-to", "sender"})
_SPECIALS = frozenset('",;:<>@()[]')
_PARSER = BytesHeaderParser()
_LATEST_S = 4_102_444_800  # 2100-01-01: later dates are mistakes or mischief


def head_of(raw: bytes) -> tuple[bytes, int]:
    """Give the head of a message, and where its body begins."""
    if raw[:1] == b"\n" or raw[:2] == b"\r\n":
        return b"", raw.index(b"\n") + 1
    found = _END.search(raw)
    return (raw, len(raw)) if found is None else (raw[: found.start() + 1], found.end())


def parse_head(raw: bytes) -> Message:
    """Give the head as Python's own parser reads it."""
    return _PARSER.parsebytes(head_of(raw)[0])


def pairs(message: Message) -> list[tuple[str, str]]:
    """Give all fields in their order, decoded."""
    return [(name, decoded(name, value)) for name, value in message.raw_items()]


def field(message: Message, name: str) -> str:
    """Give one field, decoded; empty when there is none."""
    wanted = name.lower()
    for found, value in message.raw_items():
        if found.lower() == wanted:
            return decoded(found, value)
    return ""


def decoded(name: str, value: object) -> str:
    """Give a field as readable text on one line; what cannot be decoded stays as it is."""
    text = _FOLD.sub("", _unescaped(str(value))).strip()
    if "=?" not in text:
        return text
    if name.lower() in _ADDRESS_HEADERS:
        return _RUN.sub(lambda run: _quoted(_words(run.group())), text).strip()
    return _words(text)


def date_ms(text: str) -> int | None:
    """Give a Date field in milliseconds since 1970, None when it is missing or cannot be true."""
    if not text:
        return None
    try:
        seconds = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return int(seconds * 1000) if 0 < seconds < _LATEST_S else None


def message_ids(text: str) -> list[str]:
    """Give the message ids in a References, In-Reply-To or Message-ID field, without brackets."""
    found = re.findall(r"<\s*([^<>\s]+)\s*>", text)
    return found or ([text.strip()] if "@" in text and " " not in text.strip() else [])


def parse(raw: bytes) -> Message:
    """Give the whole message as Python's own parser reads it."""
    return email.message_from_bytes(raw)


def _unescaped(text: str) -> str:
    # Bytes above 127 arrive as lone surrogates; guess what they were, UTF-8 first.
    if text.isascii():
        return text
    data = text.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _words(text: str) -> str:
    try:
        parts = decode_header(text)
    except (ValueError, TypeError):
        return text
    out = []
    for part, charset in parts:
        if isinstance(part, str):
            out.append(part)
            continue
        try:
            out.append(part.decode(charset or "ascii"))
        except (LookupError, UnicodeDecodeError):
            out.append(part.decode("utf-8", "replace"))
    return "".join(out).replace("\n", " ").replace("\r", " ")


def _quoted(name: str) -> str:
    name = name.strip()
    if _SPECIALS.isdisjoint(name):
        return name + " "
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" '
