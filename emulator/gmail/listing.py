"""Lists of messages and threads, page by page.

A page token holds where the page ended, how many results there were, and a digest of the question: with
another question it is refused. Pages follow (date, id), so that a message that arrives between two pages
moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from emulator.gmail import mailbox, search
from emulator.refusals import Refusal, invalid
from emulator.state import current

if TYPE_CHECKING:
    import sqlite3

    from emulator.wire import Params

_MOST = 500
_OPENING = (
    "https://mail.google.com/",
    "/auth/gmail.modify",
    "/auth/gmail.readonly",
    "/auth/gmail.compose",
    "/auth/gmail.addons.current.message.readonly",
    "/auth/gmail.addons.current.message.action",
    "/auth/gmail.addons.current.action.compose",
)


@dataclass(frozen=True)
class Page:
    """One page of rows, the token of the next one, and an estimate of the whole."""

    rows: list[sqlite3.Row]
    next_token: str | None
    estimate: int


def only_metadata(params: Params) -> bool:
    """Tell whether the token opens headers only: `gmail.metadata`, or an add-on's scope of that kind."""
    return not any(scope.endswith(_OPENING) for scope in params.scopes)


def list_messages(db: sqlite3.Connection, account: str, params: Params) -> Page:
    """Give a page of messages, newest first.

    Raises:
        Refusal: 400 for an unknown label or a page token of another question, 403 for a search that the
            scope does not allow.
    """
    found = _filter(db, account, params)
    source = f"SELECT m.id, m.thread, m.internal_date AS at FROM message m WHERE {found.sql}"  # noqa: S608 -- values are bound
    return _page(db, source, found.values, params, ("m.internal_date", "m.id"))


def list_threads(db: sqlite3.Connection, account: str, params: Params) -> Page:
    """Give a page of the threads that have a matching message, by their latest one.

    Raises:
        Refusal: as `list_messages`.
    """
    found = _filter(db, account, params)
    source = (
        "SELECT * FROM (SELECT m.thread AS id, MAX(m.internal_date) AS at FROM message m"  # noqa: S608 -- values are bound
        f" WHERE {found.sql} GROUP BY m.thread) WHERE 1"
    )
    return _page(db, source, found.values, params, ("at", "id"))


def _filter(db: sqlite3.Connection, account: str, params: Params) -> search.Filter:
    query = params.get("q", "")
    if query and only_metadata(params):
        raise Refusal(403, "forbidden", "Metadata scope does not support 'q' parameter")
    found = search.parse(db, account, query, current().clock.now())
    labels = params.get("labelIds", [])
    known = {*mailbox.SYSTEM_LABELS, *mailbox.user_labels(db, account)}
    for label in labels:
        if label not in known:
            raise invalid(f"Invalid label: {label}")
        found.add(*search.has_label(label))
    shows_hidden = params["includeSpamTrash"] or found.shows_hidden or bool(mailbox.HIDING & set(labels))
    # First in the WHERE clause and equal to the columns of the index that gives the order.
    found.clauses.insert(0, "m.account = ?" if shows_hidden else "m.account = ? AND m.hidden = 0")
    found.values.insert(0, account)
    return found


def _page(db: sqlite3.Connection, source: str, values: list[Any], params: Params, order: tuple[str, str]) -> Page:
    size = min(params["maxResults"], _MOST) or _MOST
    question = _digest(params)
    where, bound = "", list(values)
    token = params.get("pageToken")
    if token:
        at, last, estimate = _open(token, question)
        where = f" AND ({order[0]}, {order[1]}) < (?, ?)"
        bound += [at, last]
    else:
        estimate = int(db.execute(f"SELECT COUNT(*) FROM ({source})", values).fetchone()[0])  # noqa: S608 -- built above
    rows = db.execute(
        f"{source}{where} ORDER BY {order[0]} DESC, {order[1]} DESC LIMIT ?", (*bound, size + 1)
    ).fetchall()
    more = len(rows) > size
    rows = rows[:size]
    following = _close(rows[-1]["at"], rows[-1]["id"], estimate, question) if more else None
    return Page(rows, following, estimate)


def _digest(params: Params) -> str:
    asked = {name: params.get(name) for name in ("q", "labelIds", "includeSpamTrash")}
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()[:12]


def _close(at: int, last: str, estimate: int, question: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([at, last, estimate, question])).decode().rstrip("=")


def _open(token: str, question: str) -> tuple[int, str, int]:
    try:
        at, last, estimate, asked = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid("Invalid pageToken") from error
    if asked != question:
        raise invalid("Invalid pageToken")
    return at, last, estimate
