"""The log for everyone: what stands at each public address below `/log/`, as bytes from the database.

Addresses are those of C2SP tlog-tiles: `checkpoint`, `tile/<level>/<index>[.p/<width>]` and
`tile/entries/<index>[.p/<width>]`; and `vkey`, the public key. What is served holds pseudonyms and counts only.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from limited_use.log.checkpoint import VerifierKey
from limited_use.log.database_store import DatabaseStore, read_head
from limited_use.log.tiles import parse_path

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_FRESH = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Answer:
    """A body and the two headers that go with it."""

    body: bytes
    content_type: str
    cache_control: str


def answer(session: Session, path: str, known: VerifierKey) -> Answer | None:
    """Return what stands at a path below `/log/`, or None where nothing does."""
    if path == "checkpoint":
        head = read_head(session)
        return Answer(head.note, _TEXT, _FRESH) if head else None
    if path == "vkey":
        return Answer(f"{known.encode()}\n".encode(), _TEXT, _FRESH)
    place = parse_path(path)
    if place is None:
        return None
    store = DatabaseStore(session)
    if place.level is None:
        data = store.read_bundle(place.index, place.width)
    else:
        data = store.read_tile(place.level, place.index, place.width)
    return Answer(data, _BYTES, _FOR_EVER) if data else None
