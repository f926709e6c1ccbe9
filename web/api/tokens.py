"""API tokens as callers: `Authorization: Bearer crm_…`. The token says for whom it acts and where its answers go.

What a token may be given is decided by its own class of destination, never by the address that it is used at.
"""

from http import HTTPStatus

from flask import Flask, g, request

from accounts import members
from accounts.members import Viewer
from kernel.errors import Forbidden, NotSignedIn
from kernel.runtime import Runtime
from limited_use import destinations
from limited_use.destinations import Credential
from web.callers import check_callers, this_runtime

READ_PEOPLE = "people.read"


class ScopeMissing(Forbidden):
    """The token was not made for this."""

    code = "scope_missing"
    status = HTTPStatus.FORBIDDEN
    sentence = "This API token was not given the right to read people. Make one that was in Settings."


def install(app: Flask, _runtime: Runtime) -> None:
    """Let the application know API tokens; calling it again changes nothing."""
    check_callers(app, "token", _check)


def credential() -> Credential:
    """Return the token that asks on this request."""
    found: Credential = g.credential
    return found


def viewer() -> Viewer:
    """Return the member on whose behalf the token asks."""
    found: Viewer = g.token_viewer
    return found


def check_scope(scope: str) -> None:
    """Accept a token that was given the scope.

    Raises:
        ScopeMissing: It was not.
    """
    if scope not in credential().scopes:
        raise ScopeMissing


def _check() -> None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise NotSignedIn("Send an API token: `Authorization: Bearer crm_…`. An admin makes one in Settings.")
    with this_runtime().sessions() as session:
        found = destinations.authenticate(session, secret.strip())
        g.token_viewer = members.viewer_of(members.get(session, found.organisation_id, found.member_id))
    g.credential = found
