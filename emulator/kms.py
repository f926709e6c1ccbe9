"""The part of the local Google that keeps keys: Cloud KMS over REST.

Imitates cloud.google.com/kms/docs/reference/rest (v1): cryptoKeys `get`, `encrypt`, `decrypt`,
`updatePrimaryVersion`; cryptoKeyVersions `create`, `get`, `patch`, `destroy`, `restore`; with the integrity sums and
errors of the original.

Control: `POST /_control/kms/keys {name}` makes a key; `KEY` is there from the start. Faults are planned for
`cloudkms.encrypt`, `.decrypt`, `.get` and `.create`: `spoiled_sum` has an answer arrive with a wrong sum,
`ignored_sums` leaves what was sent unchecked, `denied` takes the permission away.

Differs from Google: keys are made by the control API alone and are never in an HSM; whoever holds a service account's
token may use every key; the scheduled destruction of a version never comes due.
"""

from __future__ import annotations

import base64
import re
import secrets
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Blueprint, Response, request

from emulator import faults, service_accounts
from emulator.control_call import control_body
from emulator.refusals import Refusal, invalid, unauthenticated
from emulator.state import current
from emulator.store import register
from emulator.wire import json_answer, render, spoil

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from emulator.faults import Fault

KEY = "projects/local/locations/global/keyRings/crm/cryptoKeys/root"
SCOPES = frozenset({"https://www.googleapis.com/auth/cloudkms", "https://www.googleapis.com/auth/cloud-platform"})
MOST_BYTES = 65_536
_NAME = re.compile("projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[A-Za-z0-9_-]{1,63}")
_METHODS = tuple(f"cloudkms.{name}" for name in ("encrypt", "decrypt", "get", "create"))
_REFUSALS = ("exhausted_429", "backend_500", "backend_503", "backend_504", "auth_error")
_ENABLED, _DISABLED, _DESTROYED = "ENABLED", "DISABLED", "DESTROY_SCHEDULED"
_NONCE = 12

register(
    """
    CREATE TABLE IF NOT EXISTS kms_key (name TEXT PRIMARY KEY, primary_version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS kms_version (
        name TEXT NOT NULL, version INTEGER NOT NULL, secret BLOB NOT NULL, state TEXT NOT NULL,
        PRIMARY KEY (name, version)
    );
    """
)
for _fault in ("spoiled_sum", "ignored_sums", "denied", *_REFUSALS, *faults.TRANSPORT):
    faults.declare(_fault, *_METHODS)

blueprint = Blueprint("kms", __name__)


def _call(name: str, key: str, answer: Callable[[sqlite3.Connection, Fault | None], dict[str, Any]]) -> Response:
    """Answer a call on a key, through planned faults and the check of who calls."""
    state = current()
    fault = state.faults.take(f"cloudkms.{name}")
    try:
        refusal = faults.refusal_of(fault, f"cloudkms.{name}", "") if fault else None
        if refusal is not None:
            raise refusal
        spoiled = spoil(fault)
        if spoiled is not None:
            return spoiled
        _check_caller(name, key, fault)
        with state.store.write() as db:
            return json_answer(answer(db, fault))
    except Refusal as refused:
        return render(refused, "cloudkms")


def _check_caller(name: str, key: str, fault: Fault | None) -> None:
    if not service_accounts.may(current(), request.headers.get("Authorization", ""), SCOPES):
        raise unauthenticated()
    if fault is not None and fault.name == "denied":
        raise Refusal(403, "forbidden", f"Permission 'cloudkms.{name}' denied on resource '{key}'.")


@blueprint.get("/v1/projects/<path:key>")
def get_key(key: str) -> Response:
    """Give a key with its primary version, or a version."""
    key = f"projects/{key}"
    if "/cryptoKeyVersions/" in key:
        name, _, number = key.partition("/cryptoKeyVersions/")
        return _call("get", name, lambda db, _: _shown_version(_version(db, name, number)))
    return _call("get", key, lambda db, _: _shown(db, _key(db, key)))


@blueprint.post("/v1/projects/<path:key>:encrypt")
def encrypt(key: str) -> Response:
    """Encrypt under the primary version."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, fault: Fault | None) -> dict[str, Any]:
        row = _key(db, key)
        version = _version(db, key, row["primary_version"])
        _check_enabled(version)
        plain, verified = _field("plaintext", fault)
        data, verified_data = _field("additionalAuthenticatedData", fault)
        nonce = secrets.token_bytes(_NONCE)
        sealed = version["version"].to_bytes(4) + nonce + AESGCM(version["secret"]).encrypt(nonce, plain, data)
        return {
            "name": _version_name(version),
            "protectionLevel": "SOFTWARE",
            "verifiedPlaintextCrc32c": verified,
            "verifiedAdditionalAuthenticatedDataCrc32c": verified_data,
            **_summed("ciphertext", sealed, fault),
        }

    return _call("encrypt", key, answer)


@blueprint.post("/v1/projects/<path:key>:decrypt")
def decrypt(key: str) -> Response:
    """Decrypt with whichever version encrypted it."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, fault: Fault | None) -> dict[str, Any]:
        row = _key(db, key)
        sealed, _ = _field("ciphertext", fault)
        data, _ = _field("additionalAuthenticatedData", fault)
        wrong = invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.")
        found = db.execute(
            "SELECT * FROM kms_version WHERE name = ? AND version = ?", (key, int.from_bytes(sealed[:4]))
        ).fetchone()
        if found is None:
            raise wrong
        _check_enabled(found)
        try:
            plain = AESGCM(found["secret"]).decrypt(sealed[4 : 4 + _NONCE], sealed[4 + _NONCE :], data)
        except (InvalidTag, ValueError) as error:
            raise wrong from error
        primary = found["version"] == row["primary_version"]
        return {**_summed("plaintext", plain, fault), "usedPrimary": primary, "protectionLevel": "SOFTWARE"}

    return _call("decrypt", key, answer)


@blueprint.post("/v1/projects/<path:key>/cryptoKeyVersions")
def create_version(key: str) -> Response:
    """Make a further version; it is not primary yet."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, _: Fault | None) -> dict[str, Any]:
        _key(db, key)
        last = db.execute("SELECT max(version) FROM kms_version WHERE name = ?", (key,)).fetchone()[0]
        _add_version(db, key, last + 1)
        return _shown_version(_version(db, key, last + 1))

    return _call("create", key, answer)


@blueprint.post("/v1/projects/<path:key>:updatePrimaryVersion")
def update_primary(key: str) -> Response:
    """Encrypt with another version from now on."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, _: Fault | None) -> dict[str, Any]:
        version = _version(db, key, _body().get("cryptoKeyVersionId"))
        _check_enabled(version)
        db.execute("UPDATE kms_key SET primary_version = ? WHERE name = ?", (version["version"], key))
        return _shown(db, _key(db, key))

    return _call("create", key, answer)


@blueprint.patch("/v1/projects/<path:key>/cryptoKeyVersions/<number>")
def patch_version(key: str, number: str) -> Response:
    """Enable or disable a version."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, _: Fault | None) -> dict[str, Any]:
        wanted = _body().get("state")
        if request.args.get("updateMask") != "state" or wanted not in {_ENABLED, _DISABLED}:
            raise invalid("The update mask and the state do not go together.")
        return _move(db, key, number, ({_ENABLED, _DISABLED}, str(wanted)))

    return _call("create", key, answer)


@blueprint.post("/v1/projects/<path:key>/cryptoKeyVersions/<number>:<verb>")
def end_version(key: str, number: str, verb: str) -> Response:
    """Schedule the destruction of a version, or take that back."""
    key = f"projects/{key}"

    def answer(db: sqlite3.Connection, _: Fault | None) -> dict[str, Any]:
        if verb == "destroy":
            return _move(db, key, number, ({_ENABLED, _DISABLED}, _DESTROYED))
        if verb == "restore":
            return _move(db, key, number, ({_DESTROYED}, _DISABLED))
        raise Refusal(404, "notFound", "Not Found")

    return _call("create", key, answer)


@blueprint.post("/_control/kms/keys")
def control_make() -> Response:
    """Make a key, as its owner would with gcloud."""
    name = str(control_body().get("name", ""))
    if not _NAME.fullmatch(name):
        return render(invalid("This is not the name of a key."), "cloudkms")
    with current().store.write() as db:
        _make(db, name)
    return json_answer({"name": name}, 201)


def _make(db: sqlite3.Connection, name: str) -> None:
    db.execute("INSERT OR IGNORE INTO kms_key (name, primary_version) VALUES (?, 1)", (name,))
    _add_version(db, name, 1)


def _add_version(db: sqlite3.Connection, name: str, version: int) -> None:
    row = (name, version, secrets.token_bytes(32), _ENABLED)
    db.execute("INSERT OR IGNORE INTO kms_version (name, version, secret, state) VALUES (?, ?, ?, ?)", row)


def _key(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    if name == KEY:
        _make(db, name)
    row = db.execute("SELECT * FROM kms_key WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise Refusal(404, "notFound", f"CryptoKey {name} not found.")
    found: sqlite3.Row = row
    return found


def _version(db: sqlite3.Connection, name: str, number: object) -> sqlite3.Row:
    _key(db, name)
    query = "SELECT * FROM kms_version WHERE name = ? AND version = ?"
    row = db.execute(
        query, (name, int(str(number)) if str(number).isascii() and str(number).isdigit() else 0)
    ).fetchone()
    if row is None:
        raise Refusal(404, "notFound", f"CryptoKeyVersion {name}/cryptoKeyVersions/{number} not found.")
    found: sqlite3.Row = row
    return found


def _move(db: sqlite3.Connection, name: str, number: str, change: tuple[set[str], str]) -> dict[str, Any]:
    row, (allowed, wanted) = _version(db, name, number), change
    if row["state"] not in allowed:
        raise _not_in_state(row)
    db.execute("UPDATE kms_version SET state = ? WHERE name = ? AND version = ?", (wanted, name, row["version"]))
    return _shown_version(_version(db, name, number))


def _check_enabled(version: sqlite3.Row) -> None:
    if version["state"] != _ENABLED:
        raise _not_in_state(version)


def _not_in_state(version: sqlite3.Row) -> Refusal:
    said = f"{_version_name(version)} is not enabled, current state is: {version['state']}."
    return Refusal(400, "failedPrecondition", said, canonical="FAILED_PRECONDITION")


def _version_name(row: sqlite3.Row) -> str:
    return f"{row['name']}/cryptoKeyVersions/{row['version']}"


def _shown_version(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "name": _version_name(row),
        "state": row["state"],
        "protectionLevel": "SOFTWARE",
        "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
    }


def _shown(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "name": row["name"],
        "primary": _shown_version(_version(db, row["name"], row["primary_version"])),
        "purpose": "ENCRYPT_DECRYPT",
        "versionTemplate": {"protectionLevel": "SOFTWARE", "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
    }


def _body() -> dict[str, Any]:
    try:
        body = orjson.loads(request.get_data() or b"{}")
    except orjson.JSONDecodeError as error:
        raise invalid("Invalid JSON payload received.", reason="parseError") from error
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Expected an object.", reason="parseError")
    return body


def _field(name: str, fault: Fault | None) -> tuple[bytes, bool]:
    """Give a field of the request, and whether its sum was sent and is right.

    Raises:
        Refusal: when it cannot be read, is too long, or is not what its sum says.
    """
    body = _body()
    try:
        value = base64.b64decode(body.get(name, ""), validate=True)
    except (TypeError, ValueError) as error:
        raise invalid(f"Invalid value at '{name}' (TYPE_BYTES), Base64 decoding failed") from error
    if len(value) > MOST_BYTES:
        raise invalid(f"The field {name} is longer than {MOST_BYTES} bytes.")
    said = body.get(f"{name}Crc32c")
    if said is None or (fault is not None and fault.name == "ignored_sums"):
        return value, False
    if str(said) != str(crc32c(value)):
        raise invalid(f"The checksum in field {name}_crc32c did not match the data in field {name}.")
    return value, True


def _summed(name: str, value: bytes, fault: Fault | None) -> dict[str, str]:
    wrong = fault is not None and fault.name == "spoiled_sum"
    return {name: base64.b64encode(value).decode(), f"{name}Crc32c": str(crc32c(value) ^ wrong)}


def crc32c(data: bytes) -> int:
    """Give the Castagnoli CRC of RFC 3720, bit by bit."""
    left = 0xFFFFFFFF
    for byte in data:
        left ^= byte
        for _ in range(8):
            left = (left >> 1) ^ (0x82F63B78 * (left & 1))
    return left ^ 0xFFFFFFFF
