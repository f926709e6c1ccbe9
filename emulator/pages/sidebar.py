"""The add-on beside an open message or event, as Gmail and Calendar show it.

Opening calls the trigger once; what is clicked goes back through the host, and the cards that come back change the
stack. An answer that Google would not show is shown as Gmail would: a plain "add-on error", here with the reasons
behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Response, abort, current_app, request

from emulator.addon_host import Called, Calling, NoAddon, call
from emulator.addon_host.calling import EVENT_PATH, MESSAGE_PATH, base_url
from emulator.addon_host.control import thread_of
from emulator.addon_host.stack import Stack, Stacks, navigate
from emulator.pages.card import CardView, form_inputs, inputs_of
from emulator.pages.frame import blueprint, person_at, to

if TYPE_CHECKING:
    from emulator.accounts import Account

_NAME = "emulator.stacks"
_NOT_FOUND = 404
_PLACES = {
    "mail": ("GMAIL", MESSAGE_PATH, "open_mail", "message"),
    "calendar": ("CALENDAR", EVENT_PATH, "open_event", "event_id"),
}

Key = tuple[str, str, str]


def sidebar_of(person: Account, number: int, place: str, subject: str) -> dict[str, Any] | None:
    """Give what a page shows of the add-on beside a message or event; None when there is no add-on."""
    try:
        base = base_url()
    except NoAddon:
        return None
    key = (person.sub, place, subject)
    stack = _stacks().find(key)
    if stack is None:
        stack = _opened(person, place, subject)
        _stacks().keep(key, stack)
    if stack.absent:
        return None
    shown = {
        "view": CardView(stack.seen, base) if stack.seen else None,
        "depth": len(stack.cards),
        "notification": stack.notification,
        "link": stack.link if urlsplit(stack.link or "").scheme in {"http", "https", "mailto", "tel"} else None,
        "problems": stack.problems,
        "scopes": stack.scopes_wanted,
        "ms": stack.ms,
        "number": number,
        "place": place,
        "subject": subject,
    }
    # A notification is shown once.
    stack.notification = stack.link = None
    return shown


@blueprint.post("/u/<int:number>/sidebar/<place>/<subject>")
def use_sidebar(number: int, place: str, subject: str) -> Response:
    """Do what was clicked in the sidebar, and lead back to the page it stands on."""
    person = person_at(number)
    if place not in _PLACES:
        abort(404)
    key, wish = (person.sub, place, subject), request.form.get("do", "")
    stack = _stacks().find(key)
    if wish == "reload" or stack is None:
        _stacks().close(key)
    elif wish == "back":
        stack.cards, stack.problems = navigate(stack.cards, [("pop", True)]), []
    elif wish.isdecimal() and stack.seen:
        clicks = CardView(stack.seen, base_url()).clicks
        if int(wish) < len(clicks):
            _click(person, key, stack, clicks[int(wish)])
    _, _, endpoint, name = _PLACES[place]
    return to(endpoint, number=number, **{name: subject})


def _opened(person: Account, place: str, subject: str) -> Stack:
    _, path, _, _ = _PLACES[place]
    called = call(_calling(person, place, subject), path)
    stack = Stack(ms=called.ms)
    if place == "calendar" and called.status == _NOT_FOUND:
        # Its manifest does not name Calendar: then Calendar never calls it.
        stack.absent = True
        return stack
    _follow(stack, called)
    return stack


def _click(person: Account, key: Key, stack: Stack, click: dict[str, Any]) -> None:
    stack.problems = []
    if isinstance(click.get("card"), dict):
        stack.cards.append(click["card"])
        return
    action = click.get("action") or click.get("openDynamicLinkAction")
    if not isinstance(action, dict) or stack.seen is None:
        return
    inputs = form_inputs(stack.seen, request.form)
    missing = _missing(stack.seen, action, inputs)
    if missing:
        stack.notification = f"Fill in: {', '.join(missing)}"
        return
    parameters = {str(given.get("key")): str(given.get("value")) for given in action.get("parameters") or []}
    calling = _calling(person, key[1], key[2], inputs=inputs, parameters=parameters, clicked=True)
    try:
        called = call(calling, str(action.get("function", "")))
    except NoAddon as error:
        stack.problems = [str(error)]
        return
    if called.reply.state_changed:
        _stacks().close_others(key)
    _follow(stack, called)


def _follow(stack: Stack, called: Called) -> None:
    stack.ms = called.ms
    stack.problems = called.reply.problems
    stack.scopes_wanted = called.reply.scopes_wanted
    if not called.valid:
        return
    stack.cards = navigate(stack.cards, called.reply.navigations)
    stack.notification, stack.link = called.reply.notification, called.reply.link


def _missing(card: dict[str, Any], action: dict[str, Any], inputs: dict[str, Any]) -> list[str]:
    labels = {str(given.get("name")): str(given.get("label") or given.get("name")) for _, given in inputs_of(card)}
    wanted = list(labels) if action.get("allWidgetsAreRequired") else action.get("requiredWidgets") or []
    return [labels.get(name, name) for name in wanted if name not in inputs]


def _calling(
    person: Account,
    place: str,
    subject: str,
    *,
    inputs: dict[str, Any] | None = None,
    parameters: dict[str, str] | None = None,
    clicked: bool = False,
) -> Calling:
    return Calling(
        account=person,
        host=_PLACES[place][0],
        subject=subject,
        thread=thread_of(person, subject) if place == "mail" else None,
        form_inputs=inputs or {},
        parameters=parameters or {},
        clicked=clicked,
    )


def _stacks() -> Stacks:
    found: Stacks = current_app.extensions.setdefault(_NAME, Stacks())
    return found
