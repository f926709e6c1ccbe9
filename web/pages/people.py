"""People: the list, one person's page with everything about them, and who was not made a person, and why."""

import datetime as dt
import uuid
from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import grants
from crm import copies, deals, decisions, editing, notes, people, tasks, timeline
from crm.matching import Reason
from crm.ordering import people_by_name
from crm.paging import Page, cursors
from crm.pen import pen
from crm.people import Standing
from kernel.errors import BadInput
from limited_use.forms import Form
from privacy.askable import beside_entries, beside_person
from web.callers import caller, current_viewer, this_runtime
from web.lists import listed
from web.pages.sharing import LEVELS
from web.render import form_of, page
from web.repeated import repeating, tell

blueprint = Blueprint("people", __name__)

EDITED = ("name", "email", "phone", "title", "organisation")
SOURCES = {
    "user": "your team",
    "import": "import",
    "form": "form",
    "contacts": "Google Contacts",
    "calendar": "Calendar",
    "gmail": "Gmail",
}
FIELDS = {
    "name": "Name",
    "email": "Email",
    "phone": "Phone",
    "title": "Title",
    "organisation": "Works at",
    "address": "Address",
    "url": "Web",
    "birthday": "Birthday",
    "company_name": "Name",
    "domain": "Domain",
}
REASONS = {
    Reason.WROTE_TO: "You wrote to this address",
    Reason.MET: "You met in a calendar event",
    Reason.IS_CONTACT: "In your Google Contacts",
    Reason.IN_CRM: "The address of somebody your team keeps here",
    Reason.ADDED: "You added this address",
    Reason.OWN_ADDRESS: "Your own address",
    Reason.OWN_DOMAIN: "A colleague: your organisation's domain",
    Reason.SUPPRESSED: "Asked to be left out",
    Reason.ROBOT: "Sent by a machine",
    Reason.MAILING_LIST: "A mailing list",
    Reason.ROLE_ADDRESS: "A shared mailbox, not a person",
    Reason.BULK_ONLY: "Only newsletters and automatic mail",
    Reason.ONLY_RECEIVED: "Wrote to you; you never answered",
    Reason.ONLY_COPIED: "Only stood beside you in other people's mail",
    Reason.NOT_YET: "Not looked at yet",
}


@blueprint.get("/people")
@caller("member")
def index() -> Response:
    """Answer with a page of the people this member sees."""
    with this_runtime().sessions() as session:
        found = listed(session, "people", people_by_name, people.list_people)
        total = people.count(session, current_viewer())
    return page("people/index.html", feature="people", listed=found, rows=found.rows, total=total)


@blueprint.get("/people/new")
@caller("member")
def new() -> Response:
    """Answer with the form for a person."""
    return page("people/new.html", feature="people", labels=FIELDS)


@blueprint.post("/people")
@caller("member")
def create() -> AnyResponse:
    """Make the person that was typed, or find the one who has that address."""
    runtime, viewer = this_runtime(), current_viewer()
    typed = {field: request.form.get(field) for field in EDITED}
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        made = editing.create_person(work.session, written, viewer, typed, runtime.clock.now())
    tell(written)
    flash("Saved.", "good")
    return redirect(url_for("people.show", person_id=made), code=303)


@blueprint.get("/people/<uuid:person_id>")
@caller("member")
def show(person_id: uuid.UUID) -> Response:
    """Answer with everything about one person that this member may see."""
    runtime, viewer, now = this_runtime(), current_viewer(), this_runtime().clock.now()
    name = f"timeline:{person_id}"
    after = cursors(runtime).read(viewer, name, request.args.get("after"))
    with runtime.sessions() as session:
        found = people.get(session, viewer, person_id)
        entries = timeline.of_person(session, viewer, person_id, Page(25, after), now)
        upcoming = timeline.upcoming(session, viewer, person_id, now) if after is None else ()
        context: dict[str, Any] = {
            "upcoming": upcoming,
            "beside": beside_entries(session, viewer, (*entries.rows, *upcoming), now),
            "asking": beside_person(session, viewer, person_id, now) if found.standing == Standing.TEAMMATES else None,
            "may_share": bool(grants.live_of_member(session, viewer.organisation_id, viewer.member_id)),
            "tasks": tasks.list_of_person(session, viewer, person_id, now.date()),
            "deals": deals.list_of_person(session, viewer, person_id),
            "reasons": decisions.list_of_person(session, viewer, person_id),
        }
        written = (*entries.rows, *context["tasks"])
        context["copied"] = copies.beside(session, viewer, [row.id.value for row in written if row.id.value])
    return page(
        "people/show.html",
        feature="people",
        person=found,
        row=found.row,
        entries=entries.rows,
        repeating=repeating(
            row.id.value for row in (*entries.rows, *context["tasks"], *context["deals"]) if row.id.value is not None
        ),
        is_first=after is None,
        following=cursors(runtime).write(viewer, name, entries.next),
        sources=SOURCES,
        labels=FIELDS,
        why=REASONS,
        stages=list(deals.OPEN),
        levels=LEVELS,
        **context,
    )


@blueprint.get("/people/<uuid:person_id>/edit")
@caller("member")
def edit(person_id: uuid.UUID) -> Response:
    """Answer with the form for a person, filled with what this member sees."""
    with this_runtime().sessions() as session:
        found = people.get(session, current_viewer(), person_id)
    return page("people/edit.html", feature="people", person=found, row=found.row, form=_form(person_id))


@blueprint.post("/people/<uuid:person_id>/edit")
@caller("member")
def save(person_id: uuid.UUID) -> AnyResponse:
    """Store what was typed; what only repeats Google stays Google's."""
    runtime, viewer = this_runtime(), current_viewer()
    typed = _form(person_id).typed(request.form, EDITED)
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        left_id = editing.edit_person(work.session, written, viewer, person_id, typed, runtime.clock.now())
    tell(written)
    flash("Saved." if left_id else "Nothing was changed, so nothing was saved.", "good")
    return _back(left_id or person_id)


@blueprint.post("/people/<uuid:person_id>/keep")
@caller("member")
def keep(person_id: uuid.UUID) -> AnyResponse:
    """Make a person known only from Google the organisation's own."""
    with this_runtime().begin() as work:
        editing.touch_person(work.session, current_viewer(), person_id, this_runtime().clock.now())
    flash(
        "Added to the CRM: your team sees that this person is here, and the record stays when you disconnect.", "good"
    )
    return _back(person_id)


@blueprint.post("/people/<uuid:person_id>/notes")
@caller("member")
def add_note(person_id: uuid.UUID) -> AnyResponse:
    """Write a note about the person."""
    runtime, viewer = this_runtime(), current_viewer()
    written, body = pen(runtime, viewer.organisation_id), request.form.get("body", "")
    with runtime.begin() as work:
        notes.write_about_person(work.session, written, viewer, person_id, body, runtime.clock.now())
    tell(written)
    flash("Noted.", "good")
    return _back(person_id)


@blueprint.post("/people/<uuid:person_id>/tasks")
@caller("member")
def add_task(person_id: uuid.UUID) -> AnyResponse:
    """Add a task for the person."""
    runtime, viewer = this_runtime(), current_viewer()
    typed = tasks.Typed(request.form.get("title", ""), day(request.form.get("due_on")), person_id)
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        tasks.add(work.session, written, viewer, typed, runtime.clock.now())
    tell(written)
    flash("The task was added.", "good")
    return _back(person_id)


@blueprint.post("/people/<uuid:person_id>/deals")
@caller("member")
def add_deal(person_id: uuid.UUID) -> AnyResponse:
    """Begin a deal with the person."""
    runtime, viewer = this_runtime(), current_viewer()
    form = request.form
    typed = deals.Typed(
        form.get("title", ""),
        form.get("stage", deals.Stage.NEW),
        form.get("amount", ""),
        form.get("currency", "EUR"),
        person_id,
    )
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        deals.add(work.session, written, viewer, typed, runtime.clock.now())
    tell(written)
    flash("The deal was added.", "good")
    return _back(person_id)


@blueprint.get("/people/skipped")
@caller("member")
def skipped() -> Response:
    """Answer with the addresses in this member's accounts that were not made people, each with its reason."""
    runtime, viewer = this_runtime(), current_viewer()
    after = cursors(runtime).read(viewer, "skipped", request.args.get("after"))
    with runtime.sessions() as session:
        found = decisions.list_skipped(session, viewer, Page(50, after))
    following = cursors(runtime).write(viewer, "skipped", found.next)
    return page(
        "people/skipped.html",
        feature="people",
        rows=found.rows,
        following=following,
        is_first=after is None,
        why=REASONS,
        sources=SOURCES,
    )


@blueprint.post("/people/skipped/<uuid:correspondent_id>/add")
@caller("member")
def add_skipped(correspondent_id: uuid.UUID) -> AnyResponse:
    """Make a person of an address that the rules left out."""
    with this_runtime().begin() as work:
        made = editing.add_correspondent(work.session, current_viewer(), correspondent_id, this_runtime().clock.now())
    flash("Added to the CRM.", "good")
    return _back(made)


def day(text: str | None) -> dt.date | None:
    """Return the day that a form's field names; None for an empty one.

    Raises:
        BadInput: if it names none.
    """
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput("The day is written as year-month-day, such as 2026-03-31.") from None


def _form(person_id: uuid.UUID) -> Form:
    return form_of(f"person:{person_id}")


def _back(person_id: uuid.UUID) -> AnyResponse:
    return redirect(url_for("people.show", person_id=person_id), code=303)
