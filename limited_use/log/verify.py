"""Verifying a stored log from nothing but its entries and the public key.

Every entry is read and hashed, the whole tree is built anew, and all that is stored is held against it: each
tile, and each checkpoint that was ever signed, whose root must be the root of the beginning of this very tree. So
a log that passes was only ever appended to, as far as its signed heads reach.

NOTE: whoever holds the signing key and the database can make another log that passes. Against that, hold a
checkpoint of your own from before, and hand it in as `held`: the log must then be a continuation of it.
"""

import heapq
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from limited_use.log.checkpoint import Checkpoint, NoteRefused, VerifierKey, open_checkpoint
from limited_use.log.edge import Frontier
from limited_use.log.leaf import LeafRefused, check_body
from limited_use.log.sources import Source, StoredEntries, StoredHead
from limited_use.log.tiles import WIDTH, Tile
from limited_use.log.tree import HASH_SIZE, hash_leaf


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `fault` is the first thing that does not hold, in a sentence; None if all of it does."""

    fault: str | None
    origin: str
    size: int
    root: str
    leaves: int
    checkpoints: int
    pending: int

    @property
    def verified(self) -> bool:
        """Whether everything that is stored holds."""
        return self.fault is None


class _FaultError(Exception):
    """Something does not hold; the message is the sentence for the report."""


def verify(source: Source, *, held: Sequence[bytes] = ()) -> Report:
    """Return what was found in the source, and whether it continues the checkpoints that the caller holds."""
    walk = _Walk(source)
    head: Checkpoint | None = None
    fault: str | None = None
    try:
        head = _signed_head(source)
        walk.run(head, _own_heads(held, source.known, head))
        for stray in source.strays():
            raise _FaultError(stray)  # noqa: TRY301 -- a stray is the same kind of fault as those of the walk
    except _FaultError as error:
        fault = str(error)
    return Report(
        fault=fault,
        origin=source.known.name,
        size=head.size if head else 0,
        root=head.root.hex() if head else "",
        leaves=walk.frontier.size,
        checkpoints=walk.checkpoints,
        pending=source.pending(),
    )


def _signed_head(source: Source) -> Checkpoint:
    note = source.head()
    if note is None:
        raise _FaultError("There is no checkpoint: nothing was signed yet, or it was removed.")
    return _opened(note, source.known, "The latest checkpoint")


def _opened(note: bytes, known: VerifierKey, what: str) -> Checkpoint:
    try:
        return open_checkpoint(note, known)
    except NoteRefused as error:
        raise _FaultError(f"{what} does not hold: {error.told}") from error


def _own_heads(notes: Sequence[bytes], known: VerifierKey, head: Checkpoint) -> list[StoredHead]:
    """Return the caller's own checkpoints, in order.

    Raises:
        _FaultError: if one is of a longer log than the one at hand.
    """
    found = []
    for note in notes:
        ours = _opened(note, known, "A checkpoint that you hold")
        if ours.size > head.size:
            raise _FaultError(
                f"The log ends at {head.size} leaves, but a checkpoint that you hold has {ours.size}: "
                "it was cut back, or replaced by an older copy."
            )
        found.append(StoredHead(note, ours.size))
    return sorted(found, key=lambda kept: kept.size)


class _Walk:
    """Builds the tree anew along the stored entries, and compares on the way."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.frontier = Frontier()
        self.checkpoints = 0

    def run(self, head: Checkpoint, own: list[StoredHead]) -> None:
        """Every entry, tile and checkpoint up to the head holds.

        Raises:
            _FaultError: with the first thing that does not.
        """
        with closing(self._stored_heads(head.size)) as stored:
            due = heapq.merge(stored, own, [StoredHead(b"", head.size, head.root)], key=lambda kept: kept.size)
            following = self._check_heads(due, next(due, None), b"")
            for entries in self._entries(head.size):
                following = self._check_heads(due, following, b"".join(map(hash_leaf, entries)))
            if self.frontier.size != head.size:
                raise _FaultError(f"Leaf {self.frontier.size} is missing.")
            if following is not None:
                raise _FaultError(f"A stored checkpoint has {following.size} leaves, more than the latest one.")
        self._check_right_edge()

    def _stored_heads(self, size: int) -> Generator[StoredHead, None, None]:
        with closing(self._source.heads(size)) as stored:
            try:
                yield from stored
            except ValueError as error:
                raise _FaultError("The list of checkpoints is damaged.") from error

    def _entries(self, size: int) -> Iterator[list[bytes]]:
        with closing(self._source.entries(size)) as bundles:
            try:
                for stored in bundles:
                    if stored.index * WIDTH != self.frontier.size or not stored.entries:
                        raise _FaultError(f"Leaf {self.frontier.size} is missing.")
                    self._check_entries(stored)
                    yield stored.entries
            except ValueError as error:
                raise _FaultError(f"The bundle that begins with leaf {self.frontier.size} is damaged.") from error

    def _check_entries(self, stored: StoredEntries) -> None:
        read: list[bytes] = []
        for entry in stored.entries:
            try:
                read.append(check_body(entry))
            except LeafRefused as error:
                raise _FaultError(f"Leaf {self.frontier.size + len(read)} is not a canonical leaf.") from error
        due = b"\n".join(read).replace(b'"', b"")
        if stored.columns is None or stored.columns == due:
            return
        for at, (is_line, due_line) in enumerate(zip(stored.columns.split(b"\n"), due.split(b"\n"), strict=False)):
            if is_line != due_line:
                raise _FaultError(f"The columns beside leaf {self.frontier.size + at} do not say what the leaf says.")

    def _check_heads(self, due: Iterator[StoredHead], following: StoredHead | None, hashes: bytes) -> StoredHead | None:
        """Grow by the hashes, stopping at each checkpoint within; return the first checkpoint beyond."""
        start, done = self.frontier.size, 0
        end = start + len(hashes) // HASH_SIZE
        while following is not None and following.size <= end:
            upto = max(following.size - start, 0) * HASH_SIZE
            self._grow(hashes[done:upto])
            done = max(done, upto)
            self._check_head(following)
            following = next(due, None)
        self._grow(hashes[done:])
        return following

    def _check_head(self, stored: StoredHead) -> None:
        what = f"The checkpoint of {stored.size} leaves"
        if stored.note:
            signed = _opened(stored.note, self._source.known, what)
            self.checkpoints += 1
            if signed.size != stored.size or (stored.root or signed.root) != signed.root:
                raise _FaultError(f"{what} is stored with another size or root than it was signed with.")
            root = signed.root
        else:
            root = stored.root or b""
        if self.frontier.size != stored.size:
            raise _FaultError(f"{what} is out of order.")
        if self.frontier.root() != root:
            raise _FaultError(f"{what} does not fit the leaves: one of them was changed, moved, added or removed.")

    def _grow(self, hashes: bytes) -> None:
        for tile in self.frontier.grow(hashes):
            if tile.width == WIDTH:
                self._check_tile(tile)

    def _check_right_edge(self) -> None:
        for level, edge in enumerate(self.frontier.edges):
            if edge:
                self._check_tile(Tile(level, (self.frontier.size >> 8 * level) // WIDTH, edge))

    def _check_tile(self, tile: Tile) -> None:
        if self._source.tile(tile.level, tile.index, tile.width) != tile.data:
            raise _FaultError(f"Tile {tile.index} of level {tile.level} is missing or does not fit the leaves.")
