"""The leak hunt: does a planted text stand anywhere in a channel, in clear or thinly disguised?

A *canary* is a unique text planted in one kind of Google-derived field: it must be found nowhere. A *control*
is a native text planted by us in a channel, in every form: it must be found, or the hunt proves nothing.
"""

import base64
import secrets
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALPHABET = "bcdfghjkmnpqrstvwxz"  # no vowels and no look-alikes: never a word, stable under case folding
LENGTH = 18


def fresh(prefix: str = "") -> str:
    """Return a new unique text of lower-case letters that survives addresses, names and titles unchanged."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _base64_core(text: bytes, offset: int) -> str:
    """Return the part of the base64 form that does not depend on what stands around the text."""
    encoded = base64.b64encode(b"\x00" * offset + text).decode().rstrip("=")
    start = {0: 0, 1: 2, 2: 3}[offset]
    whole = (offset + len(text)) * 8 // 6
    return encoded[start:whole]


def forms(text: str) -> dict[str, str]:
    """Return each disguise of `text` that is searched for, by the name of the form.

    Case is folded by the search for all forms but base64, which tells case apart.
    """
    raw = text.encode()
    return {
        "clear": text,
        "base64+0": _base64_core(raw, 0),
        "base64+1": _base64_core(raw, 1),
        "base64+2": _base64_core(raw, 2),
        "hex": raw.hex(),
        "url": "".join(f"%{byte:02x}" for byte in raw),
        "reversed": text[::-1],
    }


CASE_TOLD = frozenset({"base64+0", "base64+1", "base64+2"})


@dataclass(frozen=True)
class Find:
    """One form of one planted text, found in one channel."""

    channel: str
    planted: str
    form: str


def search(channel: str, contents: Iterable[bytes], planted: Mapping[str, str]) -> list[Find]:
    """Return every find of the planted texts (name to text) in the contents of a channel."""
    wanted = [
        (name, form, disguise.encode()) for name, text in planted.items() for form, disguise in forms(text).items()
    ]
    finds: set[Find] = set()
    for content in contents:
        folded = content.lower()
        for name, form, needle in wanted:
            haystack, pattern = (content, needle) if form in CASE_TOLD else (folded, needle.lower())
            if pattern in haystack:
                finds.add(Find(channel, name, form))
    return sorted(finds, key=lambda find: (find.channel, find.planted, find.form))


def written_out(text: str) -> str:
    """Return the control text in all its forms, one after another, as somebody might type them."""
    raw = text.encode()
    base64s = [base64.b64encode(b"\x00" * offset + raw).decode() for offset in (0, 1, 2)]
    found = forms(text)
    return " ".join([text, *base64s, found["hex"], found["url"], found["reversed"]])


def quoted(text: str) -> str:
    """Return the text as a browser would put it in a query string."""
    return urllib.parse.quote_plus(text)
