"""The member's own counts as JSON: what was found at Google, stored, and left out with its reason.

Counters and states of our own bookkeeping, over the member's own connections alone; nothing here is content, so
nothing is opened.
"""

from typing import Any

from flask import Blueprint, Response, jsonify

from accounts import grants
from crm import holdings
from sync.models import Collection, CollectionKind
from sync.progress import collections_of, skipped
from web.callers import caller, current_viewer, this_runtime

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
    return jsonify(
        {
            "collections": [_state(row) for row in rows],
            "crm": stored,
            "skipped": {item: skipped([row for row in rows if row.kind == kind]) for kind, item in ITEMS.items()},
            "retried": sum(row.retried for row in rows),
        }
    )


def _state(row: Collection) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "state": row.state,
        "found": row.found,
        "stored": row.stored,
        "removed": row.removed,
        "error": row.error_code,
        "checked_at": row.checked_at.isoformat() if row.checked_at else None,
    }
