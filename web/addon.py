"""The add-on's addresses: Google calls them; what they answer is `addon`'s.

The order is fixed (facts of Google's HTTP add-ons): kind and size of the request, then whether it is Google that calls,
then the body, then what the person allowed, then who they are. Only a caller that fails verification gets another
status than 200: the host would show its own bare error instead of a card that helps.
"""

from collections.abc import Callable

import orjson
from flask import Blueprint, Flask, Response, request

from addon import answers, identity
from addon.answers import Call
from addon.cards import Cards
from addon.envelope import Answer, needs_scopes, needs_sign_in
from addon.events import read_body, read_event
from addon.identity import Known, NeedsConsent
from addon.manifest import HOME_PATH, MESSAGE_PATH
from kernel.errors import BadInput, TooLarge
from kernel.runtime import Runtime
from web.callers import caller, check_callers, this_runtime

blueprint = Blueprint("addon", __name__)
CSRF_EXEMPT = True  # its caller is Google, known by a signed token, with no cookie of ours

LARGEST_BODY = 64 * 1024


def install(app: Flask, runtime: Runtime) -> None:
    """Let the application know Google when it calls for the add-on."""

    def check() -> None:
        request.max_content_length = LARGEST_BODY
        if request.mimetype != "application/json":
            raise BadInput("This call is not understood: its body is not JSON.")
        if (request.content_length or 0) > LARGEST_BODY:
            raise TooLarge
        identity.check_system(runtime, request.headers.get("Authorization", ""), request.path)

    check_callers(app, "addon", check)


@blueprint.post(HOME_PATH)
@caller("addon")
def home() -> Response:
    """Answer to the add-on being opened beside no message."""
    return _answer("home", answers.home)


@blueprint.post(MESSAGE_PATH)
@caller("addon")
def message() -> Response:
    """Answer to a message being opened."""
    return _answer("message", answers.message)


@blueprint.post("/addon/actions/<name>")
@caller("addon")
def action(name: str) -> Response:
    """Answer to a click on an action of a card."""
    return _answer("message", lambda call: answers.act(call, name))


def _answer(about: str, respond: Callable[[Call], Answer]) -> Response:
    answer = _decide(this_runtime(), about, respond)
    return Response(orjson.dumps(answer), content_type="application/json; charset=utf-8")


def _decide(runtime: Runtime, about: str, respond: Callable[[Call], Answer]) -> Answer:
    body = read_body(request.get_data(cache=False))
    event = read_event(body)
    missing = event.missing(about)
    if missing:
        return needs_scopes(missing)
    with runtime.reading() as session:
        known = identity.find_user(runtime, session, body)
        if isinstance(known, NeedsConsent):
            return needs_scopes(event.needed("home"))
        if not isinstance(known, Known):
            return needs_sign_in(Cards.stranger(runtime.settings))
        return respond(Call(runtime, known, event, session))
