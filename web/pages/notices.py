"""Notices: what waits for the signed-in member, on the start page until they put it aside."""

import uuid

from flask import Blueprint, redirect
from werkzeug.wrappers import Response as AnyResponse

from accounts import notices
from privacy.notices import told
from web.callers import caller, current_viewer, this_runtime

blueprint = Blueprint("notices", __name__)


@blueprint.get("/notices/<uuid:notice_id>")
@caller("member")
def go_on(notice_id: uuid.UUID) -> AnyResponse:
    """Lead to the page where the notice goes on."""
    with this_runtime().sessions() as session:
        notice = notices.of_member(session, current_viewer().member_id, notice_id)
        return redirect(told(session, notice).path, code=303)


@blueprint.post("/notices/<uuid:notice_id>/seen")
@caller("member")
def put_aside(notice_id: uuid.UUID) -> AnyResponse:
    """Take the notice off the member's start page."""
    with this_runtime().begin() as work:
        notices.put_aside(work.session, current_viewer().member_id, notice_id, this_runtime().clock.now())
    return redirect("/", code=303)
