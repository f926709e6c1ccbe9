"""Requests: what others ask to see of mine, what I asked to see of theirs; asked beside a withheld item.

A request is for one item and one member. What its owner allows opens on the ordinary pages, to the asker alone, until
it runs out; what staff and cases were allowed opens on the page Cases, once (`web.pages.cases`).
"""

import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts.models import ItemKind
from accounts.openings import Item
from kernel.errors import BadInput
from oauth.attempts import safe_path
from privacy import request_lists, requests
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("requests", __name__)

PERIODS = {1: "for an hour", 24: "for a day", 72: "for three days", 168: "for a week"}
KINDS = {ItemKind.MESSAGE: "a mail", ItemKind.MEETING: "a meeting", ItemKind.PERSON: "what is known of a person"}


@blueprint.get("/requests")
@caller("member")
def index() -> Response:
    """Answer with what others ask of this member, and what this member asked of others."""
    viewer, runtime = current_viewer(), this_runtime()
    now = runtime.clock.now()
    with runtime.sessions() as session:
        of_me = request_lists.of_me(session, viewer, now)
        by_me = request_lists.by_me(session, viewer, now)
        cases = [row for row in request_lists.of_staff(session, viewer, now) if row.waits_for_second]
    return page(
        "requests.html",
        feature="openings",
        viewer=viewer,
        of_me=of_me,
        by_me=by_me,
        cases=cases,
        periods=PERIODS,
        kinds=KINDS,
    )


@blueprint.post("/requests")
@caller("member")
def ask() -> AnyResponse:
    """Ask the owners of an item to show it to this member."""
    requests.ask(this_runtime(), current_viewer(), requests.Ask(_item(), reason=request.form.get("reason", "")))
    flash("Asked. You find the answer under Requests.", "good")
    return back(url_for("requests.index"))


@blueprint.post("/requests/<uuid:opening_id>/allow")
@caller("member")
def allow(opening_id: uuid.UUID) -> AnyResponse:
    """Open the item to its asker for as long as was chosen."""
    requests.allow(this_runtime(), current_viewer(), opening_id, hours_of(request.form.get("hours", "")))
    flash("Allowed. It ends by itself; you can end it here at any time.", "good")
    return back(url_for("requests.index"))


@blueprint.post("/requests/<uuid:opening_id>/refuse")
@caller("member")
def refuse(opening_id: uuid.UUID) -> AnyResponse:
    """Refuse the request: nothing is shown."""
    requests.refuse(this_runtime(), current_viewer(), opening_id)
    flash("Refused. Nothing was shown.", "good")
    return back(url_for("requests.index"))


@blueprint.post("/requests/<uuid:opening_id>/end")
@caller("member")
def end(opening_id: uuid.UUID) -> AnyResponse:
    """End what was asked or allowed, at once."""
    requests.end(this_runtime(), current_viewer(), opening_id)
    flash("Ended.", "good")
    return back(url_for("requests.index"))


def back(otherwise: str) -> AnyResponse:
    """Answer with the way back to the page that held the form, if it named itself."""
    named = request.form.get("back", "")
    return redirect(safe_path(named) if named else otherwise, code=303)


def hours_of(said: str) -> int | None:
    """Return the period that was chosen; None for no choice.

    Raises:
        BadInput: if it is none of the list.
    """
    if not said:
        return None
    if not said.isascii() or not said.isdigit() or int(said[:5]) not in PERIODS:
        raise BadInput("Choose for how long from the list.")
    return int(said)


def _item() -> Item:
    try:
        return Item(ItemKind(request.form.get("kind", "")), uuid.UUID(request.form.get("item", "")))
    except ValueError:
        raise BadInput("There is no such item to ask for.") from None
