"""Callers: who a route may be called by, declared on the route and checked before it runs.

`@caller("member")` only marks the view; one `before_request` hook finds the mark of the view that was routed to
and runs the check registered for it. A view without a mark, or with a mark that nobody checks, is refused: the
application does not even start with one.

`public` needs nobody; `member`, `auditor` (auditors, admins, owners) and `admin` (admins, owners) need the sign-in
cookie; other kinds (`token`, `addon`, `scheduler` …) bring their own check with `check_callers`.
"""

import uuid
from collections.abc import Callable
from typing import Final, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from accounts import sign_ins
from accounts.members import Viewer, viewer_of
from accounts.models import Member
from kernel.errors import Forbidden, NotSignedIn
from kernel.runtime import Runtime

View = TypeVar("View", bound=Callable[..., object])
Check = Callable[[], None]

_MARK: Final = "__caller__"
_CHECKS: Final = "crm.caller_checks"
_RUNTIME: Final = "crm.runtime"


def caller(kind: str) -> Callable[[View], View]:
    """Return a decorator that declares who may call the view."""

    def mark(view: View) -> View:
        setattr(view, _MARK, kind)
        return view

    return mark


def caller_of(view: Callable[..., object]) -> str | None:
    """Return the kind of caller that the view declares."""
    kind = getattr(view, _MARK, None)
    return kind if isinstance(kind, str) else None


def check_callers(app: Flask, kind: str, check: Check) -> None:
    """Let `check` decide on callers of that kind: it returns, or raises an error of ours."""
    app.extensions[_CHECKS][kind] = check


def install(app: Flask, runtime: Runtime) -> None:
    """Make the application look at every caller before any view runs."""
    app.extensions[_RUNTIME] = runtime
    app.extensions[_CHECKS] = {
        "public": lambda: None,
        "member": _check_member,
        "auditor": _check_auditor,
        "admin": _check_admin,
    }
    app.before_request(_check)


def check_all_declared(app: Flask) -> None:
    """Refuse to start with a view whose caller nobody declared or nobody checks.

    Raises:
        RuntimeError: Naming the views.
    """
    known = app.extensions[_CHECKS]
    bare = sorted(name for name, view in app.view_functions.items() if caller_of(view) not in known)
    if bare:
        raise RuntimeError("These routes do not say who may call them: " + ", ".join(bare))


def this_runtime() -> Runtime:
    """Return the runtime of the application that answers this request."""
    runtime: Runtime = current_app.extensions[_RUNTIME]
    return runtime


def cookie_name() -> str:
    """Return the name of the sign-in cookie: bound to the very host where the product is served over TLS."""
    return "__Host-crm" if is_tls() else "crm"


def is_tls() -> bool:
    """Say whether browsers reach us over TLS."""
    return this_runtime().settings.public_url.startswith("https://")


def current_member() -> Member | None:
    """Return the member whose browser asks, None when nobody is signed in; read once a request."""
    if "member" not in g:
        g.member = _find_member()
    member: Member | None = g.member
    return member


def current_viewer() -> Viewer:
    """Return the signed-in member as an asker.

    Raises:
        NotSignedIn: Nobody is signed in.
    """
    member = current_member()
    if member is None:
        raise NotSignedIn
    return viewer_of(member)


def member_id_or_none() -> uuid.UUID | None:
    """Return the id of the signed-in member, if any."""
    member = current_member()
    return None if member is None else member.id


def set_cookie(response: Response, secret: str) -> None:
    """Give the browser its sign-in."""
    response.set_cookie(
        cookie_name(),
        secret,
        max_age=int(sign_ins.LONGEST.total_seconds()),
        secure=is_tls(),
        httponly=True,
        samesite="Lax",
        path="/",
    )


def drop_cookie(response: Response) -> None:
    """Take the sign-in from the browser."""
    response.delete_cookie(cookie_name(), path="/", secure=is_tls(), httponly=True, samesite="Lax")


def cookie_secret() -> str | None:
    """Return the secret that the browser's sign-in cookie holds."""
    return request.cookies.get(cookie_name())


def _find_member() -> Member | None:
    secret = cookie_secret()
    if not secret:
        return None
    runtime = this_runtime()
    with runtime.begin() as work:
        return sign_ins.find(work.session, secret, runtime.clock.now())


def _check() -> None:
    if request.endpoint is None:
        return  # nothing was routed to: the 404 or 405 follows, and no view runs
    kind = caller_of(current_app.view_functions[request.endpoint])
    check = current_app.extensions[_CHECKS].get(kind)
    if check is None:
        raise Forbidden("This address does not say who may call it, so nobody may.")
    check()


def _check_member() -> None:
    current_viewer()


def _check_auditor() -> None:
    if not current_viewer().audits:
        raise Forbidden("Only auditors and admins of your organisation may see this.")


def _check_admin() -> None:
    if not current_viewer().manages:
        raise Forbidden
