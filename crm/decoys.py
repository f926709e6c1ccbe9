"""Planting decoys: a few rows in each large table with sealed columns, for every organisation (`limited_use.decoys`).

They belong to a grant of their own that counts as ended, of the organisation's first member, with nothing in it that
was ever at Google. They are planted when the first account is connected, so before there is much to read. What is
missing is planted again: repeating it changes nothing.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus, Member, Sharing
from crm.models import Fact, Meeting, Message
from kernel.ids import new_id
from kernel.jobs import Lease
from kernel.runtime import Runtime
from limited_use.cipher import Sealer
from limited_use.keys import KeyPurpose, vault

JOB = "crm.plant_decoys"
"""The kind of run that plants an organisation's: its subject."""
EACH = 3
_YEARS = 2
_HOUR = dt.timedelta(hours=1)


def plant(runtime: Runtime, organisation_id: uuid.UUID, lease: Lease) -> int:
    """Leave the organisation with its decoys; return how many rows were planted now.

    Raises:
        LeaseLost: if another worker plants them; then this one left no row.
    """
    keys, now = vault(runtime), runtime.clock.now()
    with runtime.sessions() as session:
        first = (
            select(Member.id).where(Member.organisation_id == organisation_id).order_by(Member.created_at, Member.id)
        )
        member_id = session.scalar(first.limit(1))
    if member_id is None:
        return 0
    grant_id = keys.create_decoy(organisation_id)  # may ask the key service, so no transaction is open
    sealers = {purpose: keys.sealer(organisation_id, purpose, grant_id) for _, purpose, _ in _KINDS}
    planted = 0
    with runtime.begin() as work:
        lease.check(work.session)
        _keep_grant(work.session, Grant(id=grant_id, organisation_id=organisation_id, member_id=member_id), now)
        for kind, purpose, make in _KINDS:
            there = work.session.scalar(select(func.count()).select_from(kind).where(kind.grant_id == grant_id)) or 0
            for _ in range(there, EACH):
                work.session.add(make(sealers[purpose], organisation_id, grant_id, _some_time(now)))
                planted += 1
    return planted


def _keep_grant(session: Session, grant: Grant, now: dt.datetime) -> None:
    if session.get(Grant, grant.id) is not None:
        return
    grant.google_sub = "1" + "".join(secrets.choice("0123456789") for _ in range(20))
    grant.email, grant.status, grant.status_reason = "", GrantStatus.REVOKED, "owner"
    grant.sharing, grant.scopes = Sharing.ONLY_ME, []
    grant.created_at = _some_time(now)
    grant.revoked_at = min(now, grant.created_at + 24 * _HOUR)
    session.add(grant)
    session.flush()


def _some_time(now: dt.datetime) -> dt.datetime:
    return now - dt.timedelta(seconds=secrets.randbelow(_YEARS * 365 * 86_400))


def _text(at_least: int) -> str:
    return secrets.token_urlsafe(at_least + secrets.randbelow(at_least))


def _message(sealer: Sealer, organisation_id: uuid.UUID, grant_id: uuid.UUID, at: dt.datetime) -> Message:
    row_id, gmail_id = new_id(), secrets.token_hex(8)
    return Message(
        id=row_id,
        organisation_id=organisation_id,
        grant_id=grant_id,
        gmail_id=gmail_id,
        thread_id=gmail_id,
        message_id_index=secrets.token_bytes(16),
        sent_at=at,
        direction="in",
        label_ids=["INBOX"],
        is_bulk=False,
        is_auto=False,
        size=4_000 + secrets.randbelow(60_000),
        subject=sealer.seal("messages", "subject", row_id, _text(20)),
        snippet=sealer.seal("messages", "snippet", row_id, _text(75)),
        digest=secrets.token_bytes(16),
        generation=1,
    )


def _meeting(sealer: Sealer, organisation_id: uuid.UUID, grant_id: uuid.UUID, at: dt.datetime) -> Meeting:
    row_id, starts_at = new_id(), at.replace(minute=0, second=0, microsecond=0)
    return Meeting(
        id=row_id,
        organisation_id=organisation_id,
        grant_id=grant_id,
        calendar_index=secrets.token_bytes(16),
        event_index=secrets.token_bytes(16),
        uid_index=secrets.token_bytes(16),
        event_id=sealer.seal("meetings", "event_id", row_id, secrets.token_hex(13)),
        starts_at=starts_at,
        ends_at=starts_at + _HOUR,
        all_day=False,
        status="confirmed",
        is_private=False,
        is_series=False,
        title=sealer.seal("meetings", "title", row_id, _text(12)),
        digest=secrets.token_bytes(16),
        generation=1,
    )


def _fact(sealer: Sealer, organisation_id: uuid.UUID, grant_id: uuid.UUID, at: dt.datetime) -> Fact:
    row_id = new_id()
    return Fact(
        id=row_id,
        organisation_id=organisation_id,
        grant_id=grant_id,
        source="contacts",
        field="name",
        value=sealer.seal("facts", "value", row_id, _text(9)),
        value_index=secrets.token_bytes(16),
        position=0,
        observed_at=at,
    )


_Make = Callable[[Sealer, uuid.UUID, uuid.UUID, dt.datetime], Message | Meeting | Fact]
_KINDS: tuple[tuple[type[Message] | type[Meeting] | type[Fact], KeyPurpose, _Make], ...] = (
    (Message, KeyPurpose.MAIL, _message),
    (Meeting, KeyPurpose.CALENDAR, _meeting),
    (Fact, KeyPurpose.CONTACTS, _fact),
)
"""The large tables with what Google gave, the source whose key their rows are under, and how a row is made."""
