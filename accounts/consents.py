"""Consents: affirmative acts, each tied to the very text that was shown.

A *disclosure* is a text of ours with a kind and a version; a consent keeps its version and SHA-256, so that what
a person agreed to can be proven later. Consents are never changed: a new act is a new row, taking one back notes
the time.
"""

import datetime as dt
import hashlib
import uuid
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import Consent


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A text that is shown immediately before an affirmative act."""

    kind: str
    version: str
    text: str

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def record(
    session: Session,
    viewer: Viewer,
    disclosure: Disclosure,
    now: dt.datetime,
    *,
    grant_id: uuid.UUID | None = None,
) -> Consent:
    """Return the new consent of the viewer to what the disclosure says."""
    consent = Consent(
        organisation_id=viewer.organisation_id,
        member_id=viewer.member_id,
        grant_id=grant_id,
        kind=disclosure.kind,
        disclosure_version=disclosure.version,
        disclosure_hash=disclosure.digest,
        given_at=now,
    )
    session.add(consent)
    session.flush()
    return consent


def standing(session: Session, organisation_id: uuid.UUID, kind: str) -> Consent | None:
    """Return the newest consent of that kind in the organisation that was not taken back."""
    query = select(Consent).where(
        Consent.organisation_id == organisation_id, Consent.kind == kind, Consent.withdrawn_at.is_(None)
    )
    return session.scalars(query.order_by(Consent.given_at.desc()).limit(1)).one_or_none()


def withdraw_of_grant(session: Session, grant_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave no standing consent of the grant."""
    session.execute(
        update(Consent).where(Consent.grant_id == grant_id, Consent.withdrawn_at.is_(None)).values(withdrawn_at=now)
    )


def withdraw_kind(session: Session, organisation_id: uuid.UUID, kind: str, now: dt.datetime) -> None:
    """Leave no standing consent of that kind in the organisation."""
    session.execute(
        update(Consent)
        .where(Consent.organisation_id == organisation_id, Consent.kind == kind, Consent.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
