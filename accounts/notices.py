"""Notices: what waits for a member, told once on the start page and, where a mail server is set, by mail.

A notice holds a kind and ids, never content; its words are made when it is shown or sent (`privacy.notices`). Any
package may tell a member something, in the transaction of what there is to tell.
"""

import datetime as dt
import enum
import uuid
from collections.abc import Sequence

from sqlalchemy import ForeignKey, Index, String, func, select, update
from sqlalchemy.orm import Mapped, Session

from accounts.models import Member
from kernel import work
from kernel.database import Base, Id, system
from kernel.errors import NotFound
from kernel.ids import new_id

JOB = "privacy.notice"
SHOWN = 20
ONCE_IN = dt.timedelta(days=1)
"""The same is not told again within."""


class NoticeKind(enum.StrEnum):
    """What there is to tell."""

    OPENING_ASKED = "opening_asked"
    OPENING_ALLOWED = "opening_allowed"
    OPENING_REFUSED = "opening_refused"
    CASE_WAITS = "case_waits"
    CASE_ALLOWED = "case_allowed"
    CASE_ON_YOURS = "case_on_yours"
    WEBHOOK_OFF = "webhook_off"
    GRANT_SUSPENDED = "grant_suspended"
    DECOY_OPENED = "decoy_opened"


class Notice(Base):
    """One thing told to one member."""

    __tablename__ = "notices"
    __table_args__ = (Index("ix_notices_member_id_id", "member_id", "id"),)

    id: Mapped[Id]
    organisation_id: Mapped[uuid.UUID] = system(ForeignKey("organisations.id"), doc="The tenant.")
    member_id: Mapped[uuid.UUID] = system(ForeignKey("members.id"), doc="To whom.")
    kind: Mapped[str] = system(String(40), doc="A NoticeKind.")
    about_id: Mapped[uuid.UUID] = system(doc="What it is about: an opening, a webhook, a grant.")
    actor_id: Mapped[uuid.UUID | None] = system(ForeignKey("members.id"), doc="Who gave rise to it, if a member did.")
    told_at: Mapped[dt.datetime] = system(doc="When there was something to tell.")
    seen_at: Mapped[dt.datetime | None] = system(index=True, doc="When the member put it aside.")
    mailed_at: Mapped[dt.datetime | None] = system(doc="When a mail server took it.")
    mail_problem: Mapped[str | None] = system(String(64), doc="Code of why none did; never its text.")


def tell(
    session: Session,
    member_id: uuid.UUID,
    kind: NoticeKind,
    about_id: uuid.UUID,
    now: dt.datetime,
    actor_id: uuid.UUID | None = None,
) -> Notice | None:
    """Return the new notice, on its way by mail once this commits; None where the same was told within a day.

    Who has left is told nothing.
    """
    member = session.get(Member, member_id)
    same = (Notice.member_id == member_id, Notice.kind == kind, Notice.about_id == about_id)
    told = session.scalar(select(Notice.id).where(*same, Notice.told_at > now - ONCE_IN).limit(1))
    if member is None or member.left_at is not None or told is not None:
        return None
    made = Notice(id=new_id(), organisation_id=member.organisation_id, member_id=member_id, kind=kind)
    made.about_id, made.actor_id, made.told_at = about_id, actor_id, now
    session.add(made)
    session.flush()
    work.later(session, JOB, made.id, now)
    return made


def unseen(session: Session, member_id: uuid.UUID) -> Sequence[Notice]:
    """Return what the member has not put aside, the newest first; SHOWN of it at most."""
    its = select(Notice).where(Notice.member_id == member_id, Notice.seen_at.is_(None))
    return session.scalars(its.order_by(Notice.id.desc()).limit(SHOWN)).all()


def count_unseen(session: Session, member_id: uuid.UUID) -> int:
    """Return how many the member has not put aside."""
    its = select(func.count()).select_from(Notice).where(Notice.member_id == member_id, Notice.seen_at.is_(None))
    return session.scalar(its) or 0


def of_member(session: Session, member_id: uuid.UUID, notice_id: uuid.UUID) -> Notice:
    """Return a notice of the member.

    Raises:
        NotFound: if it is not theirs.
    """
    found = session.scalar(select(Notice).where(Notice.id == notice_id, Notice.member_id == member_id))
    if found is None:
        raise NotFound
    return found


def put_aside(session: Session, member_id: uuid.UUID, notice_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave the notice seen; saying it again changes nothing.

    Raises:
        NotFound: if it is not the member's.
    """
    own = update(Notice).where(Notice.id == notice_id, Notice.member_id == member_id)
    changed = session.scalar(own.values(seen_at=func.coalesce(Notice.seen_at, now)).returning(Notice.id))
    if changed is None:
        raise NotFound
