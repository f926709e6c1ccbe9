"""One account's mailbox: its tables, and the only functions that change them.

Every change takes a new *history id* and leaves a record, so that `history.list` tells of it. Labels are
kept twice: on the message, to show them, and in `message_label`, to find messages by them. `hidden` says
that a message is in spam or trash, which lists leave out. The `*_words` columns are search keys made by
`gmail.words`, not for showing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator import store as _store
from emulator.refusals import not_found

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_store.register("""
CREATE TABLE IF NOT EXISTS mailbox (
    account TEXT PRIMARY KEY, history_id INTEGER NOT NULL, history_floor INTEGER NOT NULL,
    watch_expires_at REAL
);
CREATE TABLE IF NOT EXISTS source (id INTEGER PRIMARY KEY, path TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS content (id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    account TEXT NOT NULL, id TEXT NOT NULL, thread TEXT NOT NULL, internal_date INTEGER NOT NULL,
    history_id INTEGER NOT NULL, labels TEXT NOT NULL, hidden INTEGER NOT NULL,
    source INTEGER, start INTEGER NOT NULL, length INTEGER NOT NULL, rfc_id TEXT NOT NULL,
    sender_words TEXT NOT NULL, recipient_words TEXT NOT NULL, subject_words TEXT NOT NULL,
    planted INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS message_date ON message (account, hidden, internal_date, id);
CREATE INDEX IF NOT EXISTS message_thread ON message (account, thread, internal_date);
CREATE INDEX IF NOT EXISTS message_rfc_id ON message (account, rfc_id);
CREATE TABLE IF NOT EXISTS message_label (
    account TEXT NOT NULL, label TEXT NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (account, label, message)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS label (
    account TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (account, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    account TEXT NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
    thread TEXT NOT NULL, labels TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (account, id, kind, message)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alias (
    account TEXT NOT NULL, email TEXT NOT NULL, verified INTEGER NOT NULL, PRIMARY KEY (account, email)
);
""")

SYSTEM_LABELS = (
    "INBOX",
    "SENT",
    "DRAFT",
    "UNREAD",
    "STARRED",
    "IMPORTANT",
    "SPAM",
    "TRASH",
    "CHAT",
    "CATEGORY_PERSONAL",
    "CATEGORY_SOCIAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_UPDATES",
    "CATEGORY_FORUMS",
)
HIDING = frozenset({"SPAM", "TRASH"})
_FIRST_HISTORY_ID = 1_000


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to enter a mailbox. Its text is at `source`, `start` and `length`."""

    id: str
    thread: str
    internal_date: int
    labels: frozenset[str]
    source: int | None
    start: int
    length: int
    rfc_id: str
    sender_words: str
    recipient_words: str
    subject_words: str
    planted: bool = False


def ensure(db: sqlite3.Connection, account: str) -> None:
    """Have a mailbox for this account."""
    db.execute(
        "INSERT OR IGNORE INTO mailbox (account, history_id, history_floor) VALUES (?, ?, ?)",
        (account, _FIRST_HISTORY_ID, _FIRST_HISTORY_ID),
    )


def history_id(db: sqlite3.Connection, account: str) -> int:
    """Give the number of the mailbox's latest change."""
    row = db.execute("SELECT history_id FROM mailbox WHERE account = ?", (account,)).fetchone()
    return _FIRST_HISTORY_ID if row is None else int(row["history_id"])


def bump(db: sqlite3.Connection, account: str) -> int:
    """Give the number for a new change: higher than any before, and rarely the next one."""
    ensure(db, account)
    number = following(history_id(db, account))
    db.execute("UPDATE mailbox SET history_id = ? WHERE account = ?", (number, account))
    return number


def following(number: int) -> int:
    """Give the history id after this one, with a gap that follows from it."""
    return number + 2 + number * 7 % 11


def labels_of(row: sqlite3.Row) -> frozenset[str]:
    """Give the labels on a message."""
    return frozenset(row["labels"].split())


def get(db: sqlite3.Connection, account: str, message: str) -> sqlite3.Row:
    """Give the row of a message.

    Raises:
        Refusal: 404 when the mailbox has none with this id.
    """
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM message WHERE account = ? AND id = ?", (account, message)
    ).fetchone()
    if row is None:
        raise not_found()
    return row


def insert(db: sqlite3.Connection, account: str, new: NewMessage, number: int) -> None:
    """Write a message and its labels under a history id, without a record of it."""
    db.execute(
        "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            new.id,
            new.thread,
            new.internal_date,
            number,
            _joined(new.labels),
            bool(new.labels & HIDING),
            new.source,
            new.start,
            new.length,
            new.rfc_id,
            new.sender_words,
            new.recipient_words,
            new.subject_words,
            new.planted,
        ),
    )
    _index(db, account, new.id, new.labels)


def add(db: sqlite3.Connection, account: str, new: NewMessage, at: float) -> None:
    """Have a new message in the mailbox, and a record of its coming."""
    number = bump(db, account)
    insert(db, account, new, number)
    _record(db, (account, number, "messageAdded", new.id, new.thread, _joined(new.labels), at))


def change_labels(
    db: sqlite3.Connection, row: sqlite3.Row, change: tuple[Iterable[str], Iterable[str]], at: float
) -> frozenset[str]:
    """Add and remove labels and give what is on the message now; no record when nothing changes."""
    before = labels_of(row)
    added, removed = frozenset(change[0]) - before, frozenset(change[1]) & before
    labels = (before | added) - removed
    if labels == before:
        return labels
    account, message = row["account"], row["id"]
    number = bump(db, account)
    db.execute(
        "UPDATE message SET labels = ?, hidden = ?, history_id = ? WHERE account = ? AND id = ?",
        (_joined(labels), bool(labels & HIDING), number, account, message),
    )
    for label in removed:
        db.execute(
            "DELETE FROM message_label WHERE account = ? AND label = ? AND message = ?",
            (account, label, message),
        )
    _index(db, account, message, added)
    for kind, changed in (("labelAdded", added), ("labelRemoved", removed - added)):
        if changed:
            _record(db, (account, number, kind, message, row["thread"], _joined(changed), at))
    return labels


def delete(db: sqlite3.Connection, row: sqlite3.Row, at: float) -> None:
    """Remove a message for good, and leave a record of it."""
    account, message = row["account"], row["id"]
    number = bump(db, account)
    db.execute("DELETE FROM message WHERE account = ? AND id = ?", (account, message))
    db.execute("DELETE FROM message_label WHERE account = ? AND message = ?", (account, message))
    if row["source"] is None:
        db.execute("DELETE FROM content WHERE id = ?", (row["start"],))
    db.execute("UPDATE thread SET messages = messages - 1 WHERE account = ? AND id = ?", (account, row["thread"]))
    _record(db, (account, number, "messageDeleted", message, row["thread"], row["labels"], at))


def user_labels(db: sqlite3.Connection, account: str) -> dict[str, str]:
    """Give the labels a person made: id to name."""
    rows = db.execute("SELECT id, name FROM label WHERE account = ? ORDER BY name", (account,))
    return {row["id"]: row["name"] for row in rows}


def label_named(db: sqlite3.Connection, account: str, name: str) -> str:
    """Give the id of a person's label, made now if there was none of this name."""
    row = db.execute("SELECT id FROM label WHERE account = ? AND name = ?", (account, name)).fetchone()
    if row is not None:
        return str(row["id"])
    count = db.execute("SELECT COUNT(*) FROM label WHERE account = ?", (account,)).fetchone()[0]
    label = f"Label_{count + 1}"
    db.execute("INSERT INTO label (account, id, name) VALUES (?, ?, ?)", (account, label, name))
    return label


def _index(db: sqlite3.Connection, account: str, message: str, labels: Iterable[str]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO message_label (account, label, message) VALUES (?, ?, ?)",
        [(account, label, message) for label in labels],
    )


def _joined(labels: frozenset[str]) -> str:
    return " ".join(sorted(labels))


def _record(db: sqlite3.Connection, values: tuple[object, ...]) -> None:
    db.execute("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?, ?)", values)
