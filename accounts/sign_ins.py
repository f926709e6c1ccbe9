"""Sign-ins: browsers that are signed in, each a row that can be ended.

The browser holds a random secret in a cookie; the row holds its SHA-256 and nothing else, so that a copy of the
database signs nobody in. A sign-in ends by sign-out, by removal of the member, after two idle weeks, and after
thirty days in any case.
"""

import datetime as dt
import hashlib
import secrets
import uuid

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts.models import Member, SignIn

IDLE = dt.timedelta(days=14)
LONGEST = dt.timedelta(days=30)
SEEN_STEP = dt.timedelta(minutes=1)


def hash_of(secret: str) -> bytes:
    """Return what the database holds of a cookie's secret."""
    return hashlib.sha256(secret.encode()).digest()


def start(session: Session, member_id: uuid.UUID, now: dt.datetime) -> str:
    """Sign a browser in and return the secret for its cookie, which nothing of ours can tell again."""
    secret = secrets.token_urlsafe(32)
    session.add(SignIn(member_id=member_id, secret_hash=hash_of(secret), created_at=now, seen_at=now))
    session.flush()
    return secret


def find(session: Session, secret: str, now: dt.datetime) -> Member | None:
    """Return the member whose live sign-in has this secret, and note that they were seen (to the minute)."""
    query = (
        select(SignIn, Member)
        .join(Member, Member.id == SignIn.member_id)
        .where(
            SignIn.secret_hash == hash_of(secret),
            SignIn.ended_at.is_(None),
            SignIn.seen_at > now - IDLE,
            SignIn.created_at > now - LONGEST,
            Member.left_at.is_(None),
        )
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    sign_in, member = found
    if now - sign_in.seen_at >= SEEN_STEP:
        sign_in.seen_at = now
    return member


def end(session: Session, secret: str, now: dt.datetime) -> None:
    """End the sign-in with this secret; unknown and ended ones are left as they are."""
    session.execute(
        update(SignIn).where(SignIn.secret_hash == hash_of(secret), SignIn.ended_at.is_(None)).values(ended_at=now)
    )


def end_all(session: Session, member_id: uuid.UUID, now: dt.datetime) -> int:
    """End every sign-in of the member and return how many there were."""
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.member_id == member_id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .returning(SignIn.id)
    )
    return len(ended.all())
