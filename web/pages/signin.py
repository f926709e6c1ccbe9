"""Signing in and out, and the one address to which Google sends browsers back.

A browser that leaves for Google carries a secret of its own in a short-lived cookie; what comes back is good in that
browser alone.
"""

from flask import Blueprint, Response, flash, redirect, request, session
from werkzeug.wrappers import Response as AnyResponse

from accounts import sign_ins
from accounts.models import Grant
from crm import decoys
from kernel.work import Work
from oauth import attempts, trips
from oauth.flow import CALLBACK_PATH
from oauth.models import AttemptKind
from oauth.scopes import NAMES
from sync import collections
from web.callers import (
    caller,
    cookie_secret,
    current_viewer,
    drop_cookie,
    is_tls,
    member_id_or_none,
    set_cookie,
    this_runtime,
)

blueprint = Blueprint("signin", __name__)

_TRIP_AGE_S = int(attempts.LIFETIME.total_seconds())


@blueprint.post("/oauth/sign-in")
@caller("public")
def start() -> AnyResponse:
    """Send the browser to Google to say who it is."""
    secret = browser_secret()
    url = trips.start_sign_in(this_runtime(), secret, request.form.get("next", "/"))
    return leave(url, secret)


@blueprint.post("/oauth/connect/<feature>")
@caller("member")
def connect(feature: str) -> AnyResponse:
    """Record that the disclosure was agreed to, and send the browser to Google to allow the product."""
    secret = browser_secret()
    url = trips.start_connect(this_runtime(), secret, current_viewer(), feature, "/connections")
    return leave(url, secret)


@blueprint.get(CALLBACK_PATH)
@caller("public")
def callback() -> AnyResponse:
    """Take the browser back from Google and say what came of it."""
    answer = trips.Answer(
        state=request.args.get("state", ""),
        code=request.args.get("code", ""),
        error=request.args.get("error", "")[:64],
    )
    secret = request.cookies.get(trip_cookie())
    outcome = trips.finish(this_runtime(), answer, secret, member_id_or_none(), _open)
    if isinstance(outcome, trips.SignedIn):
        session.clear()  # a form token made before signing in is good no more
        response = redirect(outcome.return_path, code=303)
        set_cookie(response, outcome.secret)
        return response
    _tell(outcome)
    return redirect(outcome.return_path, code=303)


@blueprint.post("/sign-out")
@caller("member")
def sign_out() -> AnyResponse:
    """End this browser's sign-in; the cookie is worth nothing afterwards, wherever a copy of it is."""
    runtime = this_runtime()
    with runtime.begin() as work:
        sign_ins.end(work.session, cookie_secret() or "", runtime.clock.now())
    session.clear()
    response = redirect("/", code=303)
    drop_cookie(response)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def trip_cookie() -> str:
    """Return the name of the trips' cookie: over TLS one that no neighbouring host can plant to sign somebody in."""
    return "__Host-trip" if is_tls() else "trip"


def browser_secret() -> str:
    """Return the secret of this browser's trips, new if it has none."""
    return request.cookies.get(trip_cookie()) or attempts.new_browser_secret()


def leave(url: str, secret: str) -> Response:
    """Return the redirect to Google, with the browser's secret kept for its return."""
    response = Response(status=303, headers={"Location": url})
    response.set_cookie(
        trip_cookie(), secret, max_age=_TRIP_AGE_S, secure=is_tls(), httponly=True, samesite="Lax", path="/"
    )
    return response


def _open(work: Work, grant: Grant, feature: str) -> None:
    work.later(decoys.JOB, grant.organisation_id)  # first: they stand before there is much to read
    for collection in collections.open_for(work.session, grant, feature):
        work.later(collections.job_of(collection.kind), collection.id)


def _tell(outcome: trips.Connected | trips.Cancelled) -> None:
    name = NAMES.get(str(outcome.feature), "")
    if isinstance(outcome, trips.Connected) and outcome.allowed:
        flash(f"{name} is connected. The first sync has begun.", "good")
    elif isinstance(outcome, trips.Connected):
        flash(f"You left {name} unticked at Google. Nothing else is affected; connect it later if you like.", "warn")
    elif outcome.kind == AttemptKind.SIGN_IN:
        flash("You turned back at Google, so you are not signed in. Nothing was stored.", "warn")
    else:
        flash(f"You turned back at Google, so {name} was not connected. Nothing else is affected.", "warn")
