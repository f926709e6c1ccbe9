"""Who somebody is: ID tokens, userinfo, tokeninfo, and the keys to check them with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from flask import Response, request

from emulator import accounts
from emulator.oauth import faults, tokens
from emulator.oauth.keys import base64url
from emulator.state import current
from emulator.wire import json_answer, spoil

if TYPE_CHECKING:
    from emulator.accounts import Account
    from emulator.faults import Fault
    from emulator.oauth.tokens import Granted
    from emulator.state import State

ISSUER = "https://accounts.google.com"
_PREFIX = "https://www.googleapis.com/auth/userinfo."
_LIFETIME_S = 3600
_CERTS_MAX_AGE_S = 20_000


def add_id_token(
    state: State, answer: dict[str, Any], granted: Granted, *, nonce: str | None, fault: Fault | None
) -> None:
    """Put an ID token into a token answer when `openid` was granted, spoilt as a fault says."""
    name = None if fault is None else fault.name
    if "openid" not in granted.scopes or name == "no_id_token":
        return
    account = accounts.by_sub(state.store, granted.account)
    assert account is not None  # noqa: S101 -- tokens are made for accounts only, and those are never removed
    now = int(state.clock.real())
    digest = hashlib.sha256(answer["access_token"].encode()).digest()
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "azp": granted.client_id,
        "aud": granted.client_id,
        **claims_of(account, frozenset(granted.scopes)),
        "at_hash": base64url(digest[:16]),
        "iat": now,
        "exp": now + _LIFETIME_S,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    _spoil_claims(claims, name)
    token = state.keys.sign(claims)
    answer["id_token"] = token[:-8] + "AAAAAAAA" if name == "bad_signature" else token


def claims_of(account: Account, scopes: frozenset[str]) -> dict[str, Any]:
    """Give what the scopes of signing in tell about an account."""
    claims: dict[str, Any] = {"sub": account.sub}
    if account.hd:
        claims["hd"] = account.hd
    if _PREFIX + "email" in scopes:
        claims |= {"email": account.email, "email_verified": True}
    if _PREFIX + "profile" in scopes:
        claims |= {"name": account.name, "given_name": account.given_name}
        if account.family_name:
            claims["family_name"] = account.family_name
    return claims


def userinfo() -> Response:
    """Answer userinfo."""
    state = current()
    broken = _broken("oauth.userinfo")
    if broken is not None:
        return broken
    bearer = tokens.bearer(state, request.headers.get("Authorization"))
    if bearer is None or "openid" not in bearer.scopes:
        return json_answer({"error": "invalid_request", "error_description": "Invalid Credentials"}, 401)
    return json_answer(claims_of(bearer.account, bearer.scopes))


def tokeninfo() -> Response:
    """Answer tokeninfo, for an ID token or an access token."""
    state = current()
    invalid = json_answer({"error": "invalid_token", "error_description": "Invalid Value"}, 400)
    if "id_token" in request.values:
        claims = state.keys.verify(request.values["id_token"])
        if claims is None or claims["exp"] < state.clock.real():
            return invalid
        # Google answers every claim as a string here.
        return json_answer({name: _text(value) for name, value in claims.items()})
    token = request.values.get("access_token", "")
    bearer = tokens.bearer(state, f"Bearer {token}")
    with state.store.read() as db:
        row = tokens.find(db, token, state.clock.now())
    if bearer is None or row is None:
        return invalid
    expires_in = int(row["expires_at"] - state.clock.now())
    answer = {
        "azp": bearer.client_id,
        "aud": bearer.client_id,
        "sub": bearer.account.sub,
        "scope": " ".join(sorted(bearer.scopes)),
        "exp": str(int(state.clock.real()) + expires_in),
        "expires_in": str(expires_in),
        "access_type": "offline",
    }
    if _PREFIX + "email" in bearer.scopes:
        answer |= {"email": bearer.account.email, "email_verified": "true"}
    return json_answer(answer)


def jwks() -> Response:
    """Answer the keys as a JWK set."""
    return _broken("oauth.certs") or _cached(json_answer(current().keys.jwks()))


def certificates() -> Response:
    """Answer the keys as a map of certificates."""
    return _broken("oauth.certs") or _cached(json_answer(current().keys.certificates()))


def configuration() -> Response:
    """Answer OpenID Connect discovery: Google's issuer, this emulator's endpoints."""
    here = request.host_url.rstrip("/")
    return json_answer(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{here}/o/oauth2/v2/auth",
            "token_endpoint": f"{here}/token",
            "userinfo_endpoint": f"{here}/v1/userinfo",
            "revocation_endpoint": f"{here}/revoke",
            "jwks_uri": f"{here}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        }
    )


def _spoil_claims(claims: dict[str, Any], fault: str | None) -> None:
    if fault == "wrong_nonce":
        claims["nonce"] = "another"
    elif fault == "wrong_audience":
        claims["aud"] = claims["azp"] = "another.apps.googleusercontent.com"
    elif fault == "wrong_issuer":
        claims["iss"] = "https://accounts.example.com"
    elif fault == "expired_id_token":
        claims["iat"] -= 2 * _LIFETIME_S
        claims["exp"] -= 2 * _LIFETIME_S
    elif fault == "email_unverified":
        claims["email_verified"] = False


def _broken(method: str) -> Response | None:
    fault = current().faults.take(method)
    if fault is not None and fault.name in faults.REVOKE_REFUSALS:
        status, body = faults.REVOKE_REFUSALS[fault.name]
        return json_answer(body, status)
    return spoil(fault)


def _cached(answer: Response) -> Response:
    answer.headers["Cache-Control"] = f"public, max-age={_CERTS_MAX_AGE_S}, must-revalidate, no-transform"
    return answer


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
