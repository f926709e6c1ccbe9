"""The team in figures, for who manages it: over many people and accounts, or not at all."""

from flask import Blueprint, Response

from crm import team
from limited_use.aggregate import GRANTS, PEOPLE, Suppressed
from limited_use.keys import vault
from limited_use.sealing import Native
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("team", __name__)

WHY = {
    Suppressed.FEW: f"In that week there were fewer than {PEOPLE} people, or fewer than {GRANTS} connected Gmail "
    "accounts behind the figures, so they would tell of single persons.",
    Suppressed.NEAR: "Since the figures were first shown, a few people are gone. New figures beside the earlier ones "
    "would tell of them, so the next ones come with the next week.",
    Suppressed.ENDED: "An account behind the figures was disconnected. New figures beside the earlier ones would tell "
    "of it alone, so the next ones come with the next week.",
    Suppressed.FULL: "These figures were worked out over too many different groups of people already. The next ones "
    "come with the next week.",
}


@blueprint.get("/team")
@caller("admin")
def index() -> Response:
    """Answer with how much the team was in touch last week."""
    runtime, viewer = this_runtime(), current_viewer()
    now = runtime.clock.now()
    week = team.last_week(now)
    keys = vault(runtime)
    with runtime.begin() as work:
        found = team.conversations_of(work.session, keys, viewer.organisation_id, week, now)
    return page(
        "team.html",
        feature="team",
        begin=Native(week.begin),
        end=Native(week.last_day),
        figures=None if isinstance(found, Suppressed) else found,
        why=WHY[found] if isinstance(found, Suppressed) else "",
        least_people=PEOPLE,
        least_accounts=GRANTS,
    )
