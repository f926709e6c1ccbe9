"""Access and refresh tokens: making, finding and ending them. Only their hashes are kept.

At most 100 refresh tokens of one account and client live at a time; the oldest dies first, silently.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator import state as _state
from emulator import store as _store
from emulator.accounts import Account

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from emulator.state import State

_store.register("""
CREATE TABLE IF NOT EXISTS token (
    hash TEXT PRIMARY KEY, kind TEXT NOT NULL, account TEXT NOT NULL, client_id TEXT NOT NULL,
    scopes TEXT NOT NULL, issued_at REAL NOT NULL, expires_at REAL, used_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS token_account ON token (account, kind, issued_at);
""")

ACCESS_LIFETIME_S = 3599
_LIVE_REFRESH_TOKENS = 100
_UNUSED_LIFETIME_S = 183 * 86_400
_BEARER = "bearer "


@dataclass(frozen=True)
class Bearer:
    """Who an access token speaks for, and what it may do."""

    account: Account
    scopes: frozenset[str]
    client_id: str


@dataclass(frozen=True)
class Granted:
    """What a token is made for."""

    account: str
    client_id: str
    scopes: tuple[str, ...]


def hash_of(token: str) -> str:
    """Give the form in which a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def issue_access(state: State, db: sqlite3.Connection, granted: Granted, ttl_s: float = ACCESS_LIFETIME_S) -> str:
    """Make an access token that lives for so long."""
    now = state.clock.now()
    token = "ya29." + secrets.token_urlsafe(96)
    _insert(db, token, "access", granted, (now, now + ttl_s))
    return token


def issue_refresh(state: State, db: sqlite3.Connection, granted: Granted, ttl_s: float | None = None) -> str:
    """Make a refresh token, and end the oldest one when there are more than Google lets live."""
    token, now = "1//" + secrets.token_urlsafe(64), state.clock.now()
    _insert(db, token, "refresh", granted, (now, None if ttl_s is None else now + ttl_s))
    surplus = db.execute(
        "SELECT hash FROM token WHERE account = ? AND kind = 'refresh' AND client_id = ?"
        " ORDER BY issued_at DESC, rowid DESC LIMIT -1 OFFSET ?",
        (granted.account, granted.client_id, _LIVE_REFRESH_TOKENS),
    ).fetchall()
    for row in surplus:
        db.execute("DELETE FROM token WHERE hash = ?", (row["hash"],))
    return token


def find(db: sqlite3.Connection, token: str, now: float) -> sqlite3.Row | None:
    """Give the row of a live token."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM token WHERE hash = ? AND (expires_at IS NULL OR expires_at > ?) AND used_at > ?",
        (hash_of(token), now, now - _UNUSED_LIFETIME_S),
    ).fetchone()
    return row


def mark_used(db: sqlite3.Connection, token: str, now: float) -> None:
    """Remember that a refresh token was used: six months without use end it."""
    db.execute("UPDATE token SET used_at = ? WHERE hash = ?", (now, hash_of(token)))


def end_all(db: sqlite3.Connection, account: str) -> int:
    """End every token of an account, of all the project's clients, and give their number."""
    return db.execute("DELETE FROM token WHERE account = ?", (account,)).rowcount


def bearer(state: State, authorization: str | None) -> Bearer | None:
    """Give whom an Authorization header speaks for, None when it holds no live access token."""
    if authorization is None or authorization[: len(_BEARER)].lower() != _BEARER:
        return None
    with state.store.read() as db:
        row = db.execute(
            "SELECT a.*, t.scopes, t.client_id FROM token t JOIN account a ON a.sub = t.account"
            " WHERE t.hash = ? AND t.kind = 'access' AND t.expires_at > ?",
            (hash_of(authorization[len(_BEARER) :].strip()), state.clock.now()),
        ).fetchone()
    if row is None:
        return None
    account = Account(row["sub"], row["email"], row["given_name"], row["family_name"])
    return Bearer(account, frozenset(row["scopes"].split()), row["client_id"])


def live_tokens(state: State, account: str | None) -> dict[str, int]:
    """Count the tokens that Google would still accept, of one account (`sub`) or of all."""
    with state.store.read() as db:
        rows = db.execute(
            "SELECT kind, COUNT(*) AS n FROM token WHERE (expires_at IS NULL OR expires_at > ?)"
            " AND (? IS NULL OR account = ?) GROUP BY kind",
            (state.clock.now(), account, account),
        ).fetchall()
    counts = {row["kind"]: int(row["n"]) for row in rows}
    return {"refresh": counts.get("refresh", 0), "access": counts.get("access", 0)}


def access_token_for(account: Account, scopes: Iterable[str], ttl_s: int = ACCESS_LIFETIME_S) -> str:
    """Make an access token without a consent, as Google does for the add-on it is host to."""
    state = _state.current()
    client = state.config.addon_client_id or state.config.client_id
    with state.store.write() as db:
        return issue_access(state, db, Granted(account.sub, client, tuple(scopes)), ttl_s)


def sign(claims: dict[str, Any]) -> str:
    """Give a JWT signed with this Google's key: a system or user ID token for the add-on's endpoint."""
    return _state.current().keys.sign(claims)


def _insert(db: sqlite3.Connection, token: str, kind: str, granted: Granted, life: tuple[float, float | None]) -> None:
    scopes = " ".join(granted.scopes)
    db.execute(
        "INSERT INTO token (hash, kind, account, client_id, scopes, issued_at, expires_at, used_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (hash_of(token), kind, granted.account, granted.client_id, scopes, *life, life[0]),
    )
