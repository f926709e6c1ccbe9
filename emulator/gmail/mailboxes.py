"""What is told about a mailbox as a whole: profile, labels, drafts, aliases, and watching it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.gmail import listing, mailbox, resource
from emulator.gmail.blueprint import ROOT, blueprint
from emulator.refusals import Refusal, invalid, not_found
from emulator.state import current
from emulator.wire import Params, method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.wire import Answer

_WATCH_S = 7 * 86_400
_DRAFT = "r"


@method(blueprint, "gmail", "users.getProfile", f"{ROOT}/profile")
def get_profile(account: Account, _: Params) -> Answer:
    """Answer the address, the totals and the current history id."""
    with current().store.read() as db:
        row = db.execute(
            "SELECT COUNT(*) AS messages, COUNT(DISTINCT thread) AS threads FROM message WHERE account = ?",
            (account.sub,),
        ).fetchone()
        number = mailbox.history_id(db, account.sub)
    return {
        "emailAddress": account.email,
        "messagesTotal": row["messages"],
        "threadsTotal": row["threads"],
        "historyId": str(number),
    }


@method(blueprint, "gmail", "users.labels.list", f"{ROOT}/labels")
def list_labels(account: Account, _: Params) -> Answer:
    """Answer all labels, without their counts."""
    with current().store.read() as db:
        made = mailbox.user_labels(db, account.sub)
    system = [{"id": label, "name": label, "type": "system"} for label in mailbox.SYSTEM_LABELS]
    return {"labels": system + [{"id": label, "name": name, "type": "user"} for label, name in made.items()]}


@method(blueprint, "gmail", "users.labels.get", f"{ROOT}/labels/<id>")
def get_label(account: Account, params: Params) -> Answer:
    """Answer one label with its counts."""
    label = params["id"]
    with current().store.read() as db:
        made = mailbox.user_labels(db, account.sub)
        if label not in made and label not in mailbox.SYSTEM_LABELS:
            raise not_found()
        row = db.execute(
            "SELECT COUNT(*) AS messages, COUNT(DISTINCT thread) AS threads,"
            " COALESCE(SUM(unread), 0) AS unread, COUNT(DISTINCT CASE WHEN unread THEN thread END) AS unread_threads"
            " FROM (SELECT m.thread, instr(m.labels, 'UNREAD') > 0 AS unread FROM message_label l"
            " JOIN message m ON m.account = l.account AND m.id = l.message WHERE l.account = ? AND l.label = ?)",
            (account.sub, label),
        ).fetchone()
    return {
        "id": label,
        "name": made.get(label, label),
        "type": "user" if label in made else "system",
        "messagesTotal": row["messages"],
        "messagesUnread": row["unread"],
        "threadsTotal": row["threads"],
        "threadsUnread": row["unread_threads"],
    }


@method(blueprint, "gmail", "users.drafts.list", f"{ROOT}/drafts")
def list_drafts(account: Account, params: Params) -> Answer:
    """Answer a page of drafts."""
    params["labelIds"] = ["DRAFT"]
    with current().store.read() as db:
        page = listing.list_messages(db, account.sub, params)
    answer: dict[str, Any] = {"resultSizeEstimate": page.estimate}
    if page.rows:
        answer["drafts"] = [
            {"id": _draft_id(row), "message": {"id": row["id"], "threadId": row["thread"]}} for row in page.rows
        ]
    if page.next_token:
        answer["nextPageToken"] = page.next_token
    return answer


@method(blueprint, "gmail", "users.drafts.get", f"{ROOT}/drafts/<id>")
def get_draft(account: Account, params: Params) -> Answer:
    """Answer one draft."""
    number = params["id"].removeprefix(_DRAFT)
    if not number.isdigit():
        raise not_found()
    state = current()
    with state.store.read() as db:
        row = mailbox.get(db, account.sub, f"{int(number):016x}")
        if "DRAFT" not in mailbox.labels_of(row):
            raise not_found()
        message = resource.message(db, row, params["format"], None, next(state.numbers))
    return {"id": params["id"], "message": message}


@method(blueprint, "gmail", "users.settings.sendAs.list", f"{ROOT}/settings/sendAs")
def list_send_as(account: Account, _: Params) -> Answer:
    """Answer the addresses this account may send as."""
    own = {
        "sendAsEmail": account.email,
        "displayName": account.name,
        "replyToAddress": "",
        "signature": "",
        "isPrimary": True,
        "isDefault": True,
    }
    with current().store.read() as db:
        rows = db.execute("SELECT * FROM alias WHERE account = ? ORDER BY email", (account.sub,)).fetchall()
    aliases = [
        {
            "sendAsEmail": row["email"],
            "displayName": account.name,
            "replyToAddress": "",
            "signature": "",
            "treatAsAlias": True,
            "isDefault": False,
            "verificationStatus": "accepted" if row["verified"] else "pending",
        }
        for row in rows
    ]
    return {"sendAs": [own, *aliases]}


@method(blueprint, "gmail", "users.watch", f"{ROOT}/watch")
def watch(account: Account, params: Params) -> Answer:
    """Remember until when this mailbox is watched."""
    if not str(params.body.get("topicName", "")).startswith("projects/"):
        raise invalid("Invalid topicName does not match projects/*/topics/*")
    state = current()
    expires_at = state.clock.now() + _WATCH_S
    with state.store.write() as db:
        mailbox.ensure(db, account.sub)
        db.execute("UPDATE mailbox SET watch_expires_at = ? WHERE account = ?", (expires_at, account.sub))
        number = mailbox.history_id(db, account.sub)
    return {"historyId": str(number), "expiration": str(int(expires_at * 1000))}


@method(blueprint, "gmail", "users.stop", f"{ROOT}/stop")
def stop(account: Account, _: Params) -> None:
    """Watch this mailbox no longer."""
    with current().store.write() as db:
        db.execute("UPDATE mailbox SET watch_expires_at = NULL WHERE account = ?", (account.sub,))


def add_alias(account: Account, email: str, *, verified: bool) -> None:
    """Have an account send as another address too.

    Raises:
        Refusal: 400 when it is the account's own.
    """
    if email == account.email:
        raise Refusal(400, "invalidArgument", "This is the account's own address.")
    with current().store.write() as db:
        db.execute("INSERT OR REPLACE INTO alias VALUES (?, ?, ?)", (account.sub, email.lower(), verified))


def _draft_id(row: sqlite3.Row) -> str:
    return f"{_DRAFT}{int(row['id'], 16)}"
