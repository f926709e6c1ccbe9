"""What is kept beside requests to see something: why it was asked, as the asker wrote it."""

import uuid

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class OpeningReason(Base):
    """Why somebody asked to see an item: native text, read by those who decide and never in the log."""

    __tablename__ = "opening_reasons"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="The grant the item is from.")
    opening_id: Mapped[uuid.UUID] = system(
        ForeignKey("openings.id", ondelete="CASCADE"), unique=True, doc="The request."
    )
    reason: Mapped[Sealed] = sealed(aspect=Aspect.NONE, doc="The text, as typed; under the organisation's content key.")
    salt: Mapped[Sealed] = sealed("hex", aspect=Aspect.NONE, doc="Salt of the commitment to it in the log, hex.")
