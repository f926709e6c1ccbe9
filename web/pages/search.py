"""Search: people and companies by the beginning of a name, an address or a domain."""

from flask import Blueprint, Response, request

from crm.search import search
from limited_use.keys import vault
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("search", __name__)

LONGEST = 200


@blueprint.get("/search")
@caller("member")
def index() -> Response:
    """Answer with what this member may see of what the words find."""
    runtime, viewer = this_runtime(), current_viewer()
    asked = request.args.get("q", "").strip()[:LONGEST]
    with runtime.sessions() as session:
        found = search(session, vault(runtime).indexer(viewer.organisation_id), viewer, asked)
    return page("search/index.html", feature="search", asked=asked, found=found)
