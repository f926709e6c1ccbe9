"""What a call to the control API says: its JSON body with its query laid under it, and the account it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request

from emulator import accounts
from emulator.refusals import Refusal, invalid
from emulator.state import current

if TYPE_CHECKING:
    from emulator.accounts import Account


def control_body() -> dict[str, Any]:
    """Give what the call says.

    Raises:
        Refusal: when it changes something and is not JSON; pages of other sites cannot send JSON without asking first.
    """
    if request.method not in {"GET", "DELETE"} and not request.is_json:
        raise Refusal(415, "unsupportedMediaType", "Send application/json.")
    body = request.get_json(silent=True) if request.is_json else {}
    if not isinstance(body, dict):
        raise invalid("Send a JSON object.", reason="parseError")
    return {**request.args.to_dict(), **body}


def control_account(body: dict[str, Any]) -> Account:
    """Give the account that the call names by its address, the owner's when it names none.

    Raises:
        Refusal: when there is no such account.
    """
    if not body.get("account"):
        return accounts.owner(current().store)
    found = accounts.by_email(current().store, str(body["account"]))
    if found is None:
        raise Refusal(404, "notFound", "No account has this address.")
    return found
