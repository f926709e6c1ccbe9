"""Mailboxes in the mbox format, indexed where they lie.

A message begins after a line that starts with `From ` and ends before the next such line, less one empty
line: exactly as `mailbox.mbox` of Python's library has it, but in one pass over the file in large blocks,
so that 10 GB take minutes and a few megabytes of memory.

Loading has two passes. The *scan* reads the head of every message into a temporary table, and finds out
who owns the mailbox. The *filing* goes through that table in order of time, gives labels and threads, and
writes the messages. Heads that Python's own parser cannot read are counted as unreadable.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from email.utils import getaddresses
from typing import TYPE_CHECKING

from emulator.gmail import headers, intake, mailbox, threading, words
from emulator.gmail.intake import Reading, read_head
from emulator.gmail.mailbox import NewMessage
from emulator.takeout import labels

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.accounts import Account

_BLOCK = 8 * 1024 * 1024
_MARK = b"\nFrom "
_HEAD = 64 * 1024
_TOLD_EVERY = 50_000
_LARGEST_HEAD = 4 * 1024 * 1024
_WORDS = 3  # "From", an address, a date
_ASCTIME_WORDS = 5  # weekday, month, day, time, year; sometimes a zone before the year
_SCRATCH = """
CREATE TEMP TABLE arrival (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source INTEGER NOT NULL, start INTEGER NOT NULL,
    length INTEGER NOT NULL, date_ms INTEGER, rfc_id TEXT NOT NULL, refs TEXT NOT NULL, subject TEXT NOT NULL,
    sender TEXT NOT NULL, address TEXT NOT NULL, recipients TEXT NOT NULL, labels TEXT, thread TEXT
)
"""


@dataclass(frozen=True)
class Slice:
    """Where one message lies: its `From ` line at `mark`, its text from `start` to `stop`."""

    mark: int
    start: int
    stop: int


def slices(path: Path) -> Iterator[Slice]:
    """Give the place of every message of a file, in order."""
    mark: int | None = None
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        for found in _marks(file.fileno()):
            if mark is not None:
                yield _slice(file.fileno(), mark, found)
            mark = found
        if mark is not None:
            yield _slice(file.fileno(), mark, size)


def scan(db: sqlite3.Connection, paths: list[Path]) -> tuple[int, int]:
    """Read the heads of all messages into a temporary table; give how many could be read, and how many not."""
    db.execute("DROP TABLE IF EXISTS temp.arrival")
    db.execute(_SCRATCH)
    read = unreadable = 0
    for path in paths:
        source = db.execute(
            "INSERT INTO source (path, size) VALUES (?, ?)", (str(path.resolve()), path.stat().st_size)
        ).lastrowid
        latest: int | None = None
        with path.open("rb") as file:
            for place in slices(path):
                try:
                    arrival = _arrival(file.fileno(), place, latest)
                except (ValueError, LookupError, TypeError, AttributeError):
                    unreadable += 1
                    continue
                latest = arrival.date_ms
                _note(db, source, place, arrival)
                read += 1
                if read % _TOLD_EVERY == 0:
                    sys.stderr.write(f"{read:,} messages indexed\n")
    return read, unreadable


def likely_owner(db: sqlite3.Connection) -> str | None:
    """Give the address of the most frequent sender; of sent mail, where labels tell which that is."""
    row = db.execute(
        "SELECT address, COUNT(*) AS n FROM temp.arrival WHERE address LIKE '%@%'"
        " GROUP BY address ORDER BY SUM(',' || LOWER(COALESCE(labels, '')) || ',' LIKE '%,sent,%') DESC,"
        " n DESC, address LIMIT 1"
    ).fetchone()
    return None if row is None else str(row["address"])


def name_of(db: sqlite3.Connection, address: str) -> str | None:
    """Give the name under which an address writes most often, None when it never does."""
    row = db.execute(
        "SELECT sender FROM temp.arrival WHERE address = ? GROUP BY sender ORDER BY COUNT(*) DESC, sender LIMIT 1",
        (address,),
    ).fetchone()
    addresses = getaddresses([row["sender"]]) if row else []
    return addresses[0][0].strip() or None if addresses else None


def file_all(db: sqlite3.Connection, account: Account) -> None:
    """Write the scanned messages into an account's mailbox, oldest first, with labels and threads."""
    mailbox.ensure(db, account.sub)
    first = db.execute("SELECT MIN(date_ms) FROM temp.arrival").fetchone()[0] or 0
    number = mailbox.history_id(db, account.sub)
    rows = db.execute("SELECT *, COALESCE(date_ms, ?) AS at FROM temp.arrival ORDER BY at, number", (first,))
    made: dict[str, str] = {}
    for row in rows:
        number = mailbox.following(number)
        _file(db, account, row, number, made)
    # Nothing that happened before the loading can be asked for.
    db.execute("UPDATE mailbox SET history_id = ?, history_floor = ? WHERE account = ?", (number, number, account.sub))
    db.execute("DROP TABLE temp.arrival")


@dataclass(frozen=True, slots=True)
class _Arrival:
    head: bytes
    reading: Reading
    date_ms: int | None
    labels: str | None
    thread: str | None


def _marks(descriptor: int) -> Iterator[int]:
    if os.pread(descriptor, 5, 0) == _MARK[1:]:
        yield 0
    offset, carried = 0, b""
    while True:
        block = os.pread(descriptor, _BLOCK, offset)
        if not block:
            return
        data = carried + block
        base = offset - len(carried)
        at = data.find(_MARK)
        while at >= 0:
            yield base + at + 1
            at = data.find(_MARK, at + 1)
        offset += len(block)
        carried = data[-len(_MARK) + 1 :]


def _slice(descriptor: int, mark: int, end: int) -> Slice:
    line_end, searched = -1, mark
    while line_end < 0 and searched < end:
        piece = os.pread(descriptor, min(512, end - searched), searched)
        found = piece.find(b"\n")
        line_end = searched + found if found >= 0 else -1
        searched += len(piece)
    start = line_end + 1 if line_end >= 0 else end
    # The empty line before the next `From ` line belongs to the format, not to the message.
    trailing = os.pread(descriptor, 2, end - 2) == b"\n\n" and start < end
    return Slice(mark, start, end - 1 if trailing else end)


def _arrival(descriptor: int, place: Slice, latest: int | None) -> _Arrival:
    head = _head(descriptor, place)
    message = headers.parse_head(head)
    reading = read_head(message)
    thread = headers.field(message, "X-GM-THRID")
    date = reading.date_ms
    if date is None or thread:
        # Gmail's own export writes the time of arrival here, which spam cannot forge; others write anything.
        line = os.pread(descriptor, min(place.start - place.mark, 512), place.mark)
        arrived = _from_line_date(line.decode("ascii", "replace"))
        date = date if arrived is None else arrived
    names = headers.field(message, "X-Gmail-Labels") if "X-Gmail-Labels" in message else None
    return _Arrival(
        head=head,
        reading=reading,
        # Without any date of its own, a message is as old as its neighbour in the file.
        date_ms=latest if date is None else date,
        labels=names,
        thread=f"{int(thread):016x}" if thread.isdigit() and int(thread) < 1 << 64 else None,
    )


def _head(descriptor: int, place: Slice) -> bytes:
    size = _HEAD
    while True:
        raw = os.pread(descriptor, min(size, place.stop - place.start), place.start)
        head, body = headers.head_of(raw)
        if body < len(raw) or len(raw) < size or size >= _LARGEST_HEAD:
            return head
        size *= 8


def _note(db: sqlite3.Connection, source: int | None, place: Slice, arrival: _Arrival) -> None:
    reading = arrival.reading
    addresses = getaddresses([reading.sender])
    values = (
        source,
        place.start,
        place.stop - place.start,
        arrival.date_ms,
        reading.rfc_id,
        "\n".join(reading.references),
        reading.subject,
        reading.sender,
        addresses[0][1].lower() if addresses else "",
        reading.recipients,
        arrival.labels,
        arrival.thread,
    )
    ordinal = 0
    while not db.execute(
        "INSERT OR IGNORE INTO temp.arrival (id, source, start, length, date_ms, rfc_id, refs, subject, sender,"
        " address, recipients, labels, thread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (intake.message_id(arrival.head, ordinal), *values),
    ).rowcount:
        ordinal += 1


def _file(db: sqlite3.Connection, account: Account, row: sqlite3.Row, number: int, made: dict[str, str]) -> None:
    references = row["refs"].split("\n") if row["refs"] else []
    thread = row["thread"] or threading.find_thread(db, account.sub, references, row["subject"]) or row["id"]
    threading.join(db, account.sub, thread, row["subject"], references)
    new = NewMessage(
        id=row["id"],
        thread=thread,
        internal_date=row["at"],
        labels=_labels(db, account, row, made),
        source=row["source"],
        start=row["start"],
        length=row["length"],
        rfc_id=row["rfc_id"],
        sender_words=words.key(row["sender"]),
        recipient_words=words.key(row["recipients"]),
        subject_words=words.key(row["subject"]),
    )
    mailbox.insert(db, account.sub, new, number)


def _labels(db: sqlite3.Connection, account: Account, row: sqlite3.Row, made: dict[str, str]) -> frozenset[str]:
    if row["labels"] is None:
        return labels.without_names(by_owner=row["address"] == account.email)
    system, names = labels.sort_names(labels.split_names(row["labels"]))
    for name in names:
        if name not in made:
            made[name] = mailbox.label_named(db, account.sub, name)
    return system | {made[name] for name in names}


def _from_line_date(line: str) -> int | None:
    # From someone@example.com Thu Nov 19 10:00:00 +0000 2026: the words after the address.
    rest = line.split(maxsplit=_WORDS - 1)
    return headers.date_ms(_in_mail_order(rest[2].split())) if len(rest) == _WORDS else None


def _in_mail_order(parts: list[str]) -> str:
    # asctime has "Nov 19 10:00:00 [+0000] 2026"; a Date field has "19 Nov 2026 10:00:00 +0000".
    if len(parts) < _ASCTIME_WORDS:
        return ""
    zone = parts[4] if len(parts) > _ASCTIME_WORDS and parts[4][:1] in "+-" else "+0000"
    return f"{parts[2]} {parts[1]} {parts[-1]} {parts[3]} {zone}"
