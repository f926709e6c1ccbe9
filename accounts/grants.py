"""Grants: what a member allowed us at Google, and the locks that make ending one absolute.

Every release takes the grants it opens FOR SHARE; ending takes them FOR UPDATE. So once an ending has
committed, no release that began before can still pass, and none can begin.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import notices
from accounts.models import Grant, GrantStatus, Member, Sharing
from accounts.notices import NoticeKind


def active_ids(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of the member's active grants."""
    query = select(Grant.id).where(
        Grant.organisation_id == organisation_id,
        Grant.member_id == member_id,
        Grant.status == GrantStatus.ACTIVE,
    )
    return list(session.scalars(query.order_by(Grant.id)))


def live_of_member(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> list[Grant]:
    """Return the member's grants that are not revoked, the oldest first."""
    query = select(Grant).where(
        Grant.organisation_id == organisation_id,
        Grant.member_id == member_id,
        Grant.status != GrantStatus.REVOKED,
    )
    return list(session.scalars(query.order_by(Grant.created_at, Grant.id)))


def live_with_sub(session: Session, google_sub: str) -> list[Grant]:
    """Return every grant of the Google account that is not revoked, in all organisations."""
    query = select(Grant).where(Grant.google_sub == google_sub, Grant.status != GrantStatus.REVOKED)
    return list(session.scalars(query.order_by(Grant.id)))


def owners(session: Session, organisation_id: uuid.UUID) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Return each grant of the organisation, ended ones too, and the member whose it is or was."""
    query = select(Grant.id, Grant.member_id).where(Grant.organisation_id == organisation_id)
    return [(row.id, row.member_id) for row in session.execute(query)]


def lock_for_share(session: Session, ids: Iterable[uuid.UUID]) -> list[Grant]:
    """Return these grants, freshly read and locked so that nobody can end them before this transaction does."""
    return _lock(session, set(ids), read=True)


def lock_for_update(session: Session, ids: Iterable[uuid.UUID]) -> list[Grant]:
    """Return these grants, freshly read and locked alone: every release of theirs has committed or waits."""
    return _lock(session, set(ids), read=False)


def _lock(session: Session, ids: Collection[uuid.UUID], *, read: bool) -> list[Grant]:
    if not ids:
        return []
    # Always in id order, so that two transactions that need several grants cannot wait for each other.
    query = select(Grant).where(Grant.id.in_(ids)).order_by(Grant.id).with_for_update(read=read)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def open_for_member(session: Session, member: Member, now: dt.datetime) -> Grant:
    """Return the member's live grant for their own Google account, made now (active, no scopes) if there is none."""
    query = select(Grant).where(
        Grant.organisation_id == member.organisation_id,
        Grant.google_sub == member.google_sub,
        Grant.status != GrantStatus.REVOKED,
    )
    grant = session.scalars(query.with_for_update()).one_or_none()
    if grant is None:
        grant = Grant(
            organisation_id=member.organisation_id,
            member_id=member.id,
            google_sub=member.google_sub,
            email=member.email,
            status=GrantStatus.ACTIVE,
            sharing=Sharing.ONLY_ME,
            scopes=[],
            created_at=now,
        )
        session.add(grant)
        session.flush()
    return grant


def suspend(session: Session, grant_id: uuid.UUID, reason: str, now: dt.datetime) -> bool:
    """Refuse all releases of an active grant from the commit on, and say whether it was active until now."""
    for grant in lock_for_update(session, [grant_id]):
        if grant.status == GrantStatus.ACTIVE:
            grant.status, grant.status_reason, grant.suspended_at = GrantStatus.SUSPENDED, reason[:64], now
            notices.tell(session, grant.member_id, NoticeKind.GRANT_SUSPENDED, grant.id, now)
            return True
    return False


def activate(grant: Grant) -> None:
    """Leave the grant active; the caller holds it locked for update."""
    grant.status, grant.status_reason, grant.suspended_at = GrantStatus.ACTIVE, None, None


def suspended_before(session: Session, moment: dt.datetime) -> list[Grant]:
    """Return the grants that have been suspended since before that moment."""
    query = select(Grant).where(Grant.status == GrantStatus.SUSPENDED, Grant.suspended_at < moment)
    return list(session.scalars(query.order_by(Grant.suspended_at)))


def of_removed_members(session: Session) -> list[Grant]:
    """Return the grants that are not revoked though their owner was removed from the organisation."""
    gone = select(Member.id).where(Member.left_at.is_not(None))
    query = select(Grant).where(Grant.status != GrantStatus.REVOKED, Grant.member_id.in_(gone))
    return list(session.scalars(query.order_by(Grant.created_at)))


def mark_revoked(grant: Grant, reason: str, now: dt.datetime) -> None:
    """Leave the grant revoked and without scopes; the caller holds it locked for update."""
    grant.status, grant.status_reason, grant.revoked_at = GrantStatus.REVOKED, reason[:64], now
    grant.scopes = []
