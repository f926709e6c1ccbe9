"""What a teammate's grant opens to whoever asks, row by row: asked of the package that knows the rows.

The guard knows values, keys and grants; which people and threads an owner excepts from a grant's sharing it does not.
`register` gives it the one function that does, which reads in the guard's own transaction, so that what is decided
holds until the leaf is durable. Without one nothing of a teammate's is open.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from sqlalchemy.orm import Session

Item = tuple[str, uuid.UUID]


class Row(NamedTuple):
    """A row that values of one grant tell of."""

    grant_id: uuid.UUID
    of: str
    """Its table; `live` for what is read from Google about a message and stored nowhere."""
    id: uuid.UUID


class Shared(NamedTuple):
    """How far a row is shared: a rank of `accounts.sharing`; and which item it belongs to, as openings name it."""

    rank: int
    item: Item | None


Reader = Callable[[Session, Collection[Row]], Mapping[Row, Shared]]
_readers: list[Reader] = []


def register(reader: Reader) -> None:
    """The guard asks this reader from now on."""
    _readers[:] = [reader]


def read(session: Session, rows: Collection[Row]) -> Mapping[Row, Shared]:
    """Return how far these rows are shared; of those that are absent nothing is."""
    if not rows or not _readers:
        return {}
    return _readers[0](session, rows)
