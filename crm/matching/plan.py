"""From a picture of addresses and contacts to decisions, people and merges. Pure.

An address, and a contact, is a node. One that is at home with a user's person (`crm.matching.homes`) is that person's.
Of the others, a contact is joined to the addresses that identify it; a connected group in which anything speaks for a
person is one person: a home whose contact holds one of the addresses, else one that the group has already, else a new
one; of several, the best. People made by rule merge into the person of their group. A user's person merges into
another by users' own words alone. What is told in confidence stays apart from all this (`crm.matching.quiet`).
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from crm.matching.homes import homes_of, same_people
from crm.matching.picture import Holding, Node, Picture, Sighting
from crm.matching.quiet import staying
from crm.matching.reasons import Decision, Evidence, Reason, decide


@dataclass(slots=True)
class Plan:
    """What is to be stored."""

    decisions: dict[uuid.UUID, tuple[Decision, Reason, uuid.UUID | None]] = field(default_factory=dict)
    holders: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    made: list[uuid.UUID] = field(default_factory=list)
    merged: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    """Who becomes whom; a winner is never a loser."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the grants told: of each address over all sources, and by which addresses a contact is identified."""

    seen: Mapping[tuple[uuid.UUID, bytes], Evidence]
    keys: Mapping[uuid.UUID, frozenset[bytes]]
    held: frozenset[tuple[uuid.UUID, bytes]]

    @classmethod
    def by(cls, picture: Picture) -> "_Told":
        seen = _unite(picture)
        keys = {holding.id: _identifying(holding, seen) for holding in picture.holdings}
        held = frozenset((holding.grant_id, address) for holding in picture.holdings for address in keys[holding.id])
        return cls(seen, keys, held)


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows of one person, or of nobody."""

    sightings: tuple[Sighting, ...]
    holdings: tuple[Holding, ...]
    person_id: uuid.UUID | None
    """Whose they are, if that is somebody who exists already."""
    others: frozenset[uuid.UUID]
    """The people made by rule whose some of them were."""


def plan(picture: Picture, new_id: Callable[[], uuid.UUID]) -> Plan:
    """Return what the picture leads to; planning again after it was stored leads to nothing new."""
    same = same_people(picture)
    picture = picture.after(same)
    told = _Told.by(picture)
    stays = staying(picture, told.keys)
    groups = _groups(picture.without(stays), told.keys) + _alone(picture, stays)
    merged = _merged(groups, picture)
    planned = Plan(merged=same | merged)
    for group in groups:
        person_id = merged.get(group.person_id, group.person_id) if group.person_id else None
        _settle(replace(group, person_id=person_id), told, planned, new_id, is_in_crm=picture.is_users(person_id))
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


def _groups(picture: Picture, keys: Mapping[uuid.UUID, frozenset[bytes]]) -> list[_Group]:
    """Return each node that is at home as a group of its own, and the connected groups of the others."""
    homes = homes_of(picture, keys)
    rows: dict[Node, list[Sighting | Holding]] = defaultdict(list)
    for sighting in picture.sightings:
        rows[sighting.address].append(sighting)
    for holding in picture.holdings:
        rows[holding.id].append(holding)
    beside: dict[Node, set[uuid.UUID]] = defaultdict(set)
    links: list[tuple[Node, Node]] = []
    for holding in picture.holdings:
        for key in keys[holding.id] - homes.keys():
            if holding.id in homes:
                beside[key].add(homes[holding.id])
            else:
                links.append((holding.id, key))
    at_home = [_group(rows[node], {home}, picture) for node, home in homes.items()]
    return at_home + [
        _group(
            [row for node in nodes for row in rows.get(node, ())],
            set().union(*(beside[node] for node in nodes)),
            picture,
        )
        for nodes in _connected(rows.keys() - homes.keys(), links)
    ]


def _alone(picture: Picture, stays: Mapping[uuid.UUID, uuid.UUID]) -> list[_Group]:
    """Return each row that stays with its person as a group of its own."""
    rows: tuple[Sighting | Holding, ...] = (*picture.sightings, *picture.holdings)
    return [_group([row], {stays[row.id]}, picture) for row in rows if row.id in stays]


def _connected(nodes: Iterable[Node], links: Iterable[tuple[Node, Node]]) -> Iterable[set[Node]]:
    """Return the connected groups of nodes."""
    parents: dict[Node, Node] = {}

    def root(node: Node) -> Node:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = node = parents[parents[node]]
        return node

    for node in nodes:
        root(node)
    for one, other in links:
        parents[root(other)] = root(one)
    groups: dict[Node, set[Node]] = defaultdict(set)
    for node in parents:
        groups[root(node)].add(node)
    return groups.values()


def _group(rows: Iterable[Sighting | Holding], homes: Iterable[uuid.UUID], picture: Picture) -> _Group:
    """Return the group of these rows: of the best of these homes, else of the best person whose one of them was."""
    members = list(rows)
    there = {row.person_id for row in members if row.person_id in picture.people}
    person_id = picture.best(homes) or picture.best(there)
    return _Group(
        sightings=tuple(row for row in members if isinstance(row, Sighting)),
        holdings=tuple(row for row in members if isinstance(row, Holding)),
        person_id=person_id,
        others=frozenset(one for one in there if one and one != person_id and not picture.is_users(one)),
    )


def _merged(groups: Iterable[_Group], picture: Picture) -> dict[uuid.UUID, uuid.UUID]:
    """Return into whom people made by rule merge, who are never users' people."""
    winners: dict[uuid.UUID, set[uuid.UUID | None]] = defaultdict(set)
    for group in groups:
        for other in group.others:
            winners[other].add(group.person_id)
    merged = {loser: best for loser, ids in winners.items() if (best := picture.best(ids))}

    def last(person_id: uuid.UUID) -> uuid.UUID:
        return last(merged[person_id]) if person_id in merged else person_id

    return {loser: last(winner) for loser, winner in merged.items()}


def _settle(group: _Group, told: _Told, planned: Plan, new_id: Callable[[], uuid.UUID], *, is_in_crm: bool) -> None:
    """Add to the plan what becomes of one group."""
    chosen: dict[uuid.UUID, tuple[Decision, Reason]] = {}
    for row in group.sightings:
        at = (row.grant_id, row.address)
        chosen[row.id] = _lasting(row, decide(told.seen[at], is_held=at in told.held, is_in_crm=is_in_crm))
    holders = [row for row in group.holdings if told.keys[row.id] or not row.addresses or row.person_id]
    person_id = group.person_id
    if person_id is None and (holders or any(choice[0] is Decision.PERSON for choice in chosen.values())):
        person_id = new_id()
        planned.made.append(person_id)
    for row_id, (decision, reason) in chosen.items():
        planned.decisions[row_id] = (decision, reason, person_id if decision is Decision.PERSON else None)
    if person_id is not None:
        planned.holders.update({row.id: person_id for row in holders})


def _lasting(row: Sighting, choice: tuple[Decision, Reason]) -> tuple[Decision, Reason]:
    """Return the choice, unless the address was a person before: that stays, and so does a reason that tells more.

    That it is somebody's whom users keep tells the least: a picture that lacks one of its contacts says no more.
    """
    tells_more = choice[0] is Decision.PERSON and choice[1] is not Reason.IN_CRM and row.reason != Reason.ADDED
    if row.decision != Decision.PERSON or tells_more:
        return choice
    return Decision.PERSON, Reason(row.reason)
