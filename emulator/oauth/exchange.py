"""The token endpoint: a code, or a refresh token, for an access token; and its end, revocation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from flask import Response, request

from emulator import accounts, service_accounts
from emulator.oauth import consents, faults, identity, tokens
from emulator.oauth import scopes as _scopes
from emulator.oauth.tokens import Granted
from emulator.state import State, current
from emulator.wire import DROP, json_answer, spoil

if TYPE_CHECKING:
    import sqlite3

    from emulator.faults import Fault
    from emulator.oauth.consents import Code

_INVALID_GRANT = "invalid_grant"


class OAuthError(Exception):
    """An error answer of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}
        self.status = status


def exchange() -> Response:
    """Answer the token endpoint."""
    state = current()
    try:
        return _dispatch(state)
    except OAuthError as error:
        return _no_store(json_answer(error.body, error.status))


def _dispatch(state: State) -> Response:
    if request.form.get("grant_type") == service_accounts.JWT_BEARER:
        fault = state.faults.take("oauth.token")
        refused = _refusal(fault, faults.TOKEN_REFUSALS)
        return refused or _finish(_no_store(json_answer(*service_accounts.exchange(state))), fault)
    client_id = _authenticate(state)
    grant_type = _required("grant_type")
    if grant_type == "authorization_code":
        return _exchange_code(state, client_id)
    if grant_type == "refresh_token":
        return _refresh(state, client_id)
    raise OAuthError("unsupported_grant_type", f"Invalid grant_type: {grant_type}")


def revoke() -> Response:
    """Answer the revocation endpoint: any token of an account ends everything that account gave."""
    state = current()
    fault = state.faults.take("oauth.revoke")
    refused = _refusal(fault, faults.REVOKE_REFUSALS)
    if refused is not None:
        return refused
    token = request.values.get("token", "")
    with state.store.write() as db:
        row = tokens.find(db, token, state.clock.now())
        if row is None:
            return json_answer({"error": "invalid_token", "error_description": "Token expired or revoked"}, 400)
        consents.end(db, row["account"])
    return _finish(json_answer({}), fault)


def _exchange_code(state: State, client_id: str) -> Response:
    text, redirect_uri = _required("code"), request.form.get("redirect_uri", "")
    with state.store.write() as db:
        code = consents.use_code(state, db, text)
        # The code is used up even when what follows fails, so this transaction ends before it is judged.
    if code is None or code.client_id != client_id:
        raise OAuthError(_INVALID_GRANT, "Malformed auth code.")
    if code.redirect_uri != redirect_uri:
        raise OAuthError("redirect_uri_mismatch", "Bad Request")
    _check_verifier(code)
    fault = state.faults.take("oauth.token", _email(state, code.account))
    refused = _refusal(fault, faults.TOKEN_REFUSALS)
    if refused is not None:
        return refused
    granted = Granted(code.account, client_id, _narrowed(code.scopes, fault))
    with state.store.write() as db:
        answer = _tokens(state, db, granted, fault)
        if consents.may_give_refresh_token(db, code) and not _is(fault, "no_refresh_token"):
            limit = _time_limit(fault)
            answer["refresh_token"] = tokens.issue_refresh(state, db, granted, limit)
            if limit is not None:
                answer["refresh_token_expires_in"] = limit
    identity.add_id_token(state, answer, granted, nonce=code.nonce, fault=fault)
    return _finish(_no_store(json_answer(answer)), fault)


def _refresh(state: State, client_id: str) -> Response:
    text = _required("refresh_token")
    with state.store.read() as db:
        row = tokens.find(db, text, state.clock.now())
    fault = state.faults.take("oauth.token", _email(state, row["account"]) if row else "")
    refused = _refusal(fault, faults.TOKEN_REFUSALS)
    if refused is not None:
        return refused
    if row is None or row["kind"] != "refresh" or row["client_id"] != client_id:
        raise OAuthError(_INVALID_GRANT, "Token has been expired or revoked.")
    scopes = frozenset(row["scopes"].split())
    wanted = frozenset(_scopes.canonical(request.form.get("scope", ""))) or scopes
    if not wanted <= scopes:
        raise OAuthError("invalid_scope", "Some requested scopes were invalid.")
    granted = Granted(row["account"], client_id, _narrowed(_scopes.ordered(wanted), fault))
    with state.store.write() as db:
        tokens.mark_used(db, text, state.clock.now())
        answer = _tokens(state, db, granted, fault)
    identity.add_id_token(state, answer, granted, nonce=None, fault=fault)
    return _finish(_no_store(json_answer(answer)), fault)


def _tokens(state: State, db: sqlite3.Connection, granted: Granted, fault: Fault | None) -> dict[str, Any]:
    lifetime = tokens.ACCESS_LIFETIME_S
    if fault is not None and fault.name == "short_lived":
        lifetime = int(fault.options.get("expires_in", 1))
    return {
        "access_token": tokens.issue_access(state, db, granted, lifetime),
        "expires_in": lifetime,
        "scope": " ".join(granted.scopes),
        "token_type": "Bearer",
    }


def _authenticate(state: State) -> str:
    """Give the id of the client, from HTTP Basic or from the form (RFC 6749 §2.3.1)."""
    client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    header = request.headers.get("Authorization", "")
    if header[:6].lower() == "basic ":
        try:
            name, _, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except ValueError as error:
            raise OAuthError("invalid_client", "Unauthorized", 401) from error
        client_id, secret = unquote_plus(name), unquote_plus(password)
    if client_id not in {state.config.client_id, state.config.addon_client_id} - {None}:
        raise OAuthError("invalid_client", "The OAuth client was not found.", 401)
    if not hmac.compare_digest(secret.encode(), state.config.client_secret.encode()):
        raise OAuthError("invalid_client", "The provided client secret is invalid.", 401)
    return client_id


def _check_verifier(code: Code) -> None:
    verifier = request.form.get("code_verifier")
    if code.challenge is None:
        if verifier:
            raise OAuthError(_INVALID_GRANT, "code_verifier or verifier is not needed.")
        return
    if not verifier:
        raise OAuthError(_INVALID_GRANT, "Missing code verifier.")
    if code.challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        verifier = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(verifier.encode(), code.challenge.encode()):
        raise OAuthError(_INVALID_GRANT, "Invalid code verifier.")


def _required(name: str) -> str:
    value = request.form.get(name, "")
    if not value:
        raise OAuthError("invalid_request", f"Missing required parameter: {name}")
    return value


def _email(state: State, sub: str) -> str:
    account = accounts.by_sub(state.store, sub)
    return account.email if account else ""


def _narrowed(scopes: tuple[str, ...], fault: Fault | None) -> tuple[str, ...]:
    if fault is None or fault.name != "partial_scope":
        return scopes
    withheld = set(fault.options.get("scopes", ()))
    return tuple(scope for scope in scopes if scope not in withheld)


def _time_limit(fault: Fault | None) -> int | None:
    """Give for how long a person who limited the access allowed it."""
    if fault is None or fault.name != "time_limited":
        return None
    return int(fault.options.get("expires_in", 86_400))


def _is(fault: Fault | None, name: str) -> bool:
    return fault is not None and fault.name == name


def _refusal(fault: Fault | None, table: dict[str, tuple[int, dict[str, str]]]) -> Response | None:
    if fault is not None and fault.name in table:
        status, body = table[fault.name]
        return _no_store(json_answer(body, status))
    return spoil(fault)


def _finish(answer: Response, fault: Fault | None) -> Response:
    if _is(fault, "drop_after"):
        request.environ[DROP] = True
    return answer


def _no_store(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
    return answer
