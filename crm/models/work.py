"""What users write themselves: notes, tasks and deals; native, sealed under the organisation's content key."""

import datetime as dt
import decimal
import uuid

from sqlalchemy import Date, ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped

from kernel.database import Base, Id, native, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class Note(Base):
    """What a member wrote about a person or company."""

    __tablename__ = "notes"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    author_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Who wrote it.")
    person_id: Mapped[uuid.UUID | None] = system(ForeignKey("people.id"), index=True, doc="About whom.")
    company_id: Mapped[uuid.UUID | None] = system(ForeignKey("companies.id"), index=True, doc="Or which company.")
    body: Mapped[Sealed] = sealed(doc="The text, as typed.")
    created_at: Mapped[dt.datetime] = native(doc="When it was written.")
    updated_at: Mapped[dt.datetime] = native(doc="When it was last changed.")


class Task(Base):
    """Something a member means to do."""

    __tablename__ = "tasks"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    owner_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), index=True, doc="Who means to do it.")
    person_id: Mapped[uuid.UUID | None] = system(ForeignKey("people.id"), index=True, doc="For whom.")
    title: Mapped[Sealed] = sealed(doc="What, as typed.")
    due_on: Mapped[dt.date | None] = native(Date, doc="The day it is due.")
    done_at: Mapped[dt.datetime | None] = native(doc="When it was done.")
    created_at: Mapped[dt.datetime] = native(doc="When it was written.")


class Deal(Base):
    """A sale in progress."""

    __tablename__ = "deals"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    owner_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Who works on it.")
    person_id: Mapped[uuid.UUID | None] = system(ForeignKey("people.id"), index=True, doc="With whom.")
    company_id: Mapped[uuid.UUID | None] = system(ForeignKey("companies.id"), index=True, doc="At which company.")
    title: Mapped[Sealed] = sealed(doc="What, as typed.")
    stage: Mapped[str] = native(String(16), doc="new, talking, offered, won or lost.")
    amount: Mapped[decimal.Decimal | None] = native(Numeric(14, 2), doc="Worth, in the currency.")
    currency: Mapped[str] = native(String(3), doc="ISO 4217 code.")
    created_at: Mapped[dt.datetime] = native(doc="When it was made.")
    updated_at: Mapped[dt.datetime] = native(doc="When it was last changed.")
