"""Who is calling: Google for this add-on (system token), and on whose behalf (user token).

The order is fixed: the system token first, and nothing else is looked at unless it holds; then the body; then the
user token. The two are never taken for one another. `aud` of the system token is one of our configured URLs, never
what the Host header says. A user token can be absent after a scope was added: then Google is asked for consent.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy.orm import Session

from accounts import members
from accounts.members import Viewer
from addon.manifest import audiences
from kernel.errors import AppError
from kernel.runtime import Runtime
from oauth.errors import IdentityRefused
from oauth.identity import claims_of


class NotGoogle(AppError):  # noqa: N818 -- read as the state it reports
    """The call does not come from Google for this add-on."""

    code = "addon_not_google"
    status = HTTPStatus.UNAUTHORIZED
    sentence = "This address answers Google's add-on service only."


@dataclass(frozen=True, slots=True)
class Known:
    """A member, and the address under which they signed in, which every card shows: people have several accounts."""

    viewer: Viewer
    email: str

    def __repr__(self) -> str:
        """Return a constant: an address does not belong in logs."""
        return "<member>"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Google vouches for the person, and they have no account here yet."""


@dataclass(frozen=True, slots=True)
class NeedsConsent:
    """Google sent no user token: the person has to allow the sidebar to know who they are."""


def check_system(runtime: Runtime, authorization: str, path: str) -> None:
    """The call is Google's, for this add-on, for that path.

    Raises:
        NotGoogle: Any of signature, times, issuer, audience, exact address, verified address does not hold.
    """
    expected = runtime.settings.addon_service_account
    scheme, _, token = authorization.partition(" ")
    if not expected or scheme.lower() != "bearer" or not token:
        raise NotGoogle
    claims = _claims(runtime, token)
    email = str(claims.get("email", ""))
    good = (
        claims.get("aud") in audiences(runtime.settings, path)
        and hmac.compare_digest(email.encode(), expected.encode())
        and str(claims.get("email_verified")).lower() == "true"
    )
    if not good:
        raise NotGoogle


def find_user(runtime: Runtime, session: Session, event: Mapping[str, Any]) -> Known | Unknown | NeedsConsent:
    """Return the member on whose behalf Google calls, by `sub`; the address is never the key.

    Raises:
        NotGoogle: There is a user token and it does not hold.
    """
    authorization = event.get("authorizationEventObject")
    token = authorization.get("userIdToken") if isinstance(authorization, Mapping) else None
    if not isinstance(token, str) or not token:
        return NeedsConsent()
    claims = _claims(runtime, token)
    sub = claims.get("sub")
    if claims.get("aud") != runtime.settings.addon_client_id or not isinstance(sub, str) or not sub:
        raise NotGoogle
    member = members.find_by_sub(session, sub)
    if member is None or member.left_at is not None:
        return Unknown()
    return Known(members.viewer_of(member), member.email)


def _claims(runtime: Runtime, token: str) -> Mapping[str, Any]:
    """Return the claims of a token signed by Google and issued by its accounts service."""
    try:
        claims = claims_of(runtime, token)
    except IdentityRefused:
        raise NotGoogle from None
    issuer = runtime.settings.google.issuer
    if claims.get("iss") not in {issuer, issuer.removeprefix("https://")}:
        raise NotGoogle
    return claims
