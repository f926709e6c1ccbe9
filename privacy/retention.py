"""Retention: rows of our own bookkeeping that have done their work are deleted, daily, in bounded batches.

Google-derived rows live and die with their grant (`oauth.revocation`); what users wrote stays until they delete it.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.models import Invitation, Opening, SignIn
from accounts.notices import Notice
from crm.webhooks.models import WebhookDelivery
from kernel import jobs
from kernel.database import Base
from kernel.jobs import Lease, Run
from kernel.runtime import Runtime

BATCH = 500
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of one table go so many days after the moment in one of their columns."""

    table: type[Base]
    ends: InstrumentedAttribute[dt.datetime | None]
    days: int
    why: str


RULES = (
    Rule(SignIn, SignIn.ended_at, 30, "a month to look into a sign-in that its owner did not recognise"),
    Rule(SignIn, SignIn.seen_at, 90, "a browser unused for so long must sign in again"),
    Rule(Invitation, Invitation.expires_at, 30, "an admin may want to see which invitations ran out"),
    Rule(
        WebhookDelivery,
        WebhookDelivery.finished_at,
        30,
        "a month to look into what a webhook was told, and how it went",
    ),
    Rule(Opening, Opening.expires_at, 365, "a year to look back on who saw what; the log keeps that it was"),
    Rule(Notice, Notice.seen_at, 90, "a season to come back to what one was told"),
    Rule(Run, Run.finished_at, 7, "a week to look into work that failed"),
)


def purge_batch(session: Session, rule: Rule, now: dt.datetime) -> int:
    """Delete up to `BATCH` rows that are past the rule and return how many were."""
    key = rule.table.__table__.c.id
    past: ColumnElement[bool] = and_(rule.ends.is_not(None), rule.ends < now - dt.timedelta(days=rule.days))
    ids = list(session.scalars(select(key).where(past).limit(BATCH)))
    if ids:
        session.execute(delete(rule.table).where(key.in_(ids)))
    return len(ids)


@jobs.scheduled("privacy.retention", DAY_S)
def retain(runtime: Runtime, _subject_id: uuid.UUID, lease: Lease) -> None:
    """Delete what is past its time, one short transaction a batch."""
    for rule in RULES:
        while True:
            with runtime.begin() as work:
                lease.check(work.session)
                deleted = purge_batch(work.session, rule, runtime.clock.now())
            if deleted < BATCH:
                break
