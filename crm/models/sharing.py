"""What an owner shares otherwise than their level says: single people and threads, and addresses never shown."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped

from accounts.models import Sharing
from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class SharingException(Base):
    """A person or a thread of one grant that is shared more, or less, than the grant. Of several the least counts."""

    __tablename__ = "sharing_exceptions"
    __table_args__ = (
        CheckConstraint("num_nonnulls(person_id, thread_id) = 1", name="one_subject"),
        # A person may have several: two that were merged bring theirs along.
        Index("ix_sharing_exceptions_grant_id_person_id", "grant_id", "person_id"),
        UniqueConstraint("grant_id", "thread_id"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose account.")
    person_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, doc="The person it is about;"
    )
    thread_id: Mapped[str | None] = labelled(String(32), aspect=Aspect.NONE, doc="or Gmail's id of the thread.")
    level: Mapped[Sharing] = system(String(16), doc="What teammates see of it; only_me hides it.")
    created_at: Mapped[dt.datetime] = system(doc="When its owner said so.")


class ProtectedAddress(Base):
    """An address that no teammate is shown, nor any mail or meeting with it, whatever its owner shares."""

    __tablename__ = "protected_addresses"
    __table_args__ = (UniqueConstraint("grant_id", "address_index"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose account.")
    address_index: Mapped[bytes] = labelled(
        LargeBinary(16), aspect=Aspect.NONE, doc="Blind index of the normalised address."
    )
    address: Mapped[Sealed] = sealed(
        aspect=Aspect.NONE, doc="The address as typed, under the grant's own key: its owner alone reads it."
    )
    created_at: Mapped[dt.datetime] = system(doc="When its owner named it.")
