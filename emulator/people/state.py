"""What the address books hold: people as resources, and the counter by which changes are found.

Terms: a *contact* is in a person's own address book; an *other contact* is one that Google collected from mail. The
number of a person is the decimal in `people/c<number>`. Invariants: a deleted person stays as a tombstone; the counter
of an account only grows, and each write takes a value of its own; an etag follows from the change.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emulator import store as _store

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account

_store.register("""
CREATE TABLE IF NOT EXISTS address_book (
    account TEXT PRIMARY KEY, counter INTEGER NOT NULL DEFAULT 0, era INTEGER NOT NULL DEFAULT 0,
    lag_s REAL NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS person (
    account TEXT NOT NULL, number TEXT NOT NULL, resource TEXT NOT NULL, deleted INTEGER NOT NULL,
    other INTEGER NOT NULL,
    change INTEGER NOT NULL, written_at REAL NOT NULL, planted INTEGER NOT NULL, PRIMARY KEY (account, number)
);
CREATE INDEX IF NOT EXISTS person_change ON person (account, change);
""")

Resource = dict[str, Any]
FIELDS = (
    "names", "nicknames", "emailAddresses", "phoneNumbers", "organizations", "addresses", "urls", "birthdays",
    "biographies", "memberships", "userDefined", "relations", "events", "imClients", "photos", "occupations",
    "interests", "skills", "locations", "externalIds", "fileAses", "genders", "miscKeywords", "sipAddresses",
    "calendarUrls", "clientData", "locales", "ageRanges", "coverPhotos",
)  # fmt: skip
SINGLE = frozenset({"names", "biographies", "birthdays", "genders"})


@dataclass(frozen=True)
class Book:
    """An account's address book: its counter, its era (which ends older tokens), how late lists follow writes."""

    account: str
    counter: int
    era: int
    lag_s: float


@dataclass(frozen=True)
class Row:
    """One person as kept: the fields alone, without what follows from the row."""

    number: str
    resource: Resource
    deleted: bool
    other: bool
    change: int
    written_at: float
    planted: bool

    @property
    def name(self) -> str:
        """The resource name."""
        return f"otherContacts/c{self.number}" if self.other else f"people/c{self.number}"

    @property
    def etag(self) -> str:
        """The etag of the person and of its one source."""
        return "%EgU" + hashlib.sha256(f"{self.number}|{self.change}".encode()).hexdigest()[:20]


def open_book(db: sqlite3.Connection, account: Account) -> Book:
    """Give the account's address book, made now if there was none."""
    db.execute("INSERT OR IGNORE INTO address_book (account) VALUES (?)", (account.sub,))
    return read_book(db, account)


def read_book(db: sqlite3.Connection, account: Account) -> Book:
    """Give the account's address book as it is; an account that never wrote has an empty one."""
    row = db.execute("SELECT * FROM address_book WHERE account = ?", (account.sub,)).fetchone()
    if row is None:
        return Book(account.sub, 0, 0, 0.0)
    return Book(row["account"], row["counter"], row["era"], row["lag_s"])


def number_of(*parts: str) -> str:
    """Give the number of a person, following from the parts, in the range that Google uses."""
    return str(int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8]) >> 1 | 1 << 61)


def write(db: sqlite3.Connection, book: Book, number: str, resource: Resource, now: float, **marks: bool) -> Row:
    """Have a person in the book, new or instead of the one of that number; marks: `deleted`, `other`, `planted`."""
    known = find(db, book, number)
    marks = {"other": known.other, "planted": known.planted, **marks} if known is not None else marks
    db.execute("UPDATE address_book SET counter = counter + 1 WHERE account = ?", (book.account,))
    db.execute(
        "INSERT OR REPLACE INTO person (account, number, resource, deleted, other, change, written_at, planted)"
        " SELECT ?, ?, ?, ?, ?, counter, ?, ? FROM address_book WHERE account = ?",
        (
            book.account,
            number,
            json.dumps(with_metadata(number, resource), ensure_ascii=False),
            marks.get("deleted", False),
            marks.get("other", False),
            now,
            marks.get("planted", False),
            book.account,
        ),
    )
    written = find(db, book, number)
    assert written is not None  # noqa: S101 -- written above
    return written


def find(db: sqlite3.Connection, book: Book, number: str) -> Row | None:
    """Give one person, a tombstone too."""
    row = db.execute("SELECT * FROM person WHERE account = ? AND number = ?", (book.account, number)).fetchone()
    return None if row is None else _row(row)


def people_since(
    db: sqlite3.Connection, book: Book, change: int, seen_until: float, *, other: bool = False
) -> list[Row]:
    """Give who was written after a change and not later than a moment, in the order of writing; 0 gives all."""
    rows = db.execute(
        "SELECT * FROM person WHERE account = ? AND change > ? AND written_at <= ? AND other = ? ORDER BY change",
        (book.account, change, seen_until, other),
    )
    return [_row(row) for row in rows]


def shown(row: Row, fields: frozenset[str]) -> Resource:
    """Give a person as the API shows it: the fields that were asked for, tombstones with metadata alone."""
    person: Resource = {"resourceName": row.name, "etag": row.etag}
    if row.deleted or "metadata" in fields:
        person["metadata"] = {"sources": [_source(row)], "objectType": "PERSON"}
        if row.deleted:
            person["metadata"]["deleted"] = True
            return person
    person.update({name: row.resource[name] for name in FIELDS if name in fields and name in row.resource})
    return person


def _source(row: Row) -> Resource:
    updated = datetime.fromtimestamp(row.written_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    kind = "OTHER_CONTACT" if row.other else "CONTACT"
    return {"type": kind, "id": f"{int(row.number):x}", "etag": f"#{row.etag[4:]}", "updateTime": updated}


def with_metadata(number: str, resource: Resource) -> Resource:
    """Give the fields, each value with its source and one of them primary."""
    source = {"type": "CONTACT", "id": f"{int(number):x}"}
    found: Resource = {}
    for name in FIELDS:
        values = [dict(value) for value in resource.get(name) or [] if isinstance(value, dict)]
        if not values:
            continue
        marked = [place for place, value in enumerate(values) if (value.get("metadata") or {}).get("primary")]
        primary = marked[0] if marked else 0
        for place, value in enumerate(values):
            value["metadata"] = {"source": dict(source)}
            if place == primary:
                value["metadata"] = {"primary": True, "sourcePrimary": True, "source": dict(source)}
        found[name] = [_with_display(value) if name == "names" else value for value in values]
    return found


def _with_display(name: Resource) -> Resource:
    parts = [
        name.get(key, "") for key in ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
    ]
    full = name.get("displayName") or name.get("unstructuredName") or " ".join(part for part in parts if part)
    family, given = name.get("familyName"), name.get("givenName")
    last_first = f"{family}, {given}" if family and given else full
    return {"displayName": full, "displayNameLastFirst": last_first, "unstructuredName": full, **name}


def _row(row: sqlite3.Row) -> Row:
    return Row(
        row["number"],
        json.loads(row["resource"]),
        bool(row["deleted"]),
        bool(row["other"]),
        row["change"],
        row["written_at"],
        bool(row["planted"]),
    )
