"""Meetings of one grant's calendars: one row for each event resource at Google, and the times it falls on."""

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped

from kernel.database import Aspect, Base, Id, labelled, system
from limited_use.columns import sealed
from limited_use.sealing import Sealed


class Meeting(Base):
    """One event resource: a single event, the master of a series, or an exception of one."""

    __tablename__ = "meetings"
    __table_args__ = (UniqueConstraint("grant_id", "calendar_index", "event_index"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Whose calendar.")
    calendar_index: Mapped[bytes] = labelled(
        LargeBinary(16), aspect=Aspect.NONE, doc="Blind index of the calendar's id."
    )
    event_index: Mapped[bytes] = labelled(LargeBinary(16), aspect=Aspect.NONE, doc="Blind index of the event's id.")
    series_index: Mapped[bytes | None] = labelled(
        LargeBinary(16), index=True, aspect=Aspect.NONE, doc="Blind index of recurringEventId: set on exceptions."
    )
    uid_index: Mapped[bytes | None] = labelled(
        LargeBinary(16), index=True, aspect=Aspect.NONE, doc="Blind index of the iCalUID."
    )
    event_id: Mapped[Sealed] = sealed(aspect=Aspect.NONE, doc="Google's id of the event.")
    starts_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="Start; midnight UTC of the date when all day.")
    ends_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="End, exclusive.")
    all_day: Mapped[bool] = labelled(aspect=Aspect.TIMES, doc="Whether it has dates only.")
    time_zone: Mapped[str | None] = labelled(String(64), aspect=Aspect.TIMES, doc="IANA zone it was made in.")
    original_start: Mapped[dt.datetime | None] = labelled(aspect=Aspect.TIMES, doc="originalStartTime of an exception.")
    status: Mapped[str] = labelled(String(16), aspect=Aspect.TIMES, doc="confirmed, tentative or cancelled.")
    is_private: Mapped[bool] = labelled(aspect=Aspect.NONE, doc="visibility private or confidential.")
    is_series: Mapped[bool] = labelled(aspect=Aspect.TIMES, doc="The master of a series.")
    title: Mapped[Sealed | None] = sealed(aspect=Aspect.SUBJECTS, doc="The summary.")
    location: Mapped[Sealed | None] = sealed(aspect=Aspect.SUBJECTS, doc="The location.")
    recurrence: Mapped[Sealed | None] = sealed(
        "json", aspect=Aspect.TIMES, doc="The RRULE, RDATE and EXDATE lines, a JSON list."
    )
    digest: Mapped[bytes] = system(LargeBinary(16), doc="Keyed digest of what was stored, to see change.")
    generation: Mapped[int] = system(doc="The listing that last saw it.")


class Occurrence(Base):
    """One time a meeting falls on, within the window that is kept expanded."""

    __tablename__ = "occurrences"
    __table_args__ = (
        UniqueConstraint("meeting_id", "starts_at"),
        Index("ix_occurrences_grant_id_starts_at", "grant_id", "starts_at"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), doc="Whose calendar.")
    meeting_id: Mapped[uuid.UUID] = system(ForeignKey("meetings.id", ondelete="CASCADE"), doc="The meeting.")
    starts_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="Start.")
    ends_at: Mapped[dt.datetime] = labelled(aspect=Aspect.TIMES, doc="End, exclusive.")


class Attendance(Base):
    """A correspondent's part in a meeting."""

    __tablename__ = "attendances"
    __table_args__ = (
        UniqueConstraint("meeting_id", "correspondent_id"),
        Index("ix_attendances_correspondent_id", "correspondent_id"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(doc="The tenant.")
    grant_id: Mapped[uuid.UUID] = system(ForeignKey("grants.id"), index=True, doc="Whose calendar.")
    meeting_id: Mapped[uuid.UUID] = system(ForeignKey("meetings.id", ondelete="CASCADE"), doc="The meeting.")
    correspondent_id: Mapped[uuid.UUID] = system(ForeignKey("correspondents.id"), doc="Who.")
    response: Mapped[str] = labelled(
        String(16), aspect=Aspect.TIMES, doc="accepted, declined, tentative or needsAction."
    )
    is_organizer: Mapped[bool] = labelled(aspect=Aspect.TIMES, doc="Whether they called it.")
