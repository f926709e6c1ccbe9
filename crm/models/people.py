"""People and companies, the facts that they are merged from, and the Google contacts behind some facts."""

import datetime as dt
import enum
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class MadeBy(enum.StrEnum):
    """Who made a record: a rule over Google data, or a user."""

    RULE = "rule"
    USER = "user"


class FactSource(enum.StrEnum):
    """Where a fact came from, in order of precedence: the first wins, then the newest."""

    USER = "user"
    IMPORT = "import"
    FORM = "form"
    CONTACTS = "contacts"
    CALENDAR = "calendar"
    GMAIL = "gmail"


class Company(Base):
    """A company. Made by rule it is Google-derived, until a user makes or touches it."""

    __tablename__ = "companies"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    made_by: Mapped[MadeBy] = system(String(8), doc="rule or user.")
    touched_at: Mapped[dt.datetime | None] = system(doc="When a user first wrote to it; then it is theirs.")
    known_by: Mapped[list[uuid.UUID]] = system(
        ARRAY(Uuid),
        default=list,
        server_default="{}",
        doc="Members who wrote to it while an account of theirs told of it.",
    )
    created_at: Mapped[dt.datetime] = system(doc="When the record was made.")


class Person(Base):
    """A person. Made by rule it is Google-derived, until a user makes or touches it."""

    __tablename__ = "people"

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    company_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("companies.id", ondelete="SET NULL"), index=True, doc="Where they work."
    )
    made_by: Mapped[MadeBy] = system(String(8), doc="rule or user.")
    touched_at: Mapped[dt.datetime | None] = system(doc="When a user first wrote to it; then it is theirs.")
    known_by: Mapped[list[uuid.UUID]] = system(
        ARRAY(Uuid),
        default=list,
        server_default="{}",
        doc="Members who wrote to it while an account of theirs told of it.",
    )
    created_at: Mapped[dt.datetime] = system(doc="When the record was made.")


class Contact(Base):
    """One resource of Google Contacts."""

    __tablename__ = "contacts"
    __table_args__ = (UniqueConstraint("grant_id", "resource_name"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose contacts.")
    resource_name: Mapped[str] = labelled(String(128), aspect=Aspect.NONE, doc="people/c… at Google.")
    etag: Mapped[str] = labelled(
        String(255), aspect=Aspect.NONE, doc="Google's etag of the CONTACT source, for write-back."
    )
    updated_at: Mapped[dt.datetime | None] = labelled(aspect=Aspect.NONE, doc="Google's updateTime.")
    digest: Mapped[bytes] = system(LargeBinary(16), doc="Keyed digest of what was stored, to see change.")
    generation: Mapped[int] = system(doc="The listing that last saw it.")
    person_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("people.id", ondelete="SET NULL"), index=True, doc="The person it belongs to."
    )


class Suppression(Base):
    """An address of which no person is ever made again in this organisation: its owner asked to be left alone."""

    __tablename__ = "suppressions"
    __table_args__ = (UniqueConstraint("organisation_id", "address_index"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    address_index: Mapped[bytes] = system(LargeBinary(16), doc="Blind index of the address: nothing else is kept.")
    created_at: Mapped[dt.datetime] = system(doc="When it was asked for.")


class Fact(Base):
    """One field of a person or company from one source. What is shown is a merge of facts for the viewer."""

    __tablename__ = "facts"
    __table_args__ = (
        CheckConstraint("(grant_id IS NULL) = (source IN ('user', 'import', 'form'))", name="google_has_grant"),
        Index("ix_facts_organisation_id_value_index", "organisation_id", "value_index"),
        Index("ix_facts_grant_id_source", "grant_id", "source"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    grant_id: Mapped[uuid.UUID | None] = system(ForeignKey("grants.id"), doc="The grant; null when native.")
    source: Mapped[FactSource] = system(String(16), doc="Where it came from.")
    person_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("people.id", ondelete="CASCADE"), index=True, doc="Whose, once matched."
    )
    company_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("companies.id", ondelete="CASCADE"), index=True, doc="Or which company's."
    )
    correspondent_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("correspondents.id", ondelete="CASCADE"), index=True, doc="The address that told it."
    )
    contact_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("contacts.id", ondelete="CASCADE"), index=True, doc="The contact that told it."
    )
    field: Mapped[str] = system(
        String(16), doc="One of crm.facts.FIELDS: a person's, or a company's (company_name, domain)."
    )
    value: Mapped[Sealed] = sealed(aspect=Aspect.PEOPLE, doc="The value.")
    value_index: Mapped[bytes | None] = labelled(
        LargeBinary(16),
        aspect=Aspect.NONE,
        doc="crm.facts.index_of the value; of a domain's company_name, the domain's.",
    )
    position: Mapped[int] = system(doc="Order among the same field of one source; 0 is primary.")
    observed_at: Mapped[dt.datetime] = labelled(aspect=Aspect.NONE, doc="When the source last told it.")


class FactTerm(Base):
    """A search term of a fact: the blind index of a name prefix, a word of an address, or a domain."""

    __tablename__ = "fact_terms"
    __table_args__ = (
        UniqueConstraint("fact_id", "term"),
        Index("ix_fact_terms_organisation_id_term", "organisation_id", "term"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID | None] = system(
        ForeignKey("grants.id"), index=True, doc="The grant of the fact; null when native."
    )
    fact_id: Mapped[uuid.UUID] = system(ForeignKey("facts.id", ondelete="CASCADE"), doc="The fact.")
    term: Mapped[bytes] = labelled(LargeBinary(16), aspect=Aspect.NONE, doc="Keyed digest of the term.")
