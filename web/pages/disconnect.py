"""Disconnect and delete: what it does, said beforehand; the act; the receipt."""

import datetime as dt
import uuid

from flask import Blueprint, Response, flash, redirect
from werkzeug.wrappers import Response as AnyResponse

from accounts import grants
from kernel.errors import NotFound
from limited_use.sealing import System
from oauth import receipts, revocation
from oauth.models import Receipt
from oauth.scopes import NAMES, features_of
from web.callers import caller, current_viewer, this_runtime
from web.pages.connections import live_grant
from web.render import page

blueprint = Blueprint("disconnect", __name__)

_ANSWERS = {
    "revoked": "Google confirmed that our access is ended.",
    "already_revoked": "Google said that our access had been ended already.",
    "no_token": "We held no access any more that could be ended at Google.",
    "gave_up": "Google did not confirm it in thirty days. Look at your Google account's connections yourself.",
}


@blueprint.get("/connections/<uuid:grant_id>/disconnect")
@caller("member")
def explain(grant_id: uuid.UUID) -> Response:
    """Answer with what disconnecting does, and the button that does it."""
    with this_runtime().begin() as work:
        grant = live_grant(work.session, current_viewer(), grant_id)
        together = [NAMES[feature] for feature in features_of(grant.scopes)]
    return page("disconnect.html", feature="connections", grant=grant, together=together)


@blueprint.post("/connections/<uuid:grant_id>/disconnect")
@caller("member")
def disconnect(grant_id: uuid.UUID) -> AnyResponse:
    """End every grant of the Google account: refused from now on, keys destroyed when this answers."""
    runtime, viewer = this_runtime(), current_viewer()
    with runtime.begin() as work:
        google_sub = live_grant(work.session, viewer, grant_id).google_sub
    revocation.end_account(runtime, google_sub, revocation.Ending("owner", viewer.member_id))
    flash("Disconnected. Nothing of it can be read any more; the data are being deleted.", "good")
    return redirect("/connections", code=303)


@blueprint.get("/connections/receipts/<uuid:receipt_id>")
@caller("member")
def receipt(receipt_id: uuid.UUID) -> Response:
    """Answer with a receipt of the member's own."""
    with this_runtime().begin() as work:
        found = receipts.get(work.session, current_viewer(), receipt_id)
    return page(
        "receipt.html",
        feature="connections",
        receipt=found,
        answer=_ANSWERS.get(found.google_answer, _ANSWERS["gave_up"]),
        times=_times(found),
        counts=sorted(found.counts.items()),
        total=sum(found.counts.values()),
    )


@blueprint.get("/connections/receipts/<uuid:receipt_id>.tlog-proof")
@caller("member")
def proof(receipt_id: uuid.UUID) -> Response:
    """Answer with the receipt's proof, which verifies offline against the log's public key."""
    with this_runtime().begin() as work:
        found = receipts.get(work.session, current_viewer(), receipt_id)
    if found.proof is None:
        raise NotFound("The log is signed within a second or so. Try again in a moment.")
    response = Response(found.proof, mimetype="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="disconnected-{found.id}.tlog-proof"'
    return response


def _times(found: Receipt) -> list[tuple[str, System[dt.datetime]]]:
    steps = [
        ("Access refused, everywhere", found.denied_at),
        ("Keys destroyed", found.keys_destroyed_at),
        ("Google answered", found.google_at),
        ("Last row deleted", found.purged_at),
    ]
    return [(title, System(at)) for title, at in steps if at is not None]


def end_of_member(organisation_id: uuid.UUID, member_id: uuid.UUID, actor_id: uuid.UUID) -> None:
    """End every grant of a member who was removed."""
    runtime = this_runtime()
    with runtime.begin() as work:
        subs = {grant.google_sub for grant in grants.live_of_member(work.session, organisation_id, member_id)}
    for google_sub in subs:
        revocation.end_account(runtime, google_sub, revocation.Ending("member_removed", actor_id))
