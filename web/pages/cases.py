"""Cases: how admins come to see one item of somebody else's, with its owner's consent or a second person's approval.

Everywhere else they see placeholders, like any colleague. What was allowed is shown here once, through the staff sink,
and each showing is an entry in the Limited Use log.
"""

import re
import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts.models import ItemKind, Opening, OpeningPurpose
from accounts.openings import DEFAULT_HOURS, Item
from crm import items
from kernel.errors import AppError, BadInput
from limited_use.asking import Purpose
from privacy import request_lists, requests
from sync.live import Live, read_body
from web.callers import caller, current_viewer, this_runtime
from web.pages.people import FIELDS
from web.pages.requests import KINDS, PERIODS, hours_of
from web.render import page, staff_page

blueprint = Blueprint("cases", __name__)

WHYS = {
    "staff": "The owner consents: they are asked, and read the reason",
    "security": "Security case: another admin approves, the owner is told",
    "legal": "Legal case: another admin approves, the owner is told unless a hold forbids it",
}
NAMES = {
    **FIELDS,
    "subject": "Subject",
    "sent": "Sent or received",
    "beginning": "Begins",
    "title": "Title",
    "starts": "From",
    "ends": "To",
    "place": "Place",
}
_PURPOSES = {"security": Purpose.SECURITY, "legal": Purpose.LEGAL}
_PATHS = {"messages": ItemKind.MESSAGE, "meetings": ItemKind.MEETING, "people": ItemKind.PERSON}
_LINK = re.compile(
    r"(?:https?://[^/\s]+)?/(?P<path>messages|meetings|people)/"
    r"(?P<id>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?:[/?#]\S*)?"
)


@blueprint.get("/cases")
@caller("admin")
def index() -> Response:
    """Answer with the organisation's cases and what this admin asked of owners."""
    viewer, runtime = current_viewer(), this_runtime()
    with runtime.sessions() as session:
        rows = request_lists.of_staff(session, viewer, runtime.clock.now())
    return page("cases.html", feature="openings", rows=rows, periods=PERIODS, kinds=KINDS, whys=WHYS)


@blueprint.post("/cases")
@caller("admin")
def open_case() -> AnyResponse:
    """Open a case on one item, or ask its owner's consent to look at it."""
    form = request.form
    why = form.get("why", "")
    if why not in WHYS:
        raise BadInput("Choose why the item is to be opened.")
    asked = requests.Ask(
        _item(form.get("link", "")),
        OpeningPurpose.STAFF if why == "staff" else OpeningPurpose.CASE,
        reason=form.get("reason", ""),
        hours=hours_of(form.get("hours", "")) or DEFAULT_HOURS,
        ground=None if why == "staff" else why,
        is_held=form.get("hold") == "yes",
    )
    requests.ask(this_runtime(), current_viewer(), asked)
    flash("The owner was asked." if why == "staff" else "The case waits for a second person.", "good")
    return redirect(url_for("cases.index"), code=303)


@blueprint.post("/cases/<uuid:opening_id>/show")
@caller("admin")
def show(opening_id: uuid.UUID) -> Response:
    """Answer with the item that was allowed, this once; an answer that fails leaves it to be shown."""
    runtime, viewer = this_runtime(), current_viewer()
    opening = requests.take_to_show(runtime, viewer, opening_id)
    try:
        return _shown(opening)
    except AppError:
        requests.give_back(runtime, viewer, opening_id)
        raise


def _shown(opening: Opening) -> Response:
    item = Item(ItemKind(opening.item_kind), opening.item_id)
    with this_runtime().sessions() as session:
        found = items.content_of(session, opening.organisation_id, item, opening.grant_id)
    body, problem = _body_of(item)
    return staff_page(
        "case.html",
        purpose=_PURPOSES.get(opening.ground or "", Purpose.USER_FEATURE),
        opening=opening,
        kind=KINDS[item.kind],
        rows=[(NAMES[name], name, value) for name, value in found],
        body=body,
        problem=problem,
    )


def _body_of(item: Item) -> tuple[Live | None, AppError | None]:
    """Return the text of a mail, or why Google does not give it: the rest is shown without."""
    if item.kind != ItemKind.MESSAGE:
        return None, None
    try:
        return read_body(this_runtime(), current_viewer(), item.id, at_staff_sink=True), None
    except AppError as problem:
        return None, problem


def _item(link: str) -> Item:
    """Return the item that an address of the product leads to."""
    found = _LINK.fullmatch(link.strip())
    if found is None:
        raise BadInput("Paste the address of a mail, a meeting or a person, as it stands in the browser.")
    return Item(_PATHS[found["path"]], uuid.UUID(found["id"]))
