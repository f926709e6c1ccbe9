"""Where the emulator keeps what must survive a restart: one SQLite file in its state folder.

Each part of the emulator registers its own tables when its module is imported (`register`), and every
table of a mailbox, calendar or address book starts with the column `account` (the `sub` of its owner).
Mail itself is not in here: rows name a file, an offset and a length. Readers see one consistent state
and never wait for a writer (WAL); writers take turns.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SCHEMAS: list[str] = ["CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)"]
_FUNCTIONS: list[tuple[str, int, Callable[[sqlite3.Connection], Callable[..., Any]]]] = []
_IDLE_CONNECTIONS = 8


def register(schema_sql: str) -> None:
    """Have these `CREATE TABLE IF NOT EXISTS …` statements run in every store opened from now on."""
    if schema_sql not in _SCHEMAS:
        _SCHEMAS.append(schema_sql)


def register_function(name: str, arguments: int, make: Callable[[sqlite3.Connection], Callable[..., Any]]) -> None:
    """Let SQL call a Python function; `make` gives it for one connection."""
    _FUNCTIONS.append((name, arguments, make))


class Store:
    """The state of one emulator.

    `with store.read() as db:` gives a consistent view; `with store.write() as db:` a transaction that is
    kept when the block ends and undone when it raises. Rows are read by column name. Do not open one
    inside the other: pass `db` on. Read a query to its end inside the block: a half-read one would go on in
    the next block that gets this connection.
    """

    def __init__(self, folder: Path) -> None:
        # Search keys of a mailbox that may be somebody's real one: not for other users of the machine.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self._path = folder / "google.sqlite3"
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writing = threading.Lock()
        self._closed = False
        with self._connection() as db:
            db.execute("PRAGMA journal_mode = WAL")
            for schema in _SCHEMAS:
                db.executescript(schema)

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose queries all see the state of one moment."""
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give a connection whose changes are kept together when the block ends without an error."""
        # SQLite lets one writer in at a time and has the others poll; a lock queues them instead.
        with self._writing, self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def setting(self, name: str) -> str | None:
        """Give one of the emulator's own remembered values."""
        with self.read() as db:
            row = db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set_setting(self, name: str, value: str) -> None:
        """Remember a value under a name."""
        with self.write() as db:
            db.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, value))

    def close(self) -> None:
        """Close every idle connection; one in use is closed when its block ends."""
        self._closed = True
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except queue.Empty:
            db = self._open()
        try:
            yield db
        finally:
            if self._closed or self._idle.qsize() >= _IDLE_CONNECTIONS:
                db.close()
            else:
                self._idle.put(db)

    def _open(self) -> sqlite3.Connection:
        # Connections wander between the threads of the server, one user at a time.
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=30)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA synchronous = NORMAL")
        for name, arguments, make in _FUNCTIONS:
            db.create_function(name, arguments, make(db))
        return db
