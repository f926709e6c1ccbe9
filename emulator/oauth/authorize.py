"""The authorization request: what a client asks for, checked before anybody is shown anything.

A request that cannot be trusted to come from a known client with a known redirect address ends on a page
of Google's own; everything else is told to the client at its redirect address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from emulator.oauth import scopes as _scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.config import Config

_PROMPTS = frozenset({"none", "consent", "select_account"})
_CHALLENGES = frozenset({"S256", "plain"})
_SHORTEST_CHALLENGE = 43


class PageError(Exception):
    """A request that ends on a page of Google's own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True)
class AuthorizationRequest:
    """What a client asked for at the authorization endpoint, by Google's parameter names."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    prompts: frozenset[str]
    state: str | None
    nonce: str | None
    login_hint: str | None
    code_challenge: str | None
    code_challenge_method: str
    offline: bool
    include_granted_scopes: bool

    @property
    def optional_scopes(self) -> tuple[str, ...]:
        """The scopes that a person allows one by one."""
        return tuple(scope for scope in self.scopes if scope not in _scopes.IDENTITY)

    @property
    def identity_scopes(self) -> frozenset[str]:
        """The scopes of signing in."""
        return frozenset(self.scopes) & _scopes.IDENTITY

    @property
    def client_name(self) -> str:
        """The host by which a person recognises who is asking."""
        return urlsplit(self.redirect_uri).netloc

    def callback(self, **answer: str) -> str:
        """Give the redirect address with an answer, and the client's state as it came."""
        if self.state is not None:
            answer["state"] = self.state
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode(answer)}"


def read_request(config: Config, given: Mapping[str, str]) -> AuthorizationRequest:
    """Give the checked request.

    Raises:
        PageError: when Google would answer with an error page.
    """
    client_id, redirect_uri = _check_client(config, given)
    if given.get("response_type") != "code":
        raise PageError(400, "invalid_request", "Required parameter is missing or wrong: response_type")
    scopes = _scopes.canonical(given.get("scope", ""))
    if not scopes:
        raise PageError(400, "invalid_request", "Missing required parameter: scope")
    unknown = _scopes.unknown(scopes)
    if unknown:
        raise PageError(400, "invalid_scope", f"Some requested scopes were invalid: {', '.join(unknown)}")
    prompts = frozenset(given.get("prompt", "").split())
    if not prompts <= _PROMPTS or (prompts > {"none"}):
        raise PageError(400, "invalid_request", "Invalid parameter value for prompt")
    challenge, challenge_method = _challenge(given)
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri,
        scopes=scopes,
        prompts=prompts,
        state=given.get("state"),
        nonce=given.get("nonce"),
        login_hint=given.get("login_hint"),
        code_challenge=challenge,
        code_challenge_method=challenge_method,
        offline=given.get("access_type") == "offline",
        include_granted_scopes=given.get("include_granted_scopes") == "true",
    )


def _check_client(config: Config, given: Mapping[str, str]) -> tuple[str, str]:
    client_id = given.get("client_id", "")
    if not client_id:
        raise PageError(400, "invalid_request", "Missing required parameter: client_id")
    if client_id not in {config.client_id, config.addon_client_id}:
        raise PageError(401, "invalid_client", "The OAuth client was not found.")
    redirect_uri = given.get("redirect_uri", "")
    if redirect_uri not in config.redirect_uris:
        raise PageError(400, "redirect_uri_mismatch", "The redirect_uri of the request is not one of those registered.")
    return client_id, redirect_uri


def _challenge(given: Mapping[str, str]) -> tuple[str | None, str]:
    challenge = given.get("code_challenge")
    how = given.get("code_challenge_method", "plain")
    if challenge is not None and (how not in _CHALLENGES or len(challenge) < _SHORTEST_CHALLENGE):
        raise PageError(400, "invalid_request", "Invalid parameter value for code_challenge")
    return challenge, how
