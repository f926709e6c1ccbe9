"""Google Cloud KMS as the root of the key tree: wrapping and unwrapping over its REST API.

The key never leaves the service. Every request carries CRC32C sums of what is sent and every answer's sums are
checked, both ways, as Google asks, so that a bit lost on the way is noticed before anything is stored. What was wrapped
begins with the key version that wrapped it (the service does not say it later) with the highest bit set, which tells
it from what a key file wrapped. An answer that is worth another try is tried again, a bounded number of times.

Source: cloud.google.com/kms/docs/reference/rest (v1), and cloud.google.com/kms/docs/data-integrity-guidelines.
"""

import base64
import json
import random
import re
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import google.auth
import requests
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.egress.errors import EgressFailed
from limited_use.keyring import KEY_SIZE, KeyringError

SCOPE = "https://www.googleapis.com/auth/cloudkms"
DESTINATION = "google_kms"
IDENTITY = ("google_kms", "google_oauth", "platform_identity")
TIMEOUT_S = 10.0
TRIES = 4
FIRST_WAIT_S = 0.2
MOST_BYTES = 64 * 1024
CLOUD = 1 << 31
_HEAD = struct.Struct(">I")
_AGAIN = frozenset({429, 500, 502, 503, 504})
_VERSION = re.compile(r".*/cryptoKeyVersions/([1-9][0-9]{0,8})", re.ASCII)


class KeyServiceUnavailable(KeyringError):  # noqa: N818 -- read as the state it reports
    """Cloud KMS does not answer as it should at present."""

    code = "key_service_unavailable"
    sentence = "The key service does not answer at present, so nothing can be opened. Try again in a minute."
    retry = True


class KeyServiceRefused(KeyringError):  # noqa: N818 -- as above
    """Cloud KMS refuses us: permission, address or state of the key."""

    code = "key_service_refused"
    sentence = (
        "The key service refuses this product: KMS_KEY names no key that it may use, or a version that is needed is "
        "disabled. An operator finds what to do in docs/operators/keys.md."
    )


_NOT_MADE_THERE = (
    "What stands in the keys' database was not made by the key that KMS_KEY names. Name the key that it was made with, "
    "or restore the keys' database from its backup."
)


class Post(Protocol):
    """What carries a request to the service and returns status and body."""

    def __call__(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the answer's status and body; raises EgressFailed when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class KeyAt:
    """A key at the service: its address, and its name there (projects/…/cryptoKeys/…)."""

    root: str
    name: str

    def url(self, call: str = "") -> str:
        """Return the address of a call on the key."""
        return f"{self.root.rstrip('/')}/v1/{self.name}{call}"


class CloudKms:
    """One symmetric key of Cloud KMS; its primary version wraps."""

    def __init__(
        self, key: KeyAt, post: Post, token: Callable[[bool], str], wait: Callable[[float], None] = time.sleep
    ) -> None:
        """`token` gives an access token, a fresh one when told so."""
        self._key = key
        self._post = post
        self._token = token
        self._wait = wait

    def __repr__(self) -> str:
        """Return a constant."""
        return "<cloud kms>"

    def create(self) -> None:
        """Have seen that the key is there; it is made by the operator, never by the product.

        Raises:
            KeyServiceRefused: if it is not, or may not be used.
        """
        self.newest()

    def renew(self) -> int:
        """Return a new version, primary from now on.

        Raises:
            KeyServiceRefused: if that is not allowed; then renew it at Google, where it can be done on a schedule.
        """
        made = self._call("POST", "/cryptoKeyVersions", {"state": "ENABLED"})
        version = _version_in(made.get("name"))
        self._call("POST", ":updatePrimaryVersion", {"cryptoKeyVersionId": str(version & ~CLOUD)})
        return version

    def newest(self) -> int:
        """Return the primary version."""
        primary = self._call("GET", "", None).get("primary")
        if not isinstance(primary, dict):
            raise KeyServiceRefused
        return _version_in(primary.get("name"))

    def version_of(self, wrapped: bytes) -> int:
        """Return the version that wrapped this.

        Raises:
            KeyringError: if the service did not.
        """
        try:
            version = int(_HEAD.unpack(wrapped[:4])[0])
        except struct.error as error:
            raise KeyringError(_NOT_MADE_THERE) from error
        return version

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return the key encrypted under the primary version, bound to `context`."""
        said = self._call(
            "POST", ":encrypt", {**_summed("plaintext", key), **_summed("additionalAuthenticatedData", context)}
        )
        seen = said.get("verifiedPlaintextCrc32c"), said.get("verifiedAdditionalAuthenticatedDataCrc32c")
        if seen != (True, True):
            raise KeyServiceUnavailable
        return _HEAD.pack(_version_in(said.get("name"))) + _checked(said, "ciphertext")

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key that was wrapped for `context`.

        Raises:
            KeyringError: if it was wrapped by another root, for another context, or was changed.
        """
        if not self.version_of(wrapped) & CLOUD:
            raise KeyringError("These keys were wrapped by a key file. Leave KEYRING_PATH set beside KMS_KEY.")
        body = {**_summed("ciphertext", wrapped[4:]), **_summed("additionalAuthenticatedData", context)}
        key = _checked(self._call("POST", ":decrypt", body), "plaintext")
        if len(key) != KEY_SIZE:
            raise KeyringError(_NOT_MADE_THERE)
        return key

    def _call(self, method: str, call: str, body: dict[str, str] | None) -> dict[str, Any]:
        """Return what the service answers.

        Raises:
            KeyServiceUnavailable: if it did not, after some tries.
            KeyServiceRefused: if it will not.
            KeyringError: if it says that what was sent is not what it once made.
        """
        sent = None if body is None else json.dumps(body).encode()
        renewed = False
        for attempt in range(TRIES):
            if attempt:
                self._wait(FIRST_WAIT_S * 3 ** (attempt - 1) * random.uniform(0.7, 1.3))  # noqa: S311 -- jitter
            headers = {"Authorization": f"Bearer {self._token(renewed)}", "Content-Type": "application/json"}
            try:
                status, answer = self._post(method, self._key.url(call), sent, headers)
            except EgressFailed:
                continue
            if status == HTTPStatus.OK:
                return _object(answer)
            if status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
            elif status not in _AGAIN:
                raise _refusal(status, answer)
        raise KeyServiceUnavailable


def version_name(version: int) -> str:
    """Return how people call a version of a root."""
    return f"version {version & ~CLOUD} at Cloud KMS" if version & CLOUD else f"version {version}"


def _refusal(status: int, answer: bytes) -> AppError:
    error = _object(answer).get("error")
    said = error.get("status") if isinstance(error, dict) else None
    if status == HTTPStatus.BAD_REQUEST and said == "INVALID_ARGUMENT":
        return KeyringError(_NOT_MADE_THERE)
    return KeyServiceRefused()


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = json.loads(answer)
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {}


def _version_in(name: object) -> int:
    found = _VERSION.fullmatch(name) if isinstance(name, str) else None
    if found is None:
        raise KeyServiceUnavailable
    return int(found[1]) | CLOUD


def _summed(name: str, value: bytes) -> dict[str, str]:
    """Return a field of a request with its sum beside it."""
    return {name: base64.b64encode(value).decode(), f"{name}Crc32c": str(crc32c(value))}


def _checked(said: Mapping[str, Any], name: str) -> bytes:
    """Return a field of an answer whose sum is right.

    Raises:
        KeyServiceUnavailable: if it is not: something was lost on the way, and another try may be right.
    """
    try:
        value = base64.b64decode(said.get(name, ""), validate=True)
        right = int(said[f"{name}Crc32c"]) == crc32c(value)
    except (KeyError, TypeError, ValueError) as error:
        raise KeyServiceUnavailable from error
    if not right:
        raise KeyServiceUnavailable
    return value


def _table() -> tuple[int, ...]:
    entries = []
    for byte in range(256):
        left = byte
        for _ in range(8):
            left = left >> 1 ^ 0x82F63B78 if left & 1 else left >> 1
        entries.append(left)
    return tuple(entries)


_CRC32C = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of some bytes (RFC 3720, appendix B.4). Ours are short: no library is needed for that."""
    left = 0xFFFFFFFF
    for byte in data:
        left = _CRC32C[(left ^ byte) & 0xFF] ^ left >> 8
    return left ^ 0xFFFFFFFF


class _Identity:
    """Access tokens of the product's own identity at Google Cloud: of a key file, or as the platform gives it."""

    def __init__(self, runtime: Runtime) -> None:
        self._path = runtime.settings.kms_credentials
        self._way = egress.client(runtime).way(*IDENTITY)
        self._lock = threading.Lock()
        self._credentials: Any = None

    def token(self, renewed: bool) -> str:  # noqa: FBT001 -- passed on as it is
        """Return an access token; a new one where the last was not taken.

        Raises:
            KeyServiceUnavailable: if whoever gives tokens does not answer at present.
            KeyServiceRefused: if the process has no identity at Google Cloud, or cannot prove it.
        """
        with self._lock, requests.Session() as session:
            self._way.carry(session)
            request = Request(session)
            try:
                if self._credentials is None:
                    self._credentials = self._find(request)
                if renewed or not self._credentials.valid:
                    self._credentials.refresh(request)
            except (GoogleAuthError, OSError, ValueError, AppError) as error:
                if _may_pass(error):
                    raise KeyServiceUnavailable from error
                raise KeyServiceRefused(
                    "The product has no identity at Google Cloud: run it under a service account, or let "
                    "KMS_CREDENTIALS name a key file."
                ) from error
            return str(self._credentials.token)

    def _find(self, request: Request) -> Any:
        if self._path is None:
            return google.auth.default(scopes=[SCOPE], request=request)[0]
        return service_account.Credentials.from_service_account_file(str(self._path), scopes=[SCOPE])  # type: ignore[no-untyped-call]  # google-auth is typed in part


def _may_pass(error: Exception) -> bool:
    """Tell whether no token was given because nobody answered, rather than because of who asked.

    google-auth says of a token endpoint's error whether another try may help; its error about a platform that did not
    answer (compute_engine) does not say so, but was raised from the one that does.
    """
    if isinstance(error, (TransportError, EgressFailed)) or isinstance(error.__cause__, TransportError):
        return True
    return isinstance(error, GoogleAuthError) and bool(error.retryable)


def cloud_kms(runtime: Runtime) -> CloudKms:
    """Return the key that the settings name, reached by the product's one HTTP client."""
    out = egress.client(runtime)

    def post(method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        answer = out.request(DESTINATION, method, url, body=body, headers=headers, timeout_s=TIMEOUT_S, most=MOST_BYTES)
        return answer.status, answer.body

    at = KeyAt(runtime.settings.google.kms_root, runtime.settings.kms_key)
    return CloudKms(at, post, _Identity(runtime).token)
