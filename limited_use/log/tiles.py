"""Tiles: the published form of the tree and of its entries, as in C2SP tlog-tiles.

Terms:
    tile: up to 256 consecutive hashes of one tile level. Level 0 holds leaf hashes; each hash of level L + 1
        is the root of a *full* tile of level L. A partial tile is the beginning of the full one to come.
    bundle: up to 256 consecutive entries, each after its length in two bytes, most significant first.
    place: a tile level (none for bundles), an index, and a width; it has exactly one path.

Source: C2SP tlog-tiles, "Merkle Tree" and "Log entries".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from limited_use.log.tree import HASH_SIZE

WIDTH = 256
_LEVELS = 64
_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A run of hashes at a place of the tree; narrower than 256 only at the right edge."""

    level: int
    index: int
    data: bytes

    @property
    def width(self) -> int:
        """How many hashes it holds."""
        return len(self.data) // HASH_SIZE


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: a tile, or a bundle where `level` is None."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Return the path under the log's prefix, as `tile/0/x001/234.p/5`."""
        digits = f"{self.index:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        kind = "entries" if self.level is None else str(self.level)
        return f"tile/{kind}/{name}" + ("" if self.width == WIDTH else f".p/{self.width}")


def parse_path(path: str) -> Place | None:
    """Return what the path names, or None if it is not written as the format demands."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    width = int(found["width"] or WIDTH)
    place = Place(level, int(found["index"].replace("/", "").replace("x", "")), width)
    return place if place.path() == path and width <= WIDTH and (level or 0) < _LEVELS else None


def tile_places(size: int) -> Iterator[Place]:
    """Yield the place of every tile of a tree of that size, levels from below."""
    level = 0
    while size:
        yield from _places(level, size)
        size //= WIDTH
        level += 1


def bundle_places(size: int) -> Iterator[Place]:
    """Yield the place of every bundle of a log of that size."""
    yield from _places(None, size)


def _places(level: int | None, count: int) -> Iterator[Place]:
    for index in range(count // WIDTH):
        yield Place(level, index)
    if count % WIDTH:
        yield Place(level, count // WIDTH, count % WIDTH)


def pack(entries: Iterable[bytes]) -> bytes:
    """Return the bundle of these entries."""
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def unpack(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle.

    Raises:
        ValueError: if it ends within an entry.
    """
    entries: list[bytes] = []
    at, end = 0, len(bundle)
    while at < end:
        start = at + 2
        at = start + (bundle[start - 2] << 8 | bundle[start - 1]) if start <= end else end + 1
        if at > end:
            raise ValueError("The bundle ends within an entry.")
        entries.append(bundle[start:at])
    return entries
