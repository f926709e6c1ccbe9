"""A webhook, and what was sent to it."""

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Base, Id, native, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class State(enum.StrEnum):
    """Whether anything is sent, and why not."""

    WAITING = "waiting"
    ON = "on"
    OFF = "off"
    FAILING = "failing"
    GONE = "gone"
    UNOWNED = "unowned"


class Progress(enum.StrEnum):
    """How far a delivery has come."""

    DUE = "due"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


class Webhook(Base):
    """A rule: which events are told to which address."""

    __tablename__ = "webhooks"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    destination_id: Mapped[uuid.UUID] = system(ForeignKey("destinations.id"), doc="Where it goes, in the log.")
    maker_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), index=True, doc="For whom it acts.")
    consent_id: Mapped[uuid.UUID] = system(ForeignKey("consents.id"), doc="To what its maker agreed.")
    name: Mapped[str] = native(String(120), doc="What its maker calls it.")
    events: Mapped[list[str]] = system(ARRAY(String(40)), doc="Words of crm.webhooks.happenings.Event.")
    url: Mapped[Sealed] = sealed(doc="The address: whoever knows it may be able to use it.")
    state: Mapped[str] = system(String(16), doc="A State.")
    state_at: Mapped[dt.datetime] = system(doc="Since when.")
    code_hash: Mapped[bytes | None] = system(
        LargeBinary(32), doc="SHA-256 of the challenge's code; null: the address was proved."
    )
    code_until: Mapped[dt.datetime | None] = system(doc="Until when the code is good.")
    code_tries: Mapped[int] = system(default=0, doc="How often a wrong code was typed.")
    failing_since: Mapped[dt.datetime | None] = system(doc="The first of the failures in a row; null after a success.")
    rest_until: Mapped[dt.datetime | None] = system(doc="Nothing is tried before, after a failure.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")


class WebhookSecret(Base):
    """What signs what is sent to a webhook. After a change the one before signs too, for a day."""

    __tablename__ = "webhook_secrets"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    webhook_id: Mapped[uuid.UUID] = system(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True, doc="Of which.")
    secret: Mapped[Sealed] = sealed(doc="The secret itself, shown once when it was made.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")
    until: Mapped[dt.datetime | None] = system(doc="Until when it signs; null: it is the present one.")


class WebhookDelivery(Base):
    """One happening on its way to one webhook: ids and codes, never what was sent."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    webhook_id: Mapped[uuid.UUID] = system(ForeignKey("webhooks.id", ondelete="CASCADE"), doc="Where to.")
    event: Mapped[str] = system(String(40), doc="A word of crm.webhooks.happenings.Event.")
    subject_id: Mapped[uuid.UUID | None] = system(doc="The record that it is about; null for a challenge or a test.")
    actor_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Who did it.")
    happened_at: Mapped[dt.datetime] = system(doc="When.")
    progress: Mapped[str] = system(String(16), doc="A Progress.")
    attempts: Mapped[int] = system(default=0, doc="How often it was sent.")
    tried_at: Mapped[dt.datetime | None] = system(doc="When last.")
    status: Mapped[int | None] = system(doc="The HTTP status of the last answer; null where there was none.")
    problem: Mapped[str | None] = system(String(64), doc="Code of the last failure; never its text.")
    finished_at: Mapped[dt.datetime | None] = system(doc="When it was delivered or given up.")
