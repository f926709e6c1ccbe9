"""Companies: the list, and one company's page with its people and what happened with them."""

import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from crm import companies, copies, deals, editing, notes, people, timeline
from crm.ordering import companies_by_name
from crm.paging import Page, cursors
from crm.pen import pen
from crm.visibility import check_company
from limited_use.forms import Form
from privacy.askable import beside_entries
from web.callers import caller, current_viewer, this_runtime
from web.lists import listed
from web.pages.people import FIELDS, SOURCES
from web.render import form_of, page
from web.repeated import repeating, tell

blueprint = Blueprint("companies", __name__)


@blueprint.get("/companies")
@caller("member")
def index() -> Response:
    """Answer with a page of the companies this member sees."""
    with this_runtime().sessions() as session:
        found = listed(session, "companies", companies_by_name, companies.list_companies)
    return page("companies/index.html", feature="companies", listed=found, rows=found.rows)


@blueprint.post("/companies")
@caller("member")
def create() -> AnyResponse:
    """Make the company that was typed, or find the one of that domain."""
    runtime, viewer = this_runtime(), current_viewer()
    typed = {field: request.form.get(field) for field in ("company_name", "domain")}
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        made = editing.create_company(work.session, written, viewer, typed, runtime.clock.now())
    tell(written)
    flash("Saved.", "good")
    return redirect(url_for("companies.show", company_id=made), code=303)


@blueprint.get("/companies/<uuid:company_id>")
@caller("member")
def show(company_id: uuid.UUID) -> Response:
    """Answer with everything about one company that this member may see."""
    runtime, viewer = this_runtime(), current_viewer()
    name = f"company:{company_id}"
    after = cursors(runtime).read(viewer, name, request.args.get("after"))
    with runtime.sessions() as session:
        found = companies.get(session, viewer, company_id)
        now = runtime.clock.now()
        entries = timeline.of_company(session, viewer, company_id, Page(25, after), now)
        beside = beside_entries(session, viewer, entries.rows, now)
        staff = people.list_of_company(session, viewer, company_id, Page(100))
        open_deals = deals.list_of_company(session, viewer, company_id)
        copied = copies.beside(session, viewer, [row.id.value for row in entries.rows if row.id.value])
    return page(
        "companies/show.html",
        feature="companies",
        company=found,
        row=found.row,
        people=staff.rows,
        more_people=staff.next is not None,
        deals=open_deals,
        entries=entries.rows,
        copied=copied,
        repeating=repeating(row.id.value for row in entries.rows if row.id.value is not None),
        beside=beside,
        is_first=after is None,
        following=cursors(runtime).write(viewer, name, entries.next),
        sources=SOURCES,
        labels=FIELDS,
    )


@blueprint.get("/companies/<uuid:company_id>/edit")
@caller("member")
def edit(company_id: uuid.UUID) -> Response:
    """Answer with the form for a company, filled with what this member sees."""
    with this_runtime().sessions() as session:
        found = companies.get(session, current_viewer(), company_id)
    return page("companies/edit.html", feature="companies", company=found, row=found.row, form=_form(company_id))


@blueprint.post("/companies/<uuid:company_id>/edit")
@caller("member")
def save(company_id: uuid.UUID) -> AnyResponse:
    """Store what was typed; what only repeats Google stays Google's."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    name = _form(company_id).typed(request.form, ("company_name",)).get("company_name")
    with runtime.begin() as work:
        check_company(work.session, viewer, company_id)
        news = name is not None and editing.edit_company(
            work.session, written, viewer, company_id, name, runtime.clock.now()
        )
    tell(written)
    flash("Saved." if news else "Nothing was changed, so nothing was saved.", "good")
    return redirect(url_for("companies.show", company_id=company_id), code=303)


@blueprint.post("/companies/<uuid:company_id>/notes")
@caller("member")
def add_note(company_id: uuid.UUID) -> AnyResponse:
    """Write a note about the company."""
    runtime, viewer = this_runtime(), current_viewer()
    written, body = pen(runtime, viewer.organisation_id), request.form.get("body", "")
    with runtime.begin() as work:
        notes.write_about_company(work.session, written, viewer, company_id, body, runtime.clock.now())
    tell(written)
    flash("Noted.", "good")
    return redirect(url_for("companies.show", company_id=company_id), code=303)


def _form(company_id: uuid.UUID) -> Form:
    return form_of(f"company:{company_id}")
