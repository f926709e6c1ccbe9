"""Items: what can be opened one by one to somebody who does not own it, as `accounts.openings` names them.

A mail and a meeting belong to one grant. What is known of a person belongs to each grant that told it, so that asking
for it asks each of their owners, and what one of them allows opens theirs alone.
"""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, ItemKind
from accounts.openings import Item
from crm import people
from crm.knowing import is_shown_of_person
from crm.models import Fact, Meeting, Message, Occurrence, Person
from crm.visibility import sight_of
from kernel.database import Aspect
from kernel.errors import NotFound
from limited_use.labels import Source, label
from limited_use.sealing import Labelled, Place, Sealed, placed


@dataclass(frozen=True, slots=True)
class Head:
    """What stands for an item in a list: its subject, title or name, and when it was."""

    title: Sealed | None
    at: Labelled[dt.datetime] | None


def find(session: Session, viewer: Viewer, item: Item) -> tuple[Item, list[uuid.UUID]]:
    """Return the item, and the active grants of the organisation that it is from: none where there is no such item.

    One time of a meeting stands for the meeting.
    """
    if item.kind == ItemKind.MEETING:
        meeting_id = session.scalar(select(Occurrence.meeting_id).where(Occurrence.id == item.id))
        item = Item(item.kind, meeting_id or item.id)
    grants = (
        select(Grant.id)
        .where(
            Grant.id.in_(_grants_of(item)),
            Grant.organisation_id == viewer.organisation_id,
            Grant.status == GrantStatus.ACTIVE,
        )
        .order_by(Grant.id)
    )
    return item, list(session.scalars(grants))


def of_others(session: Session, viewer: Viewer, grant_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return those of the grants that are not the viewer's own."""
    query = select(Grant.id).where(Grant.id.in_(grant_ids), Grant.member_id != viewer.member_id)
    return list(session.scalars(query.order_by(Grant.id)))


def find_known(session: Session, viewer: Viewer, item: Item) -> tuple[Item, list[uuid.UUID]]:
    """Return an item of which the viewer may know that it is there, and whose it is; a grant that hides it is none.

    Raises:
        NotFound: They may not, or it is not: the answer is the same.
    """
    item, grant_ids = find(session, viewer, item)
    sight = sight_of(session, viewer)
    if item.kind == ItemKind.PERSON:
        # Of a person whom the viewer's own account knows, or a colleague shares, nobody is told who else knows them.
        if people.get(session, viewer, item.id).standing != people.Standing.TEAMMATES:
            raise NotFound
        told = select(Fact.grant_id).join(Person, Person.id == Fact.person_id)
        known = told.where(Person.id == item.id, is_shown_of_person(Fact.grant_id))
    elif item.kind == ItemKind.MESSAGE:
        known = select(Message.grant_id).where(Message.id == item.id, sight.messages())
    else:
        known = select(Meeting.grant_id).where(Meeting.id == item.id, sight.meetings())
    shown = set(session.scalars(known))
    grant_ids = [grant_id for grant_id in grant_ids if grant_id in shown]
    if not grant_ids:
        raise NotFound
    return item, grant_ids


def head_of(session: Session, organisation_id: uuid.UUID, item: Item, grant_id: uuid.UUID) -> Head:
    """Return what stands for the item; of a person what this grant calls them. Empty where it is gone."""
    if item.kind == ItemKind.PERSON:
        return Head(_name_of(session, organisation_id, item.id, grant_id), None)
    table = Message if item.kind == ItemKind.MESSAGE else Meeting
    found = session.scalar(select(table).where(table.id == item.id, table.grant_id == grant_id))
    if isinstance(found, Message):
        return Head(found.subject, _time(found.sent_at, found))
    if isinstance(found, Meeting):
        return Head(found.title, _time(found.starts_at, found))
    return Head(None, None)


def content_of(
    session: Session, organisation_id: uuid.UUID, item: Item, grant_id: uuid.UUID
) -> list[tuple[str, Sealed | Labelled[Any]]]:
    """Return all that is stored of the item from this grant, each value by its name; nothing where it is gone."""
    if item.kind == ItemKind.PERSON:
        return _facts_of(session, organisation_id, item.id, grant_id)
    found: Message | Meeting | None = session.scalar(
        select(Message).where(Message.id == item.id, Message.grant_id == grant_id)
        if item.kind == ItemKind.MESSAGE
        else select(Meeting).where(Meeting.id == item.id, Meeting.grant_id == grant_id)
    )
    if found is None:
        return []
    if isinstance(found, Message):
        told: list[tuple[str, Sealed | Labelled[Any] | None]] = [
            ("subject", found.subject),
            ("sent", _time(found.sent_at, found)),
            ("beginning", found.snippet),
        ]
    else:
        told = [
            ("title", found.title),
            ("starts", _time(found.starts_at, found)),
            ("ends", _time(found.ends_at, found)),
            ("place", found.location),
        ]
    return [(name, value) for name, value in told if value is not None]


def _time(at: dt.datetime, row: Message | Meeting) -> Labelled[dt.datetime]:
    source = Source.GMAIL if isinstance(row, Message) else Source.CALENDAR
    return Labelled(at, label(source, row.grant_id), Aspect.TIMES, (row.__tablename__, row.id))


def _facts_of(
    session: Session, organisation_id: uuid.UUID, person_id: uuid.UUID, grant_id: uuid.UUID
) -> list[tuple[str, Sealed | Labelled[Any]]]:
    query = (
        select(Fact.id, Fact.field, Fact.value)
        .where(Fact.person_id == person_id, Fact.grant_id == grant_id)
        .order_by(Fact.field, Fact.position, Fact.id)
    )
    found: list[tuple[str, Sealed | Labelled[Any]]] = []
    for row in session.execute(query):
        value = placed(row.value, Place(organisation_id, "facts", "value", row.id))
        if value is not None:
            found.append((row.field, value))
    return found


def _grants_of(item: Item) -> Select[Any]:
    if item.kind == ItemKind.MESSAGE:
        return select(Message.grant_id).where(Message.id == item.id)
    if item.kind == ItemKind.MEETING:
        return select(Meeting.grant_id).where(Meeting.id == item.id)
    return select(Fact.grant_id).where(Fact.person_id == item.id, Fact.grant_id.is_not(None))


def _name_of(session: Session, organisation_id: uuid.UUID, person_id: uuid.UUID, grant_id: uuid.UUID) -> Sealed | None:
    """Return the name, or else the address, that the grant tells of the person."""
    query = (
        select(Fact.id, Fact.value)
        .where(Fact.person_id == person_id, Fact.grant_id == grant_id, Fact.field.in_(("name", "email")))
        .order_by(Fact.field.desc(), Fact.position)  # name stands after email in the alphabet
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else placed(found.value, Place(organisation_id, "facts", "value", found.id))
