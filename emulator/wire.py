"""How an API call enters and leaves: the one place that knows Google's JSON error bodies.

A method of Google is declared with its discovery name; everything that the discovery document says about
it (verb, scopes, required and known query parameters, their types, enums and bounds) is checked here, so
that a handler sees only calls that Google would have let in::

    from flask import Blueprint
    from emulator.wire import Params, method

    blueprint = Blueprint("calendars", __name__)

    @method(blueprint, "calendar", "events.list", "/calendar/v3/calendars/<calendarId>/events")
    def list_events(account: Account, params: Params) -> Answer:
        # path and query parameters, typed, with the document's defaults; absent ones are missing
        if params.get("singleEvents") and params.fault == "empty_page": ...
        with current().store.read() as db: ...
        raise Refusal(404, "notFound", "Not Found")        # any error: emulator.refusals
        return {"items": []}                               # 200; None gives 204 with no body

    `params.body` is the JSON body ({} when there is none). A flask Response is passed on as it is.

In order, a call meets: planned faults, authentication (401), scopes (403), the quota of its user (429),
its parameters (400), its handler. Every call is written to the journal with the units it cost; a call
that was refused by quota costs nothing. Gmail and People answer errors with `status` and `details`,
Calendar in the old style without.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response, request

from emulator import discovery, faults, quota, refusals
from emulator.journal import Entry
from emulator.oauth import tokens
from emulator.refusals import Refusal
from emulator.state import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint

    from emulator.accounts import Account
    from emulator.discovery import Method, Parameter
    from emulator.faults import Fault
    from emulator.state import State

    Answer = dict[str, Any] | Response | None
    Handler = Callable[[Account, "Params"], Answer]

DROP = "emulator.drop"
"""Set in the WSGI environment when the connection is to be closed without an answer."""
BATCHED = "emulator.batched"
"""Set in the WSGI environment of a call that came as a part of a batch."""
_UNAUTHENTICATED = 401
_CHALLENGE = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'


class Params(dict[str, Any]):
    """Path and query parameters of one call, by Google's names, and what else a handler may need.

    `scopes` are those of the token; `fault` is the name of a planned fault that the handler itself has to
    act on, with `fault_options`.
    """

    scopes: frozenset[str] = frozenset()
    fault: str | None = None
    fault_options: dict[str, Any]

    def take_on(self, scopes: frozenset[str], fault: Fault | None) -> None:
        """Carry the token's scopes and the planned fault to the handler."""
        self.scopes = scopes
        self.fault = None if fault is None else fault.name
        self.fault_options = {} if fault is None else fault.options

    @functools.cached_property
    def body(self) -> dict[str, Any]:
        """The JSON body.

        Raises:
            Refusal: when it is no JSON object.
        """
        data = request.get_data()
        if not data:
            return {}
        try:
            body = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise refusals.invalid("Invalid JSON payload received.", reason="parseError") from error
        if not isinstance(body, dict):
            raise refusals.invalid("Invalid JSON payload received. Expected an object.", reason="parseError")
        return body


@dataclass
class _Call:
    """One call on its way through: who was identified so far, and what it cost."""

    method: Method
    handler: Handler
    state: State
    address: str = ""
    units: int = 0


def method(blueprint: Blueprint, api: str, name: str, rule: str) -> Callable[[Handler], Handler]:
    """Serve a method of Google under a URL rule; see the module's head for an example."""
    spec = discovery.method(api, name)

    def declare(handler: Handler) -> Handler:
        def endpoint(**path: str) -> Response:
            return _serve(_Call(spec, handler, current()), path)

        blueprint.add_url_rule(rule, spec.id.replace(".", "_"), endpoint, methods=[spec.verb])
        return handler

    return declare


def render(refusal: Refusal, api: str) -> Response:
    """Give Google's error body for a refusal, in the style of its API."""
    entry: dict[str, Any] = {
        "message": "Invalid Credentials" if refusal.reason == "authError" else refusal.message,
        "domain": refusal.domain,
        "reason": refusal.reason,
    }
    if refusal.where:
        entry["locationType"], entry["location"] = refusal.where
    error: dict[str, Any] = {"code": refusal.status, "message": refusal.message}
    if api != "people" or refusal.status == _UNAUTHENTICATED:  # the gateway answers 401 in one style
        error["errors"] = [entry]
    if refusal.canonical and (api != "calendar" or refusal.details):
        error["status"] = refusal.canonical
    if refusal.details:
        error["details"] = list(refusal.details)
    answer = json_answer({"error": error}, refusal.status)
    if refusal.status == _UNAUTHENTICATED:
        answer.headers["WWW-Authenticate"] = _CHALLENGE
    return answer


def json_answer(body: Any, status: int = 200) -> Response:
    """Give a JSON response."""
    return Response(orjson.dumps(body), status, content_type="application/json; charset=UTF-8")


def spoil(fault: Fault | None) -> Response | None:
    """Do what a transport fault says before a call; a Response stands for the whole call."""
    if fault is None:
        return None
    if fault.name == "slow":
        time.sleep(float(fault.options.get("delay_s", 1.0)))
    elif fault.name == "drop_before":
        request.environ[DROP] = True
        return Response(status=503)
    elif fault.name == "html_503":
        return Response("<html><title>Error 503</title></html>", 503, content_type="text/html; charset=UTF-8")
    return None


def retry_at(state: State, fault: Fault) -> str:
    """Give the time, by this Google's clock, at which a planned pause ends."""
    moment = state.clock.now() + float(fault.options.get("retry_after_s", 60))
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _serve(call: _Call, path: dict[str, str]) -> Response:
    try:
        answer = _answer(call, path)
    except Refusal as refusal:
        answer = render(refusal, call.method.api)
    call.state.journal.record(
        Entry(
            call.state.clock.now(),
            call.method.id,
            call.address,
            answer.status_code,
            call.units,
            BATCHED in request.environ,
        )
    )
    return answer


def _answer(call: _Call, path: dict[str, str]) -> Response:
    state, spec = call.state, call.method
    bearer = tokens.bearer(state, request.headers.get("Authorization"))
    if bearer is not None:
        call.address = bearer.account.email
    fault = state.faults.take(spec.id, call.address, next(reversed(path.values()), None))
    spoiled = _meet(state, fault, spec.id)
    if spoiled is not None:
        return spoiled
    if bearer is None:
        raise refusals.unauthenticated()
    if spec.scopes and not spec.scopes & bearer.scopes:
        raise refusals.insufficient_scope(spec.id, faults.service_of(spec.id))
    _spend(call, bearer.account.sub)
    params = Params(_query(spec), **path)
    params.take_on(bearer.scopes, fault)
    _check_user(params, bearer.account)
    return _finish(call.handler(bearer.account, params), fault)


def _meet(state: State, fault: Fault | None, method_id: str) -> Response | None:
    if fault is None:
        return None
    refusal = faults.refusal_of(fault, method_id, retry_at(state, fault))
    if refusal is not None:
        raise refusal
    return spoil(fault)


def _finish(answer: Answer, fault: Fault | None) -> Response:
    if fault is not None and fault.name == "drop_after":
        request.environ[DROP] = True
    if answer is None:
        return Response(status=204)
    return answer if isinstance(answer, Response) else json_answer(answer)


def _spend(call: _Call, account: str) -> None:
    units = quota.units_of(call.method.id)
    if not call.state.quota.spend(account, call.method.api, units):
        raise refusals.quota_exceeded(faults.service_of(call.method.id))
    call.units = units


def _check_user(params: Params, account: Account) -> None:
    user = params.pop("user", None)
    if user is not None and user != "me" and user.lower() != account.email:
        raise Refusal(403, "forbidden", f"Delegation denied for {account.email}")


def _query(spec: Method) -> dict[str, Any]:
    given = request.args
    if spec.api != "calendar":  # Calendar overlooks names that it does not know
        for name in given:
            if name not in spec.parameters and name not in spec.common:
                raise refusals.invalid(
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter.'
                    f" Field '{name}' could not be found in request message."
                )
    values: dict[str, Any] = {}
    for name, parameter in spec.parameters.items():
        texts = given.getlist(name)
        if not texts and parameter.default is not None:
            texts = [parameter.default]
        if not texts:
            if parameter.required:
                raise refusals.missing(name)
            continue
        typed = [_typed(parameter, text) for text in texts]
        values[name] = typed if parameter.repeated else typed[-1]
    return values


def _typed(parameter: Parameter, text: str) -> Any:
    where = ("parameter", parameter.name)
    if parameter.choices and text not in parameter.choices:
        # Google's clients send enums in either case.
        lowered = {choice.lower(): choice for choice in parameter.choices}
        if text.lower() not in lowered:
            raise refusals.invalid(
                f"Invalid value at '{parameter.name}', \"{text}\"", reason="invalidParameter", where=where
            )
        return lowered[text.lower()]
    if parameter.kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise refusals.invalid(f"Invalid value for boolean: {text}", reason="invalidParameter", where=where)
        return text.lower() == "true"
    if parameter.kind == "integer":
        return _integer(parameter, text)
    return text


def _integer(parameter: Parameter, text: str) -> int:
    refused = refusals.invalid(
        f"Invalid value '{text}' for {parameter.name}.",
        reason="invalidParameter",
        where=("parameter", parameter.name),
    )
    try:
        number = int(text)
    except ValueError as error:
        raise refused from error
    if parameter.minimum is not None and number < parameter.minimum:
        raise refused
    if parameter.maximum is not None and number > parameter.maximum:
        raise refused
    return number
