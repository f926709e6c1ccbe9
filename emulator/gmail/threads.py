"""users.threads: list, get, modify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.gmail import content, listing, mailbox, resource
from emulator.gmail.blueprint import ROOT, blueprint
from emulator.gmail.messages import check_format, label_change
from emulator.gmail.snippet import LOOKED_AT, snippet
from emulator.refusals import not_found
from emulator.state import current
from emulator.wire import Params, method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.wire import Answer

_PATH = f"{ROOT}/threads"


@method(blueprint, "gmail", "users.threads.list", _PATH)
def list_threads(account: Account, params: Params) -> Answer:
    """Answer a page of threads, those with the latest matching message first."""
    with current().store.read() as db:
        page = listing.list_threads(db, account.sub, params)
        threads = [_brief(db, account.sub, row["id"]) for row in page.rows]
    answer: dict[str, Any] = {"resultSizeEstimate": page.estimate}
    if threads:
        answer["threads"] = threads
    if page.next_token:
        answer["nextPageToken"] = page.next_token
    return answer


@method(blueprint, "gmail", "users.threads.get", f"{_PATH}/<id>")
def get_thread(account: Account, params: Params) -> Answer:
    """Answer a thread with all its messages, oldest first."""
    check_format(params)
    state = current()
    with state.store.read() as db:
        rows = _rows(db, account.sub, params["id"])
        wanted = params.get("metadataHeaders")
        messages = [resource.message(db, row, params["format"], wanted, next(state.numbers)) for row in rows]
    newest = max(int(message["historyId"]) for message in messages)
    return {"id": params["id"], "historyId": str(newest), "messages": messages}


@method(blueprint, "gmail", "users.threads.modify", f"{_PATH}/<id>/modify")
def modify(account: Account, params: Params) -> Answer:
    """Change the labels of every message of a thread."""
    change, state = label_change(account, params), current()
    with state.store.write() as db:
        for row in _rows(db, account.sub, params["id"]):
            mailbox.change_labels(db, row, change, state.clock.now())
        rows = _rows(db, account.sub, params["id"])
    messages = [
        {"id": row["id"], "threadId": row["thread"], "labelIds": resource.ordered(mailbox.labels_of(row))}
        for row in rows
    ]
    return {"id": params["id"], "messages": messages}


def _rows(db: sqlite3.Connection, account: str, thread: str) -> list[sqlite3.Row]:
    rows = db.execute(
        "SELECT * FROM message WHERE account = ? AND thread = ? ORDER BY internal_date, id", (account, thread)
    ).fetchall()
    if not rows:
        raise not_found()
    return rows


def _brief(db: sqlite3.Connection, account: str, thread: str) -> dict[str, Any]:
    rows = _rows(db, account, thread)
    return {
        "id": thread,
        "snippet": snippet(content.read(db, rows[-1], LOOKED_AT)),
        "historyId": str(max(row["history_id"] for row in rows)),
    }
