"""The tables of the laundering check: fingerprints, marks on texts that repeat what came in, and who has mails read."""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, ForeignKey, Index, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, labelled, system


class Fingerprint(Base):
    """The prints of one part of one thing from Google: a message's head or body, an event's title and place."""

    __tablename__ = "fingerprints"
    __table_args__ = (
        # What waits to be sorted into the index is read through by every look-up: a little of it saves most of the
        # work of inserting, the 4 MB that PostgreSQL would let wait make a look-up ten times slower.
        Index(
            "ix_fingerprints_prints",
            "prints",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 256},
        ),
    )

    item_id: Mapped[uuid.UUID] = system(primary_key=True, doc="The message or meeting; what is printed is bound to it.")
    part: Mapped[str] = system(String(8), primary_key=True, doc="head or body.")
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Under which grant it came in.")
    source: Mapped[str] = system(String(16), doc="A limited_use.labels.Source: gmail or calendar.")
    thread: Mapped[int] = labelled(
        BigInteger, aspect=Aspect.NONE, doc="Keyed digest of its conversation or series, to count in how many it is."
    )
    prints: Mapped[list[int]] = labelled(
        ARRAY(BigInteger), aspect=Aspect.NONE, doc="Keyed digests of its anchors and whole lines."
    )
    tags: Mapped[list[int]] = labelled(
        ARRAY(BigInteger), aspect=Aspect.NONE, doc="For each print its neighbourhood, masked by a key of the grant."
    )


class Repeat(Base):
    """A text of a user that was found to repeat what Google gave: held back from then on, the grant gone or not."""

    __tablename__ = "repeats"

    row_id: Mapped[uuid.UUID] = system(primary_key=True, doc="The row that the text stands in.")
    field: Mapped[str] = system(String(81), primary_key=True, doc="Its table and column.")
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    source: Mapped[str] = system(String(16), doc="What it repeats: a limited_use.labels.Source.")
    grant_ids: Mapped[list[uuid.UUID]] = system(
        ARRAY(Uuid), doc="Under which grants that came in, also ended ones: their owners alone are told of it."
    )
    found_at: Mapped[dt.datetime] = system(doc="When it was last found.")


class BodyReading(Base):
    """An organisation that has the texts of its members' mails read once, to be printed; without a row, none are."""

    __tablename__ = "body_readings"

    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), primary_key=True, doc="The tenant.")
    allowed_at: Mapped[dt.datetime] = system(doc="When an admin turned it on.")
    allowed_by: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Which admin.")
