"""From a picture of addresses and contacts to decisions, people and merges. Pure.

An address, and a contact, is a node; a contact is joined to the addresses that identify it. A connected group in which
anything speaks for a person is one person: the one it has, the best of those it has (the others merge into it), or a
new one. Best is: a user's before a rule's, then the oldest, then the smallest id.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from crm.matching.reasons import Decision, Evidence, Reason, decide

Node = bytes | uuid.UUID


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


@dataclass(frozen=True, slots=True)
class Holding:
    """A contact and all its addresses."""

    id: uuid.UUID
    grant_id: uuid.UUID
    addresses: tuple[bytes, ...] = ()
    person_id: uuid.UUID | None = None


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
    people: Mapping[uuid.UUID, Known] = field(default_factory=dict)
    suppressed: frozenset[bytes] = frozenset()


@dataclass(slots=True)
class Plan:
    """What is to be stored."""

    decisions: dict[uuid.UUID, tuple[Decision, Reason, uuid.UUID | None]] = field(default_factory=dict)
    holders: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    made: list[uuid.UUID] = field(default_factory=list)
    merged: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)


def plan(picture: Picture, new_id: Callable[[], uuid.UUID]) -> Plan:
    """Return what the picture leads to; planning again after it was stored leads to nothing new."""
    seen = _unite(picture)
    keys = {holding.id: _identifying(holding, seen) for holding in picture.holdings}
    rows: dict[Node, list[Sighting | Holding]] = defaultdict(list)
    for sighting in picture.sightings:
        rows[sighting.address].append(sighting)
    for holding in picture.holdings:
        rows[holding.id].append(holding)
    planned = Plan()
    for nodes in _groups(picture, keys):
        _settle(_Group.of(nodes, rows, picture), seen, keys, planned, new_id)
    return planned


def _unite(picture: Picture) -> dict[tuple[uuid.UUID, bytes], Evidence]:
    """Return what each grant saw of each address, over its sources."""
    rows: dict[tuple[uuid.UUID, bytes], list[Evidence]] = defaultdict(list)
    for sighting in picture.sightings:
        rows[sighting.grant_id, sighting.address].append(sighting.evidence)
    return {
        (grant_id, address): Evidence(
            is_own=any(part.is_own for part in parts),
            is_colleague=any(part.is_colleague for part in parts),
            is_suppressed=address in picture.suppressed,
            is_role=any(part.is_role for part in parts),
            is_robot=any(part.is_robot for part in parts),
            is_list=any(part.is_list for part in parts),
            written_to=sum(part.written_to for part in parts),
            received_from=sum(part.received_from for part in parts),
            received_bulk=sum(part.received_bulk for part in parts),
            met=sum(part.met for part in parts),
        )
        for (grant_id, address), parts in rows.items()
    }


def _identifying(holding: Holding, seen: Mapping[tuple[uuid.UUID, bytes], Evidence]) -> frozenset[bytes]:
    """Return the addresses that stand for this contact: its own ones; a shared mailbox only when there is no other."""
    usable = {
        address: seen.get((holding.grant_id, address), Evidence())
        for address in holding.addresses
        if not seen.get((holding.grant_id, address), Evidence()).is_excluded
    }
    single = frozenset(address for address, evidence in usable.items() if not evidence.is_generic)
    return single or frozenset(usable)


def _groups(picture: Picture, keys: Mapping[uuid.UUID, frozenset[bytes]]) -> Iterable[frozenset[Node]]:
    """Return the connected groups of addresses and contacts."""
    parents: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    for address in {sighting.address for sighting in picture.sightings} | set(picture.typed):
        root(address)
    for holding in picture.holdings:
        root(holding.id)
        for key in keys[holding.id]:
            parents[root(key)] = root(holding.id)
    groups: dict[Node, set[Node]] = defaultdict(set)
    for node in parents:
        groups[root(node)].add(node)
    return [frozenset(group) for group in groups.values()]


@dataclass(frozen=True, slots=True)
class _Group:
    sightings: tuple[Sighting, ...]
    holdings: tuple[Holding, ...]
    existing: tuple[Known, ...]

    @classmethod
    def of(cls, nodes: frozenset[Node], rows: Mapping[Node, list[Sighting | Holding]], picture: Picture) -> "_Group":
        """Return the group with the people that it has already, the best first."""
        members = [row for node in nodes for row in rows.get(node, ())]
        sightings = tuple(row for row in members if isinstance(row, Sighting))
        holdings = tuple(row for row in members if isinstance(row, Holding))
        ids = {row.person_id for row in members if row.person_id}
        for node in nodes:
            if isinstance(node, bytes):
                ids |= picture.typed.get(node, frozenset())
        people = (picture.people[person_id] for person_id in ids if person_id in picture.people)
        return cls(sightings, holdings, tuple(sorted(people, key=lambda k: (not k.is_users, k.created_at, k.id))))


def _settle(
    group: _Group,
    seen: Mapping[tuple[uuid.UUID, bytes], Evidence],
    keys: Mapping[uuid.UUID, frozenset[bytes]],
    planned: Plan,
    new_id: Callable[[], uuid.UUID],
) -> None:
    """Add to the plan what becomes of one group."""
    is_in_crm = any(person.is_users for person in group.existing)
    held = {(holding.grant_id, address) for holding in group.holdings for address in keys[holding.id]}
    chosen: dict[uuid.UUID, tuple[Decision, Reason]] = {}
    for row in group.sightings:
        at = (row.grant_id, row.address)
        chosen[row.id] = _lasting(row, decide(seen[at], is_held=at in held, is_in_crm=is_in_crm))
    holders = [row for row in group.holdings if keys[row.id] or not row.addresses or row.person_id]
    person_id = group.existing[0].id if group.existing else None
    if person_id is None and (holders or any(choice[0] is Decision.PERSON for choice in chosen.values())):
        person_id = new_id()
        planned.made.append(person_id)
    for row_id, (decision, reason) in chosen.items():
        planned.decisions[row_id] = (decision, reason, person_id if decision is Decision.PERSON else None)
    if person_id is not None:
        planned.holders.update({row.id: person_id for row in holders})
        planned.merged.update({person.id: person_id for person in group.existing[1:]})


def _lasting(row: Sighting, choice: tuple[Decision, Reason]) -> tuple[Decision, Reason]:
    """Return the choice, unless the address was a person before: that stays, with its reason."""
    if row.decision != Decision.PERSON or (choice[0] is Decision.PERSON and row.reason != Reason.ADDED):
        return choice
    return Decision.PERSON, Reason(row.reason)
