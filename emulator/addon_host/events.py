"""The request that Google sends to an add-on: one EventObject, with its tokens.

Source: facts of developers.google.com/workspace/add-ons, "HTTP add-ons" and "Event objects". The two ID tokens have
different readers: the system token says "Google calls this very URL", the user token says who sits in front of it; the
latter is there only while the person allows the add-on to know their address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.oauth import tokens
from emulator.state import current

if TYPE_CHECKING:
    from emulator.accounts import Account

SERVICE_ACCOUNT = "addon@crm-local.iam.gserviceaccount.com"
"""Who calls, when nobody says otherwise: the address that a local product expects in the system token."""

_AUTH = "https://www.googleapis.com/auth/"
SCOPES = (
    "openid",
    f"{_AUTH}userinfo.email",
    f"{_AUTH}gmail.addons.execute",
    f"{_AUTH}gmail.addons.current.message.metadata",
)
"""What a person has allowed the add-on, when nobody says otherwise."""

_IDENTITY = frozenset({"openid", f"{_AUTH}userinfo.email", "email"})
_ISSUER = "https://accounts.google.com"
_LIFE_S = 3_600
_MESSAGE_TOKEN_S = 600


@dataclass(frozen=True)
class Calling:
    """What the host knows when it calls: for whom, from where, about what, and what was typed and clicked.

    `host` is GMAIL or CALENDAR; `subject` is the REST id of the open message or event; `form_inputs` and `parameters`
    have the shapes of `commonEventObject`; `clicked` tells an action of a card from a
    trigger; what is in `event` is laid over the finished object.
    """

    account: Account
    host: str = "GMAIL"
    subject: str | None = None
    thread: str | None = None
    form_inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    scopes: tuple[str, ...] = SCOPES
    service_account: str = SERVICE_ACCOUNT
    clicked: bool = False
    event: dict[str, Any] = field(default_factory=dict)


def event_object(calling: Calling, url: str) -> tuple[dict[str, Any], str]:
    """Give the body of the call to a URL, and the system token that also goes into its Authorization header."""
    system = tokens.sign(_claims(calling.service_account, calling.service_account, url, calling.service_account))
    common: dict[str, Any] = {"hostApp": calling.host, "platform": "WEB"}
    if calling.form_inputs:
        common["formInputs"] = calling.form_inputs
    if calling.parameters:
        common["parameters"] = calling.parameters
    authorization: dict[str, Any] = {"systemIdToken": system, "authorizedScopes": list(calling.scopes)}
    if _IDENTITY & set(calling.scopes):
        authorization["userIdToken"] = tokens.sign(_user_claims(calling.account))
    if calling.scopes:
        authorization["userOAuthToken"] = tokens.access_token_for(calling.account, calling.scopes)
    body = {"commonEventObject": common, "authorizationEventObject": authorization, **_context(calling)}
    return {**body, **calling.event}, system


def decimal(rest_id: str) -> str:
    """Give an id of the REST API (hex) as the number that an add-on is told."""
    return str(int(rest_id, 16))


def _context(calling: Calling) -> dict[str, Any]:
    if calling.subject is None:
        return {}
    if calling.host == "CALENDAR":
        return {"calendar": {"calendarId": calling.account.email, "id": calling.subject}}
    gmail = {"messageId": f"msg-f:{decimal(calling.subject)}"}
    if calling.thread is not None:
        gmail["threadId"] = f"thread-f:{decimal(calling.thread)}"
    scopes = [scope for scope in calling.scopes if "gmail.addons.current" in scope]
    if scopes:
        gmail["accessToken"] = tokens.access_token_for(calling.account, scopes, _MESSAGE_TOKEN_S)
    return {"gmail": gmail}


def _user_claims(account: Account) -> dict[str, Any]:
    config = current().config
    audience = config.addon_client_id or config.client_id
    claims = _claims(account.sub, audience, audience, account.email)
    return {**claims, "hd": account.hd} if account.hd else claims


def _claims(subject: str, party: str, audience: str, email: str) -> dict[str, Any]:
    # Times inside signed tokens are compared with the reader's clock, not with this Google's.
    now = int(current().clock.real())
    return {
        "iss": _ISSUER,
        "aud": audience,
        "azp": party,
        "sub": subject,
        "email": email,
        "email_verified": True,
        "iat": now,
        "exp": now + _LIFE_S,
    }
