"""The guard's own tables: keys in their own database; destroyed keys, destinations and switches beside the data."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, String, UniqueConstraint, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Base, Id, KeysBase, system

LAST_KEY_ID = 2**32 - 1
"""Key ids stand in four bytes of every ciphertext."""


class Key(KeysBase):
    """One key, wrapped by the key above it in the tree. Destroying it erases `wrapped` and keeps the row."""

    __tablename__ = "keys"
    __table_args__ = (
        UniqueConstraint(
            "organisation_id", "grant_id", "joint", "purpose", "version", postgresql_nulls_not_distinct=True
        ),
        Index("ix_keys_grant_id", "grant_id"),
        Index("ix_keys_joint_grants", "joint_grants", postgresql_using="gin"),
    )

    id: Mapped[int] = system(
        BigInteger,
        Identity(always=True, minvalue=1, maxvalue=LAST_KEY_ID),
        primary_key=True,
        doc="Stands in every ciphertext of this key; never used twice.",
    )
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID | None] = system(doc="The grant; null for the organisation's own keys and joint keys.")
    joint_grants: Mapped[list[uuid.UUID] | None] = system(
        ARRAY(Uuid), doc="Of a joint key, all its grants, in order; it ends with the first of them that ends."
    )
    joint: Mapped[bytes | None] = system(LargeBinary(32), doc="Of a joint key, the digest of its grants: its name.")
    purpose: Mapped[str] = system(String(16), doc="A limited_use.keys.KeyPurpose.")
    version: Mapped[int] = system(doc="Rises with rotation; the highest seals.")
    wrapped: Mapped[bytes | None] = system(LargeBinary, doc="The key, encrypted; null once destroyed or retired.")
    commitment: Mapped[bytes] = system(LargeBinary(32), doc="SHA-256 of the key: no other key can take its place.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")
    destroyed_at: Mapped[dt.datetime | None] = system(doc="When it was destroyed, or retired after a rotation.")
    is_decoy: Mapped[bool] = system(
        server_default="false", doc="Whether it seals rows that nothing ever shows (limited_use.decoys)."
    )
    made_by: Mapped[uuid.UUID | None] = system(doc="The rotation that made this version; null if none did.")
    emptied_at: Mapped[dt.datetime | None] = system(
        doc="When a rotation found that nothing uses this version any more."
    )
    seals: Mapped[int] = system(BigInteger, server_default="0", doc="How many values it has sealed, as far as counted.")
    unwraps: Mapped[int] = system(BigInteger, server_default="0", doc="How often it was unwrapped, as far as counted.")


class DestroyedKey(Base):
    """A key that may never come back, recorded beside the data so that no restored copy of the keys revives it."""

    __tablename__ = "destroyed_keys"
    __table_args__ = ({"info": {"outlives_grant": "keeps a restored backup from reviving the grant's keys"}},)

    key_id: Mapped[int] = system(BigInteger, primary_key=True, autoincrement=False, doc="The key's id.")
    commitment: Mapped[bytes] = system(LargeBinary(32), doc="The key's commitment, so that a reused id is not hit.")
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID | None] = system(doc="The grant whose key it was.")
    destroyed_at: Mapped[dt.datetime] = system(doc="When it was destroyed.")
    recorded_at: Mapped[dt.datetime] = system(
        server_default=func.now(), index=True, doc="When this was written: how other processes find what is new."
    )


class KeyRotation(Base):
    """A renewal of keys with what is sealed under them: which organisations, and how far it has come."""

    __tablename__ = "key_rotations"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("organisations.id"), index=True, doc="Whose keys; null for every organisation's."
    )
    phase: Mapped[str] = system(String(16), doc="A limited_use.rotation.Phase.")
    started_at: Mapped[dt.datetime] = system(doc="When it was asked for.")
    keys_at: Mapped[dt.datetime | None] = system(doc="When every new version was there.")
    organisation_cursor: Mapped[uuid.UUID | None] = system(doc="The last organisation whose new versions are there.")
    table: Mapped[str | None] = system(String(63), doc="The table that is being gone through.")
    row_cursor: Mapped[uuid.UUID | None] = system(doc="The last row of it that was looked at.")
    passes: Mapped[int] = system(default=0, doc="How often all tables have been gone through.")
    missed: Mapped[int] = system(BigInteger, default=0, doc="Values in this pass that others were writing: seen again.")
    walked: Mapped[int] = system(BigInteger, default=0, doc="Rows looked at, over all passes.")
    resealed: Mapped[int] = system(BigInteger, default=0, doc="Values sealed under a new version.")
    damaged_keys: Mapped[int] = system(
        BigInteger, server_default="0", doc="Keys that did not unwrap: they have new versions, their old values stay."
    )
    damaged_values: Mapped[int] = system(
        BigInteger, server_default="0", doc="Values in this pass, under an old version, that do not open: they stay."
    )
    finished_at: Mapped[dt.datetime | None] = system(
        doc="When nothing was left under an old version but what is damaged."
    )


class Destination(Base):
    """A place outside that data may be sent to, and the class of sink it counts as."""

    __tablename__ = "destinations"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    name: Mapped[str] = system(String(120), doc="What its admin calls it.")
    sink_class: Mapped[str] = system(String(16), doc="A limited_use.log.words.Sink: api, ai_tool, export …")
    region: Mapped[str] = system(String(40), doc="Where it is, as its admin declared.")
    created_at: Mapped[dt.datetime] = system(doc="When it was registered.")


class ApiToken(Base):
    """A credential for our API. It names its destination; without one it counts as an AI tool."""

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="On whose behalf it acts.")
    destination_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("destinations.id"), doc="Where its answers go; null counts as an AI tool."
    )
    name: Mapped[str] = system(String(120), doc="What its maker calls it.")
    secret_hash: Mapped[bytes] = system(LargeBinary(32), unique=True, doc="SHA-256 of the secret, shown once.")
    scopes: Mapped[list[str]] = system(ARRAY(String(40)), doc="What it may ask for.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")
    revoked_at: Mapped[dt.datetime | None] = system(doc="When it was ended.")


class PolicyState(Base):
    """An organisation's own switches; a release reads them under a lock."""

    __tablename__ = "policy_states"

    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), primary_key=True, doc="The tenant.")
    ai_allowed_at: Mapped[dt.datetime | None] = system(doc="When an admin let AI tools have native facts; null: off.")
    ai_allowed_by: Mapped[uuid.UUID | None] = system(ForeignKey("members.id"), doc="Which admin.")
