"""Checkpoints: the signed head of the log, as in C2SP tlog-checkpoint and signed-note.

Terms:
    origin: the name of the log, a URL without its scheme; also the name of its key.
    checkpoint: origin, size and root, one a line.
    note: a text and lines that sign it, "— <key name> <base64 of key id and signature>".
    vkey: the public key in one line, "<name>+<key id, hex>+<base64 of type and key>".

A note says nothing until it is opened with a key that was known beforehand: nothing here returns the text of
a note that was not verified. Source: C2SP signed-note; signature type 0x01, Ed25519.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from kernel.errors import AppError
from limited_use.log.tree import HASH_SIZE

ED25519 = b"\x01"
MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 64
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,255}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH = "\u2014 "


class NoteRefused(AppError):  # noqa: N818 -- read as the state it reports
    """A signed note does not hold: not of the format, not signed by the known key, or wrongly signed."""

    code = "note_refused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The checkpoint is not signed by the key of this log."


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key and its name."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a name or a key that notes cannot carry."""
        if _NAME.fullmatch(self.name) is None or len(self.public) != HASH_SIZE:
            raise NoteRefused("The verification key has no usable name, or is not an Ed25519 key.")

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a note names the key."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def encode(self) -> str:
        """Return the vkey line, without a line end."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


def parse_vkey(text: str) -> VerifierKey:
    """Return the key that a vkey line holds.

    Raises:
        NoteRefused: if the line is no Ed25519 vkey, or its key id is not that of its key.
    """
    parts = text.strip().split("+", 2)
    key = _decode(parts[2]) if len(parts) == 3 else b""  # noqa: PLR2004 -- name, id and key
    if key[:1] != ED25519:
        raise NoteRefused("The verification key is not an Ed25519 key in the vkey form.")
    found = VerifierKey(parts[0], key[1:])
    if parts[1] != found.key_id.hex():
        raise NoteRefused("The verification key does not fit its own key id.")
    return found


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: how many leaves it has, and the root over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> bytes:
    """Return the note of this text, signed by the key under that name.

    Raises:
        NoteRefused: if the text cannot be that of a note.
    """
    if not text.endswith("\n") or any(c < " " and c != "\n" for c in text):
        raise NoteRefused("A note must end in a line end and hold no control characters.")
    known = VerifierKey(name, key.public_key().public_bytes_raw())
    signature = base64.b64encode(known.key_id + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n".encode()


def open_note(note: bytes, known: VerifierKey) -> str:
    """Return the text of a note, once the known key is found to have signed it.

    Signatures by other keys are passed over, as the format asks: witnesses may add theirs.

    Raises:
        NoteRefused: if the note is malformed, too large, not signed by the key, or wrongly signed as by it.
    """
    text, lines = _split_note(note)
    signed = False
    for line in lines:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        raw = _decode(encoded)
        if not line.startswith(_DASH) or _NAME.fullmatch(name) is None or len(raw) <= 4:  # noqa: PLR2004 -- id
            raise NoteRefused("A signature line of the checkpoint is malformed.")
        if name == known.name and hmac.compare_digest(raw[:4], known.key_id):
            _check_signature(known, raw[4:], text.encode())
            signed = True
    if not signed:
        raise NoteRefused
    return text


def sign_checkpoint(head: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """Return the note of a checkpoint, signed under its origin."""
    return sign_note(head.text(), head.origin, key)


def open_checkpoint(note: bytes, known: VerifierKey) -> Checkpoint:
    """Return the checkpoint in a note, once the known key is found to have signed it for its own log.

    Raises:
        NoteRefused: if the note does not hold, is no checkpoint, or is one of another log.
    """
    lines = open_note(note, known).split("\n")
    if len(lines) < 4 or "" in lines[:-1]:  # noqa: PLR2004 -- origin, size, root, and what follows the last line end
        raise NoteRefused("The signed note is not a checkpoint.")
    origin, size, root = lines[0], lines[1], _decode(lines[2])
    if _SIZE.fullmatch(size) is None or len(root) != HASH_SIZE:
        raise NoteRefused("The signed note is not a checkpoint.")
    if origin != known.name:
        raise NoteRefused("The checkpoint is of another log.")
    return Checkpoint(origin, int(size), root)


def _split_note(note: bytes) -> tuple[str, list[str]]:
    if len(note) > MAX_NOTE:
        raise NoteRefused("The checkpoint is too large.")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused("The checkpoint is not text.") from error
    text, blank, signatures = whole.rpartition("\n\n")
    if not blank or not signatures.endswith("\n") or any(c < " " and c != "\n" for c in whole):
        raise NoteRefused("The checkpoint is not a signed note.")
    lines = signatures[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteRefused("The checkpoint carries too many signatures.")
    return text + "\n", lines


def _check_signature(known: VerifierKey, signature: bytes, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(known.public).verify(signature, text)
    except InvalidSignature as error:
        raise NoteRefused from error


def _decode(text: str) -> bytes:
    """Return what strict base64 says, or nothing: the lax decoder of Python would let two texts mean one."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
