"""What can be verified: the log in the database, and the log in a folder as outsiders get it.

A source hands over what is stored, in order and in bounded pieces, and believes none of it; `verify` judges.
"""

import base64
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from struct import unpack
from typing import Any, Protocol

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.database import Sessions
from limited_use.log import tiles
from limited_use.log.checkpoint import VerifierKey, parse_vkey
from limited_use.log.database_store import read_head
from limited_use.log.models import LogCheckpoint, LogLeaf, LogTile
from limited_use.log.stores import FolderStore
from limited_use.log.tiles import WIDTH, bundle_places, tile_places
from limited_use.log.tree import HASH_SIZE

CHECKPOINT_FILE = "checkpoint"
VKEY_FILE = "vkey"
HISTORY_FILE = "history.jsonl"

_AHEAD = 16
"""Bundles, and tiles, that are read in one go: some 3 MB."""

# One row a bundle: joining is the database's work, on its own processor, while we hash.
_ENTRIES = """
    SELECT index / 256, string_agg(int4send(octet_length(body)), ''::bytea ORDER BY index),
           string_agg(body, ''::bytea ORDER BY index),
           string_agg(array_to_string(ARRAY[to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), decision,
               feature, kind, opened::text, purpose, reason, sink, withheld::text], '|', 'null'), E'\\n' ORDER BY index)
    FROM log_leaves WHERE index >= %(first)s AND index < %(last)s GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class StoredHead:
    """A checkpoint as it is stored: the note, and what was noted beside it, if anything was."""

    note: bytes
    size: int
    root: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredEntries:
    """Up to 256 entries from `index` * 256 on; and, where they are kept, the columns beside them.

    `columns` has a line for each entry, as `leaf.check_body` gives it, without quotes.
    """

    index: int
    entries: list[bytes]
    columns: bytes | None = None


class Source(Protocol):
    """A stored log."""

    known: VerifierKey
    """The key that its checkpoints must be signed with."""

    def head(self) -> bytes | None:
        """Return the note of the latest checkpoint, or None if there is none."""
        ...

    def heads(self, size: int) -> Generator[StoredHead, None, None]:
        """Yield every stored checkpoint, in order; `size` is that of the head they were read after.

        Raises:
            ValueError: if what is stored is no such list.
        """
        ...

    def entries(self, size: int) -> Generator[StoredEntries, None, None]:
        """Yield the entries that are there, bundle by bundle, up to that many, in order.

        Raises:
            ValueError: if a bundle ends within an entry.
        """
        ...

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile of that width, or None; asked in the order in which a tree grows."""
        ...

    def strays(self) -> Iterator[str]:
        """Yield a sentence for each thing beside the tree that is not as it must be, once the tree holds."""
        ...

    def pending(self) -> int:
        """Return how many leaves are written and wait for their index."""
        ...


class DatabaseSource:
    """The log in the database. Sound while leaves are added: what a head covers does not change any more."""

    def __init__(self, sessions: Sessions, known: VerifierKey) -> None:
        self.known = known
        self._sessions = sessions
        self._tiles: dict[tuple[int, int], bytes] = {}

    def head(self) -> bytes | None:
        """Return the note of the latest checkpoint, or None if there is none."""
        with self._sessions() as session:
            found = read_head(session)
            return found.note if found else None

    def heads(self, size: int) -> Generator[StoredHead, None, None]:
        """Yield every stored checkpoint up to that size; those after it were signed meanwhile."""
        chosen = select(LogCheckpoint.note, LogCheckpoint.size, LogCheckpoint.root)
        ordered = chosen.where(LogCheckpoint.size <= size).order_by(LogCheckpoint.size)
        with self._sessions() as session, session.execute(ordered, execution_options={"yield_per": 1000}) as rows:
            for note, at, root in rows:
                yield StoredHead(note, at, root)

    def entries(self, size: int) -> Generator[StoredEntries, None, None]:
        """Yield the entries with their columns; the next pieces are read while the caller hashes these."""
        step = _AHEAD * WIDTH
        with self._sessions() as session, ThreadPoolExecutor(1, "log-reader") as reader:
            reading = reader.submit(_read_entries, session, 0, min(step, size))
            for first in range(0, size, step):
                found = reading.result()
                following = first + step
                if following < size:
                    reading = reader.submit(_read_entries, session, following, min(following + step, size))
                for index, lengths, bodies, columns in found:
                    yield StoredEntries(index, _cut(lengths, bodies), columns.encode())

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile of that width, or None."""
        if (level, index) not in self._tiles:
            wanted = (LogTile.level == level) & LogTile.index.between(index, index + _AHEAD - 1)
            self._tiles = {key: data for key, data in self._tiles.items() if key[0] != level}
            with self._sessions() as session:
                for at, data in session.execute(select(LogTile.index, LogTile.data).where(wanted)):
                    self._tiles[level, at] = data
        found = self._tiles.get((level, index), b"")[: width * HASH_SIZE]
        return found if len(found) == width * HASH_SIZE else None

    def strays(self) -> Iterator[str]:
        """Yield what is stored outside the tree: leaves with impossible indices, tiles that no tree of ours has."""
        with self._sessions() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            if session.scalar(select(func.count()).where(LogLeaf.index < 0)):
                yield "A leaf stands before the beginning of the log."
            now = read_head(session)
            covered = now.size if now else 0
            if session.scalar(select(func.count()).where(LogLeaf.index >= covered)):
                yield "A leaf has an index past the signed head."
            if session.scalar(select(func.count()).select_from(LogTile)) != len(list(tile_places(covered))):
                yield "There are tiles that do not belong to the tree."

    def pending(self) -> int:
        """Return how many leaves are written and wait for their index."""
        with self._sessions() as session:
            return session.scalar(select(func.count()).where(LogLeaf.index.is_(None))) or 0


def _read_entries(session: Session, first: int, last: int) -> list[tuple[int, bytes, bytes, str]]:
    # The driver's own cursor: in the binary form, bodies are not spelt out in hex on the way.
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor(binary=True) as cursor:
        found: list[tuple[int, bytes, bytes, str]] = cursor.execute(_ENTRIES, {"first": first, "last": last}).fetchall()
    return found


def _cut(lengths: bytes, bodies: bytes) -> list[bytes]:
    ends = list(accumulate(unpack(f">{len(lengths) // 4}I", lengths)))
    return [bodies[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _read_line(line: bytes) -> StoredHead:
    try:
        said = orjson.loads(line)
        return StoredHead(base64.b64decode(said["note"], validate=True), int(said["size"]))
    except (LookupError, TypeError) as error:
        raise ValueError("The line is not one of a history.") from error


class FolderSource:
    """A folder as `export` writes it, or as it was fetched from the public addresses of the log.

    NOTE: without `known`, the key is taken from the folder itself: that shows the folder to be whole, not that it
    is ours. Compare its vkey with the one that is published elsewhere.
    """

    def __init__(self, root: Path, known: VerifierKey | None = None) -> None:
        self._root = root
        self._store = FolderStore(root)
        self.known = known or parse_vkey((root / VKEY_FILE).read_text())

    def head(self) -> bytes | None:
        """Return the note of the checkpoint, or None if there is none."""
        path = self._root / CHECKPOINT_FILE
        return path.read_bytes() if path.is_file() else None

    def heads(self, size: int) -> Generator[StoredHead, None, None]:
        """Yield every checkpoint of the history, in the order of the file: one past the head is a fault."""
        del size
        path = self._root / HISTORY_FILE
        if path.is_file():
            with path.open("rb") as lines:
                yield from map(_read_line, lines)

    def entries(self, size: int) -> Generator[StoredEntries, None, None]:
        """Yield the entries of each bundle that is there."""
        for place in bundle_places(size):
            data = self._store.read_bundle(place.index, place.width)
            if data is not None:
                yield StoredEntries(place.index, tiles.unpack(data))

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return a tile of that width, or None."""
        return self._store.read_tile(level, index, width)

    def strays(self) -> Iterator[str]:
        """Yield nothing: a file that the format does not name is not read by anyone."""
        yield from ()

    def pending(self) -> int:
        """Return 0: only what was signed is handed out."""
        return 0
