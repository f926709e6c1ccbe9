"""The team in figures: how many conversations there were in a week, over many people and several accounts.

What is read here is nobody's to see: each part goes to `limited_use.aggregate`, which tells figures over many, or
nothing. Addresses that their owners protect are not counted, nor are colleagues, machines and bulk mail.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus
from crm.models import Correspondent, Message, Participation, ProtectedAddress
from limited_use.aggregate import Part, Population, Question, Suppressed, admit
from limited_use.keys import Vault
from limited_use.labels import Source, label
from limited_use.sealing import Labelled

BOUNDS = (2, 5)
"""Conversations with one person: one, two to four, five and more."""
_SHAPE = "conversations"


@dataclass(frozen=True, slots=True)
class Week:
    """A week that has ended, from a Monday to the Monday after, in UTC."""

    begin: dt.date

    @property
    def last_day(self) -> dt.date:
        """Return its Sunday."""
        return self.begin + dt.timedelta(days=6)

    @property
    def name(self) -> str:
        """Return it as ISO 8601 has it, such as 2026-W47."""
        year, number, _ = self.begin.isocalendar()
        return f"{year}-W{number:02}"


@dataclass(frozen=True, slots=True)
class Figures:
    """A week's figures; one that would tell too much is None."""

    people: Labelled[int]
    conversations: Labelled[int] | None
    usual: Labelled[int]
    by_number: tuple[Labelled[int] | None, ...]


def last_week(now: dt.datetime) -> Week:
    """Return the last week that has ended."""
    today = now.astimezone(dt.UTC).date()
    return Week(today - dt.timedelta(days=today.weekday() + 7))


def conversations_of(
    session: Session, vault: Vault, organisation_id: uuid.UUID, week: Week, now: dt.datetime
) -> Figures | Suppressed:
    """Return how many conversations the organisation's members had in the week; or why nothing is told."""
    question = Question(organisation_id, _SHAPE, week.name)
    told = admit(session, vault, question, _parts(session, organisation_id, week), now)
    if not isinstance(told, Population):
        return told
    return Figures(told.count(), told.total(), told.median(), tuple(told.histogram(BOUNDS)))


def _parts(session: Session, organisation_id: uuid.UUID, week: Week) -> list[Part]:
    """Return the conversations of each person under each grant that is active."""
    begin = dt.datetime.combine(week.begin, dt.time(), dt.UTC)
    protected = select(ProtectedAddress.grant_id, ProtectedAddress.address_index)
    query = (
        select(Correspondent.person_id, Message.grant_id, func.count(Message.thread_id.distinct()).label("threads"))
        .join(Participation, Participation.message_id == Message.id)
        .join(Correspondent, Correspondent.id == Participation.correspondent_id)
        .join(Grant, Grant.id == Message.grant_id)
        .where(
            Grant.organisation_id == organisation_id,
            Grant.status == GrantStatus.ACTIVE,
            Message.sent_at >= begin,
            Message.sent_at < begin + dt.timedelta(days=7),
            Message.is_bulk.is_(False),
            Message.is_auto.is_(False),
            Correspondent.person_id.is_not(None),
            Correspondent.is_own.is_(False),
            Correspondent.is_colleague.is_(False),
            tuple_(Correspondent.grant_id, Correspondent.address_index).not_in(protected),
        )
        .group_by(Correspondent.person_id, Message.grant_id)
    )
    return [
        Part(row.person_id, row.grant_id, Labelled(row.threads, label(Source.GMAIL, row.grant_id)))
        for row in session.execute(query)
    ]
