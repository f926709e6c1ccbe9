"""Settings: the organisation's name, API tokens with where their answers go, and the one switch for AI tools.

The switch lets AI tools have what users wrote, never what came from Google; turning it on is a consent of its own, to
the text shown beside it. A token's secret is shown once, on the page that answers its making.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, flash, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from accounts import consents, members
from accounts.consents import Disclosure
from crm.pen import line
from kernel.errors import BadInput
from kernel.work import Work
from limited_use import body_reading, destinations, repeats
from limited_use.destinations import ApiToken, Destination
from limited_use.log.words import Kind
from limited_use.sealing import System
from oauth import events
from sync import bodies
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("settings", __name__)

AI_KIND = "ai_native"
AI_DISCLOSURE = Disclosure(
    AI_KIND,
    "2026-11-23",
    "Programs that hold a token of this organisation for an AI tool may read what your members wrote themselves: "
    "people they added or changed, and the notes, tasks and deals about them. Nothing that came from Gmail, Calendar "
    "or Contacts is included: such values appear as withheld, and people known only from Google do not appear at all. "
    "You decide where the tool sends what it reads. Each export is an entry in the Limited Use log. You can turn this "
    "off at any time, and it ends at once.",
)
_CLASSES = {
    "api": "Our own program: reads what its member sees, also what came from their own Google account",
    "export": "A file of our own: as a program's, kept by us",
    "ai_tool": "An AI tool: only what users wrote, and only while AI tools are allowed",
}
SCOPES = ("people.read",)


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token in the list; its secret is nowhere."""

    id: uuid.UUID
    name: str
    destination: str
    sink_class: str
    created_at: System[datetime]
    revoked: bool


@blueprint.get("/settings")
@caller("admin")
def settings() -> Response:
    """Answer with the organisation's settings."""
    return _answer(secret=None)


@blueprint.post("/settings/organisation")
@caller("admin")
def rename() -> AnyResponse:
    """Give the organisation another name."""
    name = request.form.get("name", "").strip()
    if not name or not name.isprintable():
        raise BadInput("An organisation needs a name of letters you can see.")
    with this_runtime().begin() as work:
        members.rename_organisation(work.session, current_viewer(), name)
    flash("The name was changed.", "good")
    return redirect("/settings", code=303)


@blueprint.post("/settings/ai")
@caller("admin")
def switch_ai() -> AnyResponse:
    """Turn AI tools on, with the consent recorded, or off, at once."""
    viewer, runtime = current_viewer(), this_runtime()
    on = request.form.get("ai") == "allow"
    now = runtime.clock.now()
    with runtime.begin() as work:
        consent_id = None
        if on:
            consent_id = consents.record(work.session, viewer, AI_DISCLOSURE, now).id
            destinations.allow_ai(work.session, viewer.organisation_id, viewer.member_id, now)
        else:
            consents.withdraw_kind(work.session, viewer.organisation_id, AI_KIND, now)
            destinations.forbid_ai(work.session, viewer.organisation_id)
        _log(work, Kind.POLICY, "ai_allowed" if on else "ai_forbidden", consent_id)
    flash("AI tools may read what your members wrote." if on else "AI tools get nothing any more.", "good")
    return redirect("/settings", code=303)


@blueprint.post("/settings/bodies")
@caller("admin")
def switch_bodies() -> AnyResponse:
    """Have the texts of members' mails read once, so that passages of them are known again; or no more of them."""
    viewer, runtime = current_viewer(), this_runtime()
    on = request.form.get("bodies") == "read"
    with runtime.begin() as work:
        if on:
            body_reading.turn_on(work.session, viewer.organisation_id, viewer.member_id, runtime.clock.now())
            bodies.begin(work, viewer.organisation_id)
        else:
            body_reading.turn_off(work.session, viewer.organisation_id)
        _log(work, Kind.POLICY, "bodies_read" if on else "bodies_not_read")
    flash("The texts of mails are being read, the newest first." if on else "No more texts of mails are read.", "good")
    return redirect("/settings", code=303)


@blueprint.post("/settings/destinations")
@caller("admin")
def register() -> AnyResponse:
    """Register where answers may go."""
    form = request.form
    sink_class = form.get("sink_class", "")
    if sink_class not in _CLASSES:
        raise BadInput("Choose what the destination is.")
    name = line(form.get("name"), "name", longest=120)
    region = line(form.get("region"), "place", required=False, longest=40)
    with this_runtime().begin() as work:
        now = this_runtime().clock.now()
        destinations.register_destination(work.session, current_viewer().organisation_id, name, sink_class, region, now)
        _log(work, Kind.DESTINATION, "registered")
    flash("The destination was registered.", "good")
    return redirect("/settings", code=303)


@blueprint.post("/settings/tokens")
@caller("admin")
def create_token() -> Response:
    """Make a token and answer with its secret, this once."""
    viewer = current_viewer()
    chosen = request.form.get("destination", "")
    try:
        destination_id = uuid.UUID(chosen) if chosen else None
    except ValueError:
        raise BadInput("Choose one of the destinations.") from None
    name = line(request.form.get("name"), "name", required=False, longest=120) or "API token"
    with this_runtime().begin() as work:
        member = members.get(work.session, viewer.organisation_id, viewer.member_id)
        now = this_runtime().clock.now()
        _token, secret = destinations.create_token(work.session, member, name, SCOPES, now, destination_id)
        _log(work, Kind.DESTINATION, "token_created")
    return _answer(secret=secret)


@blueprint.post("/settings/tokens/<uuid:token_id>/revoke")
@caller("admin")
def revoke_token(token_id: uuid.UUID) -> AnyResponse:
    """End a token."""
    with this_runtime().begin() as work:
        now = this_runtime().clock.now()
        destinations.revoke_token(work.session, current_viewer().organisation_id, token_id, now)
        _log(work, Kind.DESTINATION, "token_revoked")
    flash("The token is ended.", "good")
    return redirect("/settings", code=303)


def _answer(secret: str | None) -> Response:
    organisation_id = current_viewer().organisation_id
    with this_runtime().begin() as work:
        organisation = members.organisation_of(work.session, organisation_id)
        places = list(destinations.list_destinations(work.session, organisation_id))
        tokens = list(destinations.list_tokens(work.session, organisation_id))
        allowed = destinations.is_ai_allowed(work.session, organisation_id)
        bodies_read = body_reading.is_on(work.session, organisation_id)
        held_back = repeats.count(work.session, organisation_id)
    return page(
        "settings.html",
        feature="settings",
        organisation=organisation.name,
        ai_allowed=allowed,
        ai_text=AI_DISCLOSURE.text,
        bodies_read=bodies_read,
        held_back=held_back,
        destinations=places,
        classes=_CLASSES,
        tokens=[_row(token, places) for token in tokens],
        secret=secret,
    )


def _row(token: ApiToken, places: list[Destination]) -> TokenRow:
    place = next((found for found in places if found.id == token.destination_id), None)
    return TokenRow(
        id=token.id,
        name=token.name,
        destination=place.name if place else "none: counts as an AI tool",
        sink_class=place.sink_class if place else "ai_tool",
        created_at=System(token.created_at),
        revoked=token.revoked_at is not None,
    )


def _log(work: Work, kind: Kind, what: str, consent_id: uuid.UUID | None = None) -> None:
    viewer = current_viewer()
    events.record(
        this_runtime(),
        work.session,
        kind,
        viewer.organisation_id,
        member_id=viewer.member_id,
        reason=what,
        consent_id=consent_id,
        feature="settings",
    )
