"""Reading the picture: a few set-based queries, whatever the number of addresses."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus
from crm.knowing import quiet_links
from crm.matching.picture import Holding, Known, Picture, Sighting
from crm.matching.reasons import Evidence
from crm.models import Contact, Correspondent, Fact, Person, Suppression
from crm.models.people import MadeBy

R = TypeVar("R", Sighting, Holding)
_LIVE = select(Grant.id).where(Grant.status != GrantStatus.REVOKED)


def addresses_of(
    session: Session, grant_id: uuid.UUID, correspondent_ids: Sequence[uuid.UUID], contact_ids: Sequence[uuid.UUID]
) -> frozenset[bytes]:
    """Return the addresses that these correspondents and contacts of the grant have."""
    own = select(Correspondent.address_index).where(
        Correspondent.grant_id == grant_id, Correspondent.id.in_(correspondent_ids)
    )
    held = select(Fact.value_index).where(
        Fact.grant_id == grant_id, Fact.contact_id.in_(contact_ids), Fact.field == "email"
    )
    return frozenset(index for query in (own, held) for index in session.scalars(query) if index is not None)


def read_picture(
    session: Session, organisation_id: uuid.UUID, addresses: frozenset[bytes], contact_ids: Sequence[uuid.UUID]
) -> Picture:
    """Return all that the organisation knows about these addresses and contacts, one contact further."""
    holdings = _holdings(session, organisation_id, addresses, contact_ids)
    reach = addresses.union(*(holding.addresses for holding in holdings))
    sightings = _sightings(session, organisation_id, reach)
    typed = _typed(session, organisation_id, reach)
    ids = {row.person_id for row in sightings if row.person_id}.union(*typed.values())
    ids |= {row.person_id for row in holdings if row.person_id}
    people = read_people(session, organisation_id, ids)
    suppressed = session.scalars(
        select(Suppression.address_index).where(
            Suppression.organisation_id == organisation_id, Suppression.address_index.in_(reach)
        )
    )
    return Picture(
        _with_quiet(session, sightings, people),
        _with_quiet(session, holdings, people),
        typed,
        people,
        frozenset(suppressed),
    )


def read_people(session: Session, organisation_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Known]:
    """Return what matching needs to know of these people."""
    query = select(Person.id, Person.made_by, Person.touched_at, Person.created_at).where(
        Person.organisation_id == organisation_id, Person.id.in_(list(ids))
    )
    return {
        row.id: Known(row.id, row.made_by == MadeBy.USER or row.touched_at is not None, row.created_at)
        for row in session.execute(query)
    }


def _with_quiet(session: Session, rows: tuple[R, ...], people: Mapping[uuid.UUID, Known]) -> tuple[R, ...]:
    """Return the rows, each with whether its link to its person is quiet."""
    users = {person.id for person in people.values() if person.is_users}
    links = {(row.grant_id, row.person_id) for row in rows if row.person_id in users}
    quiet = quiet_links(session, links)
    return tuple(replace(row, is_quiet=True) if (row.grant_id, row.person_id) in quiet else row for row in rows)


def _holdings(
    session: Session, organisation_id: uuid.UUID, addresses: frozenset[bytes], contact_ids: Sequence[uuid.UUID]
) -> tuple[Holding, ...]:
    """Return these contacts and all others that have one of the addresses."""
    holders = select(Fact.contact_id).where(
        Fact.organisation_id == organisation_id,
        Fact.value_index.in_(addresses),
        Fact.field == "email",
        Fact.contact_id.is_not(None),
    )
    ids = set(contact_ids) | {found for found in session.scalars(holders) if found is not None}
    rows = session.execute(
        select(Contact.id, Contact.grant_id, Contact.person_id, Fact.value_index)
        .outerjoin(Fact, (Fact.contact_id == Contact.id) & (Fact.field == "email"))
        .where(Contact.organisation_id == organisation_id, Contact.id.in_(ids), Contact.grant_id.in_(_LIVE))
    )
    shapes: dict[uuid.UUID, tuple[uuid.UUID, uuid.UUID | None]] = {}
    held: dict[uuid.UUID, set[bytes]] = defaultdict(set)
    for row in rows:
        shapes[row.id] = (row.grant_id, row.person_id)
        if row.value_index is not None:
            held[row.id].add(row.value_index)
    return tuple(
        Holding(contact_id, grant_id, tuple(sorted(held[contact_id])), person_id)
        for contact_id, (grant_id, person_id) in shapes.items()
    )


def _sightings(session: Session, organisation_id: uuid.UUID, addresses: frozenset[bytes]) -> tuple[Sighting, ...]:
    columns = (
        Correspondent.is_own,
        Correspondent.is_colleague,
        Correspondent.is_role,
        Correspondent.is_robot,
        Correspondent.is_list,
        Correspondent.written_to,
        Correspondent.received_from,
        Correspondent.received_bulk,
        Correspondent.met,
    )
    rows = session.execute(
        select(
            Correspondent.id,
            Correspondent.grant_id,
            Correspondent.address_index,
            Correspondent.decision,
            Correspondent.reason,
            Correspondent.person_id,
            *columns,
        ).where(
            Correspondent.organisation_id == organisation_id,
            Correspondent.address_index.in_(addresses),
            Correspondent.grant_id.in_(_LIVE),
        )
    )
    names = [column.key for column in columns]
    return tuple(
        Sighting(
            id=row.id,
            grant_id=row.grant_id,
            address=row.address_index,
            evidence=Evidence(**{name: getattr(row, name) for name in names}),
            decision=row.decision,
            reason=row.reason,
            person_id=row.person_id,
        )
        for row in rows
    )


def _typed(
    session: Session, organisation_id: uuid.UUID, addresses: frozenset[bytes]
) -> dict[bytes, frozenset[uuid.UUID]]:
    """Return the people of whom users or imports said that they have these addresses."""
    rows = session.execute(
        select(Fact.value_index, Fact.person_id).where(
            Fact.organisation_id == organisation_id,
            Fact.value_index.in_(addresses),
            Fact.field == "email",
            Fact.grant_id.is_(None),
            Fact.person_id.is_not(None),
        )
    )
    found: dict[bytes, set[uuid.UUID]] = defaultdict(set)
    for row in rows:
        found[row.value_index].add(row.person_id)
    return {index: frozenset(ids) for index, ids in found.items()}
