"""How much the CRM holds of some connections: numbers of rows alone, told by the connections."""

import uuid
from collections.abc import Collection

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from crm.models import Contact, Correspondent, Fact, Meeting, Message, Person
from limited_use.labels import Origin, Source
from limited_use.sealing import Labelled, System

SOURCES = {"messages": Source.GMAIL, "threads": Source.GMAIL, "events": Source.CALENDAR, "contacts": Source.CONTACTS}
"""What tells of each number; of people and companies all of them do."""


def count_of_grants(session: Session, grant_ids: Collection[uuid.UUID]) -> dict[str, Labelled[int] | System[int]]:
    """Return how many messages, threads, events, contacts, people and companies come from these grants."""
    people = select(func.count(func.distinct(Person.id))).where(
        or_(
            Person.id.in_(select(Correspondent.person_id).where(Correspondent.grant_id.in_(grant_ids))),
            Person.id.in_(select(Contact.person_id).where(Contact.grant_id.in_(grant_ids))),
        )
    )
    counts: dict[str, Select[int]] = {
        "messages": select(func.count()).where(Message.grant_id.in_(grant_ids)),
        "threads": select(func.count(func.distinct(Message.thread_id))).where(Message.grant_id.in_(grant_ids)),
        "events": select(func.count()).where(Meeting.grant_id.in_(grant_ids)),
        "contacts": select(func.count()).where(Contact.grant_id.in_(grant_ids)),
        "people": people,
        "companies": select(func.count(func.distinct(Fact.company_id))).where(Fact.grant_id.in_(grant_ids)),
    }
    return {name: _told(session.scalar(count) or 0, name, grant_ids) for name, count in counts.items()}


def _told(number: int, name: str, grant_ids: Collection[uuid.UUID]) -> Labelled[int] | System[int]:
    labels = frozenset(Origin(SOURCES.get(name, Source.DERIVED), grant_id) for grant_id in grant_ids)
    return Labelled(number, labels) if labels else System(number)
