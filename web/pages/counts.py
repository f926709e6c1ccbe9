"""The member's own counts as JSON: what was found at Google, stored, and left out with its reason.

What the CRM holds is told by the connections and opened as such. How far each collection has come is our own
bookkeeping of the sync, which counts whatever Google listed, kept or not.
"""

from typing import Any

from flask import Blueprint, Response

from accounts import grants
from crm import holdings
from limited_use.sealing import System
from sync.models import Collection, CollectionKind
from sync.progress import collections_of, skipped
from web.callers import caller, current_viewer, this_runtime
from web.render import json

blueprint = Blueprint("counts", __name__)

ITEMS = {
    CollectionKind.MAIL: "messages",
    CollectionKind.CALENDAR: "events",
    CollectionKind.CONTACTS: "contacts",
}


@blueprint.get("/connections/counts")
@caller("member")
def counts() -> Response:
    """Answer with the counts of the member's connections."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        mine = grants.active_ids(session, viewer.organisation_id, viewer.member_id)
        rows = collections_of(session, mine)
        stored = holdings.count_of_grants(session, mine)
    left_out = {item: skipped([row for row in rows if row.kind == kind]) for kind, item in ITEMS.items()}
    tree = {
        "collections": [_state(row) for row in rows],
        "crm": stored,
        "skipped": {item: {why: System(number) for why, number in found.items()} for item, found in left_out.items()},
        "retried": System(sum(row.retried for row in rows)),
    }
    return json(tree, feature="connections")


def _state(row: Collection) -> dict[str, System[Any]]:
    return {
        "kind": System(row.kind),
        "state": System(row.state),
        "found": System(row.found),
        "stored": System(row.stored),
        "removed": System(row.removed),
        "error": System(row.error_code),
        "checked_at": System(row.checked_at),
    }
