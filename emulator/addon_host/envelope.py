"""What an add-on may answer, around its cards: the envelope, checked key by key.

Two kinds of calls: a *trigger* (a page or a message was opened) is answered bare, a *click* (an action of a card) in
a `renderActions`. Instead of either, an answer may ask for scopes or for a sign-in. The parser of Google takes both
spellings of a key; this one turns all keys outside cards into camelCase first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emulator.addon_host.cards import card_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIGGER, CLICK = "trigger", "click"
_PROMPTS = {"basicAuthorizationPrompt", "customAuthorizationPrompt", "requestingGoogleScopes"}
_NAVIGATIONS = {"pushCard", "updateCard", "pop", "popToCard", "popToRoot"}
_HOST_ACTIONS = {
    "gmailAction": {"updateDraftActionMarkup", "openCreatedDraftActionMarkup", "addonComposeUiActionMarkup"},
    "calendarAction": {
        "editAttendeesActionMarkup", "addAttachmentsActionMarkup", "editConferenceDataActionMarkup",
        "calendarSubscriptionActionMarkup",
    },
}  # fmt: skip
_LARGEST = 100_000
_OPEN_AS, _ON_CLOSE = {"FULL_SIZE", "OVERLAY"}, {"NOTHING", "RELOAD"}


@dataclass
class Reply:
    """An answer, taken apart: what to do with the stack of cards, what to tell the person, what is wrong with it."""

    problems: list[str] = field(default_factory=list)
    navigations: list[tuple[str, Any]] = field(default_factory=list)
    notification: str | None = None
    link: str | None = None
    state_changed: bool = False
    scopes_wanted: list[str] | None = None
    suggestions: list[str] = field(default_factory=list)


def read_reply(kind: str, body: Any, base: str, size: int) -> Reply:
    """Give an answer taken apart, with every problem found in it; `base` is the add-on's own address."""
    reply = Reply()
    if size > _LARGEST:
        reply.problems.append(f"The answer has {size} bytes; keep it below {_LARGEST}.")
    if not isinstance(body, dict):
        reply.problems.append("The answer is not a JSON object.")
        return reply
    body = {camel(key): value for key, value in body.items()}
    if _PROMPTS & set(body):
        _read_prompt(reply, body, base)
    elif "autoComplete" in body:
        items = body["autoComplete"].get("items", []) if isinstance(body["autoComplete"], dict) else []
        reply.suggestions = [str(item.get("text", "")) for item in items if isinstance(item, dict)]
        _only(reply, "answer", body, {"autoComplete"})
    elif kind == CLICK:
        _read_click(reply, body, base)
    else:
        _read_actions(reply, body, base)
        reply.problems += [
            f"A trigger is answered with pushCard, not {name}." for name, _ in reply.navigations if name != "pushCard"
        ]
    return reply


def camel(key: str) -> str:
    """Give a key in camelCase."""
    return re.sub(r"_([a-z])", lambda found: found.group(1).upper(), key)


def link_problem(url: object, base: str) -> str | None:
    """Tell what is wrong with an address that a person is sent to."""
    text = str(url)
    if text == base or text.startswith(("https://", "mailto:", "tel:", f"{base}/")):
        return None
    return f"The link {text[:60]} is neither https, mailto nor tel, nor below the add-on's own address."


def _read_click(reply: Reply, body: dict[str, Any], base: str) -> None:
    if set(body) & {"action", "hostAppAction"}:
        reply.problems.append("The answer to a click stands in renderActions.")
        _read_actions(reply, body, base)
        return
    _only(reply, "answer", body, {"renderActions", "stateChanged"})
    if not isinstance(body.get("stateChanged", False), bool):
        reply.problems.append("stateChanged is true or false.")
    reply.state_changed = bool(body.get("stateChanged"))
    if "renderActions" in body:
        _read_actions(reply, _object(reply, "renderActions", body["renderActions"]), base)


def _read_actions(reply: Reply, body: dict[str, Any], base: str) -> None:
    _only(reply, "renderActions", body, {"action", "hostAppAction"})
    action = _object(reply, "action", body.get("action", {}))
    _only(reply, "action", action, {"navigations", "notification", "link"})
    _read_navigations(reply, action.get("navigations", []), base)
    if "notification" in action:
        notification = _object(reply, "notification", action["notification"])
        _only(reply, "notification", notification, {"text"})
        reply.notification = str(notification.get("text", ""))
    if "link" in action:
        _read_link(reply, _object(reply, "link", action["link"]), base)
    for host, value in _object(reply, "hostAppAction", body.get("hostAppAction", {})).items():
        if host not in _HOST_ACTIONS:
            reply.problems.append(f"hostAppAction has no {host}.")
        else:
            _only(reply, host, _object(reply, host, value), _HOST_ACTIONS[host])


def _read_navigations(reply: Reply, navigations: object, base: str) -> None:
    if not isinstance(navigations, list):
        reply.problems.append("navigations is a list.")
        return
    for place, given in enumerate(navigations):
        navigation = _object(reply, f"navigations[{place}]", given)
        keys = set(navigation)
        if len(keys) != 1 or not keys <= _NAVIGATIONS:
            reply.problems.append(
                f"navigations[{place}] has {sorted(keys)} where one of {sorted(_NAVIGATIONS)} belongs."
            )
            continue
        name, value = next(iter(navigation.items()))
        reply.navigations.append((name, value))
        if name in {"pushCard", "updateCard"}:
            reply.problems += [f"navigations[{place}].{name}: {problem}" for problem in card_problems(value, base)]
        elif name == "popToCard" and not isinstance(value, str):
            reply.problems.append("popToCard takes the name of a card.")
        elif name in {"pop", "popToRoot"} and value is not True:
            reply.problems.append(f"{name} takes true.")


def _read_link(reply: Reply, link: dict[str, Any], base: str) -> None:
    _only(reply, "link", link, {"url", "openAs", "onClose"})
    reply.link = str(link.get("url", ""))
    problem = link_problem(reply.link, base)
    if problem:
        reply.problems.append(problem)
    for name, known in (("openAs", _OPEN_AS), ("onClose", _ON_CLOSE)):
        if link.get(name, next(iter(known))) not in known:
            reply.problems.append(f"link.{name} is one of {sorted(known)}.")


def _read_prompt(reply: Reply, body: dict[str, Any], base: str) -> None:
    if len(body) != 1:
        reply.problems.append("A request for authorization stands alone.")
    for name, given in body.items():
        value = {camel(key): content for key, content in _object(reply, name, given).items()}
        if name == "requestingGoogleScopes":
            _only(reply, name, value, {"scopes", "allScopes"})
            reply.scopes_wanted = [str(scope) for scope in value.get("scopes", [])]
            if bool(reply.scopes_wanted) == bool(value.get("allScopes")):
                reply.problems.append("Either scopes or all_scopes is given.")
        elif name == "customAuthorizationPrompt":
            _read_actions(reply, value, base)
        elif name == "basicAuthorizationPrompt":
            reply.problems.append("A published add-on may not use basic_authorization_prompt.")


def _object(reply: Reply, name: str, value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    reply.problems.append(f"{name} is an object.")
    return {}


def _only(reply: Reply, name: str, value: dict[str, Any], known: set[str]) -> None:
    reply.problems += [f"{name} has no field {key}." for key in _unknown(value, known)]


def _unknown(value: dict[str, Any], known: set[str]) -> Iterator[str]:
    return (key for key in value if camel(key) not in known)
