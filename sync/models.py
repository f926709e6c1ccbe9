"""Collections: what is kept in step with Google, how far it has come, and what was skipped and why."""

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class CollectionKind(enum.StrEnum):
    """What kind of list at Google."""

    MAIL = "mail"
    CALENDARS = "calendars"
    CALENDAR = "calendar"
    CONTACTS = "contacts"


class CollectionState(enum.StrEnum):
    """Waiting to begin; listing everything; in step; failed with a reason; stopped by its owner or Google."""

    WAITING = "waiting"
    LISTING = "listing"
    CURRENT = "current"
    FAILED = "failed"
    STOPPED = "stopped"


class Collection(Base):
    """One list at Google and our place in it."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("grant_id", "kind", "remote_index"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose.")
    kind: Mapped[CollectionKind] = system(String(16), doc="mail, calendars (the list), calendar, contacts.")
    remote_index: Mapped[bytes] = system(LargeBinary(16), doc="Blind index of the calendar's id; else zeros.")
    remote_id: Mapped[Sealed | None] = sealed(aspect=Aspect.NONE, doc="The calendar's id at Google.")
    title: Mapped[Sealed | None] = sealed(aspect=Aspect.NONE, doc="The calendar's name.")
    digest: Mapped[bytes | None] = system(LargeBinary(16), doc="Keyed digest of its id and name, to see change.")
    seen_in: Mapped[int] = system(
        server_default=text("0"), default=0, doc="Of a calendar: the listing of calendars that last named it."
    )
    state: Mapped[CollectionState] = system(String(16), doc="How far it has come.")
    cursor: Mapped[str | None] = system(Text, doc="historyId or sync token: all before it is stored.")
    pin: Mapped[str | None] = system(Text, doc="historyId read before the listing began.")
    page_token: Mapped[str | None] = system(Text, doc="The next page of the listing under way.")
    generation: Mapped[int] = system(doc="Number of the present listing.")
    found: Mapped[int] = system(doc="Items Google listed in this generation.")
    stored: Mapped[int] = system(doc="Of those, items stored.")
    skipped: Mapped[dict[str, Any]] = system(JSONB, doc="Of those, items skipped: reason to number.")
    notes: Mapped[dict[str, Any]] = system(
        JSONB, server_default=text("'{}'"), default=dict, doc="Of those, items stored in part: reason to number."
    )
    removed: Mapped[int] = system(doc="Items removed because Google no longer has them.")
    expected: Mapped[int | None] = system(doc="Google's own total when the listing began.")
    retried: Mapped[int] = system(doc="Calls that Google asked to repeat.")
    started_at: Mapped[dt.datetime | None] = system(doc="When the listing began.")
    progressed_at: Mapped[dt.datetime | None] = system(doc="When the last page was stored.")
    listed_at: Mapped[dt.datetime | None] = system(doc="When the listing was complete.")
    checked_at: Mapped[dt.datetime | None] = system(doc="When Google was last asked with success.")
    error_code: Mapped[str | None] = system(String(64), doc="Why it failed: a stable code.")
    failures: Mapped[int] = system(
        server_default=text("0"), default=0, doc="Failed tries in a row; the wait grows with it."
    )


class Skip(Base):
    """One item at Google that was left out, and why: so that every item is accounted for, and can be asked about."""

    __tablename__ = "skips"
    __table_args__ = (UniqueConstraint("collection_id", "item_index"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Whose.")
    collection_id: Mapped[uuid.UUID] = system(ForeignKey("collections.id", ondelete="CASCADE"), doc="Of which list.")
    item_index: Mapped[bytes] = labelled(
        LargeBinary(16), aspect=Aspect.NONE, doc="Blind index of the item's id at Google."
    )
    reason: Mapped[str] = labelled(String(24), aspect=Aspect.NONE, doc="Why: a word of sync.plan.SkipReason.")
    generation: Mapped[int] = system(doc="The listing that last saw it.")
