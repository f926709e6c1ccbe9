"""The privacy page: the Limited Use statement, what we do in short, and the policy's own text."""

from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request

from oauth.disclosures import LIMITED_USE
from privacy.register import recipients
from web.callers import caller, this_runtime
from web.render import public_page

blueprint = Blueprint("privacy", __name__)

_POLICY = Path(__file__).parent.parent / "trust" / "privacy_policy.txt"


@blueprint.get("/privacy")
@caller("public")
def privacy() -> Response:
    """Answer with the Limited Use statement and what we do, in short."""
    return public_page("privacy.html", limited_use=LIMITED_USE, gpc=request.headers.get("Sec-GPC") == "1")


@blueprint.get("/privacy/recipients")
@caller("public")
def told() -> Response:
    """Answer with everybody outside whom this installation may send anything to: what, where, on what terms."""
    return public_page("recipients.html", recipients=recipients(this_runtime().settings))


@blueprint.get("/privacy/policy")
@caller("public")
def policy() -> Response:
    """Answer with the text of the privacy policy."""
    return public_page("policy.html", text=_text())


@cache
def _text() -> str:
    return _POLICY.read_text(encoding="utf-8")
