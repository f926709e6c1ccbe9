"""What belongs to users' people, whom no word of Google's joins to one another. Pure.

A person whom a user made or touched is a *home*. Two of them are one only when users typed the same address of both.
An address is at home with the person of whom a user typed it, else with the one whom it came to already. A contact
stays where one of its addresses is at home with it; else it is with those of whom its addresses were typed, else where
it is, else with those with whom its addresses are. Of several, the best counts.

So a contact that holds the addresses of two homes belongs to one of them, and each address stays with its own. What is
at home stays there whatever comes later from Google; only what users do moves it.
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping

from crm.matching.picture import Holding, Node, Picture


def same_people(picture: Picture) -> dict[uuid.UUID, uuid.UUID]:
    """Return the people (by the best of them) who are another, for users typed one address of both."""
    merged: dict[uuid.UUID, uuid.UUID] = {}
    for address in sorted(picture.typed):
        ids = {merged.get(person_id, person_id) for person_id in picture.typed[address]}
        best = picture.best(ids)
        if best is None:
            continue
        lost = ids - {best}
        merged |= dict.fromkeys((loser for loser, winner in merged.items() if winner in lost), best)
        merged |= dict.fromkeys(lost, best)
    return merged


def homes_of(picture: Picture, keys: Mapping[uuid.UUID, frozenset[bytes]]) -> dict[Node, uuid.UUID]:
    """Return the home of each address and contact that has one; `keys`: the addresses that identify each contact."""
    told: dict[bytes, set[uuid.UUID]] = defaultdict(set)
    for row in picture.sightings:
        if row.person_id and picture.is_users(row.person_id):
            told[row.address].add(row.person_id)
    for address, ids in picture.typed.items():
        told[address] = set(ids)
    homes: dict[Node, uuid.UUID] = {address: home for address, ids in told.items() if (home := picture.best(ids))}
    held = {holding.id: _home_of(holding, keys[holding.id], homes, picture) for holding in picture.holdings}
    return homes | {contact_id: home for contact_id, home in held.items() if home}


def _home_of(
    holding: Holding, keys: frozenset[bytes], homes: Mapping[Node, uuid.UUID], picture: Picture
) -> uuid.UUID | None:
    where = holding.person_id if picture.is_users(holding.person_id) else None
    there = {homes[key] for key in keys if key in homes}
    if where in there:
        return where
    typed = picture.best(homes.get(key) for key in keys & picture.typed.keys())
    return typed or where or picture.best(there)
