"""What all pages share: the frame, whose account is looked at, and who may send a form."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from emulator import accounts
from emulator.refusals import Refusal
from emulator.state import current

if TYPE_CHECKING:
    from emulator.accounts import Account

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/_pages/static"
)

PAGE = 25
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:{pictures}; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_HEADERS = {
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


@blueprint.before_request
def refuse_forms_of_other_sites() -> None:
    """Let a form in only when a page of this very address sent it."""
    if request.method in {"GET", "HEAD"}:
        return
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        abort(403, "This form was sent by another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(403, "This form was sent by another site.")


@blueprint.after_request
def set_headers(response: Response) -> Response:
    """Keep the page from loading anything from elsewhere but pictures of the add-on it plays host to."""
    addon = current().config.addon_url
    response.headers["Content-Security-Policy"] = _POLICY.format(pictures=f" {addon}" if addon else "")
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@blueprint.errorhandler(Refusal)
def show_refusal(refusal: Refusal) -> tuple[str, int]:
    """Show what this Google refused, in a sentence."""
    return render_template(
        "pages/refused.html", refusal=refusal, person=None, people=[], tab="", number=0
    ), refusal.status


@blueprint.app_template_filter("moment")
def show_moment(seconds: float, form: str) -> str:
    """Give a time in UTC for people, or for machines."""
    at = datetime.fromtimestamp(seconds, UTC)
    if form == "iso":
        return at.isoformat(timespec="seconds")
    today = datetime.fromtimestamp(current().clock.now(), UTC).date()
    if form == "short" and at.date() == today:
        return f"{at:%H:%M}"
    if form == "short" and at.year == today.year:
        return f"{at:%-d %b}"
    return f"{at:%-d %b %Y}" if form in {"short", "day"} else f"{at:%-d %b %Y, %H:%M}"


@blueprint.get("/")
def home() -> Response:
    """Lead to the first account's mailbox."""
    return redirect(url_for("pages.list_mail", number=0))  # type: ignore[return-value]  # Werkzeug's class of it


def person_at(number: int) -> Account:
    """Give the account with this place in the list of accounts; 404 when there is none."""
    people = accounts.list_accounts(current().store)
    if not 0 <= number < len(people):
        abort(404)
    return people[number]


def show(template: str, number: int, tab: str, **values: Any) -> str:
    """Give a page of the account at a place, with the frame around it."""
    return render_template(
        f"pages/{template}",
        person=person_at(number),
        people=accounts.list_accounts(current().store),
        number=number,
        tab=tab,
        **values,
    )


def to(endpoint: str, **values: Any) -> Response:
    """Give the answer that leads a browser on after a form was sent."""
    return redirect(url_for(f"pages.{endpoint}", **values), 303)  # type: ignore[return-value]  # as in home


def page_number() -> int:
    """Give which page of a list is asked for, from 0."""
    return max(0, request.args.get("page", 0, type=int))
