"""What an owner opened of a person is opened of the addresses that they knew the person by, and of no others.

Who is one person is decided over a whole organisation, so a colleague's contact, or an address that a colleague types,
can join an address to a person that the owner of another account has opened. Then the opening ends: what their account
tells of that person is shared as the account is, until they say it again. Only an address that stands beside a known
one in a contact of the owner's own is theirs to have joined.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from accounts.models import Grant, ItemKind, Opening, OpeningState
from accounts.sharing import RANK
from crm.models import Contact, Correspondent, Fact, SharingException

Subject = tuple[uuid.UUID, uuid.UUID]
"""A grant, and a person as it knows them."""
_STANDING = (OpeningState.ASKED, OpeningState.ALLOWED)


@dataclass(frozen=True, slots=True)
class Opened:
    """What stands open of some people, each with the addresses by which its grant knew them until now."""

    shared: Mapping[Subject, frozenset[bytes]]
    """By exceptions to the grant's sharing."""
    asked: Mapping[Subject, frozenset[bytes]]
    """To somebody who asked, or waits for an answer."""


@dataclass(slots=True)
class _Known:
    """By what a grant knows a person: addresses (blind indexes), and the ids of contacts that have none."""

    heard: set[bytes] = field(default_factory=set)
    contacts: dict[uuid.UUID, set[bytes]] = field(default_factory=dict)

    def all(self) -> frozenset[bytes]:
        """Return all of it."""
        return frozenset(self.heard.union(*self._held()))

    def joined_to(self, before: Iterable[bytes]) -> bool:
        """Tell whether there is anything that neither was known before nor stands beside it in a contact."""
        reached, held = set(before), self._held()
        while near := [one for one in held if not reached.isdisjoint(one) and not one <= reached]:
            reached.update(*near)
        return not self.all() <= reached

    def _held(self) -> list[set[bytes]]:
        return [told or {contact_id.bytes} for contact_id, told in self.contacts.items()]


def opened_of(session: Session, organisation_id: uuid.UUID, people: Collection[uuid.UUID]) -> Opened:
    """Return what stands open of these people of an organisation, as things are."""
    excepted = select(SharingException.grant_id, SharingException.person_id).where(
        SharingException.person_id.in_(people)
    )
    asked = select(Opening.grant_id, Opening.item_id).where(
        Opening.organisation_id == organisation_id,
        Opening.state.in_(_STANDING),
        Opening.item_kind == ItemKind.PERSON,
        Opening.item_id.in_(people),
    )
    shared = {(row[0], row[1]) for row in session.execute(excepted) if row[1] is not None}
    standing = {(row[0], row[1]) for row in session.execute(asked)}
    known = _known(session, shared | standing)
    return Opened(
        {subject: known[subject].all() for subject in shared}, {subject: known[subject].all() for subject in standing}
    )


def narrow(session: Session, before: Opened, merged: Mapping[uuid.UUID, uuid.UUID], now: dt.datetime) -> None:
    """Nothing of it stands open any more where an address was joined to its person since."""

    def become(subject: Subject) -> Subject:
        return subject[0], merged.get(subject[1], subject[1])

    covered: dict[Subject, set[bytes]] = defaultdict(set)
    for subject, addresses in before.shared.items():
        covered[become(subject)].update(addresses)
    known = _known(session, covered.keys() | {become(subject) for subject in before.asked})
    for subject, reach in covered.items():
        if known[subject].joined_to(reach):
            _end_exceptions(session, *subject)
    for subject, addresses in before.asked.items():
        if known[become(subject)].joined_to(addresses):
            _end_openings(session, *subject, now)


def _end_exceptions(session: Session, grant_id: uuid.UUID, person_id: uuid.UUID) -> None:
    """The person is shared no more than the rest of the grant; what shares them less stays."""
    level = session.scalar(select(Grant.sharing).where(Grant.id == grant_id))
    more = [name for name, rank in RANK.items() if level is not None and rank > RANK[level]]
    session.execute(
        delete(SharingException).where(
            SharingException.grant_id == grant_id,
            SharingException.person_id == person_id,
            SharingException.level.in_(more),
        )
    )


def _end_openings(session: Session, grant_id: uuid.UUID, person_id: uuid.UUID, now: dt.datetime) -> None:
    session.execute(
        update(Opening)
        .where(
            Opening.grant_id == grant_id,
            Opening.item_kind == ItemKind.PERSON,
            Opening.item_id == person_id,
            Opening.state.in_(_STANDING),
        )
        .values(state=OpeningState.ENDED, ended_at=now)
    )


def _known(session: Session, subjects: Collection[Subject]) -> dict[Subject, _Known]:
    """Return by what each of these grants knows that person."""
    known: dict[Subject, _Known] = defaultdict(_Known)
    if not subjects:
        return known
    chosen = list(subjects)
    heard = select(Correspondent.grant_id, Correspondent.person_id, Correspondent.address_index).where(
        tuple_(Correspondent.grant_id, Correspondent.person_id).in_(chosen)
    )
    for grant_id, person_id, index in session.execute(heard):
        if person_id is not None:
            known[grant_id, person_id].heard.add(index)
    held = (
        select(Contact.grant_id, Contact.person_id, Contact.id, Fact.value_index)
        .outerjoin(Fact, (Fact.contact_id == Contact.id) & (Fact.field == "email"))
        .where(tuple_(Contact.grant_id, Contact.person_id).in_(chosen))
    )
    for grant_id, person_id, contact_id, told in session.execute(held):
        if person_id is not None:
            known[grant_id, person_id].contacts.setdefault(contact_id, set()).update(() if told is None else (told,))
    return known
