"""Sharing: how much of what an account brings its owner's colleagues see, with exceptions and protected addresses.

Only the owner reads or changes it. A change holds from the moment it is saved, on every page, card, search and export
of every colleague; each is an entry in the Limited Use log that names nobody.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import grants
from accounts.models import Grant, Sharing
from accounts.sharing import level_named, level_of
from crm import holdings, sharing
from kernel.errors import NotFound
from oauth.attempts import safe_path
from web.callers import caller, current_viewer, this_runtime
from web.pages.connections import live_grant
from web.render import page

blueprint = Blueprint("sharing", __name__)


@dataclass(frozen=True, slots=True)
class Level:
    """A level as the page offers it."""

    name: str
    sees: str
    """What a colleague sees then."""


LEVELS = {
    Sharing.ONLY_ME: Level("Only me", "Colleagues see nothing of this account, not even how much there is."),
    Sharing.PEOPLE_AND_TIMES: Level(
        "People and times",
        "Colleagues see whom you know, and when you wrote or met; not what about. They can ask to see one item.",
    ),
    Sharing.AND_SUBJECTS: Level(
        "And subjects", "Colleagues also see the subjects of mails, and the titles and places of meetings."
    ),
    Sharing.EVERYTHING: Level(
        "Everything", "Colleagues also read the mails themselves. Meetings that are private in Google stay hidden."
    ),
}


@blueprint.get("/connections/<uuid:grant_id>/sharing")
@caller("member")
def show(grant_id: uuid.UUID) -> Response:
    """Answer with how the member's own account is shared, and with what exceptions."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        grant = live_grant(session, viewer, grant_id)
        context: dict[str, Any] = {
            "level": level_of(session, viewer, grant_id),
            "held": holdings.count_of_grants(session, [grant_id]),
            "people": sharing.people_of(session, viewer, grant_id),
            "threads": sharing.threads_of(session, viewer, grant_id),
            "protected": sharing.protected_of(session, viewer, grant_id),
        }
    return page("sharing.html", feature="sharing", grant=grant, levels=LEVELS, **context)


@blueprint.post("/connections/<uuid:grant_id>/sharing")
@caller("member")
def save(grant_id: uuid.UUID) -> AnyResponse:
    """Share the account as was chosen, from now on."""
    runtime, level = this_runtime(), level_named(request.form.get("level", ""))
    with runtime.begin() as work:
        changed = sharing.share(runtime, work.session, current_viewer(), grant_id, level)
    name = LEVELS[level].name.lower()
    flash(f"Shared from now on: {name}." if changed else f"It was shared so already: {name}.", "good")
    return _back(grant_id)


@blueprint.post("/connections/<uuid:grant_id>/sharing/addresses")
@caller("member")
def protect(grant_id: uuid.UUID) -> AnyResponse:
    """Never show an address to colleagues, nor any mail or meeting with it."""
    runtime = this_runtime()
    with runtime.begin() as work:
        sharing.protect(runtime, work.session, current_viewer(), grant_id, request.form.get("address", ""))
    flash("Protected. No colleague sees this address, or anything with it.", "good")
    return _back(grant_id)


@blueprint.post("/connections/<uuid:grant_id>/sharing/addresses/<uuid:protected_id>/remove")
@caller("member")
def unprotect(grant_id: uuid.UUID, protected_id: uuid.UUID) -> AnyResponse:
    """Share an address again as the account is."""
    runtime = this_runtime()
    with runtime.begin() as work:
        sharing.unprotect(runtime, work.session, current_viewer(), protected_id)
    flash("The address is shared as the account is.", "good")
    return _back(grant_id)


@blueprint.post("/connections/<uuid:grant_id>/sharing/exceptions/<uuid:exception_id>/end")
@caller("member")
def end(grant_id: uuid.UUID, exception_id: uuid.UUID) -> AnyResponse:
    """End an exception."""
    runtime = this_runtime()
    with runtime.begin() as work:
        sharing.end_exception(runtime, work.session, current_viewer(), exception_id)
    flash("Shared as the account is.", "good")
    return _back(grant_id)


@blueprint.post("/sharing/people/<uuid:person_id>")
@caller("member")
def except_person(person_id: uuid.UUID) -> AnyResponse:
    """Share what the member's own accounts tell of a person otherwise than the accounts."""
    runtime, viewer, level = this_runtime(), current_viewer(), level_named(request.form.get("level", ""))
    with runtime.begin() as work:
        mine = _own_grants(grants.live_of_member(work.session, viewer.organisation_id, viewer.member_id))
        for grant in mine:
            sharing.except_person(runtime, work.session, viewer, grant.id, person_id, level)
    flash(_told(level, "This person"), "good")
    return _back_to(url_for("people.show", person_id=person_id))


@blueprint.post("/sharing/messages/<uuid:message_id>")
@caller("member")
def except_thread(message_id: uuid.UUID) -> AnyResponse:
    """Share the conversation of a mail of the member's own otherwise than its account."""
    runtime, level = this_runtime(), level_named(request.form.get("level", ""))
    with runtime.begin() as work:
        sharing.except_thread(runtime, work.session, current_viewer(), message_id, level)
    flash(_told(level, "This conversation"), "good")
    return _back_to(url_for("messages.show", message_id=message_id))


def _own_grants(found: list[Grant]) -> list[Grant]:
    if not found:
        raise NotFound("Connect Google first: there is nothing of yours to share.")
    return found


def _told(level: Sharing, what: str) -> str:
    if level == Sharing.ONLY_ME:
        return f"{what} is hidden from colleagues from now on."
    return f"{what} is shared from now on: {LEVELS[level].name.lower()}."


def _back(grant_id: uuid.UUID) -> AnyResponse:
    return redirect(url_for("sharing.show", grant_id=grant_id), code=303)


def _back_to(otherwise: str) -> AnyResponse:
    named = request.form.get("back", "")
    return redirect(safe_path(named) if named else otherwise, code=303)
