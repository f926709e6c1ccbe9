"""Where the text of a message is, and reading it: a slice of an mbox file, or a row of the store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def read(db: sqlite3.Connection, row: sqlite3.Row, limit: int | None = None) -> bytes:
    """Give the text of a message, or at most its first `limit` bytes."""
    return read_at(db, row["source"], row["start"], row["length"] if limit is None else min(limit, row["length"]))


def read_at(db: sqlite3.Connection, source: int | None, start: int, length: int) -> bytes:
    """Give a part of a source; without a source, `start` is the number of a stored text."""
    if source is None:
        found = db.execute("SELECT substr(raw, 1, ?) AS raw FROM content WHERE id = ?", (length, start)).fetchone()
        return bytes(found["raw"])
    path = db.execute("SELECT path FROM source WHERE id = ?", (source,)).fetchone()["path"]
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, length, start)
    finally:
        os.close(descriptor)


def keep(db: sqlite3.Connection, raw: bytes) -> int:
    """Store the text of a new message, and give its number."""
    number = db.execute("INSERT INTO content (raw) VALUES (?)", (raw,)).lastrowid
    assert number is not None  # noqa: S101 -- an INSERT always has one
    return number
