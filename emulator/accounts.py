"""The people who have an account at this Google.

`sub` is the stable key of an account and of all its rows; the address is what people type. Both follow
from the address alone, so that the same Takeout folder gives the same account every time.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator import store as _store

if TYPE_CHECKING:
    import sqlite3

    from emulator.store import Store

_store.register("""
CREATE TABLE IF NOT EXISTS account (
    sub TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, given_name TEXT NOT NULL, family_name TEXT NOT NULL,
    position INTEGER NOT NULL
);
""")

_CONSUMER_DOMAINS = frozenset({"gmail.com", "googlemail.com"})
_ADDRESS = re.compile(r"[^@\s<>\"',;:()\[\]]+@[^@\s<>\"',;:()\[\]]+")


@dataclass(frozen=True)
class Account:
    """One Google account. `hd` is its Workspace domain, None for a consumer account."""

    sub: str
    email: str
    given_name: str
    family_name: str

    @property
    def name(self) -> str:
        """The full name, as people write it."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def hd(self) -> str | None:
        """The Workspace domain of the account."""
        domain = self.email.rpartition("@")[2]
        return None if domain in _CONSUMER_DOMAINS else domain


def may_be_address(text: str) -> bool:
    """Tell whether an account can have this address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None  # noqa: PLR2004 -- RFC 5321 §4.5.3.1.3


def open_account(store: Store, email: str, name: str | None = None) -> Account:
    """Give the account with this address, made now if there was none."""
    email = email.strip().lower()
    if not may_be_address(email):
        raise ValueError("This is not an e-mail address.")
    found = by_email(store, email)
    if found is not None:
        return found
    with store.write() as db:
        return insert(db, email, name)


def insert(db: sqlite3.Connection, email: str, name: str | None = None) -> Account:
    """Give the account with this address, made now if there was none, within a transaction."""
    email = email.strip().lower()
    given, _, family = (name or _name_from(email)).strip().partition(" ")
    db.execute(
        "INSERT OR IGNORE INTO account (sub, email, given_name, family_name, position)"
        " VALUES (?, ?, ?, ?, (SELECT COUNT(*) FROM account))",
        (_sub(email), email, given, family.strip()),
    )
    return _account(db.execute("SELECT * FROM account WHERE email = ?", (email,)).fetchone())


def by_email(store: Store, email: str) -> Account | None:
    """Give the account with this address, if there is one."""
    with store.read() as db:
        row = db.execute("SELECT * FROM account WHERE email = ?", (email.strip().lower(),)).fetchone()
    return None if row is None else _account(row)


def by_sub(store: Store, sub: str) -> Account | None:
    """Give the account with this stable key, if there is one."""
    with store.read() as db:
        row = db.execute("SELECT * FROM account WHERE sub = ?", (sub,)).fetchone()
    return None if row is None else _account(row)


def list_accounts(store: Store) -> list[Account]:
    """Give all accounts, the owner of the Takeout folder first."""
    with store.read() as db:
        return [_account(row) for row in db.execute("SELECT * FROM account ORDER BY position, sub")]


def owner(store: Store) -> Account:
    """Give the account whose data were loaded."""
    return list_accounts(store)[0]


def _account(row: sqlite3.Row) -> Account:
    return Account(row["sub"], row["email"], row["given_name"], row["family_name"])


def _sub(email: str) -> str:
    digest = int.from_bytes(hashlib.sha256(email.encode()).digest()[:8])
    return f"1{digest:020d}"


def _name_from(email: str) -> str:
    words = re.split(r"[._+\-]+", email.partition("@")[0])
    return " ".join(word.capitalize() for word in words if word) or email
