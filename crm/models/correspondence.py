"""Mail of one grant: messages, the addresses in them, and who took part in which.

A correspondent is one address as one source of one grant knows it; whether it makes a person is decided by
rule from its indexes, flags and counts alone, and the decision is kept with its reason.
"""

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class Direction(enum.StrEnum):
    """Whether the owner of the mailbox wrote the message."""

    IN = "in"
    OUT = "out"


class Message(Base):
    """One message of a mailbox: headers, snippet and participants; never its body."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("grant_id", "gmail_id"),
        Index("ix_messages_grant_id_thread_id", "grant_id", "thread_id"),
        Index("ix_messages_grant_id_sent_at", "grant_id", "sent_at"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose mailbox.")
    gmail_id: Mapped[str] = labelled(String(32), aspect=Aspect.NONE, doc="Gmail's id of the message.")
    thread_id: Mapped[str] = labelled(String(32), aspect=Aspect.NONE, doc="Gmail's id of the thread.")
    message_id_index: Mapped[bytes | None] = labelled(
        LargeBinary(16), index=True, aspect=Aspect.NONE, doc="Blind index of the Message-ID header."
    )
    answers_index: Mapped[bytes | None] = labelled(
        LargeBinary(16),
        index=True,
        aspect=Aspect.NONE,
        doc="Blind index of the In-Reply-To header, of the kind of message_id_index.",
    )
    sent_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="Gmail's internalDate: when it was accepted.")
    direction: Mapped[Direction] = labelled(
        String(3), aspect=Aspect.TIMES, doc="in or out, by the owner's own addresses."
    )
    label_ids: Mapped[list[str]] = labelled(ARRAY(String(255)), aspect=Aspect.NONE, doc="Gmail's label ids.")
    is_bulk: Mapped[bool] = labelled(aspect=Aspect.TIMES, doc="Sent to many: List-*, Precedence or bulk headers.")
    is_auto: Mapped[bool] = labelled(
        aspect=Aspect.TIMES, doc="Sent by a machine: Auto-Submitted, bounces, out-of-office."
    )
    size: Mapped[int] = labelled(aspect=Aspect.TIMES, doc="Gmail's sizeEstimate, bytes.")
    subject: Mapped[Sealed] = sealed(aspect=Aspect.SUBJECTS, doc="The Subject header, decoded.")
    snippet: Mapped[Sealed] = sealed(aspect=Aspect.CONTENT, doc="Gmail's snippet, unescaped.")
    digest: Mapped[bytes] = system(LargeBinary(16), doc="Keyed digest of what was stored, to see change.")
    generation: Mapped[int] = system(doc="The listing that last saw it.")


class Correspondent(Base):
    """One address as one source of one grant knows it."""

    __tablename__ = "correspondents"
    __table_args__ = (
        UniqueConstraint("grant_id", "source", "address_index"),
        Index("ix_correspondents_organisation_id_address_index", "organisation_id", "address_index"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose account.")
    source: Mapped[str] = system(String(16), doc="gmail, calendar or contacts.")
    address_index: Mapped[bytes] = labelled(
        LargeBinary(16), aspect=Aspect.NONE, doc="Blind index of the normalised address."
    )
    domain_index: Mapped[bytes | None] = labelled(
        LargeBinary(16),
        index=True,
        aspect=Aspect.NONE,
        doc="Blind index of the registrable domain; null for free mail.",
    )
    is_own: Mapped[bool] = labelled(aspect=Aspect.PEOPLE, doc="The owner's own address or alias.")
    is_colleague: Mapped[bool] = labelled(
        server_default=false(), aspect=Aspect.PEOPLE, doc="Of the organisation's own domain."
    )
    is_list: Mapped[bool] = labelled(
        server_default=false(),
        aspect=Aspect.PEOPLE,
        doc="A mailing list's address: some message names it in List-Post or List-Id.",
    )
    is_role: Mapped[bool] = labelled(aspect=Aspect.PEOPLE, doc="info@, sales@, support@ …")
    is_robot: Mapped[bool] = labelled(aspect=Aspect.PEOPLE, doc="no-reply, mailer-daemon …")
    written_to: Mapped[int] = labelled(
        aspect=Aspect.TIMES, doc="Messages the owner sent to it, or on a list in answer to it."
    )
    received_from: Mapped[int] = labelled(aspect=Aspect.TIMES, doc="Messages it sent.")
    received_bulk: Mapped[int] = labelled(aspect=Aspect.TIMES, doc="Of those, bulk or automatic.")
    met: Mapped[int] = labelled(aspect=Aspect.TIMES, doc="Meetings shared with the owner.")
    first_at: Mapped[dt.datetime | None] = labelled(aspect=Aspect.TIMES, doc="First exchange.")
    last_at: Mapped[dt.datetime | None] = labelled(aspect=Aspect.TIMES, doc="Last exchange.")
    decision: Mapped[str] = labelled(String(16), aspect=Aspect.NONE, doc="waiting, person or skipped.")
    reason: Mapped[str] = labelled(String(32), aspect=Aspect.NONE, doc="Why: a code of crm.matching.Reason.")
    person_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, doc="The person it belongs to."
    )


class Participation(Base):
    """A correspondent's part in a message."""

    __tablename__ = "participations"
    __table_args__ = (
        UniqueConstraint("message_id", "correspondent_id", "role"),
        Index("ix_participations_correspondent_id", "correspondent_id"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Whose mailbox.")
    message_id: Mapped[uuid.UUID] = system(ForeignKey("messages.id", ondelete="CASCADE"), doc="The message.")
    correspondent_id: Mapped[uuid.UUID] = system(ForeignKey("correspondents.id"), doc="Who.")
    role: Mapped[str] = labelled(String(8), aspect=Aspect.TIMES, doc="from, to, cc, bcc or reply_to.")
    position: Mapped[int] = labelled(aspect=Aspect.TIMES, doc="Place within its header, from 0.")
