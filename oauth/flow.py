"""The two halves of the code flow, through Google's own library: the address to go to, and the code for tokens.

Google's answer counts: the scopes are what it says was granted. The library is given no wanted scopes for the second
half, because it takes every difference, even of aliases, for an error.
"""

import datetime as dt
import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import requests
from google_auth_oauthlib.flow import Flow
from oauthlib.oauth2 import OAuth2Error  # type: ignore[import-untyped]  # it has no types

from kernel.runtime import Runtime
from kernel.settings import Settings
from limited_use import egress
from oauth.errors import ClientRefused, CodeRefused, GoogleUnavailable, RefusedByGoogle
from oauth.scopes import canonical

CALLBACK_PATH = "/oauth/callback"
TIMEOUT_S = 15
_CLIENT_FAULTS = frozenset({"invalid_client", "deleted_client", "unauthorized_client", "redirect_uri_mismatch"})


@dataclass(frozen=True, slots=True)
class Request:
    """What the browser is sent to Google with."""

    scopes: tuple[str, ...]
    state: str
    nonce: str
    verifier: str
    offline: bool = False
    login_hint: str | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """What Google gave for a code; nothing of it is verified or stored yet."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    scopes: list[str]
    expires_at: dt.datetime


def address(settings: Settings, asked: Request) -> str:
    """Return the address at Google that the browser goes to."""
    extra: dict[str, str] = {"nonce": asked.nonce, "include_granted_scopes": "true" if asked.offline else "false"}
    extra["access_type"] = "offline" if asked.offline else "online"
    if asked.login_hint:
        extra["login_hint"] = asked.login_hint
    if asked.prompt:
        extra["prompt"] = asked.prompt
    flow = _flow(settings, list(asked.scopes), asked.state, asked.verifier)
    url, _state = flow.authorization_url(**extra)
    return str(url)


def exchange(runtime: Runtime, code: str, verifier: str) -> Tokens:
    """Return what Google gives for the code, which is used up by this.

    Raises:
        CodeRefused: Google did not take it.
        RefusedByGoogle: The account's administrator does not allow us.
        ClientRefused: Google did not take our own id or secret.
        GoogleUnavailable: Google did not answer as it should.
    """
    flow = _flow(runtime.settings, None, None, verifier)
    egress.client(runtime).way("google_oauth").carry(flow.oauth2session)
    now = runtime.clock.now()
    try:
        answer = flow.fetch_token(code=code, timeout=TIMEOUT_S)
    except OAuth2Error as error:
        raise _explained(str(error.error)) from None  # the library's message quotes Google's answer
    except (requests.RequestException, ValueError, KeyError):
        raise GoogleUnavailable from None
    return _read(answer, now)


def _read(answer: dict[str, object], now: dt.datetime) -> Tokens:
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    refresh_token, scope = answer.get("refresh_token"), answer.get("scope")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise GoogleUnavailable
    listed = scope.split() if isinstance(scope, str) else [str(item) for item in scope] if scope else []  # type: ignore[attr-defined]  # the library gives a text or a list of texts
    lifetime = answer.get("expires_in")
    seconds = int(lifetime) if isinstance(lifetime, int | float | str) else 0
    return Tokens(
        id_token=id_token,
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        scopes=canonical(listed),
        expires_at=now + dt.timedelta(seconds=seconds),
    )


def _explained(error: str) -> Exception:
    if error in _CLIENT_FAULTS:
        return ClientRefused()
    if error == "admin_policy_enforced":
        return RefusedByGoogle()
    if error in {"invalid_grant", "invalid_request", "insecure_transport", "mismatching_state"}:
        return CodeRefused()
    return GoogleUnavailable()


def _flow(settings: Settings, scopes: list[str] | None, state: str | None, verifier: str) -> Flow:
    _allow_loopback(settings)
    config = {
        "web": {
            "client_id": settings.google_client_id,
            "client_secret": settings.google_client_secret,
            "auth_uri": settings.google.authorize,
            "token_uri": settings.google.token,
        }
    }
    return Flow.from_client_config(
        config,
        scopes=scopes,
        state=state,
        redirect_uri=settings.public_url + CALLBACK_PATH,
        code_verifier=verifier,
        autogenerate_code_verifier=False,
    )


def _allow_loopback(settings: Settings) -> None:
    """Let the library speak http, to a stand-in on this machine and to nothing else.

    The library knows no other switch than the environment. It is thrown only when every endpoint that this process
    uses is on loopback, so that no request of ours over a network is ever affected.
    """
    endpoints = (settings.google.authorize, settings.google.token)
    if settings.is_local_google and all(_is_loopback(url) for url in endpoints):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # noqa: TID251 -- written for oauthlib, never read by us


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
