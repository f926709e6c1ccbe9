"""The two pages a person sees: choose an account, allow scopes one by one; then back to the client.

Nothing is remembered between the pages: each form posts to the address it came from, with the client's
request still in the query, and the request is checked anew. Form fields are stable, for automation:
`account` (an address), `scope` (one checkbox per scope), `action` (`allow` or `cancel`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, redirect, render_template, request

from emulator import accounts
from emulator.oauth import consents, faults
from emulator.oauth import scopes as _scopes
from emulator.oauth.authorize import AuthorizationRequest, PageError, read_request
from emulator.oauth.consents import Code
from emulator.state import current
from emulator.wire import spoil

if TYPE_CHECKING:
    from emulator.accounts import Account

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none';"
    " frame-ancestors 'none'",
    # Not no-referrer: then a form would come from the origin "null".
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def authorize() -> Response:
    """Answer the authorization endpoint, both when it is opened and when one of its forms is sent."""
    try:
        asked = read_request(current().config, request.args)
        spoiled = _meet_fault(asked) if request.method == "GET" else None
        if spoiled is not None:
            return spoiled
        account = _chosen(asked)
    except PageError as error:
        return _page("error.html", error.status, error=error)
    if "none" in asked.prompts:
        return _answer_silently(asked, account)
    if account is None:
        return _page("chooser.html", asked=asked, accounts=accounts.list_accounts(current().store))
    return _decide(asked, account)


def _decide(asked: AuthorizationRequest, account: Account) -> Response:
    action = request.form.get("action")
    if action == "cancel":
        return _back(asked.callback(error="access_denied"))
    if action == "allow":
        ticked = frozenset(request.form.getlist("scope")) & frozenset(asked.optional_scopes)
        return _allow(asked, account, asked.identity_scopes | ticked)
    return _ask(asked, account)


def _ask(asked: AuthorizationRequest, account: Account) -> Response:
    with current().store.read() as db:
        before = consents.granted(db, account.sub)
    if frozenset(asked.scopes) <= before and "consent" not in asked.prompts:
        return _allow(asked, account, frozenset(asked.scopes))
    boxes = [(scope, _scopes.sentence(scope), scope in before) for scope in asked.optional_scopes]
    return _page("consent.html", asked=asked, account=account, boxes=boxes)


def _allow(asked: AuthorizationRequest, account: Account, given: frozenset[str]) -> Response:
    state = current()
    with state.store.write() as db:
        everything = consents.allow(db, account.sub, given)
        scopes = everything if asked.include_granted_scopes else given
        code = consents.make_code(
            state,
            db,
            Code(
                account=account.sub,
                client_id=asked.client_id,
                redirect_uri=asked.redirect_uri,
                scopes=_scopes.ordered(scopes),
                nonce=asked.nonce,
                challenge=asked.code_challenge,
                challenge_method=asked.code_challenge_method,
                offline=asked.offline,
                again="consent" in asked.prompts,
            ),
        )
    answer = {"code": code, "scope": " ".join(_scopes.ordered(scopes)), "authuser": "0"}
    if account.hd:
        answer["hd"] = account.hd
    return _back(asked.callback(**answer, prompt="consent" if "consent" in asked.prompts else "none"))


def _answer_silently(asked: AuthorizationRequest, account: Account | None) -> Response:
    if account is None:
        return _back(asked.callback(error="login_required"))
    with current().store.read() as db:
        before = consents.granted(db, account.sub)
    if not frozenset(asked.scopes) <= before:
        return _back(asked.callback(error="interaction_required"))
    return _allow(asked, account, frozenset(asked.scopes))


def _chosen(asked: AuthorizationRequest) -> Account | None:
    store = current().store
    typed = request.form.get("account", "").strip().lower()
    if typed:
        if not accounts.may_be_address(typed):
            raise PageError(400, "invalid_account", "Couldn't find your Google Account: this is not an address.")
        return accounts.open_account(store, typed)
    # A hint skips the chooser, except when the client insists on it.
    if asked.login_hint and "select_account" not in asked.prompts:
        return accounts.by_email(store, asked.login_hint) or accounts.by_sub(store, asked.login_hint)
    return None


def _meet_fault(asked: AuthorizationRequest) -> Response | None:
    fault = current().faults.take("oauth.auth", asked.login_hint or "")
    if fault is None:
        return None
    if fault.name in faults.CALLBACK_ERRORS:
        return _back(asked.callback(error=fault.name))
    if fault.name in faults.PAGE_ERRORS:
        status, message = faults.PAGE_ERRORS[fault.name]
        raise PageError(status, fault.name, message)
    return spoil(fault)


def _page(template: str, status: int = 200, **values: object) -> Response:
    return Response(render_template(f"oauth/{template}", **values), status, headers=_PAGE_HEADERS)


def _back(address: str) -> Response:
    answer = redirect(address, 302)
    answer.headers["Cache-Control"] = "no-store"
    return Response(answer.get_data(), answer.status_code, answer.headers)
