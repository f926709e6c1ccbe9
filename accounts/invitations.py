"""Invitations: a place held for an address, for a week.

An invitation is taken by signing in with Google under that very address, verified by Google; there is no link
to steal. At most one is open for an address in an organisation: inviting again renews it.
"""

import datetime as dt
import uuid

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from accounts.models import Invitation, Role

LIFETIME = dt.timedelta(days=7)


def invite(
    session: Session,
    organisation_id: uuid.UUID,
    *,
    invited_by: uuid.UUID,
    email: str,
    role: Role,
    now: dt.datetime,
) -> Invitation:
    """Return an open invitation for the address, new or renewed, that runs out a week from `now`."""
    address = email.strip().lower()
    query = select(Invitation).where(
        Invitation.organisation_id == organisation_id,
        Invitation.email == address,
        Invitation.accepted_at.is_(None),
    )
    found = session.scalars(query.with_for_update()).one_or_none()
    if found is None:
        found = Invitation(organisation_id=organisation_id, email=address, created_at=now)
        session.add(found)
    found.invited_by, found.role, found.expires_at = invited_by, role, now + LIFETIME
    session.flush()
    return found


def open_for(
    session: Session, email: str, now: dt.datetime, *, organisation_id: uuid.UUID | None = None
) -> Invitation | None:
    """Return the newest open invitation for the address that has not run out, of one organisation if given."""
    query = select(Invitation).where(
        Invitation.email == email.strip().lower(),
        Invitation.accepted_at.is_(None),
        Invitation.expires_at > now,
    )
    if organisation_id is not None:
        query = query.where(Invitation.organisation_id == organisation_id)
    return session.scalars(query.order_by(Invitation.created_at.desc()).limit(1).with_for_update()).one_or_none()


def list_open(session: Session, organisation_id: uuid.UUID) -> list[Invitation]:
    """Return the organisation's invitations that nobody took yet, run out ones included, the newest first."""
    query = select(Invitation).where(Invitation.organisation_id == organisation_id, Invitation.accepted_at.is_(None))
    return list(session.scalars(query.order_by(Invitation.created_at.desc())))


def withdraw(session: Session, organisation_id: uuid.UUID, invitation_id: uuid.UUID) -> None:
    """Leave no open invitation with that id in the organisation; twice is as once."""
    session.execute(
        delete(Invitation).where(
            Invitation.id == invitation_id,
            Invitation.organisation_id == organisation_id,
            Invitation.accepted_at.is_(None),
        )
    )
