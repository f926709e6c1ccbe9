"""Rows that speak for nobody: their link to a user's person is quiet, for its owner has not shown it. Pure.

Such a row stays where it is (`crm.knowing`): it brings its person to no address, and a contact of which this is true
joins none. So what is united is what it would be if its grant were not there. What else its grant tells of the same
address, or of another of the same contact, and is nobody's yet, goes where the row is.
"""

import uuid
from collections.abc import Mapping

from crm.matching.picture import Picture


def staying(picture: Picture, keys: Mapping[uuid.UUID, frozenset[bytes]]) -> dict[uuid.UUID, uuid.UUID]:
    """Return by the id of a sighting or contact the person with whom it stays; `keys`: as `homes_of` takes them."""
    stays: dict[uuid.UUID, uuid.UUID] = {}
    homes: dict[tuple[uuid.UUID, bytes], uuid.UUID] = {}
    sightings = sorted(picture.sightings, key=lambda row: row.id)
    for sighting in sightings:
        if sighting.is_quiet and sighting.person_id:
            stays[sighting.id] = sighting.person_id
            homes.setdefault((sighting.grant_id, sighting.address), sighting.person_id)
    # Quiet contacts first: where one is stands, and where another goes follows.
    for holding in sorted(picture.holdings, key=lambda row: (not row.is_quiet, row.id)):
        at = [(holding.grant_id, key) for key in sorted(keys[holding.id])]
        there = holding.person_id if holding.is_quiet else None
        if holding.person_id is None:
            there = next((homes[place] for place in at if place in homes), None)
        if there:
            stays[holding.id] = there
            homes |= {place: there for place in at if place not in homes}
    for sighting in sightings:
        if sighting.person_id is None and (there := homes.get((sighting.grant_id, sighting.address))):
            stays[sighting.id] = there
    return stays
