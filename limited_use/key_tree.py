"""The shape of the key tree in its database: what keys there are, which wraps which, and how one is made.

Terms: *purpose* what a key is for; *name* whose key it is and what for, whatever its version; *facts* what a key is,
without the key; *commitment* SHA-256 of a key, kept beside it, so that a wrapped key can never be passed off as another
(AES-GCM alone would allow it); *joint* key one whose label is several grants: it ends with the first of them that ends.
"""

import enum
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from kernel.errors import AppError
from limited_use.cipher import HEAD_SIZE, NONCE_END, key_id_of, wire_head
from limited_use.keyring import NONCE_SIZE
from limited_use.labels import NATIVE, Labels, Source, label
from limited_use.models import Key
from limited_use.sealing import SealedError


class KeyUnknown(AppError):  # noqa: N818 -- read as the state it reports
    """There is no such key: it was never made here."""

    code = "key_unknown"
    status = HTTPStatus.GONE
    sentence = "This was sealed with a key that does not exist here, so it cannot be read."


class KeyDestroyed(AppError):  # noqa: N818 -- as above
    """The key was destroyed with its grant."""

    code = "key_destroyed"
    status = HTTPStatus.GONE
    sentence = "The connection this came from was ended and its keys were destroyed, so it cannot be read."


class KeyPurpose(enum.StrEnum):
    """What a key is for: `ending` for tokens of ended grants, for the days until Google confirms that it took them.

    `prints` keys the fingerprints of what came in under a grant (`limited_use.fingerprints`). Like the index and
    pseudonym keys it gets no newer versions, for what was printed before could be compared with nothing then.
    """

    WRAP = "wrap"
    CONTENT = "content"
    INDEX = "index"
    PSEUDONYM = "pseudonym"
    TOKENS = "tokens"
    MAIL = "mail"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    DERIVED = "derived"
    DETAIL = "detail"
    ENDING = "ending"
    PRINTS = "prints"


ORGANISATION_PURPOSES = (
    KeyPurpose.WRAP,
    KeyPurpose.CONTENT,
    KeyPurpose.INDEX,
    KeyPurpose.PSEUDONYM,
    KeyPurpose.DETAIL,
    KeyPurpose.ENDING,
)
GRANT_PURPOSES = (
    KeyPurpose.TOKENS,
    KeyPurpose.MAIL,
    KeyPurpose.CALENDAR,
    KeyPurpose.CONTACTS,
    KeyPurpose.DERIVED,
    KeyPurpose.DETAIL,
    KeyPurpose.PRINTS,
)
ROTATED = frozenset(
    {
        KeyPurpose.CONTENT,
        KeyPurpose.ENDING,
        KeyPurpose.TOKENS,
        KeyPurpose.MAIL,
        KeyPurpose.CALENDAR,
        KeyPurpose.CONTACTS,
        KeyPurpose.DERIVED,
    }
)
"""Keys that a rotation gives new versions: those of sealed columns, which can be sealed anew where they stand."""
NOT_SEALING = frozenset({KeyPurpose.WRAP, KeyPurpose.INDEX, KeyPurpose.PSEUDONYM, KeyPurpose.PRINTS})
"""Keys that no value is ever sealed under."""
SOURCES = {
    KeyPurpose.MAIL: Source.GMAIL,
    KeyPurpose.CALENDAR: Source.CALENDAR,
    KeyPurpose.CONTACTS: Source.CONTACTS,
    KeyPurpose.DERIVED: Source.DERIVED,
    KeyPurpose.TOKENS: Source.TOKENS,
    KeyPurpose.DETAIL: Source.DETAIL,
    KeyPurpose.PRINTS: Source.DERIVED,
}


@dataclass(frozen=True, slots=True)
class KeyName:
    """Whose key it is and what for: of no grant the organisation's own, of several a joint key."""

    organisation_id: uuid.UUID
    grant_ids: tuple[uuid.UUID, ...]
    purpose: KeyPurpose

    @classmethod
    def of(cls, row: Key) -> Self:
        """Return the name of a stored key."""
        mine = (row.grant_id,) if row.grant_id else tuple(row.joint_grants or ())
        return cls(row.organisation_id, mine, KeyPurpose(row.purpose))

    @property
    def grant_id(self) -> uuid.UUID | None:
        """The one grant, if it is the key of one."""
        return self.grant_ids[0] if len(self.grant_ids) == 1 else None

    @property
    def joint(self) -> bytes | None:
        """The digest of the grants of a joint key; their order does not matter."""
        if len(self.grant_ids) < 2:  # noqa: PLR2004 -- joint is what two or more are
            return None
        ids = b"".join(sorted(grant_id.bytes for grant_id in self.grant_ids))
        return hashlib.sha256(b"crm1 joint key\x00" + ids).digest()

    def context(self, version: int) -> bytes:
        """Return what a wrapped key of this name is bound to: its place in the tree."""
        grant = self.joint or (self.grant_id.bytes if self.grant_id else bytes(16))
        head = b"crm1 joint\x00" if self.joint else b"crm1 key\x00"
        return head + self.organisation_id.bytes + grant + version.to_bytes(4, "big") + self.purpose.encode()

    def rows(self) -> tuple[ColumnElement[bool], ...]:
        """Return the conditions that all versions of the key fulfil, and no other key."""
        return (
            Key.organisation_id == self.organisation_id,
            Key.grant_id == self.grant_id,  # of None, IS NULL: unlike IS NOT DISTINCT FROM, the index finds it
            Key.joint == self.joint,
            Key.purpose == self.purpose.value,
        )


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a key is for; nothing of the key."""

    id: int
    organisation_id: uuid.UUID
    purpose: KeyPurpose
    labels: Labels
    is_decoy: bool = False
    """Whether it seals rows that nothing ever shows."""

    @classmethod
    def of(cls, row: Key) -> Self:
        """Return the facts of a stored key."""
        name = KeyName.of(row)
        labels = NATIVE.union(*(label(SOURCES[name.purpose], grant_id) for grant_id in name.grant_ids))
        return cls(row.id, row.organisation_id, name.purpose, labels, row.is_decoy)

    @property
    def name(self) -> KeyName:
        """The name of the key, which its other versions share."""
        grants = {origin.grant_id for origin in self.labels}
        return KeyName(self.organisation_id, tuple(sorted(grants)), self.purpose)


def read_keys(session: Session, key_ids: Collection[int]) -> Sequence[Key]:
    """Return the stored keys of these ids."""
    ids = literal(sorted(key_ids), ARRAY(BigInteger))
    return session.scalars(select(Key).where(Key.id == any_(ids))).all()


def newest(session: Session, name: KeyName, *, lock: bool = False) -> Key | None:
    """Return the newest version of the key, locked for update if so asked; None where it was never made."""
    rows = select(Key).where(*name.rows()).order_by(Key.version.desc()).limit(1)
    return session.scalar(rows.with_for_update().execution_options(populate_existing=True) if lock else rows)


def wrapped_by(wrapped: bytes) -> int:
    """Return the id of the wrap key under which a key is wrapped.

    Raises:
        KeyUnknown: if that is not to be seen.
    """
    try:
        return key_id_of(wrapped)
    except SealedError as error:
        raise KeyUnknown from error


def wrap_below(above_id: int, above: AESGCM, key: bytes, context: bytes) -> bytes:
    """Return the key encrypted under a wrap key, bound to its place in the tree."""
    head, nonce = wire_head(above_id), secrets.token_bytes(NONCE_SIZE)
    return head + nonce + above.encrypt(nonce, key, head + context)


def unwrap_below(above: AESGCM, row: Key) -> bytes:
    """Return the key that a row holds, checked against its commitment.

    Raises:
        KeyDestroyed: if it was destroyed.
        KeyUnknown: if what is stored is not that key.
    """
    if row.wrapped is None:
        raise KeyDestroyed
    head, nonce, body = row.wrapped[:HEAD_SIZE], row.wrapped[HEAD_SIZE:NONCE_END], row.wrapped[NONCE_END:]
    try:
        key = above.decrypt(nonce, body, head + KeyName.of(row).context(row.version))
    except InvalidTag as error:
        raise KeyUnknown from error
    return checked(key, row)


def checked(key: bytes, row: Key) -> bytes:
    """Return the key, which is the one that the row was made for.

    Raises:
        KeyUnknown: if it is another.
    """
    if not hmac.compare_digest(commitment_of(key), row.commitment):
        raise KeyUnknown
    return key


def commitment_of(key: bytes) -> bytes:
    """Return what is kept beside a wrapped key to know it by."""
    return hashlib.sha256(b"crm1 key commitment\x00" + key).digest()
