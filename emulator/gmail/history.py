"""users.history.list: what changed since a history id.

A record is kept for a week of the emulator's clock. A start before the floor, or before a record that is
no longer kept, is answered 404: the client has to list everything again.
"""

from __future__ import annotations

import base64
import binascii
import itertools
from typing import TYPE_CHECKING, Any

import orjson

from emulator.gmail import mailbox
from emulator.gmail.blueprint import ROOT, blueprint
from emulator.gmail.resource import ordered
from emulator.refusals import invalid, not_found
from emulator.state import current
from emulator.wire import Params, method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.wire import Answer

KEPT_S = 7 * 86_400
_MOST = 500
_ROWS_A_CHANGE = 2  # labels added, labels removed
_KEYS = {
    "messageAdded": "messagesAdded",
    "messageDeleted": "messagesDeleted",
    "labelAdded": "labelsAdded",
    "labelRemoved": "labelsRemoved",
}


@method(blueprint, "gmail", "users.history.list", f"{ROOT}/history")
def list_history(account: Account, params: Params) -> Answer:
    """Answer a page of changes, oldest first."""
    start = _number(params)
    size = min(params["maxResults"], _MOST) or _MOST
    with current().store.read() as db:
        mailbox_id = mailbox.history_id(db, account.sub)
        _check_start(db, account.sub, start, mailbox_id)
        after = _opened(params.get("pageToken"), start)
        page = _records(db, account.sub, after, params, size + 1)
    answer: dict[str, Any] = {"historyId": str(mailbox_id)}
    if page:
        answer["history"] = [record for _, record in page[:size]]
    if len(page) > size:
        answer["nextPageToken"] = _token(page[size - 1][0], start)
    return answer


def expire(db: sqlite3.Connection, account: str) -> None:
    """Have every history id that was given out until now be too old."""
    number = mailbox.bump(db, account)
    db.execute("UPDATE mailbox SET history_floor = ? WHERE account = ?", (number, account))


def _check_start(db: sqlite3.Connection, account: str, start: int, mailbox_id: int) -> None:
    row = db.execute("SELECT history_floor FROM mailbox WHERE account = ?", (account,)).fetchone()
    floor = mailbox_id if row is None else row["history_floor"]
    lost = db.execute(
        "SELECT 1 FROM history WHERE account = ? AND id > ? AND at < ? LIMIT 1",
        (account, start, current().clock.now() - KEPT_S),
    ).fetchone()
    if start < floor or start > mailbox_id or lost is not None:
        raise not_found()


def _records(
    db: sqlite3.Connection, account: str, after: int, params: Params, most: int
) -> list[tuple[int, dict[str, Any]]]:
    kinds = params.get("historyTypes") or list(_KEYS)
    marks = ",".join("?" * len(kinds))
    sql = f"SELECT * FROM history WHERE account = ? AND id > ? AND kind IN ({marks})"  # noqa: S608 -- only question marks
    values: list[Any] = [account, after, *kinds]
    label = params.get("labelId")
    if label:
        # Changes of the label itself, and of messages that carry it.
        sql += (
            " AND (instr(' ' || labels || ' ', ' ' || ? || ' ') > 0 OR EXISTS (SELECT 1 FROM message_label l"
            " WHERE l.account = history.account AND l.label = ? AND l.message = history.message))"
        )
        values += [label, label]
    rows = db.execute(f"{sql} ORDER BY id, kind LIMIT ?", (*values, most * _ROWS_A_CHANGE)).fetchall()
    grouped = itertools.groupby(rows, key=lambda row: int(row["id"]))
    return [(number, _record(number, list(group))) for number, group in itertools.islice(grouped, most)]


def _record(number: int, rows: list[sqlite3.Row]) -> dict[str, Any]:
    record: dict[str, Any] = {"id": str(number)}
    touched = dict.fromkeys((row["message"], row["thread"]) for row in rows)
    record["messages"] = [{"id": message, "threadId": thread} for message, thread in touched]
    for row in rows:
        labels = ordered(frozenset(row["labels"].split()))
        message: dict[str, Any] = {"id": row["message"], "threadId": row["thread"]}
        entry: dict[str, Any] = {"message": message}
        if row["kind"].startswith("label"):
            entry["labelIds"] = labels
        else:
            message["labelIds"] = labels
        record.setdefault(_KEYS[row["kind"]], []).append(entry)
    return record


def _number(params: Params) -> int:
    start = params.get("startHistoryId")
    if start is None:
        raise invalid("Missing required parameter: startHistoryId")
    if not start.isdigit():
        raise invalid(f"Invalid value at 'start_history_id' (TYPE_UINT64), \"{start}\"")
    return int(start)


def _token(last: int, start: int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([last, start])).decode().rstrip("=")


def _opened(token: str | None, start: int) -> int:
    if not token:
        return start
    try:
        last, asked = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, TypeError) as error:
        raise invalid("Invalid pageToken") from error
    if asked != start:
        raise invalid("Invalid pageToken")
    return int(last)
