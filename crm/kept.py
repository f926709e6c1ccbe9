"""What owners keep from their teammates, and what they open of an account that is else theirs alone, as sets of ids.

They are found from the exceptions, which are few, and not by looking at every row of a mailbox: so that one protected
address does not make a list slow. What is in no set here is shared as `crm.openness` ranks it; a test holds the two
together on every row.
"""

import uuid
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, and_, func, select, tuple_, union
from sqlalchemy.orm import aliased

from accounts.models import Sharing
from crm.facts import COMPANY_FIELDS
from crm.models import (
    Attendance,
    Correspondent,
    Fact,
    Meeting,
    Message,
    Occurrence,
    Participation,
    ProtectedAddress,
    SharingException,
)
from crm.openness import rank_of_meeting, rank_of_message

Ids = tuple[uuid.UUID, ...]
Set = CompoundSelect[Any]
MOST = 256
"""How many teams' sets are kept made: their making costs more than their running."""


@lru_cache(MOST)
def people(grant_ids: Ids) -> Set:
    """Return (grant, person) of the people whom these grants' owners hide, or of whom they protect an address."""
    heard, told, kept = aliased(Correspondent), aliased(Fact), aliased(ProtectedAddress)
    hidden = aliased(SharingException)
    return union(
        select(hidden.grant_id, hidden.person_id).where(
            hidden.grant_id.in_(grant_ids), hidden.person_id.is_not(None), hidden.level == Sharing.ONLY_ME
        ),
        select(heard.grant_id, heard.person_id)
        .join(kept, and_(kept.grant_id == heard.grant_id, kept.address_index == heard.address_index))
        .where(kept.grant_id.in_(grant_ids), heard.person_id.is_not(None)),
        select(told.grant_id, told.person_id)
        .join(kept, and_(kept.grant_id == told.grant_id, kept.address_index == told.value_index))
        .where(kept.grant_id.in_(grant_ids), told.person_id.is_not(None), told.field == "email"),
    )


@lru_cache(MOST)
def correspondents(grant_ids: Ids) -> Set:
    """Return the addresses that are protected, or are such a person's."""
    itself, theirs, kept = aliased(Correspondent), aliased(Correspondent), aliased(ProtectedAddress)
    return union(
        select(itself.id)
        .join(kept, and_(kept.grant_id == itself.grant_id, kept.address_index == itself.address_index))
        .where(kept.grant_id.in_(grant_ids)),
        select(theirs.id).where(
            theirs.grant_id.in_(grant_ids), tuple_(theirs.grant_id, theirs.person_id).in_(people(grant_ids))
        ),
    )


@lru_cache(MOST)
def messages(grant_ids: Ids) -> Set:
    """Return the messages in which somebody kept takes part, and those of hidden threads."""
    who, part, message, hidden = (
        aliased(Correspondent),
        aliased(Participation),
        aliased(Message),
        aliased(SharingException),
    )
    return union(
        select(part.message_id)
        .join(who, who.id == part.correspondent_id)
        .where(who.id.in_(correspondents(grant_ids)), who.is_own.is_(False)),
        select(message.id)
        .join(hidden, and_(hidden.grant_id == message.grant_id, hidden.thread_id == message.thread_id))
        .where(hidden.grant_id.in_(grant_ids), hidden.level == Sharing.ONLY_ME),
    )


@lru_cache(MOST)
def meetings(grant_ids: Ids, all_ids: Ids) -> Set:
    """Return the meetings in which somebody kept takes part; and those that are private, of all grants."""
    who, part, meeting = aliased(Correspondent), aliased(Attendance), aliased(Meeting)
    return union(
        select(part.meeting_id)
        .join(who, who.id == part.correspondent_id)
        .where(who.id.in_(correspondents(grant_ids)), who.is_own.is_(False)),
        select(meeting.id).where(meeting.grant_id.in_(all_ids), meeting.is_private),
    )


@lru_cache(MOST)
def touched(grant_ids: Ids, all_ids: Ids) -> Set:
    """Return the addresses that take part in anything that is kept: their counts and times tell of it."""
    mailed, met = aliased(Participation), aliased(Attendance)
    return union(
        select(mailed.correspondent_id).where(mailed.message_id.in_(messages(grant_ids))),
        select(met.correspondent_id).where(met.meeting_id.in_(meetings(grant_ids, all_ids))),
    )


@lru_cache(MOST)
def opened_people(grant_ids: Ids) -> Any:
    """Return the people who are shared though the rest of these grants is not."""
    opened = aliased(SharingException)
    return select(opened.person_id).where(
        opened.grant_id.in_(grant_ids), opened.person_id.is_not(None), opened.level != Sharing.ONLY_ME
    )


@lru_cache(MOST)
def opened_messages(grant_ids: Ids) -> Set:
    """Return the messages that may be shared though the rest is not: with opened people, or of opened threads."""
    who, part, message, opened = (
        aliased(Correspondent),
        aliased(Participation),
        aliased(Message),
        aliased(SharingException),
    )
    return union(
        select(part.message_id)
        .join(who, who.id == part.correspondent_id)
        .where(who.grant_id.in_(grant_ids), who.person_id.in_(opened_people(grant_ids))),
        select(message.id)
        .join(opened, and_(opened.grant_id == message.grant_id, opened.thread_id == message.thread_id))
        .where(opened.grant_id.in_(grant_ids), opened.level != Sharing.ONLY_ME),
    )


@lru_cache(MOST)
def opened_meetings(grant_ids: Ids) -> Any:
    """Return the meetings that may be shared though the rest is not: with opened people."""
    who, part = aliased(Correspondent), aliased(Attendance)
    return (
        select(part.meeting_id)
        .join(who, who.id == part.correspondent_id)
        .where(who.grant_id.in_(grant_ids), who.person_id.in_(opened_people(grant_ids)))
    )


@lru_cache(MOST)
def opened_facts(grant_ids: Ids) -> ColumnElement[bool]:
    """Return the condition on facts of opened people and of their companies."""
    who = aliased(Correspondent)
    domains = select(who.domain_index).where(
        who.grant_id.in_(grant_ids), who.person_id.in_(opened_people(grant_ids)), who.domain_index.is_not(None)
    )
    return Fact.person_id.in_(opened_people(grant_ids)) | (
        Fact.field.in_(COMPANY_FIELDS) & Fact.value_index.in_(domains)
    )


@cache
def last_shown() -> ColumnElement[Any]:
    """Return when an address was last in mail or a meeting that its owner shares; null if never."""
    mail = (
        select(func.max(Message.sent_at))
        .join(Participation, Participation.message_id == Message.id)
        .where(Participation.correspondent_id == Correspondent.id, rank_of_message() > 0)
    )
    met = (
        select(func.max(Occurrence.starts_at))
        .join(Meeting, Meeting.id == Occurrence.meeting_id)
        .join(Attendance, Attendance.meeting_id == Meeting.id)
        .where(
            Attendance.correspondent_id == Correspondent.id,
            Attendance.response != "declined",
            Meeting.status != "cancelled",
            Occurrence.starts_at <= Correspondent.last_at,
            rank_of_meeting() > 0,
        )
    )
    shown = (query.correlate(Correspondent).scalar_subquery() for query in (mail, met))
    return func.greatest(*shown)
