"""users.messages: list, get, attachments, and everything that changes a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.gmail import content, headers, intake, listing, mailbox, payload, resource
from emulator.gmail.blueprint import ROOT, blueprint
from emulator.refusals import Refusal, invalid
from emulator.state import current
from emulator.wire import Params, method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.wire import Answer

_PATH = f"{ROOT}/messages"
_UNSETTABLE = frozenset({"SENT", "DRAFT"})
_BATCH_LIMIT = 1000


@method(blueprint, "gmail", "users.messages.list", _PATH)
def list_messages(account: Account, params: Params) -> Answer:
    """Answer a page of ids."""
    with current().store.read() as db:
        page = listing.list_messages(db, account.sub, params)
    answer: dict[str, Any] = {"resultSizeEstimate": page.estimate}
    if page.rows:
        answer["messages"] = [{"id": row["id"], "threadId": row["thread"]} for row in page.rows]
    if page.next_token:
        answer["nextPageToken"] = page.next_token
    return answer


@method(blueprint, "gmail", "users.messages.get", f"{_PATH}/<id>")
def get_message(account: Account, params: Params) -> Answer:
    """Answer one message."""
    check_format(params)
    state = current()
    with state.store.read() as db:
        row = mailbox.get(db, account.sub, params["id"])
        wanted = params.get("metadataHeaders")
        return resource.message(db, row, params["format"], wanted, next(state.numbers))


@method(blueprint, "gmail", "users.messages.attachments.get", f"{_PATH}/<messageId>/attachments/<id>")
def get_attachment(account: Account, params: Params) -> Answer:
    """Answer the content of one part."""
    with current().store.read() as db:
        raw = content.read(db, mailbox.get(db, account.sub, params["messageId"]))
    part = payload.part_named(params["id"], params["messageId"])
    data = payload.bytes_of(headers.parse(raw), part)
    return {"size": len(data), "data": payload.encoded(data)}


@method(blueprint, "gmail", "users.messages.modify", f"{_PATH}/<id>/modify")
def modify(account: Account, params: Params) -> Answer:
    """Change the labels of a message."""
    return _change(account, params["id"], label_change(account, params))


@method(blueprint, "gmail", "users.messages.batchModify", f"{_PATH}/batchModify")
def batch_modify(account: Account, params: Params) -> None:
    """Change the labels of many messages; ids that are gone are overlooked."""
    ids = params.body.get("ids", [])
    if len(ids) > _BATCH_LIMIT:
        raise invalid("Too many message ids.")
    change, state = label_change(account, params), current()
    with state.store.write() as db:
        for message in ids:
            row = db.execute("SELECT * FROM message WHERE account = ? AND id = ?", (account.sub, message)).fetchone()
            if row is not None:
                mailbox.change_labels(db, row, change, state.clock.now())


@method(blueprint, "gmail", "users.messages.trash", f"{_PATH}/<id>/trash")
def trash(account: Account, params: Params) -> Answer:
    """Put a message into the trash."""
    return _change(account, params["id"], ({"TRASH"}, {"INBOX"}))


@method(blueprint, "gmail", "users.messages.untrash", f"{_PATH}/<id>/untrash")
def untrash(account: Account, params: Params) -> Answer:
    """Take a message out of the trash."""
    return _change(account, params["id"], (set(), {"TRASH"}))


@method(blueprint, "gmail", "users.messages.delete", f"{_PATH}/<id>")
def delete(account: Account, params: Params) -> None:
    """Delete a message for good."""
    state = current()
    with state.store.write() as db:
        mailbox.delete(db, mailbox.get(db, account.sub, params["id"]), state.clock.now())


@method(blueprint, "gmail", "users.messages.insert", _PATH)
def insert(account: Account, params: Params) -> Answer:
    """Put a message into the mailbox as it is."""
    return _take_in(account, params, frozenset(params.body.get("labelIds", ())))


@method(blueprint, "gmail", "users.messages.import", f"{_PATH}/import")
def import_message(account: Account, params: Params) -> Answer:
    """Put a message into the mailbox as if it had been received."""
    return _take_in(account, params, frozenset(params.body.get("labelIds", ("INBOX", "UNREAD"))))


@method(blueprint, "gmail", "users.messages.send", f"{_PATH}/send")
def send(account: Account, params: Params) -> Answer:
    """Send a message: it is filed under SENT, and arrives with the accounts of this emulator."""
    raw = intake.completed(intake.raw_of(params.body), account.email, current().clock.now())
    state = current()
    with state.store.write() as db:
        sent = intake.take_in(db, account.sub, raw, intake.Filing(labels=frozenset({"SENT"}), thread=_thread(params)))
        for other in intake.local_recipients(db, raw, account.sub):
            intake.take_in(db, other, raw, intake.Filing(labels=frozenset({"INBOX", "UNREAD"})))
        return _brief(mailbox.get(db, account.sub, sent))


def check_format(params: Params) -> None:
    """Refuse what the scope `gmail.metadata` does not open.

    Raises:
        Refusal: 403 for the formats full and raw.
    """
    form = params.get("format", "full")
    if form in {"full", "raw"} and listing.only_metadata(params):
        raise Refusal(403, "forbidden", f"Metadata scope doesn't allow format {form.upper()}")


def label_change(account: Account, params: Params) -> tuple[frozenset[str], frozenset[str]]:
    """Give the labels to add and to remove from the body of a call.

    Raises:
        Refusal: 400 when a label does not exist or cannot be set by hand.
    """
    added = frozenset(params.body.get("addLabelIds", ()))
    removed = frozenset(params.body.get("removeLabelIds", ()))
    with current().store.read() as db:
        known = {*mailbox.SYSTEM_LABELS, *mailbox.user_labels(db, account.sub)}
    for label in sorted(added | removed):
        if label not in known or label in _UNSETTABLE:
            raise invalid(f"Invalid label: {label}")
    return added, removed


def _change(account: Account, message: str, change: tuple[Any, Any]) -> Answer:
    state = current()
    with state.store.write() as db:
        row = mailbox.get(db, account.sub, message)
        mailbox.change_labels(db, row, change, state.clock.now())
        return _brief(mailbox.get(db, account.sub, message))


def _take_in(account: Account, params: Params, labels: frozenset[str]) -> Answer:
    raw = intake.raw_of(params.body)
    by_date = params.get("internalDateSource") == "dateHeader"
    with current().store.write() as db:
        filing = intake.Filing(labels=labels, thread=_thread(params), by_date_header=by_date)
        return _brief(mailbox.get(db, account.sub, intake.take_in(db, account.sub, raw, filing)))


def _thread(params: Params) -> str | None:
    thread = params.body.get("threadId")
    return str(thread) if thread else None


def _brief(row: sqlite3.Row) -> dict[str, Any]:
    return {"id": row["id"], "threadId": row["thread"], "labelIds": resource.ordered(mailbox.labels_of(row))}
