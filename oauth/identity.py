"""Who Google says somebody is: the id token, with every check that matters made here.

Google's library checks the signature and the times; issuer, audience, nonce and the verified address are checked
here. The audience is compared here, too: a list that merely contains us is not for us alone.
"""

import hmac
from collections.abc import Mapping
from typing import Any

from google.auth import exceptions, jwt

from accounts.members import Identity
from kernel.runtime import Runtime
from oauth.certs import certificates
from oauth.errors import AddressUnverified, IdentityRefused

SKEW_S = 10
LONGEST_SUB = 255


def verify(runtime: Runtime, id_token: str, nonce: str) -> Identity:
    """Return whom the id token speaks of, once all of it holds.

    Raises:
        IdentityRefused: Signature, issuer, audience, time or nonce do not hold.
        AddressUnverified: They hold, and Google does not vouch for the address.
        GoogleUnavailable: Google's certificates cannot be had.
    """
    claims = claims_of(runtime, id_token)
    _check(runtime, claims, nonce)
    email, sub = claims.get("email"), claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB or not isinstance(email, str) or "@" not in email:
        raise IdentityRefused
    if str(claims.get("email_verified")).lower() != "true":  # Google's own samples show both a bool and a text
        raise AddressUnverified
    name = claims.get("name")
    return Identity(sub, email.strip().lower(), name.strip() if isinstance(name, str) else "")


def claims_of(runtime: Runtime, id_token: str) -> Mapping[str, Any]:
    """Return the claims of a token that Google signed and whose times hold; nothing else of it is checked.

    Raises:
        IdentityRefused: Signature or times do not hold.
        GoogleUnavailable: Google's certificates cannot be had.
    """
    try:
        header = jwt.decode_header(id_token)  # type: ignore[no-untyped-call]  # google-auth is typed in part
        if header.get("alg") != "RS256":
            raise IdentityRefused
        keys = certificates(runtime).find(str(header.get("kid")))
        if header.get("kid") not in keys:
            raise IdentityRefused
        claims: Mapping[str, Any] = jwt.decode(id_token, certs=keys, clock_skew_in_seconds=SKEW_S)  # type: ignore[no-untyped-call]  # google-auth is typed in part
    except (exceptions.GoogleAuthError, ValueError, TypeError):
        raise IdentityRefused from None  # the library's messages quote the token
    return claims


def _check(runtime: Runtime, claims: Mapping[str, Any], nonce: str) -> None:
    issuer = runtime.settings.google.issuer
    good = (
        claims.get("iss") in {issuer, issuer.removeprefix("https://")}
        and claims.get("aud") == runtime.settings.google_client_id
        and hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())
    )
    if not good:
        raise IdentityRefused
