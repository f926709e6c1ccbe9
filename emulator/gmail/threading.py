"""Which thread a new message belongs to.

A message joins a thread when it and the thread share a message id (its own, or one in References or
In-Reply-To), the subject is the same but for `Re:` and `Fwd:`, and the thread has fewer than 100
messages. Otherwise it starts a thread of its own, named by its own id.

Source: Gmail's behaviour since 2019, as its help pages and the API's guide to threads describe it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from emulator import store as _store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_store.register("""
CREATE TABLE IF NOT EXISTS thread (
    number INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL, subject TEXT NOT NULL,
    messages INTEGER NOT NULL, UNIQUE (account, id)
);
CREATE TABLE IF NOT EXISTS thread_reference (
    account TEXT NOT NULL, reference INTEGER NOT NULL, thread TEXT NOT NULL,
    PRIMARY KEY (account, reference, thread)
) WITHOUT ROWID;
""")

LARGEST = 100
_REFERENCES_USED = 100
_PREFIX = re.compile(r"^\s*(?:(?:re|fwd?|aw|wg|sv|vs|antw|tr|rv|res|enc)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def subject_key(subject: str) -> str:
    """Give a subject without reply and forward marks, to compare it."""
    return _SPACE.sub(" ", _PREFIX.sub("", subject)).strip().casefold()


def find_thread(db: sqlite3.Connection, account: str, references: Iterable[str], subject: str) -> str | None:
    """Give the thread that a message with these ids and this subject joins, the newest if several."""
    numbers = _numbers(references)
    if not numbers:
        return None
    marks = ",".join("?" * len(numbers))
    row = db.execute(
        "SELECT t.id FROM thread_reference r JOIN thread t ON t.account = r.account AND t.id = r.thread"  # noqa: S608 -- only question marks are put in
        f" WHERE r.account = ? AND r.reference IN ({marks}) AND t.subject = ? AND t.messages BETWEEN 1 AND ?"
        " ORDER BY t.number DESC LIMIT 1",
        (account, *numbers, subject_key(subject), LARGEST - 1),
    ).fetchone()
    return None if row is None else str(row["id"])


def join(db: sqlite3.Connection, account: str, thread: str, subject: str, references: Iterable[str]) -> None:
    """Count a message in a thread, made now if need be, and remember the ids that lead to it."""
    db.execute(
        "INSERT INTO thread (account, id, subject, messages) VALUES (?, ?, ?, 1)"
        " ON CONFLICT (account, id) DO UPDATE SET messages = messages + 1",
        (account, thread, subject_key(subject)),
    )
    db.executemany(
        "INSERT OR IGNORE INTO thread_reference (account, reference, thread) VALUES (?, ?, ?)",
        [(account, number, thread) for number in _numbers(references)],
    )


def _numbers(references: Iterable[str]) -> list[int]:
    # The first and the latest ids say most; a hostile header may hold thousands.
    kept = list(dict.fromkeys(references))
    if len(kept) > _REFERENCES_USED:
        kept = kept[:1] + kept[1 - _REFERENCES_USED :]
    digests = (hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest() for text in kept)
    return [int.from_bytes(digest, signed=True) for digest in digests]
