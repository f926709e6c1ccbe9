"""Organisations, members, invitations, sign-ins, grants and consents.

Names and addresses here are account data that people gave at sign-in or that an admin typed; nothing of
this comes from Gmail, Calendar or Contacts.
"""

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped

from kernel.database import Base, Id, native, system


class Role(enum.StrEnum):
    """What a member may do: owner and admin manage, auditor reads the log, member works."""

    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class GrantStatus(enum.StrEnum):
    """Active releases and syncs; suspended is refused but kept; revoked is being purged or gone."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Sharing(enum.StrEnum):
    """What teammates see of a grant's data; each level shows what the one before it shows (`accounts.sharing`)."""

    ONLY_ME = "only_me"
    PEOPLE_AND_TIMES = "people_and_times"
    AND_SUBJECTS = "and_subjects"
    EVERYTHING = "everything"


class Organisation(Base):
    """A tenant."""

    __tablename__ = "organisations"

    id: Mapped[Id]
    name: Mapped[str] = native(String(120), doc="What its members call it.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")


class Member(Base):
    """A person in an organisation, known by Google's `sub`."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("google_sub"),
        Index("ix_members_organisation_id_email", "organisation_id", "email"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="Their organisation.")
    google_sub: Mapped[str] = system(String(255), doc="Google's stable id of the account: the identity.")
    email: Mapped[str] = native(String(320), doc="The address given at the last sign-in; may change.")
    name: Mapped[str] = native(String(200), doc="The name given at the last sign-in.")
    role: Mapped[Role] = system(String(16), doc="What they may do.")
    created_at: Mapped[dt.datetime] = system(doc="When they joined.")
    left_at: Mapped[dt.datetime | None] = system(doc="When they were removed; then they cannot sign in.")


class Invitation(Base):
    """A place in an organisation held for an address until it is taken or runs out."""

    __tablename__ = "invitations"
    __table_args__ = (
        Index(
            "uq_invitations_organisation_id_email_open",
            "organisation_id",
            "email",
            unique=True,
            postgresql_where=text("accepted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="Where to.")
    invited_by: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="The admin who invited.")
    email: Mapped[str] = native(String(320), index=True, doc="The invited address, lower case.")
    role: Mapped[Role] = system(String(16), doc="The role it gives.")
    created_at: Mapped[dt.datetime] = system(doc="When it was made.")
    expires_at: Mapped[dt.datetime] = system(doc="When it runs out.")
    accepted_at: Mapped[dt.datetime | None] = system(doc="When it was taken.")


class SignIn(Base):
    """A browser that is signed in: revocable, its secret only hashed."""

    __tablename__ = "sign_ins"

    id: Mapped[Id]
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), index=True, doc="Who.")
    secret_hash: Mapped[bytes] = system(LargeBinary(32), unique=True, doc="SHA-256 of the cookie's secret.")
    created_at: Mapped[dt.datetime] = system(doc="When they signed in.")
    seen_at: Mapped[dt.datetime] = system(doc="The last request, to the minute.")
    ended_at: Mapped[dt.datetime | None] = system(doc="When it was signed out or ended.")


class Grant(Base):
    """What one member allowed us at Google: one per Google account and organisation."""

    __tablename__ = "grants"
    __table_args__ = (
        Index(
            "uq_grants_organisation_id_google_sub_live",
            "organisation_id",
            "google_sub",
            unique=True,
            postgresql_where=text("status <> 'revoked'"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), index=True, doc="The owner.")
    google_sub: Mapped[str] = system(String(255), doc="The Google account.")
    email: Mapped[str] = native(String(320), doc="The account's address at consent time; shown to its owner.")
    status: Mapped[GrantStatus] = system(String(16), doc="Whether anything may be read or released.")
    status_reason: Mapped[str | None] = system(String(64), doc="Why it is not active: a code.")
    sharing: Mapped[Sharing] = system(String(16), doc="What teammates see.")
    scopes: Mapped[list[str]] = system(ARRAY(String(200)), doc="What Google says was granted, canonical.")
    created_at: Mapped[dt.datetime] = system(doc="First consent.")
    suspended_at: Mapped[dt.datetime | None] = system(doc="When Google stopped accepting it; null while it does.")
    revoked_at: Mapped[dt.datetime | None] = system(doc="When its owner ended it.")


class Consent(Base):
    """One affirmative act: which disclosure, which version, for what."""

    __tablename__ = "consents"
    __table_args__ = ({"info": {"outlives_grant": "evidence of consent, holds no Google data"}},)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), index=True, doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Who consented.")
    grant_id: Mapped[uuid.UUID | None] = system(ForeignKey("grants.id"), doc="The grant it led to.")
    kind: Mapped[str] = system(String(40), doc="connect_gmail, connect_calendar, connect_contacts, ai_native …")
    disclosure_version: Mapped[str] = system(String(20), doc="Version of the text shown.")
    disclosure_hash: Mapped[str] = system(String(64), doc="SHA-256 of the text shown.")
    given_at: Mapped[dt.datetime] = system(doc="When.")
    withdrawn_at: Mapped[dt.datetime | None] = system(doc="When it was taken back.")


class OpeningPurpose(enum.StrEnum):
    """Why one item of another's is to be opened: a teammate asks, staff asks, or a case of security or law."""

    ASK_TO_SEE = "ask_to_see"
    STAFF = "staff"
    CASE = "case"


class OpeningState(enum.StrEnum):
    """Where it stands. Only what is allowed and has not run out is open."""

    ASKED = "asked"
    ALLOWED = "allowed"
    REFUSED = "refused"
    ENDED = "ended"


class ItemKind(enum.StrEnum):
    """What can be opened one by one: a mail, a meeting, or what one grant tells about a person."""

    MESSAGE = "message"
    MEETING = "meeting"
    PERSON = "person"


class Opening(Base):
    """One item of a grant, asked for and perhaps opened to one member who does not own it. Purged with the grant."""

    __tablename__ = "openings"
    __table_args__ = (
        Index("ix_openings_organisation_id_state", "organisation_id", "state"),
        Index("ix_openings_asker_member_id_item_id", "asker_member_id", "item_id"),
        Index(
            "uq_openings_standing",
            "asker_member_id",
            "grant_id",
            "item_kind",
            "item_id",
            "purpose",
            unique=True,
            postgresql_where=text("state IN ('asked', 'allowed')"),
        ),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="The grant the item is from.")
    asker_member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="Who asks to see it.")
    item_kind: Mapped[ItemKind] = system(String(16), doc="What it is.")
    item_id: Mapped[uuid.UUID] = system(doc="Which: the id of the message, the meeting or the person.")
    purpose: Mapped[OpeningPurpose] = system(String(16), doc="Why it is asked for.")
    ground: Mapped[str | None] = system(String(16), doc="Of a case: security or legal.")
    is_held: Mapped[bool] = system(doc="Of a case: a legal hold says that the owner is not told.")
    state: Mapped[OpeningState] = system(String(16), doc="Where it stands.")
    asked_at: Mapped[dt.datetime] = system(doc="When it was asked.")
    hours: Mapped[int] = system(doc="For how many hours it is asked; allowing it may give another number.")
    decided_by: Mapped[uuid.UUID | None] = system(ForeignKey("members.id"), doc="The owner who allowed or refused.")
    second_by: Mapped[uuid.UUID | None] = system(ForeignKey("members.id"), doc="Of a case: the second person.")
    decided_at: Mapped[dt.datetime | None] = system(doc="When it was allowed or refused.")
    expires_at: Mapped[dt.datetime] = system(doc="When the request lapses; once allowed, when it ends by itself.")
    shown_at: Mapped[dt.datetime | None] = system(doc="Of staff and cases: when it was shown, which is once.")
    ended_at: Mapped[dt.datetime | None] = system(doc="When it ended before it ran out.")
