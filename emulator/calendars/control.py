"""The control API's way to calendars: what a person would do with a mouse, and what only a test wants.

`POST /_control/events {account, resource, planted}` · `PATCH /_control/events/<id> {account, resource}` ·
`DELETE /_control/events/<id>?account=` · `POST /_control/calendars/void {account}` ends every sync token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.calendars import changes, channels, state
from emulator.calendars.routes import blueprint
from emulator.control_call import control_account, control_body
from emulator.refusals import Refusal
from emulator.state import current
from emulator.wire import json_answer, render

if TYPE_CHECKING:
    from flask import Response


@blueprint.post("/_control/events")
def control_add() -> Response:
    """Add an event to an account's primary calendar."""
    try:
        body = control_body()
        account = control_account(body)
        made = changes.add_event(
            current().store, account, body.get("resource") or {}, planted=bool(body.get("planted"))
        )
    except Refusal as refusal:
        return render(refusal, "calendar")
    channels.notify(current(), account)
    return json_answer(made, 201)


@blueprint.patch("/_control/events/<event_id>")
def control_change(event_id: str) -> Response:
    """Change an event of an account."""
    try:
        body = control_body()
        account = control_account(body)
        changed = changes.patch_event(current().store, account, event_id, body.get("resource") or {})
    except Refusal as refusal:
        return render(refusal, "calendar")
    channels.notify(current(), account)
    return json_answer(changed)


@blueprint.delete("/_control/events/<event_id>")
def control_delete(event_id: str) -> Response:
    """Delete an event of an account."""
    try:
        account = control_account(control_body())
        changes.delete_event(current().store, account, event_id)
    except Refusal as refusal:
        return render(refusal, "calendar")
    channels.notify(current(), account)
    return json_answer({})


@blueprint.post("/_control/calendars/void")
def control_void() -> Response:
    """End every sync token of an account's calendars."""
    try:
        account = control_account(control_body())
    except Refusal as refusal:
        return render(refusal, "calendar")
    with current().store.write() as db:
        state.void_tokens(db, account)
    return json_answer({})
