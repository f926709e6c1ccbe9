"""What members put of their mail beside their own words: copies, which stay Google's and end with the grant."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class Excerpt(Base):
    """A message's subject and beginning, copied beside a note or a task; what the user wrote is not in it."""

    __tablename__ = "excerpts"
    __table_args__ = (CheckConstraint("(note_id IS NULL) <> (task_id IS NULL)", name="beside_one"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Under which grant it was read.")
    note_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("notes.id", ondelete="CASCADE"), index=True, doc="The note that it stands in."
    )
    task_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("tasks.id", ondelete="CASCADE"), index=True, doc="Or the task."
    )
    message_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("messages.id", ondelete="SET NULL"), index=True, doc="The message, while it is here."
    )
    sent_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="When the message was sent.")
    subject: Mapped[Sealed] = sealed(aspect=Aspect.SUBJECTS, doc="Its subject.")
    text: Mapped[Sealed | None] = sealed(aspect=Aspect.CONTENT, doc="Its beginning; null beside a task.")
