"""Where the log is kept: leaves, their erasable details, tiles and checkpoints, in the main database.

A leaf is written once and given its index once; nothing here is updated otherwise, but for the right edge of
the tiles, which grows. The columns beside a leaf's body repeat what the body says, so that SQL can filter;
what is shown is read from the body, and `verify` compares the two.
"""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped

from kernel.database import Base, system


class LogLeaf(Base):
    """One entry. Ids follow the order of writing, indices that of the log: a later commit comes later."""

    __tablename__ = "log_leaves"
    __table_args__ = (
        Index("ix_log_leaves_pending", "id", postgresql_where=text("index IS NULL")),
        Index("ix_log_leaves_organisation_id_id", "organisation_id", "id"),
    )

    id: Mapped[int] = system(BigInteger, Identity(always=True), primary_key=True, doc="Order of writing.")
    index: Mapped[int | None] = system(BigInteger, unique=True, doc="Its place in the tree, once it has one.")
    body: Mapped[bytes] = system(LargeBinary, doc="The entry: canonical JSON, without content.")
    at: Mapped[dt.datetime] = system(doc="As in the body, to the millisecond.")
    organisation_id: Mapped[uuid.UUID | None] = system(doc="The tenant it is shown to; none for the whole product.")
    actor_id: Mapped[uuid.UUID | None] = system(doc="The member or token who asked, for the tenant's own admins.")
    sink: Mapped[str | None] = system(String(16), doc="As in the body.")
    decision: Mapped[str] = system(String(16), doc="As in the body.")
    reason: Mapped[str | None] = system(String(40), doc="As in the body.")
    feature: Mapped[str | None] = system(String(128), doc="As in the body.")
    purpose: Mapped[str | None] = system(String(24), doc="As in the body.")
    kind: Mapped[str] = system(String(24), doc="As in the body.")
    opened: Mapped[int] = system(BigInteger, doc="As in the body: values opened.")
    withheld: Mapped[int] = system(BigInteger, doc="As in the body: values withheld or refused.")


class LogDetail(Base):
    """What a leaf is about, for whom it concerns: sealed, erasable, committed to by the leaf."""

    __tablename__ = "log_details"
    __table_args__ = (
        {"info": {"outlives_grant": "shows what was done with a grant's data after it ended; dies by its own key"}},
    )

    id: Mapped[int] = system(BigInteger, Identity(always=True), primary_key=True, doc="Order of writing.")
    leaf_id: Mapped[int] = system(ForeignKey("log_leaves.id"), index=True, doc="The entry it explains.")
    organisation_id: Mapped[uuid.UUID] = system(index=True, doc="The tenant whose key it is sealed under.")
    grant_id: Mapped[uuid.UUID | None] = system(index=True, doc="The grant whose data it is about, if one.")
    detail: Mapped[bytes] = system(LargeBinary, doc="The detail, sealed under a log-detail key.")
    salt: Mapped[bytes] = system(LargeBinary, doc="The salt of the commitment, sealed likewise.")


class LogTile(Base):
    """A tile of the tree. The right edge grows in place: each narrower tile is the beginning of the wider."""

    __tablename__ = "log_tiles"

    level: Mapped[int] = system(SmallInteger, primary_key=True, autoincrement=False, doc="Tile level, from 0.")
    index: Mapped[int] = system(BigInteger, primary_key=True, autoincrement=False, doc="Index in its level.")
    width: Mapped[int] = system(SmallInteger, doc="How many hashes, 1 to 256.")
    data: Mapped[bytes] = system(LargeBinary, doc="The hashes, 32 bytes each.")


class LogCheckpoint(Base):
    """A signed head. One size has one head: a second, different one would be a fork."""

    __tablename__ = "log_checkpoints"

    size: Mapped[int] = system(BigInteger, primary_key=True, autoincrement=False, doc="Leaves under the root.")
    root: Mapped[bytes] = system(LargeBinary(32), doc="The root, as in the note.")
    note: Mapped[bytes] = system(LargeBinary, doc="The checkpoint as it is published.")
    at: Mapped[dt.datetime] = system(doc="When it was signed.")
