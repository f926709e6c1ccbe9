"""Members: who belongs to an organisation, in which role, and how a person comes in.

A *viewer* is a member seen as an asker: every query of the records takes one. The first sign-in of a person
makes an organisation with that person as its owner, unless an open invitation waits for the verified address.
Invariants: a person is known by Google's `sub`, never by an address; an organisation always keeps an owner.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from accounts import invitations, openings, sign_ins
from accounts.models import Member, Organisation, Role
from kernel.errors import AppError, Forbidden, NotFound

MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
AUDITORS = frozenset({Role.OWNER, Role.ADMIN, Role.AUDITOR})


class MemberLeft(AppError):  # noqa: N818 -- read as the state it reports
    """The person was removed from their organisation."""

    code = "member_left"
    status: ClassVar[HTTPStatus] = HTTPStatus.FORBIDDEN
    sentence = "You were removed from your organisation. Ask one of its admins for a new invitation."


class LastOwner(AppError):  # noqa: N818 -- as above
    """The change would leave the organisation without an owner."""

    code = "last_owner"
    status: ClassVar[HTTPStatus] = HTTPStatus.CONFLICT
    sentence = "An organisation needs an owner. Make someone else an owner first."


@dataclass(frozen=True, slots=True)
class Viewer:
    """A member as an asker."""

    organisation_id: uuid.UUID
    member_id: uuid.UUID
    role: Role

    @property
    def manages(self) -> bool:
        """Say whether the viewer may manage the organisation."""
        return self.role in MANAGERS

    @property
    def audits(self) -> bool:
        """Say whether the viewer may read the Limited Use log."""
        return self.role in AUDITORS


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as Google vouches for them: a verified id token's claims."""

    sub: str
    email: str
    name: str

    def __repr__(self) -> str:
        """Return a constant: identities are personal data and do not belong in logs."""
        return "<identity>"


def viewer_of(member: Member) -> Viewer:
    """Return the member as an asker."""
    return Viewer(member.organisation_id, member.id, Role(member.role))


_BY_SUB = select(Member).where(Member.google_sub == bindparam("sub"))
"""Made once: each card of the sidebar begins with it."""


def find_by_sub(session: Session, sub: str) -> Member | None:
    """Return the member with that Google `sub`, also one who left."""
    return session.scalars(_BY_SUB, {"sub": sub}).one_or_none()


def enter(session: Session, identity: Identity, now: dt.datetime) -> Member:
    """Return the member this person is from now on: known, invited, or the owner of a new organisation.

    Raises:
        MemberLeft: The person was removed and holds no new invitation of that organisation.
    """
    address = identity.email.strip().lower()
    member = find_by_sub(session, identity.sub)
    if member is not None:
        if member.left_at is not None:
            _return(session, member, address, now)
        member.email, member.name = address, identity.name[:200]
        return member
    invitation = invitations.open_for(session, address, now)
    if invitation is not None:
        invitation.accepted_at = now
        return _add(session, invitation.organisation_id, identity, Role(invitation.role), now)
    organisation = Organisation(name=_first_name_of_organisation(identity), created_at=now)
    session.add(organisation)
    session.flush()
    return _add(session, organisation.id, identity, Role.OWNER, now)


def _first_name_of_organisation(identity: Identity) -> str:
    return f"{identity.name.strip() or 'My'}'s organisation"[:120] if identity.name.strip() else "My organisation"


def _add(session: Session, organisation_id: uuid.UUID, identity: Identity, role: Role, now: dt.datetime) -> Member:
    member = Member(
        organisation_id=organisation_id,
        google_sub=identity.sub,
        email=identity.email.strip().lower(),
        name=identity.name[:200],
        role=role,
        created_at=now,
    )
    session.add(member)
    session.flush()
    return member


def _return(session: Session, member: Member, address: str, now: dt.datetime) -> None:
    invitation = invitations.open_for(session, address, now, organisation_id=member.organisation_id)
    if invitation is None:
        raise MemberLeft
    invitation.accepted_at = now
    member.left_at, member.role = None, Role(invitation.role)


def list_members(session: Session, organisation_id: uuid.UUID) -> list[Member]:
    """Return the organisation's present members, the earliest first."""
    query = select(Member).where(Member.organisation_id == organisation_id, Member.left_at.is_(None))
    return list(session.scalars(query.order_by(Member.created_at, Member.id)))


def get(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> Member:
    """Return a present member of the organisation.

    Raises:
        NotFound: There is none with that id here.
    """
    member = session.get(Member, member_id)
    if member is None or member.organisation_id != organisation_id or member.left_at is not None:
        raise NotFound
    return member


def change_role(session: Session, viewer: Viewer, member_id: uuid.UUID, role: Role) -> Member:
    """Give a member another role; only owners make or unmake owners.

    Raises:
        Forbidden: The viewer does not manage, or is no owner and the change touches one.
        LastOwner: Nobody would be owner any more.
    """
    _check_manages(viewer)
    member = get(session, viewer.organisation_id, member_id)
    _check_owner_touch(viewer, member, role)
    if member.role == Role.OWNER and role != Role.OWNER:
        _check_another_owner(session, viewer.organisation_id, member_id)
    member.role = role
    return member


def remove(session: Session, viewer: Viewer, member_id: uuid.UUID, now: dt.datetime) -> Member:
    """Take a member out: signed out everywhere at once, what others opened to them ended, no way back uninvited.

    Their grants are ended by the caller (`oauth.revocation`), who must do so in the same act.

    Raises:
        Forbidden: As for `change_role`.
        LastOwner: Nobody would be owner any more.
    """
    _check_manages(viewer)
    member = get(session, viewer.organisation_id, member_id)
    _check_owner_touch(viewer, member, None)
    if member.role == Role.OWNER:
        _check_another_owner(session, viewer.organisation_id, member_id)
    member.left_at = now
    sign_ins.end_all(session, member_id, now)
    openings.end_of_member(session, member_id, now)
    return member


def rename_organisation(session: Session, viewer: Viewer, name: str) -> Organisation:
    """Give the viewer's organisation another name.

    Raises:
        Forbidden: The viewer does not manage.
    """
    _check_manages(viewer)
    organisation = organisation_of(session, viewer.organisation_id)
    organisation.name = name.strip()[:120]
    return organisation


def organisation_of(session: Session, organisation_id: uuid.UUID) -> Organisation:
    """Return the organisation.

    Raises:
        NotFound: There is none with that id.
    """
    organisation = session.get(Organisation, organisation_id)
    if organisation is None:
        raise NotFound
    return organisation


def _check_manages(viewer: Viewer) -> None:
    if not viewer.manages:
        raise Forbidden


def _check_owner_touch(viewer: Viewer, member: Member, role: Role | None) -> None:
    if Role.OWNER in {Role(member.role), role} and viewer.role != Role.OWNER:
        raise Forbidden("Only an owner can change who is an owner.")


def _check_another_owner(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> None:
    # The organisation's row is the lock: two owners who demote each other at once would else leave nobody.
    session.execute(select(Organisation.id).where(Organisation.id == organisation_id).with_for_update())
    others = session.scalar(
        select(func.count())
        .select_from(Member)
        .where(
            Member.organisation_id == organisation_id,
            Member.role == Role.OWNER,
            Member.left_at.is_(None),
            Member.id != member_id,
        )
    )
    if not others:
        raise LastOwner
