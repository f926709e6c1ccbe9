"""Deals: the organisation's sales in progress, a column a stage."""

import uuid
from dataclasses import replace

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from crm import deals
from crm.pen import pen
from limited_use.forms import Form
from web.callers import caller, current_viewer, this_runtime
from web.render import form_of, page
from web.repeated import tell

blueprint = Blueprint("deals", __name__)

STAGES = {
    deals.Stage.NEW: "New",
    deals.Stage.TALKING: "Talking",
    deals.Stage.OFFERED: "Offered",
    deals.Stage.WON: "Won",
    deals.Stage.LOST: "Lost",
}


@blueprint.get("/deals")
@caller("member")
def index() -> Response:
    """Answer with the board."""
    with this_runtime().sessions() as session:
        board = deals.list_by_stage(session, current_viewer())
    return page("deals/index.html", feature="deals", board=board, stages=STAGES, is_empty=not any(board.values()))


@blueprint.post("/deals")
@caller("member")
def create() -> AnyResponse:
    """Begin a deal."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        deals.add(work.session, written, viewer, typed(), runtime.clock.now())
    tell(written)
    flash("The deal was added.", "good")
    return redirect(url_for("deals.index"), code=303)


@blueprint.get("/deals/<uuid:deal_id>")
@caller("member")
def show(deal_id: uuid.UUID) -> Response:
    """Answer with the form for a deal."""
    with this_runtime().sessions() as session:
        found = deals.get(session, current_viewer(), deal_id)
    return page("deals/show.html", feature="deals", deal=found, stages=STAGES, form=_form(deal_id))


@blueprint.post("/deals/<uuid:deal_id>")
@caller("member")
def save(deal_id: uuid.UUID) -> AnyResponse:
    """Store the deal as typed."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        title = _form(deal_id).typed(request.form, ("title",)).get("title")
        news = deals.change(work.session, written, viewer, deal_id, replace(typed(), title=title), runtime.clock.now())
    tell(written)
    flash("Saved." if news else "Nothing was changed, so nothing was saved.", "good")
    return redirect(url_for("deals.index"), code=303)


@blueprint.post("/deals/<uuid:deal_id>/move")
@caller("member")
def move(deal_id: uuid.UUID) -> AnyResponse:
    """Put the deal at another stage."""
    runtime = this_runtime()
    with runtime.begin() as work:
        deals.move(work.session, current_viewer(), deal_id, request.form.get("stage", ""), runtime.clock.now())
    return redirect(url_for("deals.index"), code=303)


@blueprint.post("/deals/<uuid:deal_id>/remove")
@caller("member")
def remove(deal_id: uuid.UUID) -> AnyResponse:
    """Take a deal away."""
    with this_runtime().begin() as work:
        deals.remove(work.session, current_viewer(), deal_id)
    flash("The deal is gone.", "good")
    return redirect(url_for("deals.index"), code=303)


def _form(deal_id: uuid.UUID) -> Form:
    return form_of(f"deal:{deal_id}")


def typed() -> deals.Typed:
    """Return the deal that the form on this request holds."""
    form = request.form
    stage = form.get("stage", deals.Stage.NEW)
    return deals.Typed(form.get("title", ""), stage, form.get("amount", ""), form.get("currency", "EUR"))
