"""The keys that sign this Google's ID tokens, and the two forms in which they are published.

Keys live as PEM files in the state folder, so that tokens stay valid over a restart. Rotating adds a key,
signs with it, and still publishes the one before.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import threading
from typing import TYPE_CHECKING, Any

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.clock import Clock

_PUBLISHED = 2
_BITS = 2048


def base64url(data: bytes) -> str:
    """Encode as JOSE does: URL-safe and without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Keys:
    """The signing keys, newest last; the newest signs."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder / "keys"
        self._clock = clock
        self._lock = threading.Lock()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._keys = [_load(path) for path in sorted(self._folder.glob("*.pem"))]
        if not self._keys:
            self.rotate()

    def rotate(self) -> str:
        """Sign with a new key from now on, and give its id."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with self._lock:
            path = self._folder / f"{len(self._keys) + 1:04d}.pem"
            path.touch(mode=0o600)
            path.write_bytes(pem)
            self._keys.append(key)
        return _key_id(key)

    def sign(self, claims: dict[str, Any]) -> str:
        """Give a JWT with these claims, signed RS256 with the newest key."""
        key = self._keys[-1]
        header = {"alg": "RS256", "kid": _key_id(key), "typ": "JWT"}
        text = f"{base64url(orjson.dumps(header))}.{base64url(orjson.dumps(claims))}"
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{base64url(signature)}"

    def verify(self, token: str) -> dict[str, Any] | None:
        """Give the claims of a token that one of the published keys signed, None for any other text."""
        text, _, signature = token.rpartition(".")
        for key in self._keys[-_PUBLISHED:]:
            with contextlib.suppress(InvalidSignature, ValueError):
                key.public_key().verify(_unbase64url(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
                claims: dict[str, Any] = orjson.loads(_unbase64url(text.partition(".")[2]))
                return claims
        return None

    def jwks(self) -> dict[str, Any]:
        """Give the published keys as a JWK set."""
        return {"keys": [_jwk(key) for key in self._keys[-_PUBLISHED:]]}

    def certificates(self) -> dict[str, str]:
        """Give the published keys as a map of key id to a PEM certificate."""
        return {_key_id(key): self._certificate(key) for key in self._keys[-_PUBLISHED:]}

    def _certificate(self, key: rsa.RSAPrivateKey) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.local")])
        today = dt.datetime.fromtimestamp(self._clock.real(), dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(int(_key_id(key)[:16], 16) or 1)
            .not_valid_before(today - dt.timedelta(days=1))
            .not_valid_after(today + dt.timedelta(days=16))
            .sign(key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _load(path: Path) -> rsa.RSAPrivateKey:
    # Checking that the primes are primes takes longer than all else of a start, and we wrote the file.
    key = serialization.load_pem_private_key(path.read_bytes(), password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} does not hold an RSA key.")
    return key


def _key_id(key: rsa.RSAPrivateKey) -> str:
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public).hexdigest()[:40]


def _jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": _key_id(key),
        "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
        "e": base64url(numbers.e.to_bytes(3)),
    }
