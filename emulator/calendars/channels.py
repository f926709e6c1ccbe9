"""Channels: how a calendar says that something in it changed.

A channel ends by itself after a week of this Google's time. Messages carry headers only. They are sent to loopback
addresses alone, from a thread of their own, once and without a retry: like Google's they are a hint, not a promise.
"""

from __future__ import annotations

import hashlib
import http.client
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from emulator import store as _store
from emulator.refusals import Refusal

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.state import State

_store.register("""
CREATE TABLE IF NOT EXISTS channel (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, calendar TEXT NOT NULL, address TEXT NOT NULL, token TEXT,
    resource_id TEXT NOT NULL, expires_ms INTEGER NOT NULL, messages INTEGER NOT NULL DEFAULT 1
);
""")

_WEEK_MS = 604_800_000
_LONGEST_ID = 64
_TIMEOUT_S = 5
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def open_channel(state: State, account: Account, calendar_id: str, body: dict[str, Any]) -> dict[str, Any]:
    """Have changes of a calendar told to an address, beginning with a `sync` message.

    Raises:
        Refusal: when the id is taken or missing, or the address is neither https nor loopback.
    """
    channel_id, address = str(body.get("id") or ""), str(body.get("address") or "")
    if not channel_id or len(channel_id) > _LONGEST_ID or body.get("type") != "web_hook":
        raise Refusal(400, "required", "Missing or invalid channel id or type.")
    if not _is_near(address) and not address.startswith("https://"):
        raise Refusal(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address[:80]}")
    now = state.clock.now_ms()
    ttl = (body.get("params") or {}).get("ttl")
    ends = int(body.get("expiration") or (now + int(ttl) * 1000 if ttl else now + _WEEK_MS))
    resource_id = hashlib.sha256(f"{account.sub}|{calendar_id}".encode()).hexdigest()[:26]
    values = (channel_id, account.sub, calendar_id, address, body.get("token"), resource_id, min(ends, now + _WEEK_MS))
    with state.store.write() as db:
        if db.execute("SELECT 1 FROM channel WHERE id = ?", (channel_id,)).fetchone():
            raise Refusal(400, "channelIdNotUnique", f"Channel id {channel_id} not unique")
        db.execute(
            "INSERT INTO channel (id, account, calendar, address, token, resource_id, expires_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        row = db.execute("SELECT * FROM channel WHERE id = ?", (channel_id,)).fetchone()
    _send(row, "sync")
    return {
        "kind": "api#channel",
        "id": channel_id,
        "resourceId": resource_id,
        "resourceUri": _uri(calendar_id),
        **({"token": body["token"]} if body.get("token") else {}),
        "expiration": str(row["expires_ms"]),
    }


def stop(state: State, account: Account, body: dict[str, Any]) -> None:
    """Have a channel closed.

    Raises:
        Refusal: when the account has no such channel.
    """
    with state.store.write() as db:
        ended = db.execute(
            "DELETE FROM channel WHERE id = ? AND resource_id = ? AND account = ?",
            (body.get("id"), body.get("resourceId"), account.sub),
        ).rowcount
    if not ended:
        raise Refusal(404, "notFound", f"Channel '{body.get('id')}' not found for project '1'")


def notify(state: State, account: Account, calendar_id: str | None = None) -> None:
    """Tell every open channel of a calendar (None: of all the account's calendars) that something changed."""
    with state.store.write() as db:
        db.execute(
            "UPDATE channel SET messages = messages + 1 WHERE account = ? AND (? IS NULL OR calendar = ?)",
            (account.sub, calendar_id, calendar_id),
        )
        rows = db.execute(
            "SELECT * FROM channel WHERE account = ? AND (? IS NULL OR calendar = ?) AND expires_ms > ?",
            (account.sub, calendar_id, calendar_id, state.clock.now_ms()),
        ).fetchall()
    for row in rows:
        _send(row, "exists")


def _send(row: sqlite3.Row, resource_state: str) -> None:
    if not _is_near(row["address"]):
        return
    headers = {
        "X-Goog-Channel-ID": row["id"],
        "X-Goog-Message-Number": str(row["messages"]),
        "X-Goog-Resource-ID": row["resource_id"],
        "X-Goog-Resource-State": resource_state,
        "X-Goog-Resource-URI": _uri(row["calendar"]),
        "X-Goog-Channel-Expiration": formatdate(row["expires_ms"] / 1000, usegmt=True),
        "User-Agent": "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google)",
        "Content-Length": "0",
        **({"X-Goog-Channel-Token": row["token"]} if row["token"] else {}),
    }
    threading.Thread(target=_post, args=(row["address"], headers), daemon=True).start()


def _post(address: str, headers: dict[str, str]) -> None:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        connection.request("POST", parts.path or "/", headers=headers)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass  # a receiver that is away learns of the change when it polls
    finally:
        connection.close()


def _is_near(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK


def _uri(calendar_id: str) -> str:
    return f"https://www.googleapis.com/calendar/v3/calendars/{calendar_id}/events?alt=json"
