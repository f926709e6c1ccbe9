"""The table by which figures over many people are kept from being subtracted from one another."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system


class AggregatePart(Base):
    """Who was behind a figure that was told, of one grant; it ends with the grant."""

    __tablename__ = "aggregate_parts"
    __table_args__ = (Index("ix_aggregate_parts_organisation_id_shape_window", "organisation_id", "shape", "window"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="The grant.")
    release_id: Mapped[uuid.UUID] = system(doc="The answer: one row for each grant behind it.")
    shape: Mapped[str] = system(String(40), doc="One of limited_use.aggregate.SHAPES.")
    window: Mapped[str] = system(String(20), doc="The closed time that was asked for.")
    of_grants: Mapped[int] = system(doc="How many grants were behind the answer: fewer rows tell that one has ended.")
    people: Mapped[list[bytes]] = labelled(
        ARRAY(LargeBinary(16)), aspect=Aspect.NONE, doc="Keyed digests of the people behind it, in their order."
    )
    released_at: Mapped[dt.datetime] = system(doc="When it was first told.")
