"""Tasks: what this member means to do; and the notes' own small acts."""

import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from crm import copies, notes, tasks
from crm.paging import Page, cursors
from crm.pen import LONGEST_TEXT, pen
from limited_use.forms import Form
from oauth.attempts import safe_path
from web.callers import caller, current_viewer, this_runtime
from web.pages.people import day
from web.render import form_of, page
from web.repeated import repeating, tell

blueprint = Blueprint("tasks", __name__)


@blueprint.get("/tasks")
@caller("member")
def index() -> Response:
    """Answer with this member's tasks: due first, then what was done last."""
    runtime, viewer = this_runtime(), current_viewer()
    today = runtime.clock.now().date()
    after = cursors(runtime).read(viewer, "tasks", request.args.get("after"))
    with runtime.sessions() as session:
        found = tasks.list_open(session, viewer, today, Page(50, after))
        done = tasks.list_done(session, viewer, today) if after is None else ()
        copied = copies.beside(session, viewer, [row.id.value for row in (*found.rows, *done) if row.id.value])
    following = cursors(runtime).write(viewer, "tasks", found.next)
    return page(
        "tasks/index.html",
        feature="tasks",
        rows=found.rows,
        done=done,
        copied=copied,
        following=following,
        is_first=after is None,
        repeating=repeating(row.id.value for row in (*found.rows, *done) if row.id.value is not None),
    )


@blueprint.post("/tasks")
@caller("member")
def create() -> AnyResponse:
    """Add a task."""
    runtime, viewer = this_runtime(), current_viewer()
    typed = tasks.Typed(request.form.get("title", ""), day(request.form.get("due_on")))
    written = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        tasks.add(work.session, written, viewer, typed, runtime.clock.now())
    tell(written)
    return redirect(url_for("tasks.index"), code=303)


@blueprint.get("/tasks/<uuid:task_id>")
@caller("member")
def edit(task_id: uuid.UUID) -> Response:
    """Answer with the form for a task."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        found = tasks.get(session, viewer, task_id, this_runtime().clock.now().date())
        copied = copies.beside(session, viewer, [task_id])
    due = found.due_on.value.isoformat() if found.due_on and found.due_on.value else ""
    return page("tasks/edit.html", feature="tasks", task=found, due=due, copied=copied, form=_form(task_id))


@blueprint.post("/tasks/<uuid:task_id>")
@caller("member")
def save(task_id: uuid.UUID) -> AnyResponse:
    """Store what was typed of a task."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    title = _form(task_id).typed(request.form, ("title",)).get("title")
    with runtime.begin() as work:
        news = tasks.change(work.session, written, viewer, task_id, title, day(request.form.get("due_on")))
    tell(written)
    flash("Saved." if news else "Nothing was changed, so nothing was saved.", "good")
    return redirect(url_for("tasks.index"), code=303)


@blueprint.post("/tasks/<uuid:task_id>/done")
@caller("member")
def done(task_id: uuid.UUID) -> AnyResponse:
    """Mark a task as done, or as to do again."""
    runtime = this_runtime()
    is_done = request.form.get("done") == "yes"
    with runtime.begin() as work:
        tasks.set_done(work.session, current_viewer(), task_id, runtime.clock.now(), done=is_done)
    flash("Done." if is_done else "Back on your list.", "good")
    return _back(url_for("tasks.index"))


@blueprint.post("/tasks/<uuid:task_id>/remove")
@caller("member")
def remove(task_id: uuid.UUID) -> AnyResponse:
    """Take a task away."""
    with this_runtime().begin() as work:
        tasks.remove(work.session, current_viewer(), task_id)
    flash("The task is gone.", "good")
    return _back(url_for("tasks.index"))


@blueprint.get("/notes/<uuid:note_id>")
@caller("member")
def note(note_id: uuid.UUID) -> Response:
    """Answer with the form for a note."""
    with this_runtime().sessions() as session:
        found = notes.get(session, current_viewer(), note_id)
        copied = copies.beside(session, current_viewer(), [note_id])
    return page(
        "tasks/note.html",
        feature="notes",
        note=found,
        copied=copied,
        longest=LONGEST_TEXT,
        form=form_of(f"note:{note_id}"),
    )


@blueprint.post("/notes/<uuid:note_id>")
@caller("member")
def save_note(note_id: uuid.UUID) -> AnyResponse:
    """Store a note's new text."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    typed = form_of(f"note:{note_id}").typed(request.form, ("body",))
    with runtime.begin() as work:
        found = notes.get(work.session, viewer, note_id)
        if typed:
            notes.change(work.session, written, viewer, note_id, typed["body"], runtime.clock.now())
    tell(written)
    flash("Saved." if typed else "Nothing was changed, so nothing was saved.", "good")
    return _back_to(found)


@blueprint.post("/notes/<uuid:note_id>/remove")
@caller("member")
def remove_note(note_id: uuid.UUID) -> AnyResponse:
    """Take a note away."""
    with this_runtime().begin() as work:
        found = notes.get(work.session, current_viewer(), note_id)
        notes.remove(work.session, current_viewer(), note_id)
    flash("The note is gone.", "good")
    return _back_to(found)


def _form(task_id: uuid.UUID) -> Form:
    return form_of(f"task:{task_id}")


def _back_to(found: notes.NoteRow) -> AnyResponse:
    """Answer with the way back to whom the note is about."""
    if found.person_id:
        return redirect(url_for("people.show", person_id=found.person_id), code=303)
    if found.company_id:
        return redirect(url_for("companies.show", company_id=found.company_id), code=303)
    return redirect(url_for("tasks.index"), code=303)


def _back(otherwise: str) -> AnyResponse:
    """Answer with the way back to the page that held the form, if it named itself."""
    return redirect(safe_path(request.form.get("back", "")) if request.form.get("back") else otherwise, code=303)
