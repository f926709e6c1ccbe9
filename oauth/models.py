"""Attempts, refresh tokens, revocations under way and the receipts they end in."""

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class AttemptKind(enum.StrEnum):
    """To sign in, or to connect one Google product."""

    SIGN_IN = "sign_in"
    CONNECT = "connect"


class Attempt(Base):
    """One trip of a browser to Google and back; its secrets are hashes, the PKCE verifier is nowhere."""

    __tablename__ = "oauth_attempts"

    id: Mapped[Id]
    kind: Mapped[AttemptKind] = system(String(16), doc="To sign in, or to connect a product.")
    feature: Mapped[str | None] = system(String(16), doc="The product to connect; null for a sign-in.")
    member_id: Mapped[uuid.UUID | None] = system(ForeignKey("members.id"), doc="Who connects; null for a sign-in.")
    consent_id: Mapped[uuid.UUID | None] = system(ForeignKey("consents.id"), doc="What was agreed to before leaving.")
    state_hash: Mapped[bytes] = system(LargeBinary(32), unique=True, doc="SHA-256 of the state sent along.")
    browser_hash: Mapped[bytes] = system(LargeBinary(32), doc="SHA-256 of the browser's own secret.")
    return_path: Mapped[str] = system(String(500), doc="Where in the product the browser goes afterwards.")
    created_at: Mapped[dt.datetime] = system(doc="When the browser left.")
    expires_at: Mapped[dt.datetime] = system(index=True, doc="After this it cannot come back.")
    finished_at: Mapped[dt.datetime | None] = system(doc="When it came back; it cannot do so twice.")


class RefreshToken(Base):
    """The one refresh token of a grant, sealed under the grant's tokens key."""

    __tablename__ = "oauth_tokens"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), unique=True, doc="The grant.")
    refresh_token: Mapped[Sealed] = sealed(aspect=Aspect.NONE, doc="The token, as Google gave it.")
    version: Mapped[int] = system(doc="Rises with every replacement: what a refresh compares before it sets.")
    prefix_hash: Mapped[bytes] = system(
        LargeBinary(32), index=True, doc="SHA-256 of the first 16 characters, as security events may name a token."
    )
    token_hash: Mapped[bytes] = system(
        LargeBinary(64), index=True, doc="SHA-512 of SHA-512 of the token, the other way events name it."
    )
    received_at: Mapped[dt.datetime] = system(doc="When Google gave it.")
    used_at: Mapped[dt.datetime | None] = system(doc="When Google last took it.")


_EVIDENCE = {"info": {"outlives_grant": "evidence that the grant was ended; holds no Google data"}}


class Revocation(Base):
    """The end of one grant, under way or done: its times are set once each, in this order."""

    __tablename__ = "revocations"
    __table_args__ = (_EVIDENCE,)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(index=True, doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Whose grant it was.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), unique=True, doc="The grant.")
    reason: Mapped[str] = system(String(32), doc="owner, member_removed, suspended_long, operator or security_event.")
    refresh_token: Mapped[Sealed | None] = sealed(
        aspect=Aspect.NONE,
        doc="The token under a key for this alone, for Google's revoke; erased once Google confirmed.",
    )
    requested_at: Mapped[dt.datetime] = system(doc="When releases were refused from.")
    keys_destroyed_at: Mapped[dt.datetime | None] = system(doc="When the grant's keys were gone.")
    keys_destroyed: Mapped[list[int]] = system(ARRAY(BigInteger), doc="Ids of the keys destroyed.")
    google_asked: Mapped[int] = system(doc="How often Google was asked to revoke.")
    google_answer: Mapped[str | None] = system(
        String(32), doc="revoked, already_revoked, no_token or gave_up; null while it is tried."
    )
    google_at: Mapped[dt.datetime | None] = system(doc="When that was known.")
    counts: Mapped[dict[str, Any]] = system(JSONB, doc="Rows deleted so far: table to number.")
    purged_at: Mapped[dt.datetime | None] = system(doc="When no row of the grant was left.")
    leaf_id: Mapped[int | None] = system(BigInteger, doc="The log entry of the ending.")


class Receipt(Base):
    """What the owner is handed when a grant has ended: counts and times, and the log entry's proof."""

    __tablename__ = "receipts"
    __table_args__ = (_EVIDENCE,)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(index=True, doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), index=True, doc="To whom.")
    revocation_id: Mapped[uuid.UUID] = system(ForeignKey("revocations.id"), unique=True, doc="Of which ending.")
    denied_at: Mapped[dt.datetime] = system(doc="From when on releases were refused.")
    keys_destroyed_at: Mapped[dt.datetime] = system(doc="When the keys were destroyed.")
    keys_destroyed: Mapped[int] = system(doc="How many keys.")
    google_answer: Mapped[str] = system(String(32), doc="What Google said to the revocation.")
    google_at: Mapped[dt.datetime | None] = system(doc="When it said so.")
    purged_at: Mapped[dt.datetime] = system(doc="When the last row was deleted.")
    counts: Mapped[dict[str, Any]] = system(JSONB, doc="Rows deleted: table to number.")
    leaf_id: Mapped[int | None] = system(BigInteger, doc="The log entry of the ending.")
    proof: Mapped[str | None] = system(Text, doc="The entry's tlog-proof, once it is signed.")
    created_at: Mapped[dt.datetime] = system(doc="When it was written.")
