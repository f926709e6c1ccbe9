"""Paging by key: a page begins after the last row of the one before, named by an encrypted cursor.

A *position* holds times that derive from Google, so a cursor is ciphertext, bound to its viewer and list: whoever
else finds one in a log or a history learns nothing and can ask for nothing.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.exc import BadData

from accounts.members import Viewer
from kernel.errors import BadInput
from kernel.runtime import Runtime

R = TypeVar("R")
Q = TypeVar("Q")
LARGEST_PAGE = 200
_NONCE = 12
_MICROSECOND = dt.timedelta(microseconds=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class BadCursor(BadInput):
    """A cursor that is none of ours, or was made for another viewer or list."""

    code = "bad_cursor"
    sentence = "This page of the list is no longer known. Begin at its start."


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the time it is ordered by, and the row. Its repr shows nothing."""

    at: dt.datetime = field(repr=False)
    row_id: uuid.UUID = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Which rows of a list are asked for."""

    size: int = 50
    after: Position | None = None

    @property
    def limit(self) -> int:
        """Return how many rows to read: one more than asked, to know whether there are more."""
        return max(1, min(self.size, LARGEST_PAGE)) + 1


FIRST = Page()
"""The beginning of a list."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """Rows in order, and where the next page begins; None at the end."""

    rows: tuple[R, ...]
    next: Position | None = None


def cut(found: Sequence[Q], page: Page, position_of: Callable[[Q], Position]) -> tuple[Sequence[Q], Position | None]:
    """Return the rows of the page, of those read up to `page.limit`, and where the next begins."""
    if len(found) < page.limit:
        return found, None
    kept = found[: page.limit - 1]
    return kept, position_of(kept[-1])


class Cursors:
    """Positions as text for addresses and answers, under a key of its own."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=b"crm paging cursor").derive(secret.encode())
        self._cipher = AESGCMSIV(key)

    def __repr__(self) -> str:
        """Return a constant."""
        return "<cursors>"

    def write(self, viewer: Viewer, name: str, position: Position | None) -> str | None:
        """Return the cursor of a position in the list `name` of this viewer; None stays None."""
        if position is None:
            return None
        text = ((position.at - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True) + position.row_id.bytes
        nonce = secrets.token_bytes(_NONCE)
        return base64_encode(nonce + self._cipher.encrypt(nonce, text, _bound(viewer, name))).decode()

    def read(self, viewer: Viewer, name: str, cursor: str | None) -> Position | None:
        """Return the position that a cursor stands for; None and the empty text are the start.

        Raises:
            BadCursor: if it was not written for this viewer and list.
        """
        if not cursor:
            return None
        try:
            wire = base64_decode(cursor)
            text = self._cipher.decrypt(wire[:_NONCE], wire[_NONCE:], _bound(viewer, name))
            at = _EPOCH + int.from_bytes(text[:8], "big", signed=True) * _MICROSECOND
            return Position(at, uuid.UUID(bytes=text[8:]))
        except (BadData, InvalidTag, ValueError, OverflowError) as error:
            raise BadCursor from error


def _bound(viewer: Viewer, name: str) -> bytes:
    return viewer.organisation_id.bytes + viewer.member_id.bytes + name.encode()


def cursors(runtime: Runtime) -> Cursors:
    """Return this runtime's cursors."""
    return runtime.part("crm.cursors", lambda: Cursors(runtime.settings.secret_key))
