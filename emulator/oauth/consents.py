"""What each account allowed the project, and the one-time codes made from it.

A consent only grows: leaving a box unticked later does not take back what was given before; revoking does.
`offline` says whether a refresh token was made from it already, for Google gives one only the first time.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from emulator import store as _store
from emulator.oauth import tokens

if TYPE_CHECKING:
    import sqlite3

    from emulator.state import State

_store.register("""
CREATE TABLE IF NOT EXISTS consent (account TEXT PRIMARY KEY, scopes TEXT NOT NULL, offline TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS code (hash TEXT PRIMARY KEY, expires_at REAL NOT NULL, grant_json TEXT NOT NULL);
""")

_CODE_LIFETIME_S = 600


@dataclass(frozen=True)
class Code:
    """What a one-time code stands for. `offline` asks for a refresh token, `again` even if one was given."""

    account: str
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    nonce: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"
    offline: bool = False
    again: bool = False


def granted(db: sqlite3.Connection, account: str) -> frozenset[str]:
    """Give the scopes that an account allowed so far."""
    row = db.execute("SELECT scopes FROM consent WHERE account = ?", (account,)).fetchone()
    return frozenset() if row is None else frozenset(row["scopes"].split())


def allow(db: sqlite3.Connection, account: str, scopes: frozenset[str]) -> frozenset[str]:
    """Add scopes to what an account allows, and give all it allows now."""
    everything = granted(db, account) | scopes
    db.execute(
        "INSERT INTO consent (account, scopes, offline) VALUES (?, ?, '')"
        " ON CONFLICT (account) DO UPDATE SET scopes = excluded.scopes",
        (account, " ".join(sorted(everything))),
    )
    return everything


def may_give_refresh_token(db: sqlite3.Connection, code: Code) -> bool:
    """Tell whether this code brings a refresh token, and remember that it did."""
    row = db.execute("SELECT offline FROM consent WHERE account = ?", (code.account,)).fetchone()
    clients = set() if row is None else set(row["offline"].split())
    if not code.offline or (code.client_id in clients and not code.again):
        return False
    clients.add(code.client_id)
    db.execute("UPDATE consent SET offline = ? WHERE account = ?", (" ".join(sorted(clients)), code.account))
    return True


def end(db: sqlite3.Connection, account: str) -> int:
    """End an account's consent with all tokens made from it, and give the number of those."""
    db.execute("DELETE FROM consent WHERE account = ?", (account,))
    return tokens.end_all(db, account)


def make_code(state: State, db: sqlite3.Connection, code: Code) -> str:
    """Give a one-time code, good for ten minutes."""
    text = "4/0A" + secrets.token_urlsafe(48)
    db.execute("DELETE FROM code WHERE expires_at < ?", (state.clock.now(),))
    db.execute(
        "INSERT INTO code (hash, expires_at, grant_json) VALUES (?, ?, ?)",
        (tokens.hash_of(text), state.clock.now() + _CODE_LIFETIME_S, json.dumps(asdict(code))),
    )
    return text


def use_code(state: State, db: sqlite3.Connection, text: str) -> Code | None:
    """Give what a code stands for and use it up; None when it is unknown, used or too old."""
    row = db.execute(
        "DELETE FROM code WHERE hash = ? RETURNING expires_at, grant_json", (tokens.hash_of(text),)
    ).fetchone()
    if row is None or row["expires_at"] <= state.clock.now():
        return None
    values = json.loads(row["grant_json"])
    values["scopes"] = tuple(values["scopes"])
    return Code(**values)
