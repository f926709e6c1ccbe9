"""Tiles and bundles in the database: the other form of the port in `stores`."""

from collections.abc import Sequence

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from limited_use.log.models import LogCheckpoint, LogTile
from limited_use.log.tiles import WIDTH, Tile
from limited_use.log.tree import HASH_SIZE

# Each entry goes out after its length in two bytes; the database joins them, one row a bundle.
BUNDLES = text(
    """
    SELECT index / :width AS bundle, count(*) AS entries,
           string_agg(substring(int4send(octet_length(body)) FROM 3) || body, ''::bytea ORDER BY index) AS data
    FROM log_leaves WHERE index >= :first AND index < :last
    GROUP BY 1 ORDER BY 1
    """
)


class DatabaseStore:
    """The tiles and bundles of the log, read and written in the caller's transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read_tile(self, level: int, index: int, width: int) -> bytes | None:
        """Return the first `width` hashes of a tile, or None if there are not so many."""
        data = self._session.scalar(select(LogTile.data).where(LogTile.level == level, LogTile.index == index))
        return None if data is None or len(data) < width * HASH_SIZE else data[: width * HASH_SIZE]

    def read_bundle(self, index: int, width: int) -> bytes | None:
        """Return the bundle of the first `width` entries at `index`, or None if there are not so many."""
        first = index * WIDTH
        row = self._session.execute(BUNDLES, {"width": WIDTH, "first": first, "last": first + width}).one_or_none()
        return bytes(row.data) if row is not None and row.entries == width else None

    def write_tiles(self, tiles: Sequence[Tile]) -> None:
        """Keep these tiles; a wider one takes the place of its own beginning."""
        if not tiles:
            return
        rows = insert(LogTile).values(
            [{"level": t.level, "index": t.index, "width": t.width, "data": t.data} for t in tiles]
        )
        grown = {"width": rows.excluded.width, "data": rows.excluded.data}
        self._session.execute(rows.on_conflict_do_update(index_elements=["level", "index"], set_=grown))


def read_head(session: Session) -> LogCheckpoint | None:
    """Return the latest checkpoint, or None before the first."""
    return session.scalars(select(LogCheckpoint).order_by(LogCheckpoint.size.desc()).limit(1)).one_or_none()
