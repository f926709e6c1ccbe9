"""Destinations and the credentials that name them: where data may go belongs to the credential, never to the caller.

A token without a destination counts as an AI tool: the strictest class. Its secret is shown once and only its
SHA-256 is kept. `PolicyState` holds an organisation's own switches.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.models import Member
from kernel.errors import BadInput, NotFound, NotSignedIn
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.models import ApiToken, Destination, PolicyState

__all__ = ["ApiToken", "Credential", "Destination", "PolicyState"]

SECRET_PREFIX = "crm_"  # noqa: S105 -- marks a secret of ours, for scanners
CLASSES = (Sink.API, Sink.EXPORT, Sink.WEBHOOK, Sink.AI_TOOL)
"""What a destination may be registered as."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token that was presented and is good: for whom it acts and where its answers go."""

    token_id: uuid.UUID
    organisation_id: uuid.UUID
    member_id: uuid.UUID
    destination_id: uuid.UUID | None
    sink: Sink
    scopes: frozenset[str]

    def asking(self, feature: str, purpose: Purpose = Purpose.USER_FEATURE) -> Asking:
        """Return an asking of this credential: its sink and destination cannot be chosen otherwise."""
        destination = str(self.destination_id) if self.destination_id else ""
        return Asking(self.organisation_id, self.member_id, ActorClass.TOKEN, feature, purpose, self.sink, destination)


def register_destination(
    session: Session, organisation_id: uuid.UUID, name: str, sink_class: str, region: str, now: dt.datetime
) -> Destination:
    """Return a new destination of the organisation; its name and region are lines that its maker's page has checked.

    Raises:
        BadInput: if the class is none that may be registered.
    """
    if sink_class not in CLASSES:
        raise BadInput(f"A destination is one of: {', '.join(CLASSES)}.")
    made = Destination(organisation_id=organisation_id, name=name, sink_class=sink_class, region=region, created_at=now)
    session.add(made)
    session.flush()
    return made


def list_destinations(session: Session, organisation_id: uuid.UUID) -> Sequence[Destination]:
    """Return the organisation's destinations, the oldest first."""
    mine = select(Destination).where(Destination.organisation_id == organisation_id)
    return session.scalars(mine.order_by(Destination.created_at, Destination.id)).all()


def create_token(
    session: Session,
    member: Member,
    name: str,
    scopes: Sequence[str],
    now: dt.datetime,
    destination_id: uuid.UUID | None = None,
) -> tuple[ApiToken, str]:
    """Return a new token that acts for the member, and its secret, which is nowhere else; its name is a checked line.

    Raises:
        NotFound: if the destination is not one of the member's organisation.
    """
    if destination_id is not None:
        found = session.get(Destination, destination_id)
        if found is None or found.organisation_id != member.organisation_id:
            raise NotFound
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(
        organisation_id=member.organisation_id,
        member_id=member.id,
        destination_id=destination_id,
        name=name,
        secret_hash=_hash(secret),
        scopes=list(scopes),
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made, secret


def list_tokens(session: Session, organisation_id: uuid.UUID) -> Sequence[ApiToken]:
    """Return the organisation's tokens, the oldest first, ended ones too."""
    mine = select(ApiToken).where(ApiToken.organisation_id == organisation_id)
    return session.scalars(mine.order_by(ApiToken.created_at, ApiToken.id)).all()


def revoke_token(session: Session, organisation_id: uuid.UUID, token_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave the token ended; ending it again changes nothing.

    Raises:
        NotFound: if it is not one of the organisation.
    """
    token = session.get(ApiToken, token_id)
    if token is None or token.organisation_id != organisation_id:
        raise NotFound
    token.revoked_at = token.revoked_at or now


def revoke_of_member(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave no token that acts for the member: one who comes back later comes back without."""
    mine = (ApiToken.organisation_id == organisation_id, ApiToken.member_id == member_id, ApiToken.revoked_at.is_(None))
    session.execute(update(ApiToken).where(*mine).values(revoked_at=now))


def authenticate(session: Session, secret: str) -> Credential:
    """Return the credential that the secret is.

    Raises:
        NotSignedIn: if it is none, was ended, or its member has left.
    """
    found = session.execute(
        select(ApiToken, Destination.sink_class)
        .join(Member, Member.id == ApiToken.member_id)
        .outerjoin(Destination, Destination.id == ApiToken.destination_id)
        .where(ApiToken.secret_hash == _hash(secret), ApiToken.revoked_at.is_(None), Member.left_at.is_(None))
    ).one_or_none()
    if found is None:
        raise NotSignedIn("This API token is not valid. Make a new one in Settings.")
    token, sink_class = found
    sink = Sink(sink_class) if sink_class in CLASSES else Sink.AI_TOOL
    return Credential(
        token.id, token.organisation_id, token.member_id, token.destination_id, sink, frozenset(token.scopes)
    )


def is_ai_allowed(session: Session, organisation_id: uuid.UUID) -> bool:
    """Tell whether an admin has allowed AI tools what users wrote."""
    state = session.get(PolicyState, organisation_id)
    return state is not None and state.ai_allowed_at is not None


def allow_ai(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave AI tools allowed to have what users wrote; values from Google stay out as ever."""
    _set_ai(session, organisation_id, now, member_id)


def forbid_ai(session: Session, organisation_id: uuid.UUID) -> None:
    """Leave AI tools with nothing; once this commits, no release to one passes."""
    _set_ai(session, organisation_id, None, None)


def _set_ai(session: Session, organisation_id: uuid.UUID, at: dt.datetime | None, member_id: uuid.UUID | None) -> None:
    state = {"ai_allowed_at": at, "ai_allowed_by": member_id}
    row = insert(PolicyState).values(organisation_id=organisation_id, **state)
    session.execute(row.on_conflict_do_update(index_elements=[PolicyState.organisation_id], set_=state))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
