"""Attempts: trips of a browser to Google and back, each good once, for ten minutes, in that browser alone.

The browser holds a secret of its own in a cookie; state, nonce and PKCE verifier of an attempt are computed from that
secret, the attempt's id and the product's secret key. So the database keeps hashes only, and a copy of it completes
no sign-in. An attempt is taken before Google is asked for tokens: a second coming of the same answer finds nothing.
"""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kernel.ids import new_id
from oauth.errors import AttemptUnknown
from oauth.models import Attempt, AttemptKind

LIFETIME = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What an attempt needs at Google; never stored."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What the trip is for."""

    kind: AttemptKind
    return_path: str
    feature: str | None = None
    member_id: uuid.UUID | None = None
    consent_id: uuid.UUID | None = None


def new_browser_secret() -> str:
    """Return a secret for a browser's cookie."""
    return secrets.token_urlsafe(32)


def begin(session: Session, key: str, browser_secret: str, purpose: Purpose, now: dt.datetime) -> Secrets:
    """Return what the browser takes to Google; the attempt is open for ten minutes. Forgets those that ran out."""
    session.execute(delete(Attempt).where(Attempt.expires_at < now))
    attempt_id = new_id()
    made = _secrets(key, browser_secret, attempt_id)
    session.add(
        Attempt(
            id=attempt_id,
            kind=purpose.kind,
            feature=purpose.feature,
            member_id=purpose.member_id,
            consent_id=purpose.consent_id,
            state_hash=_hash(made.state),
            browser_hash=_hash(browser_secret),
            return_path=safe_path(purpose.return_path),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return made


def take(
    session: Session, key: str, browser_secret: str | None, state: str, now: dt.datetime
) -> tuple[Attempt, Secrets]:
    """Return the open attempt of this state and browser, taken by this call, and its secrets.

    Raises:
        AttemptUnknown: There is none: unknown, run out, taken before, or another browser's.
    """
    query = select(Attempt).where(Attempt.state_hash == _hash(state)).with_for_update()
    attempt = session.scalars(query).one_or_none()
    if attempt is None or not browser_secret or attempt.finished_at is not None or attempt.expires_at <= now:
        raise AttemptUnknown
    if not hmac.compare_digest(attempt.browser_hash, _hash(browser_secret)):
        raise AttemptUnknown
    attempt.finished_at = now
    return attempt, _secrets(key, browser_secret, attempt.id)


def safe_path(path: str) -> str:
    """Return the path if it leads into this product, else the start page."""
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    printable = path.isascii() and path.isprintable()
    return path[:500] if local and printable else "/"


def _secrets(key: str, browser_secret: str, attempt_id: uuid.UUID) -> Secrets:
    def derive(what: str) -> str:
        said = b"\x00".join((b"crm1 oauth", what.encode(), attempt_id.bytes, browser_secret.encode()))
        digest = hmac.new(key.encode(), said, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    return Secrets(derive("state"), derive("nonce"), derive("verifier"))


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
