"""What the calendars hold: rows of calendars and of event resources, and the counter by which changes are found.

Terms: a *calendar* is known by its id, the primary one by its owner's address; a *row* is one event resource, live or
cancelled; the *change* of a row is the value of its calendar's counter when it was last written; the *era* of a
calendar ends all sync tokens made before it. Invariants: a deleted event stays as a cancelled row, so that deltas can
tell of it; the counter of a calendar only grows, and each write takes a value of its own.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b32hexencode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emulator import store as _store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from emulator.accounts import Account

_store.register("""
CREATE TABLE IF NOT EXISTS calendar (
    account TEXT NOT NULL, id TEXT NOT NULL, summary TEXT NOT NULL, time_zone TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0, era INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (account, id)
);
CREATE TABLE IF NOT EXISTS event (
    account TEXT NOT NULL, calendar TEXT NOT NULL, id TEXT NOT NULL, resource TEXT NOT NULL, cancelled INTEGER NOT NULL,
    master TEXT, change INTEGER NOT NULL, planted INTEGER NOT NULL, PRIMARY KEY (account, calendar, id)
);
CREATE INDEX IF NOT EXISTS event_change ON event (account, calendar, change);
CREATE INDEX IF NOT EXISTS event_master ON event (account, calendar, master);
""")

Resource = dict[str, Any]
_ETAG_BASE = 3_500_000_000_000_000


@dataclass(frozen=True)
class Calendar:
    """One calendar of one account (`account` is its owner's `sub`)."""

    account: str
    id: str
    summary: str
    time_zone: str
    is_primary: bool
    counter: int
    era: int


@dataclass(frozen=True)
class Row:
    """One event as it is kept. `resource` has no etag: it follows from `change`."""

    id: str
    resource: Resource
    cancelled: bool
    master: str | None
    change: int
    planted: bool

    @property
    def etag(self) -> str:
        """The etag that Google would show, quotes included."""
        return f'"{_ETAG_BASE + self.change}"'


def timestamp(now: float) -> str:
    """Give a moment in the form of `updated` and `created`."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(now * 1000) % 1000:03d}Z"


def new_id(*parts: str) -> str:
    """Give an id in Google's alphabet that follows from the parts."""
    return b32hexencode(hashlib.sha256("\0".join(parts).encode()).digest()).decode().lower()[:26]


def open_primary(db: sqlite3.Connection, account: Account, time_zone: str = "UTC") -> Calendar:
    """Give an account's own calendar, made now if there was none."""
    return open_calendar(db, account, None, time_zone)


def open_calendar(db: sqlite3.Connection, account: Account, summary: str | None, time_zone: str) -> Calendar:
    """Give the calendar of this name, made now if there was none; None is the primary one."""
    calendar_id = account.email if summary is None else f"{new_id(account.sub, summary)}@group.calendar.google.com"
    db.execute(
        "INSERT OR IGNORE INTO calendar (account, id, summary, time_zone, is_primary) VALUES (?, ?, ?, ?, ?)",
        (account.sub, calendar_id, summary or account.email, time_zone, summary is None),
    )
    found = find_calendar(db, account, calendar_id)
    assert found is not None  # noqa: S101 -- the row was written above and calendars are never removed
    return found


def find_calendar(db: sqlite3.Connection, account: Account, calendar_id: str) -> Calendar | None:
    """Give a calendar by its id or by `primary`."""
    wanted = account.email if calendar_id == "primary" else calendar_id
    row = db.execute("SELECT * FROM calendar WHERE account = ? AND id = ?", (account.sub, wanted)).fetchone()
    return None if row is None else _calendar(row)


def list_calendars(db: sqlite3.Connection, account: Account) -> list[Calendar]:
    """Give all calendars of an account, the primary one first."""
    rows = db.execute("SELECT * FROM calendar WHERE account = ? ORDER BY is_primary DESC, summary", (account.sub,))
    return [_calendar(row) for row in rows]


def write(
    db: sqlite3.Connection, calendar: Calendar, resource: Resource, *, planted: bool = False, keep: bool = True
) -> Row:
    """Put an event in a calendar, new or instead of the one of its id; `keep` leaves a row's planted mark as it was."""
    db.execute(
        "UPDATE calendar SET counter = counter + 1 WHERE account = ? AND id = ?", (calendar.account, calendar.id)
    )
    known = find(db, calendar, resource["id"])
    marked = known.planted if known is not None and keep else planted
    db.execute(
        "INSERT OR REPLACE INTO event (account, calendar, id, resource, cancelled, master, change, planted)"
        " SELECT ?, ?, ?, ?, ?, ?, counter, ? FROM calendar WHERE account = ? AND id = ?",
        (
            calendar.account,
            calendar.id,
            resource["id"],
            json.dumps(resource, ensure_ascii=False),
            resource.get("status") == "cancelled",
            resource.get("recurringEventId"),
            marked,
            calendar.account,
            calendar.id,
        ),
    )
    written = find(db, calendar, resource["id"])
    assert written is not None  # noqa: S101 -- written above
    return written


def find(db: sqlite3.Connection, calendar: Calendar, event_id: str) -> Row | None:
    """Give one row, cancelled ones too."""
    row = db.execute(
        "SELECT * FROM event WHERE account = ? AND calendar = ? AND id = ?", (calendar.account, calendar.id, event_id)
    ).fetchone()
    return None if row is None else _row(row)


def rows_since(db: sqlite3.Connection, calendar: Calendar, change: int) -> Iterator[Row]:
    """Give the rows that were written after a change, one by one in the order of their writing; 0 gives all."""
    rows = db.execute(
        "SELECT * FROM event WHERE account = ? AND calendar = ? AND change > ? ORDER BY change",
        (calendar.account, calendar.id, change),
    )
    # Fetched to the end, for a half-read query would go on in the next block; parsed one by one, as far as needed.
    yield from map(_row, rows.fetchall())


def exceptions(db: sqlite3.Connection, calendar: Calendar, master: str) -> dict[str, Row]:
    """Give the instances of a series that differ from it, by their ids."""
    rows = db.execute(
        "SELECT * FROM event WHERE account = ? AND calendar = ? AND master = ?", (calendar.account, calendar.id, master)
    )
    return {row["id"]: _row(row) for row in rows}


def find_anywhere(db: sqlite3.Connection, account: Account, event_id: str) -> tuple[Calendar, Row] | None:
    """Give an event of any of an account's calendars."""
    for calendar in list_calendars(db, account):
        row = find(db, calendar, event_id)
        if row is not None:
            return calendar, row
    return None


def all_live(db: sqlite3.Connection, account: Account) -> Iterator[tuple[Calendar, Row]]:
    """Give every event of an account that is not deleted."""
    for calendar in list_calendars(db, account):
        for row in rows_since(db, calendar, 0):
            if not row.cancelled:
                yield calendar, row


def void_tokens(db: sqlite3.Connection, account: Account) -> None:
    """End every sync token of an account's calendars, as a change of sharing does."""
    db.execute("UPDATE calendar SET era = era + 1 WHERE account = ?", (account.sub,))


def _calendar(row: sqlite3.Row) -> Calendar:
    return Calendar(
        row["account"], row["id"], row["summary"], row["time_zone"], bool(row["is_primary"]), row["counter"], row["era"]
    )


def _row(row: sqlite3.Row) -> Row:
    return Row(
        row["id"],
        json.loads(row["resource"]),
        bool(row["cancelled"]),
        row["master"],
        row["change"],
        bool(row["planted"]),
    )
