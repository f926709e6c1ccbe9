"""The event that Google sends with a call: read for what we need of it, everything else ignored.

Nothing in an event names the person (`addon.identity` does that) and nothing in it is trusted: parameters and typed
text come from a browser. Whoever uses an id that stands here asks first whether this viewer may.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from addon.manifest import AUTH
from kernel.errors import BadInput

LARGEST_VALUE = 32_768
MOST_VALUES = 40
_DECIMAL = re.compile(r"msg-f:([0-9]{1,20})")
_HEX = re.compile(r"[0-9a-f]{1,16}")
_LARGEST_ID = 2**64

IDENTITY_SCOPE = f"{AUTH}userinfo.email"
MESSAGE_SCOPE = f"{AUTH}gmail.addons.current.message.metadata"
_NEEDED = {"home": ("openid", IDENTITY_SCOPE), "message": ("openid", IDENTITY_SCOPE, MESSAGE_SCOPE)}


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """What a call is about."""

    message_id: str | None
    """Gmail's id of the open message, in hex as Gmail's API and our rows have it."""
    scopes: frozenset[str]
    """What the person has allowed the add-on."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What stood in the button that was clicked."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """The first value of each input of the card."""

    def __repr__(self) -> str:
        """Return a constant: typed text does not belong in logs."""
        return "<event>"

    @staticmethod
    def needed(about: str) -> list[str]:
        """Return all scopes that a call about `home` or `message` needs."""
        return list(_NEEDED[about])

    def missing(self, about: str) -> list[str]:
        """Return the scopes to ask for before a call about `home` or `message` can be answered; none if all is there.

        `openid` alone is never a reason to ask: Google does not always list it.
        """
        absent = [scope for scope in _NEEDED[about] if scope not in self.scopes]
        return absent if any(scope != "openid" for scope in absent) else []


def read_body(body: bytes) -> dict[str, Any]:
    """Return the body of a call as the object it has to be.

    Raises:
        BadInput: It is not JSON, or not an object.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadInput("This call is not understood: its body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise BadInput("This call is not understood: its body is not a JSON object.")
    return parsed


def read_event(body: Mapping[str, Any]) -> Event:
    """Return the event of a body; a part that has another shape than Google's counts as absent."""
    shared = _object(body, "commonEventObject")
    scopes = _object(body, "authorizationEventObject").get("authorizedScopes")
    return Event(
        message_id=read_message_id(_object(body, "gmail").get("messageId")),
        scopes=frozenset(scope for scope in _list(scopes) if isinstance(scope, str)),
        parameters=_texts(_object(shared, "parameters")),
        typed=_texts({name: _first(wrapper) for name, wrapper in _object(shared, "formInputs").items()}),
    )


def read_message_id(told: object) -> str | None:
    """Return the id in hex, of `msg-f:<decimal>`, `thread-f:…|msg-f:…` or hex; None when it is none of these."""
    if not isinstance(told, str):
        return None
    last = told.rpartition("|")[2].strip()
    found = _DECIMAL.fullmatch(last)
    if found:
        number = int(found[1])
        return f"{number:x}" if number < _LARGEST_ID else None
    return last.lower() if _HEX.fullmatch(last.lower()) else None


def _object(within: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = within.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _first(wrapper: object) -> object:
    values = _list(_object(wrapper, "stringInputs").get("value")) if isinstance(wrapper, dict) else []
    return values[0] if values else None


def _texts(given: Mapping[str, Any]) -> dict[str, str]:
    kept = [(name, value) for name, value in given.items() if isinstance(value, str) and len(value) <= LARGEST_VALUE]
    return dict(kept[:MOST_VALUES])
