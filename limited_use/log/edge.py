"""A tree kept as tiles: growing it at its right edge, and reading any node of it back.

Terms:
    frontier: the unfinished right edge, one partial tile a level: all that growing the tree needs.
    complete node: see `tree`; any of them is folded from a run of hashes within one tile.
"""

from dataclasses import dataclass, field

from limited_use.log.stores import TileStore
from limited_use.log.tiles import WIDTH, Tile
from limited_use.log.tree import EMPTY_ROOT, HASH_SIZE, fold

HEIGHT = 8
FULL = WIDTH * HASH_SIZE


@dataclass(slots=True)
class Frontier:
    """The right edge of a tree of `size` leaves: per tile level, the hashes of its last, partial tile."""

    size: int = 0
    edges: list[bytes] = field(default_factory=list)

    def grow(self, hashes: bytes) -> list[Tile]:
        """Append concatenated leaf hashes; return the tiles this changed, full ones and the new right edge.

        The right edge is returned once per level, at its final width.
        """
        changed: list[Tile] = []
        total, level = self.size, 0
        self.size += len(hashes) // HASH_SIZE
        while hashes:
            if level == len(self.edges):
                self.edges.append(b"")
            first = total // WIDTH
            row = self.edges[level] + hashes
            whole = len(row) // FULL
            full = [row[i * FULL : (i + 1) * FULL] for i in range(whole)]
            self.edges[level] = row[whole * FULL :]
            changed += [Tile(level, first + i, data) for i, data in enumerate(full)]
            if self.edges[level]:
                changed.append(Tile(level, first + whole, self.edges[level]))
            hashes = b"".join(map(fold, full))
            total, level = first, level + 1
        return changed

    def root(self) -> bytes:
        """Return the root of the tree."""
        lower = b""
        for edge in self.edges:
            row = edge + lower
            lower = fold(row) if row else b""
        return lower or EMPTY_ROOT


def load_frontier(store: TileStore, size: int) -> Frontier | None:
    """Return the right edge of the stored tree of that size, or None if a tile of it is missing."""
    edges: list[bytes] = []
    count, level = size, 0
    while count:
        edge: bytes | None = b""
        if count % WIDTH:
            edge = store.read_tile(level, count // WIDTH, count % WIDTH)
        if edge is None:
            return None
        edges.append(edge)
        count //= WIDTH
        level += 1
    return Frontier(size, edges)


class TileMissingError(LookupError):
    """A tile that a proof needs is not in the store."""


class StoredNodes:
    """Complete nodes of a stored tree, computed from its tiles; each tile is read once."""

    def __init__(self, store: TileStore, size: int) -> None:
        self._store = store
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int) -> bytes:
        """Return the hash of the complete node over leaves [index * 2**level, (index + 1) * 2**level).

        Raises:
            TileMissingError: if the store does not hold the tile.
        """
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        tile = self._tile(tile_level, first // WIDTH)
        start = first % WIDTH * HASH_SIZE
        return fold(tile[start : start + (HASH_SIZE << height)])

    def _tile(self, level: int, index: int) -> bytes:
        if (level, index) not in self._tiles:
            width = min(WIDTH, (self._size >> HEIGHT * level) - index * WIDTH)
            data = self._store.read_tile(level, index, width)
            if data is None:
                raise TileMissingError("A tile that the proof needs is not stored.")
            self._tiles[level, index] = data
        return self._tiles[level, index]
