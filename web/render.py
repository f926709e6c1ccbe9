"""Pages: a template composed of guarded values, finished and opened by the browser sink.

`page` is the only way from a template to a browser, and `json` from a tree. Each names who asks (the signed-in member)
and for which feature; the sink adaptor decides, writes the leaf and opens. A page for nobody (`feature=None`, nobody
signed in) can hold nothing guarded: the same adaptor refuses it.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus

from flask import Response, current_app, g, make_response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from kernel.errors import AppError
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.forms import Form
from limited_use.keys import vault
from limited_use.release import guard
from limited_use.sinks import browser, staff
from limited_use.sinks.trees import Tree
from privacy import request_lists
from web.callers import current_member, current_viewer, this_runtime


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation."""

    title: str
    endpoint: str
    icon: str
    active: bool
    count: int = 0
    """How much of it waits for the member."""


_REQUESTS = "/requests"
_NAV = (
    ("People", "/people", "people"),
    ("Companies", "/companies", "building"),
    ("Deals", "/deals", "deal"),
    ("Tasks", "/tasks", "check"),
    ("Requests", _REQUESTS, "eye"),
    ("Connections", "/connections", "plug"),
)
_LOG = ("Log", "/log", "log")
_LAST = (("Settings", "/settings", "gear"), ("Privacy", "/privacy", "shield"))


def asking(feature: str) -> Asking:
    """Return who asks on this request: the signed-in member, in the browser, for that feature."""
    viewer = current_viewer()
    return Asking(
        organisation_id=viewer.organisation_id,
        member_id=viewer.member_id,
        actor=ActorClass.MEMBER,
        feature=feature,
        purpose=Purpose.USER_FEATURE,
        sink=Sink.BROWSER,
    )


def form_of(record: str) -> Form:
    """Return the form by which the signed-in member edits that record: it knows again what it showed."""
    runtime, viewer = this_runtime(), current_viewer()
    return Form(vault(runtime), viewer.organisation_id, viewer.member_id, record, runtime.clock.now())


def page(template: str, *, feature: str, status: int = HTTPStatus.OK, **context: object) -> Response:
    """Return the template as an answer to the signed-in member, its guarded values opened for the feature."""
    full = _complete(context)
    text = browser.page(guard(this_runtime()), asking(feature), current_app.jinja_env.get_template(template), full)
    return make_response(text, status)


def json(tree: Tree, *, feature: str) -> Response:
    """Return the tree as an answer to the signed-in member, its guarded values opened for the feature."""
    made = make_response(browser.json(guard(this_runtime()), asking(feature), tree))
    made.content_type = "application/json"
    return made


def staff_page(template: str, *, purpose: Purpose, **context: object) -> Response:
    """Return the template as an answer to the signed-in admin at the staff sink: what a consent or a case opens."""
    asked = replace(asking("openings"), actor=ActorClass.STAFF, purpose=purpose, sink=Sink.STAFF)
    full = _complete(context)
    return make_response(
        staff.page(guard(this_runtime()), asked, current_app.jinja_env.get_template(template), full), HTTPStatus.OK
    )


def public_page(template: str, *, status: int = HTTPStatus.OK, **context: object) -> Response:
    """Return a template that holds nothing guarded as an answer to anyone.

    A guarded value in it raises: outside the adaptor nothing turns one into text.
    """
    return make_response(current_app.jinja_env.get_template(template).render(_complete(context)), status)


def error_page(error: AppError) -> Response:
    """Return the page of an error; where not even the member can be found out, as for nobody."""
    try:
        current_member()
    except Exception:  # noqa: BLE001 -- the database may be what failed; its own error was logged by whoever met it
        g.member = None
    return public_page("error.html", status=error.status, error=error)


def _complete(context: dict[str, object]) -> dict[str, object]:
    member = current_member()
    full: dict[str, object] = {"member": member, "nav": _navigation() if member is not None else (), **context}
    current_app.update_template_context(full)
    return full


def _navigation() -> tuple[NavItem, ...]:
    entries = (*_NAV, *((_LOG,) if current_viewer().audits else ()), *_LAST)
    here, waiting, found = request.path, _waiting(), []
    for title, path, icon in entries:
        endpoint = _endpoint_of(path)
        if endpoint is not None:
            active = here == path or here.startswith(path + "/")
            found.append(NavItem(title, endpoint, icon, active, waiting if path == _REQUESTS else 0))
    return tuple(found)


def _waiting() -> int:
    """Return how many requests wait for the member's answer; none where the database fails, which is told else."""
    runtime = this_runtime()
    try:
        with runtime.sessions() as session:
            return request_lists.count_waiting(session, current_viewer(), runtime.clock.now())
    except SQLAlchemyError:
        return 0


def _endpoint_of(path: str) -> str | None:
    """Return the endpoint that answers at the path; None where that part of the product is not installed."""
    adapter = current_app.create_url_adapter(request)
    try:
        endpoint, _values = adapter.match(path, "GET") if adapter is not None else (None, {})
    except HTTPException:
        return None
    return endpoint
