"""The way in for whoever plays the weather and the user's other devices; never a path of Google's.

Loopback only, JSON only. `account` is an address, and the owner's when it is left out.

| call | does |
|---|---|
| `GET /_control/counts` | what was loaded, could not be read, was planted |
| `POST /_control/clock {offset_s}` | moves this Google's time |
| `POST /_control/faults {method, fault, count?, skip?, account?, target?, …}` | plans a fault with options |
| `GET`, `DELETE /_control/faults` | what was planned and not met yet; drops it |
| `GET /_control/requests?limit=` , `DELETE` | the request log; forgets it |
| `POST /_control/messages {account?, raw, labels?, thread_id?, planted?, by_date_header?}` | a message arrives |
| `PATCH /_control/messages/<id> {account?, add?, remove?}` | labels change |
| `DELETE /_control/messages/<id>?account=` | a message is deleted for good |
| `POST /_control/history/expire {account?}` | all history ids given out are too old from now on |
| `POST /_control/aliases {account?, email, verified?}` | one more address to send as |
| `POST /_control/revoke {account?}` | the user takes back everything, in the account's settings |
| `POST /_control/keys/rotate` | a new signing key |
| `GET /_control/tokens?account=` | how many tokens still work |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from emulator import accounts, census, faults
from emulator.faults import Fault
from emulator.gmail import history, intake, mailbox, mailboxes, resource
from emulator.oauth import consents, tokens
from emulator.refusals import Refusal, invalid
from emulator.state import current
from emulator.wire import json_answer, render

if TYPE_CHECKING:
    from emulator.accounts import Account

blueprint = Blueprint("control", __name__, url_prefix="/_control")

_FAULT_KEYS = frozenset({"method", "fault", "count", "skip", "account", "target"})


@blueprint.errorhandler(Refusal)
def refuse(refusal: Refusal) -> Response:
    """Answer what was asked wrongly in Gmail's style."""
    return render(refusal, "gmail")


@blueprint.get("/counts")
def get_counts() -> Response:
    """Answer the census."""
    return json_answer(census.take(current()))


@blueprint.get("/clock")
def get_clock() -> Response:
    """Answer this Google's time."""
    clock = current().clock
    return json_answer({"offset_s": clock.offset_s, "now": clock.now()})


@blueprint.post("/clock")
def set_clock() -> Response:
    """Move this Google's time."""
    offset = _body().get("offset_s")
    if not isinstance(offset, int | float):
        raise invalid("offset_s must be a number of seconds.")
    current().clock.move_to(offset)
    return get_clock()


@blueprint.post("/faults")
def plan_fault() -> Response:
    """Plan a fault."""
    body = _body()
    method, name = str(body.get("method", "")), str(body.get("fault", ""))
    if not faults.is_known(name, method):
        raise invalid(f"There is no fault {name} for {method}.")
    current().faults.plan(
        Fault(
            method=method,
            name=name,
            left=int(body.get("count", 1)),
            skip=int(body.get("skip", 0)),
            account=body.get("account"),
            target=body.get("target"),
            options={key: value for key, value in body.items() if key not in _FAULT_KEYS},
        )
    )
    return get_faults()


@blueprint.get("/faults")
def get_faults() -> Response:
    """Answer the faults that were planned and not met yet."""
    return json_answer({"unused": current().faults.unused()})


@blueprint.delete("/faults")
def drop_faults() -> Response:
    """Drop the faults that were not met."""
    current().faults.clear()
    return get_faults()


@blueprint.get("/requests")
def get_requests() -> Response:
    """Answer the requests, or the latest of them, with totals and sums by method."""
    journal = current().journal
    limit = request.args.get("limit", type=int)
    return json_answer({"requests": journal.entries(limit), **journal.summary()})


@blueprint.delete("/requests")
def forget_requests() -> Response:
    """Forget the requests so far."""
    current().journal.clear()
    return Response(status=204)


@blueprint.post("/messages")
def add_message() -> Response:
    """Have a message arrive."""
    body = _body()
    account = _account(body.get("account"))
    filing = intake.Filing(
        labels=frozenset(body.get("labels", ("INBOX", "UNREAD"))),
        thread=body.get("thread_id"),
        by_date_header=bool(body.get("by_date_header", False)),
        planted=bool(body.get("planted", False)),
    )
    raw = intake.raw_of(body)
    with current().store.write() as db:
        _check_labels(mailbox.user_labels(db, account.sub), filing.labels)
        message = intake.take_in(db, account.sub, raw, filing)
        row = mailbox.get(db, account.sub, message)
        return json_answer({"id": message, "threadId": row["thread"], "historyId": str(row["history_id"])})


@blueprint.patch("/messages/<message>")
def change_message(message: str) -> Response:
    """Change the labels of a message."""
    body = _body()
    account, state = _account(body.get("account")), current()
    added, removed = frozenset(body.get("add", ())), frozenset(body.get("remove", ()))
    with state.store.write() as db:
        _check_labels(mailbox.user_labels(db, account.sub), added)
        row = mailbox.get(db, account.sub, message)
        labels = mailbox.change_labels(db, row, (added, removed), state.clock.now())
    return json_answer({"id": message, "labelIds": resource.ordered(labels)})


@blueprint.delete("/messages/<message>")
def delete_message(message: str) -> Response:
    """Delete a message for good."""
    account, state = _account(request.args.get("account")), current()
    with state.store.write() as db:
        mailbox.delete(db, mailbox.get(db, account.sub, message), state.clock.now())
    return Response(status=204)


@blueprint.post("/history/expire")
def expire_history() -> Response:
    """Have all history ids of an account be too old."""
    account = _account(_body().get("account"))
    with current().store.write() as db:
        history.expire(db, account.sub)
        number = mailbox.history_id(db, account.sub)
    return json_answer({"historyId": str(number)})


@blueprint.post("/aliases")
def add_alias() -> Response:
    """Have an account send as one more address."""
    body = _body()
    mailboxes.add_alias(_account(body.get("account")), str(body["email"]), verified=bool(body.get("verified", True)))
    return Response(status=204)


@blueprint.post("/revoke")
def revoke() -> Response:
    """Take back all that an account gave, as its owner can in the account's settings."""
    account = _account(_body().get("account"))
    with current().store.write() as db:
        return json_answer({"ended": consents.end(db, account.sub)})


@blueprint.post("/keys/rotate")
def rotate_keys() -> Response:
    """Sign with a new key."""
    return json_answer({"kid": current().keys.rotate()})


@blueprint.get("/tokens")
def get_tokens() -> Response:
    """Answer how many tokens still work, of one account or of all."""
    address = request.args.get("account")
    return json_answer(tokens.live_tokens(current(), _account(address).sub if address else None))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise invalid("Send a JSON object.")
    return body


def _account(address: object) -> Account:
    store = current().store
    if not address:
        return accounts.owner(store)
    found = accounts.by_email(store, str(address))
    if found is None:
        raise Refusal(404, "notFound", "There is no such account.")
    return found


def _check_labels(made: dict[str, str], labels: frozenset[str]) -> None:
    for label in sorted(labels):
        if label not in made and label not in mailbox.SYSTEM_LABELS:
            raise invalid(f"Invalid label: {label}")
