"""Matching a page of what intake has stored: hold the organisation, look, plan, store."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.matching.companies import place_people
from crm.matching.load import addresses_of, read_picture
from crm.matching.plan import plan
from crm.matching.store import store
from crm.models import Correspondent, Fact
from kernel.ids import opaque_id

_LOCK = "crm.matching:"


@dataclass(frozen=True, slots=True)
class Matched:
    """What a matching did: counts of new people, of people merged into others, and of new companies."""

    people: int = 0
    merged: int = 0
    companies: int = 0

    def __add__(self, other: "Matched") -> "Matched":
        """Return both together."""
        return Matched(self.people + other.people, self.merged + other.merged, self.companies + other.companies)


def hold(session: Session, organisation_id: uuid.UUID) -> None:
    """Nobody else matches in this organisation until the transaction ends.

    A transaction that also writes correspondents or contacts calls this before it does: taken later, two grants that
    share an address could wait for each other.
    """
    key = func.hashtextextended(f"{_LOCK}{organisation_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))


def match(
    session: Session,
    organisation_id: uuid.UUID,
    grant_id: uuid.UUID,
    correspondent_ids: Sequence[uuid.UUID],
    now: dt.datetime,
    contact_ids: Sequence[uuid.UUID] = (),
) -> Matched:
    """Each of these correspondents and contacts of the grant is decided, and its facts are its person's.

    Give a page's correspondents of every source, and its contacts, which need no address to be a person.
    """
    hold(session, organisation_id)
    session.flush()
    addresses = addresses_of(session, grant_id, correspondent_ids, contact_ids)
    return match_addresses(session, organisation_id, addresses, now, contact_ids)


def match_addresses(
    session: Session,
    organisation_id: uuid.UUID,
    addresses: Collection[bytes],
    now: dt.datetime,
    contact_ids: Sequence[uuid.UUID] = (),
) -> Matched:
    """These addresses (blind indexes) and contacts are decided anew, whatever grants know them."""
    hold(session, organisation_id)
    if not addresses and not contact_ids:
        return Matched()
    picture = read_picture(session, organisation_id, frozenset(addresses), contact_ids)
    planned = plan(picture, opaque_id)
    store(session, organisation_id, picture, planned, now)
    people = {person_id for _, _, person_id in planned.decisions.values() if person_id} | set(planned.holders.values())
    companies = place_people(session, organisation_id, people, now)
    done = Matched(len(planned.made), len(planned.merged), companies)
    if planned.merged:  # what one of the merged was known by may now speak for rows that were not looked at
        winners = set(planned.merged.values())
        done += match_addresses(session, organisation_id, addresses_of_people(session, winners), now)
    return done


def addresses_of_people(session: Session, person_ids: Collection[uuid.UUID]) -> frozenset[bytes]:
    """Return the blind indexes of all addresses of these people, whoever told them."""
    told = select(Fact.value_index).where(Fact.person_id.in_(person_ids), Fact.field == "email")
    seen = select(Correspondent.address_index).where(Correspondent.person_id.in_(person_ids))
    return frozenset(index for query in (told, seen) for index in session.scalars(query) if index is not None)
