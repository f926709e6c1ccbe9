"""Sealing and blind indexing: the two things that code outside the guard may do with keys, and neither opens.

Wire: `0x01 | key id (4, big endian) | nonce (12) | ciphertext | tag (16)`, AES-256-GCM; the associated data is the
place (`limited_use.sealing.Field` and the row), so what was moved to another row, column or tenant does not open.
Nonces come from the system one by one: nothing is buffered that a forked worker could use twice.
"""

import hashlib
import os
import uuid

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.errors import Unavailable
from limited_use.sealing import Field, Sealed, SealedError, field_of

WIRE_VERSION = 1
HEAD_SIZE = 5
NONCE_END = 17
TAG_SIZE = 16
SHORTEST = NONCE_END + TAG_SIZE
DIGEST_SIZE = 16
_BLOCK = 64
ALLOWANCE = 2**24
"""How often a process may seal under a key before it has told the keys' database how often it did."""


class KeyWorn(Unavailable):
    """A key was used as often as it may be, and its successor is not there yet."""

    code = "key_worn"
    sentence = "A key has been used as often as is safe and is being renewed. Try again in a minute."


class Uses:
    """What a process used of one key and has not told yet."""

    __slots__ = ("left", "spent", "unwraps")

    def __init__(self) -> None:
        self.left = ALLOWANCE
        self.unwraps = 0
        self.spent = False

    def spend(self) -> None:
        """Allow nothing more."""
        self.left, self.spent = 0, True


def wire_head(key_id: int) -> bytes:
    """Return the first five bytes of every ciphertext of this key."""
    return bytes((WIRE_VERSION,)) + key_id.to_bytes(4, "big")


def key_id_of(wire: bytes) -> int:
    """Return the id of the key that a ciphertext names.

    Raises:
        SealedError: if it is too short or of another version.
    """
    if len(wire) < SHORTEST or wire[0] != WIRE_VERSION:
        raise SealedError("A sealed value is damaged.")
    return int.from_bytes(wire[1:HEAD_SIZE], "big")


def encode(text: str) -> bytes:
    """Return the text as UTF-8; half a surrogate pair, which no encoding can carry, becomes U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


class Sealer:
    """Seals text under one key. Ask the vault for one per piece of work: it does not notice rotation or destruction."""

    __slots__ = ("_encrypt", "_fields", "_head", "_organisation_id", "_uses", "key_id")

    def __init__(self, key: AESGCM, key_id: int, organisation_id: uuid.UUID, uses: Uses) -> None:
        self._uses = uses
        self._encrypt = key.encrypt
        self._head = wire_head(key_id)
        self._organisation_id = organisation_id
        self._fields: dict[tuple[str, str, str], Field] = {}
        self.key_id = key_id

    def __repr__(self) -> str:
        """Return the key's id alone."""
        return f"<sealer of key {self.key_id}>"

    def seal(self, table: str, column: str, row_id: uuid.UUID, text: str, value_format: str = "text") -> Sealed:
        """Return the text encrypted for that place, and nowhere else to be read.

        Raises:
            KeyWorn: if the key was used as often as it may be.
        """
        uses = self._uses
        uses.left -= 1
        if uses.left < 0:
            raise KeyWorn
        field = self._fields.get((table, column, value_format))
        if field is None:
            field = field_of(self._organisation_id, table, column, value_format)
            self._fields[table, column, value_format] = field
        nonce = os.urandom(12)
        wire = self._head + nonce + self._encrypt(nonce, encode(text), field.head + row_id.bytes + field.tail)
        return Sealed.standing(wire, field, row_id)


class BlindIndex:
    """Keyed digests of normalised values: equality without plaintext, inside one organisation.

    HMAC-SHA256 over `kind NUL value`, cut to 16 bytes; the hash states of key and kind are kept, which halves the
    work. Two kinds never have a digest in common.
    """

    __slots__ = ("_inner", "_key", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK, b"\x00")
        self._key = bytes(byte ^ 0x36 for byte in padded)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._inner: dict[str, hashlib._Hash] = {}

    def __repr__(self) -> str:
        """Return a constant."""
        return "<blind index>"

    def digest(self, kind: str, value: str | bytes) -> bytes:
        """Return the 16 bytes that stand for this value among values of its kind."""
        return self.full_digest(kind, value)[:DIGEST_SIZE]

    def full_digest(self, kind: str, value: str | bytes) -> bytes:
        """Return all 32 bytes of the HMAC."""
        begun = self._inner.get(kind)
        if begun is None:
            begun = self._begin(kind)
        inner = begun.copy()
        inner.update(encode(value) if isinstance(value, str) else value)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def _begin(self, kind: str) -> "hashlib._Hash":
        if not kind or "\x00" in kind:
            raise ValueError("the kind of a blind index is a name")
        begun = self._inner[kind] = hashlib.sha256(self._key + kind.encode() + b"\x00")
        return begun
