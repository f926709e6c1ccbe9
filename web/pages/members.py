"""Members: who belongs to the organisation, in which role; inviting, changing, removing.

Everyone in the organisation sees who is in it; admins and owners change it.
"""

import uuid

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, Response, flash, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from accounts import invitations, members
from accounts.models import Role
from kernel.errors import BadInput, Forbidden
from kernel.work import Work
from limited_use import destinations
from limited_use.log.words import Kind
from limited_use.sealing import System
from oauth import events
from web.callers import caller, current_viewer, this_runtime
from web.pages.disconnect import end_of_member
from web.render import page

blueprint = Blueprint("members", __name__)

ROLES = {
    Role.MEMBER: "works with people, notes and tasks",
    Role.AUDITOR: "also reads the Limited Use log",
    Role.ADMIN: "also manages members, tokens and settings",
    Role.OWNER: "also decides who owns the organisation",
}


@blueprint.get("/members")
@caller("member")
def list_members() -> Response:
    """Answer with the organisation's members and open invitations."""
    viewer = current_viewer()
    now = this_runtime().clock.now()
    with this_runtime().begin() as work:
        people = members.list_members(work.session, viewer.organisation_id)
        waiting = invitations.list_open(work.session, viewer.organisation_id)
        name = members.organisation_of(work.session, viewer.organisation_id).name
    return page(
        "members.html",
        feature="settings",
        viewer=viewer,
        people=people,
        invitations=[(found, System(found.expires_at), found.expires_at <= now) for found in waiting],
        roles=ROLES,
        givable=_givable(),
        organisation=name,
    )


@blueprint.post("/members/invite")
@caller("admin")
def invite() -> AnyResponse:
    """Hold a place for an address for a week."""
    viewer = current_viewer()
    role = _role(request.form.get("role", ""))
    email = _address(request.form.get("email", ""))
    with this_runtime().begin() as work:
        present = {member.email for member in members.list_members(work.session, viewer.organisation_id)}
        if email in present:
            raise BadInput("This person is a member already.")
        invitations.invite(
            work.session,
            viewer.organisation_id,
            invited_by=viewer.member_id,
            email=email,
            role=role,
            now=this_runtime().clock.now(),
        )
        _log(work, "invited")
    flash("Invited. They join by signing in with Google under that address within a week.", "good")
    return redirect("/members", code=303)


@blueprint.post("/members/invitations/<uuid:invitation_id>/withdraw")
@caller("admin")
def withdraw(invitation_id: uuid.UUID) -> AnyResponse:
    """Take an invitation back."""
    with this_runtime().begin() as work:
        invitations.withdraw(work.session, current_viewer().organisation_id, invitation_id)
        _log(work, "invitation_withdrawn")
    flash("The invitation was taken back.", "good")
    return redirect("/members", code=303)


@blueprint.post("/members/<uuid:member_id>/role")
@caller("admin")
def change_role(member_id: uuid.UUID) -> AnyResponse:
    """Give a member another role; it counts from their next click."""
    with this_runtime().begin() as work:
        members.change_role(work.session, current_viewer(), member_id, _role(request.form.get("role", "")))
        _log(work, "role_changed")
    flash("The role was changed.", "good")
    return redirect("/members", code=303)


@blueprint.post("/members/<uuid:member_id>/remove")
@caller("admin")
def remove(member_id: uuid.UUID) -> AnyResponse:
    """Take a member out: signed out everywhere, their tokens ended, and their Google connections ended and deleted."""
    viewer, runtime = current_viewer(), this_runtime()
    with runtime.begin() as work:
        members.remove(work.session, viewer, member_id, runtime.clock.now())
        destinations.revoke_of_member(work.session, viewer.organisation_id, member_id, runtime.clock.now())
        _log(work, "removed")
    end_of_member(viewer.organisation_id, member_id, viewer.member_id)
    flash("Removed. They are signed out, and what came from their Google account is being deleted.", "good")
    return redirect("/members", code=303)


def _givable() -> list[Role]:
    owner = current_viewer().role == Role.OWNER
    return [role for role in ROLES if owner or role != Role.OWNER]


def _role(said: str) -> Role:
    try:
        role = Role(said)
    except ValueError:
        raise BadInput("Choose one of the roles.") from None
    if role not in _givable():
        raise Forbidden("Only an owner can change who is an owner.")
    return role


def _address(said: str) -> str:
    try:
        return validate_email(said.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        raise BadInput("This is not an e-mail address. Check it and invite again.") from None


def _log(work: Work, what: str) -> None:
    viewer = current_viewer()
    events.record(
        this_runtime(),
        work.session,
        Kind.MEMBERSHIP,
        viewer.organisation_id,
        member_id=viewer.member_id,
        reason=what,
        feature="settings",
    )
