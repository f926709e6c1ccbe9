"""The start page: what this is, to whom nobody knows; the next step, to whom is signed in."""

from dataclasses import dataclass

from flask import Blueprint, Response, request

from accounts import grants, notices
from accounts.members import organisation_of
from limited_use.sealing import System
from oauth.attempts import safe_path
from oauth.scopes import features_of
from privacy.notices import told
from web.callers import caller, current_member, current_viewer, this_runtime
from web.render import page, public_page

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of getting started."""

    title: str
    text: str
    feature: str
    action: str
    done: bool


@blueprint.get("/")
@caller("public")
def home() -> Response:
    """Answer with the landing page, or with the signed-in member's next step."""
    if current_member() is None:
        return public_page("landing.html", next_path=safe_path(request.args.get("next", "/")))
    viewer = current_viewer()
    with this_runtime().begin() as work:
        organisation = organisation_of(work.session, viewer.organisation_id).name
        live = grants.live_of_member(work.session, viewer.organisation_id, viewer.member_id)
        connected = {feature for grant in live for feature in features_of(grant.scopes)}
        waiting = [told(work.session, notice) for notice in notices.unseen(work.session, viewer.member_id)]
    steps = _steps(connected)
    following = next((step for step in steps if not step.done), None)
    return page(
        "home.html",
        feature="connections",
        organisation=organisation,
        steps=steps,
        following=following,
        notices=[(one, System(one.at)) for one in waiting],
    )


def _steps(connected: set[str]) -> list[Step]:
    return [
        Step(
            "Connect Gmail",
            "Finds the people you write with and keeps your conversations at hand. Texts of messages are not stored.",
            "gmail",
            "Connect Gmail",
            "gmail" in connected,
        ),
        Step(
            "Connect Calendar",
            "Shows past and coming meetings on the pages of the people you meet.",
            "calendar",
            "Connect Calendar",
            "calendar" in connected,
        ),
        Step(
            "Connect Contacts",
            "Puts the right names, numbers and companies on the people you know.",
            "contacts",
            "Connect Contacts",
            "contacts" in connected,
        ),
    ]
