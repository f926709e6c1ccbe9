"""Service accounts of the local Google: a key file, and tokens for a signed assertion (RFC 7523), as Google's.

Control: `POST /_control/service-account` gives the key file of a new account.
Imitates developers.google.com/identity/protocols/oauth2/service-account. Differs: accounts have no permissions of
their own, a token opens whatever its scopes name.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Blueprint, Response, request

from emulator.state import State, current
from emulator.store import register
from emulator.wire import json_answer

if TYPE_CHECKING:
    from collections.abc import Iterable

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
LIFETIME_S = 3_600
_LONGEST_S = 3_600
_SKEW_S = 300

register(
    """
    CREATE TABLE IF NOT EXISTS service_account (email TEXT PRIMARY KEY, public_key TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS service_token (hash TEXT PRIMARY KEY, scopes TEXT NOT NULL, expires_at REAL NOT NULL);
    """
)
blueprint = Blueprint("service_accounts", __name__)


@blueprint.post("/_control/service-account")
def make() -> Response:
    """Make an account and give its key file, as the console does once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    number = secrets.token_hex(4)
    email = f"crm-{number}@local.iam.gserviceaccount.com"
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with current().store.write() as db:
        db.execute("INSERT INTO service_account (email, public_key) VALUES (?, ?)", (email, public.decode()))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = {
        "type": "service_account",
        "project_id": "local",
        "private_key_id": hashlib.sha256(public).hexdigest()[:40],
        "private_key": private.decode(),
        "client_email": email,
        "client_id": str(int(number, 16)),
        "token_uri": f"{request.host_url}token",
    }
    return json_answer(file, 201)


def exchange(state: State) -> tuple[dict[str, Any], int]:
    """Give the body and status of the answer to an assertion."""
    claims = _verified(state, request.form.get("assertion", ""))
    now = state.clock.now()
    if claims is None:
        return {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400
    begins, ends = float(claims.get("iat", 0)), float(claims.get("exp", 0))
    timely = begins - _SKEW_S <= now <= ends + _SKEW_S and ends - begins <= _LONGEST_S
    if not timely or claims.get("aud") not in {AUDIENCE, f"{request.host_url}token"}:
        said = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
        return {"error": "invalid_grant", "error_description": said}, 400
    token = f"ya29.c.{secrets.token_urlsafe(32)}"
    with state.store.write() as db:
        row = (_hash(token), str(claims.get("scope", "")), now + LIFETIME_S)
        db.execute("INSERT INTO service_token (hash, scopes, expires_at) VALUES (?, ?, ?)", row)
    return {"access_token": token, "expires_in": LIFETIME_S - 1, "token_type": "Bearer"}, 200


def may(state: State, authorization: str, scopes: Iterable[str]) -> bool:
    """Tell whether the header carries a living token of a service account with one of these scopes."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer":
        return False
    with state.store.read() as db:
        row = db.execute("SELECT * FROM service_token WHERE hash = ?", (_hash(token),)).fetchone()
    return (
        row is not None and row["expires_at"] > state.clock.now() and not set(scopes).isdisjoint(row["scopes"].split())
    )


def _verified(state: State, assertion: str) -> dict[str, Any] | None:
    text, _, signature = assertion.rpartition(".")
    try:
        claims = orjson.loads(_decoded(text.partition(".")[2]))
        with state.store.read() as db:
            query = "SELECT public_key FROM service_account WHERE email = ?"
            row = db.execute(query, (str(claims.get("iss")),)).fetchone()
        public = serialization.load_pem_public_key(row["public_key"].encode())
        if not isinstance(public, rsa.RSAPublicKey):
            return None
        public.verify(_decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError, TypeError, AttributeError):
        return None
    found: dict[str, Any] = claims
    return found


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
