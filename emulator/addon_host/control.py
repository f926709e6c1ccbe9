"""The control API's way to the add-on: one call, and everything that is to be known of its answer.

`POST /_control/addon {account?, path|url, message_id?, event_id?, form_inputs?, parameters?, scopes?,
service_account?, clicked?, event?}` → `{status, ms, valid, problems, response}`. `message_id` and `event_id` are ids
of the REST API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint

from emulator.addon_host.calling import HOME_PATH, NoAddon, call
from emulator.addon_host.events import SCOPES, SERVICE_ACCOUNT, Calling
from emulator.control_call import control_account, control_body
from emulator.gmail import mailbox
from emulator.refusals import Refusal, invalid
from emulator.state import current
from emulator.wire import json_answer, render

if TYPE_CHECKING:
    from flask import Response

    from emulator.accounts import Account

blueprint = Blueprint("addon_host", __name__)


@blueprint.post("/_control/addon")
def control_call_addon() -> Response:
    """Have the add-on called as Gmail or Calendar would."""
    try:
        body = control_body()
        called = call(_calling(body), str(body.get("url") or body.get("path") or HOME_PATH))
    except Refusal as refusal:
        return render(refusal, "gmail")
    except NoAddon as error:
        return render(invalid(str(error)), "gmail")
    return json_answer(
        {
            "status": called.status,
            "ms": round(called.ms, 3),
            "valid": called.valid,
            "problems": called.reply.problems,
            "response": called.response,
        }
    )


def thread_of(account: Account, message: str) -> str:
    """Give the thread of a message.

    Raises:
        Refusal: when the account has no such message.
    """
    with current().store.read() as db:
        return str(mailbox.get(db, account.sub, message)["thread"])


def _calling(body: dict[str, Any]) -> Calling:
    account = control_account(body)
    message, event = body.get("message_id"), body.get("event_id")
    return Calling(
        account=account,
        host="CALENDAR" if event else "GMAIL",
        subject=str(event or message) if event or message else None,
        thread=thread_of(account, str(message)) if message else None,
        form_inputs=dict(body.get("form_inputs") or {}),
        parameters={str(key): str(value) for key, value in (body.get("parameters") or {}).items()},
        scopes=tuple(body.get("scopes", SCOPES)),
        service_account=str(body.get("service_account") or SERVICE_ACCOUNT),
        clicked=bool(body.get("clicked", False)),
        event=dict(body.get("event") or {}),
    )
