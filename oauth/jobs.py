"""The work that follows the end of a grant: keys, Google, rows, receipt. Each step is safe to repeat."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from sqlalchemy import select

from accounts import grants
from accounts.models import Grant
from kernel.jobs import Lease, Next, register, scheduled
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.asking import Refused
from limited_use.egress.errors import EgressFailed
from limited_use.log.words import Kind
from oauth import events, purge, receipts, revocation
from oauth.models import Receipt, Revocation

TIMEOUT_S = 10
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 3600.0
GIVE_UP_AFTER = dt.timedelta(days=30)
KEPT_SUSPENDED = dt.timedelta(days=30)
_DONE: Mapping[int, str] = {200: "revoked"}
_ALREADY = frozenset({"invalid_token", "invalid_grant"})


@register(revocation.JOB)
def revoke(runtime: Runtime, subject_id: uuid.UUID, lease: Lease) -> Next | None:
    """Carry a revocation as far as it goes now: purged always, its receipt written once Google has answered."""
    revocation.destroy_keys(runtime, subject_id)
    _tell_google(runtime, subject_id, lease)
    if not _purge(runtime, subject_id, lease):
        return Next()
    with runtime.begin() as work:
        lease.check(work.session)
        row = revocation.lock(work.session, subject_id)
        if row.google_answer is None:
            return Next(_wait_s(row.google_asked))
        receipts.write(work.session, row, runtime.clock.now())
    return None


@scheduled("oauth.end_removed", every_s=60)
def end_removed(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> None:
    """End what outlived its owner's removal: the process died between the two, or a connecting was under way."""
    with runtime.sessions() as session:
        found = grants.of_removed_members(session)
    for google_sub in {grant.google_sub for grant in found}:
        if lease.stopping:
            return
        revocation.end_account(runtime, google_sub, revocation.Ending("member_removed"))


@scheduled("oauth.forget_suspended", every_s=3600)
def forget_suspended(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> None:
    """End what Google has not accepted for thirty days and whose owner did not connect again."""
    with runtime.sessions() as session:
        found = grants.suspended_before(session, runtime.clock.now() - KEPT_SUSPENDED)
    for google_sub in {grant.google_sub for grant in found}:
        if lease.stopping:
            return
        revocation.end_account(runtime, google_sub, revocation.Ending("suspended_long"))


@scheduled("oauth.resume_endings", every_s=3600)
def resume_endings(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> None:
    """Every ending without a receipt has an open run: one that failed for too long is begun again, never forgotten."""
    with runtime.begin() as work:
        lease.check(work.session)
        open_ones = select(Revocation.id).where(Revocation.id.not_in(select(Receipt.revocation_id)))
        for revocation_id in work.session.scalars(open_ones).all():
            work.later(revocation.JOB, revocation_id)


def _wait_s(asked: int) -> float:
    return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(asked, 12)))


def _tell_google(runtime: Runtime, revocation_id: uuid.UUID, lease: Lease) -> None:
    """Ask Google once to revoke, and store what it answered; a token that it confirmed is erased."""
    with runtime.begin() as work:
        lease.check(work.session)
        row = revocation.lock(work.session, revocation_id)
        if row.google_answer is not None:
            return
        row.google_asked += 1
    answer = _ask_with_kept(runtime, row)
    now = runtime.clock.now()
    if answer is None and now - row.requested_at > GIVE_UP_AFTER:
        answer = "gave_up"
    with runtime.begin() as work:
        lease.check(work.session)
        row = revocation.lock(work.session, revocation_id)
        if answer is not None and row.google_answer is None:
            row.google_answer, row.google_at, row.refresh_token = answer, now, None


def _ask_with_kept(runtime: Runtime, row: Revocation) -> str | None:
    """Return what Google says to the kept token; None, too, where the guard refuses it: the purge must not wait."""
    try:
        token = revocation.open_kept(runtime, row)
    except Refused:
        return None
    return revocation.NO_TOKEN if token is None else _ask(runtime, token)


def _ask(runtime: Runtime, token: str) -> str | None:
    """Return what Google says to the revocation, None when that is nothing one can rely on."""
    try:
        answer = egress.client(runtime).request(
            "google_oauth",
            "POST",
            runtime.settings.google.revoke,
            body=urlencode({"token": token}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            timeout_s=TIMEOUT_S,
        )
    except EgressFailed:
        return None
    if answer.status in _DONE:
        return _DONE[answer.status]
    try:
        said = json.loads(answer.body)
    except ValueError:
        return None
    known = isinstance(said, dict) and answer.status == HTTPStatus.BAD_REQUEST
    return "already_revoked" if known and said.get("error") in _ALREADY else None


def _purge(runtime: Runtime, revocation_id: uuid.UUID, lease: Lease) -> bool:
    """Delete the grant's rows, a batch a transaction; return whether none is left."""
    with runtime.sessions() as session:
        row = session.get_one(Revocation, revocation_id)
    if row.purged_at is not None:
        return True
    for table in purge.tables():
        while True:
            if lease.stopping:
                return False
            with runtime.begin() as work:
                lease.check(work.session)
                gone = purge.purge_batch(work.session, table, row.grant_id)
                if gone:
                    locked = revocation.lock(work.session, revocation_id)
                    locked.counts = {**locked.counts, table.name: locked.counts.get(table.name, 0) + gone}
            if gone < purge.BATCH:
                break
    return _finish_purge(runtime, revocation_id, lease)


def _finish_purge(runtime: Runtime, revocation_id: uuid.UUID, lease: Lease) -> bool:
    """Note that nothing is left, if that is so: a sync that was under way may have stored a last page meanwhile."""
    with runtime.begin() as work:
        lease.check(work.session)
        row = revocation.lock(work.session, revocation_id)
        if any(purge.left(work.session, row.grant_id)):
            return False
        row.purged_at = runtime.clock.now()
        grant = work.session.get_one(Grant, row.grant_id)
        grant.email = ""
        events.record(
            runtime,
            work.session,
            Kind.PURGE,
            row.organisation_id,
            grant_id=row.grant_id,
            records=sum(row.counts.values()),
        )
        work.later("crm.tidy", row.organisation_id)
    return True
