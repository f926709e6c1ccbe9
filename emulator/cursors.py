"""Page tokens and sync tokens of Calendar and People: opaque to a client, checked when they come back.

A token names the list it belongs to, a digest of the parameters it was made for, and a place. A token that was altered,
or comes back with other parameters, is refused; what that refusal looks like is the caller's business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from typing import Any

_CHECK_BYTES = 4


class BadCursor(ValueError):  # noqa: N818 -- as in the standard library's own BadZipFile
    """The token is none of ours, or was made for something else."""


def digest(parameters: dict[str, Any]) -> str:
    """Give a short mark of parameters that must stay the same from page to page."""
    text = json.dumps(parameters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(kind: str, mark: str, place: list[Any]) -> str:
    """Give a token."""
    body = json.dumps([kind, mark, place], separators=(",", ":")).encode()
    check = zlib.crc32(body).to_bytes(_CHECK_BYTES)
    return base64.urlsafe_b64encode(check + body).decode().rstrip("=") + "="


def read(token: str, kind: str, mark: str) -> list[Any]:
    """Give the place in a token.

    Raises:
        BadCursor: when it is damaged, of another kind, or was made for other parameters.
    """
    stripped = token.rstrip("=")
    try:
        raw = base64.b64decode(stripped + "=" * (-len(stripped) % 4), b"-_", validate=True)
        check, body = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        found = json.loads(body)
        known, made_for, place = found
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadCursor("The token cannot be read.") from error
    if zlib.crc32(body).to_bytes(_CHECK_BYTES) != check or known != kind or made_for != mark:
        raise BadCursor("The token was made for something else.")
    if not isinstance(place, list):
        raise BadCursor("The token cannot be read.")
    return place
