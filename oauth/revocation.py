"""The end of a grant: refused at once, unreadable within the second, then gone, with a receipt.

Ending acts on a Google *account*, because Google's revoke ends every grant of it: all live grants of the account are
ended together. The order, each step safe to repeat:

1. *deny*: one transaction locks the grants for update, marks them revoked and writes the log entry. From its commit on
   nothing of them is released, in any process.
2. *destroy*: the grants' keys are destroyed. Nothing of them can be read any more, in any copy.
3. *tell Google*, as often as it takes; 4. *purge* the rows, which does not wait for Google; 5. hand out the *receipt*.

The refresh token has to reach Google once more after the keys are gone. So it is opened just before step 1 through the
guard (google sink, purpose security) and sealed again under the organisation's content key, in the revocation's own
row, for this use alone; it is erased as soon as Google has confirmed. A suspended grant's token is told to Google, too:
what Google refused once may be accepted again.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import consents, grants
from accounts.models import Grant, GrantStatus
from kernel.ids import new_id
from kernel.runtime import Runtime
from kernel.work import Work
from limited_use.asking import ActorClass, Asking, Purpose, Refused, Sink
from limited_use.keys import KeyPurpose, vault
from limited_use.log.words import Kind
from limited_use.release import guard
from limited_use.sealing import Sealed
from limited_use.sinks import google
from oauth import events
from oauth.custody import custody
from oauth.models import RefreshToken, Revocation
from oauth.scopes import features_of

JOB = "oauth.revoke"
NO_TOKEN = "no_token"  # noqa: S105 -- an answer's name


@dataclass(frozen=True, slots=True)
class Ending:
    """Who ends it, and why: owner, member_removed, suspended_long, operator or security_event."""

    reason: str
    member_id: uuid.UUID | None = None


def end_account(runtime: Runtime, google_sub: str, ending: Ending) -> list[uuid.UUID]:
    """End every live grant of the Google account and return the revocations, their keys destroyed already."""
    with runtime.sessions() as session:
        found = grants.live_with_sub(session, google_sub)
    kept = {grant.id: _reseal(runtime, grant) for grant in found}
    with runtime.begin() as work:
        ended = [
            _deny(runtime, work, grant, kept[grant.id], ending)
            for grant in grants.lock_for_update(work.session, kept)
            if grant.status != GrantStatus.REVOKED
        ]
    for revocation in ended:
        destroy_keys(runtime, revocation.id)
    return [revocation.id for revocation in ended]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A refresh token on its way to Google's revoke, and the row it is sealed for."""

    row_id: uuid.UUID
    token: Sealed | None


def _reseal(runtime: Runtime, grant: Grant) -> _Kept:
    row_id = new_id()
    with runtime.sessions() as session:
        held = session.scalars(select(RefreshToken).where(RefreshToken.grant_id == grant.id)).one_or_none()
    if held is None:
        return _Kept(row_id, None)
    asking = _to_google(grant.organisation_id, str(grant.id))
    try:
        token = google.open_secret(guard(runtime), asking, held.refresh_token)
    except Refused:
        return _Kept(row_id, None)
    sealer = vault(runtime).sealer(grant.organisation_id, KeyPurpose.ENDING)
    return _Kept(row_id, sealer.seal(Revocation.__tablename__, "refresh_token", row_id, token))


def open_kept(runtime: Runtime, revocation: Revocation) -> str | None:
    """Return the token that Google is to revoke; None when there is none."""
    if revocation.refresh_token is None:
        return None
    asking = _to_google(revocation.organisation_id, str(revocation.grant_id))
    return google.open_secret(guard(runtime), asking, revocation.refresh_token)


def _to_google(organisation_id: uuid.UUID, destination: str) -> Asking:
    return Asking(
        organisation_id=organisation_id,
        member_id=None,
        actor=ActorClass.WORKER,
        feature="connections",
        purpose=Purpose.SECURITY,
        sink=Sink.GOOGLE,
        destination=destination,
    )


def _deny(runtime: Runtime, work: Work, grant: Grant, kept: _Kept, ending: Ending) -> Revocation:
    session, now = work.session, runtime.clock.now()
    labels = tuple(features_of(grant.scopes))
    grants.mark_revoked(grant, ending.reason, now)
    consents.withdraw_of_grant(session, grant.id, now)
    leaf_id = events.record(
        runtime,
        session,
        Kind.REVOCATION,
        grant.organisation_id,
        grant_id=grant.id,
        member_id=ending.member_id,
        reason=ending.reason,
        labels=labels,
    )
    revocation = Revocation(
        id=kept.row_id,
        organisation_id=grant.organisation_id,
        member_id=grant.member_id,
        grant_id=grant.id,
        reason=ending.reason,
        refresh_token=kept.token,
        requested_at=now,
        keys_destroyed=[],
        google_asked=0,
        google_answer=None if kept.token is not None else NO_TOKEN,
        google_at=None if kept.token is not None else now,
        counts={},
        leaf_id=leaf_id,
    )
    session.add(revocation)
    session.flush()
    work.later(JOB, revocation.id)
    return revocation


def destroy_keys(runtime: Runtime, revocation_id: uuid.UUID) -> dt.datetime:
    """Leave the grant without keys, and return when that was; repeating it changes nothing."""
    with runtime.begin() as work:
        revocation = lock(work.session, revocation_id)
        if revocation.keys_destroyed_at is None:
            destroyed = vault(runtime).destroy_grant(work.session, revocation.grant_id)
            revocation.keys_destroyed = destroyed
            revocation.keys_destroyed_at = runtime.clock.now()
            events.record(
                runtime,
                work.session,
                Kind.KEY_DESTROYED,
                revocation.organisation_id,
                grant_id=revocation.grant_id,
                records=len(destroyed),
            )
        at = revocation.keys_destroyed_at
    custody(runtime).forget(revocation.grant_id)
    return at


def lock(session: Session, revocation_id: uuid.UUID) -> Revocation:
    """Return the revocation, freshly read and locked for update."""
    query = select(Revocation).where(Revocation.id == revocation_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def of_member(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> list[Revocation]:
    """Return the member's revocations that have no receipt yet, the newest first."""
    query = select(Revocation).where(
        Revocation.organisation_id == organisation_id,
        Revocation.member_id == member_id,
        (Revocation.purged_at.is_(None)) | (Revocation.google_answer.is_(None)),
    )
    return list(session.scalars(query.order_by(Revocation.requested_at.desc())))
