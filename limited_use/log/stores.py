"""Where tiles and bundles lie: one port, of which the database (`models`) and a folder are the two forms.

Reading a narrower tile than the one that is kept gives its beginning: a partial tile is the beginning of the
wider one that took its place, so every tree size that was ever signed stays readable.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from limited_use.log.tiles import Place, Tile, pack, unpack
from limited_use.log.tree import HASH_SIZE


class TileStore(Protocol):
    """Where tiles and bundles lie: the database, or a folder that any web server can serve."""

    def read_tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile, or None if there are not so many."""
        ...

    def read_bundle(self, index: int, width: int) -> bytes | None:
        """Return the bundle of the first `width` entries at `index`, or None if there are not so many."""
        ...

    def write_tiles(self, tiles: Sequence[Tile]) -> None:
        """Keep these tiles; a wider one takes the place of its own beginning."""
        ...


class FolderStore:
    """Tiles and bundles as files, at the paths by which they are served."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read_tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile, or None if there are not so many."""
        for place in (Place(level, index, width), Place(level, index)):
            data = self.read(place)
            if data is not None and len(data) >= width * HASH_SIZE:
                return data[: width * HASH_SIZE]
        return None

    def read_bundle(self, index: int, width: int) -> bytes | None:
        """Return the bundle of the first `width` entries at `index`, or None if there are not so many."""
        data = self.read(Place(None, index, width))
        if data is None and (full := self.read(Place(None, index))) is not None:
            data = pack(unpack(full)[:width])
        return data

    def write_tiles(self, tiles: Sequence[Tile]) -> None:
        """Keep these tiles; partial ones stay beside the full one that follows them."""
        for tile in tiles:
            self.write(Place(tile.level, tile.index, tile.width), tile.data)

    def read(self, place: Place) -> bytes | None:
        """Return the file at a place, or None."""
        path = self._root / place.path()
        return path.read_bytes() if path.is_file() else None

    def write(self, place: Place, data: bytes) -> None:
        """Write the file at a place."""
        path = self._root / place.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
