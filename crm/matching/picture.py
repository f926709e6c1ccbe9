"""What is known of some addresses and contacts of one organisation before they are matched. Pure values."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from crm.matching.reasons import Decision, Evidence, Reason

Node = bytes | uuid.UUID
"""An address (its blind index), or a contact (its id)."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A correspondent: an address as one source of one grant knows it, and what was decided before."""

    id: uuid.UUID
    grant_id: uuid.UUID
    address: bytes
    evidence: Evidence
    decision: str = Decision.WAITING
    reason: str = Reason.NOT_YET
    person_id: uuid.UUID | None = None
    is_quiet: bool = False
    """Whether its grant's owner has not shown that they know this person, whom a user made or touched."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A contact and all its addresses."""

    id: uuid.UUID
    grant_id: uuid.UUID
    addresses: tuple[bytes, ...] = ()
    person_id: uuid.UUID | None = None
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A person that exists already."""

    id: uuid.UUID
    is_users: bool
    created_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is needed to decide, for some addresses and contacts of one organisation."""

    sightings: tuple[Sighting, ...] = ()
    holdings: tuple[Holding, ...] = ()
    typed: Mapping[bytes, frozenset[uuid.UUID]] = field(default_factory=dict)
    """The people of whom users typed an address: one, until two are given the same."""
    people: Mapping[uuid.UUID, Known] = field(default_factory=dict)
    suppressed: frozenset[bytes] = frozenset()

    def best(self, person_ids: Iterable[uuid.UUID | None]) -> uuid.UUID | None:
        """Return the best of these people: a user's before a rule's, then the oldest, then the smallest id."""
        known = [self.people[person_id] for person_id in person_ids if person_id and person_id in self.people]
        best = min(known, key=lambda person: (not person.is_users, person.created_at, person.id), default=None)
        return best.id if best else None

    def is_users(self, person_id: uuid.UUID | None) -> bool:
        """Tell whether a user made or touched this person."""
        return person_id is not None and person_id in self.people and self.people[person_id].is_users

    def without(self, row_ids: Collection[uuid.UUID]) -> "Picture":
        """Return the picture without these sightings and contacts."""
        if not row_ids:
            return self
        return replace(
            self,
            sightings=tuple(row for row in self.sightings if row.id not in row_ids),
            holdings=tuple(row for row in self.holdings if row.id not in row_ids),
        )

    def after(self, merged: Mapping[uuid.UUID, uuid.UUID]) -> "Picture":
        """Return the picture as it is once these people (losers by their winners) are merged."""
        if not merged:
            return self

        def become(person_id: uuid.UUID) -> uuid.UUID:
            return merged.get(person_id, person_id)

        return replace(
            self,
            sightings=tuple(replace(row, person_id=row.person_id and become(row.person_id)) for row in self.sightings),
            holdings=tuple(replace(row, person_id=row.person_id and become(row.person_id)) for row in self.holdings),
            typed={address: frozenset(map(become, ids)) for address, ids in self.typed.items()},
            people={person_id: known for person_id, known in self.people.items() if person_id not in merged},
        )
