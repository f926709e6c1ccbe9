"""One mail, opened by who may see it: its head from what is stored, its text read live from Gmail and kept nowhere."""

import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from crm import copies, notes, tasks, timeline
from crm.pen import pen
from kernel.errors import AppError, BadInput, NotFound
from limited_use.keys import vault
from privacy.askable import beside_entries
from sync.live import Live, read_body
from web.callers import caller, current_viewer, this_runtime
from web.pages.people import day
from web.pages.sharing import LEVELS
from web.render import page
from web.repeated import tell

blueprint = Blueprint("messages", __name__)

_PAUSED = "The connection to this mailbox is paused or ended, so its text cannot be read."
_NOT_SHARED = "The owner of this mail shares it without its text."


@blueprint.get("/messages/<uuid:message_id>")
@blueprint.get("/messages/<uuid:message_id>/body")
@caller("member")
def show(message_id: uuid.UUID) -> Response:
    """Answer with a mail that this member sees; when its text is not theirs to read or Gmail does not give it, why."""
    viewer = current_viewer()
    with this_runtime().sessions() as session:
        head = timeline.message_entry(session, viewer, message_id)
        people = timeline.people_of_message(session, viewer, message_id)
        beside = beside_entries(session, viewer, [head], this_runtime().clock.now())
    body: Live | None = None
    problem: AppError | None = None
    try:
        body = read_body(this_runtime(), viewer, message_id)
    except NotFound:  # the head was found, so it is not shared, or it is the connection that is not there any more
        problem = NotFound(_PAUSED if head.author is None else _NOT_SHARED)
    except AppError as error:
        problem = error
    return page(
        "people/message.html",
        feature="message",
        head=head,
        people=people,
        body=body,
        problem=problem,
        asking=beside.get(message_id),
        levels=LEVELS,
    )


@blueprint.post("/messages/<uuid:message_id>/quote")
@caller("member")
def quote(message_id: uuid.UUID) -> AnyResponse:
    """Write a note about somebody who takes part in a mail of the member's own, with the mail's beginning beside it."""
    runtime, viewer = this_runtime(), current_viewer()
    person_id, written = _person(message_id), pen(runtime, viewer.organisation_id)
    if person_id is None:
        raise BadInput("Choose whom the note is about.")
    with runtime.sessions() as session:
        copied = copies.copy_message(session, vault(runtime), viewer, message_id, text=True)
    with runtime.begin() as work:
        body, now = request.form.get("body", ""), runtime.clock.now()
        note_id = notes.write_about_person(work.session, written, viewer, person_id, body, now)
        copies.put_beside(work.session, copied, note_id=note_id)
    tell(written)
    flash("Noted. Your team reads your words; the quoted mail stays yours.", "good")
    return redirect(url_for("people.show", person_id=person_id), code=303)


@blueprint.post("/messages/<uuid:message_id>/task")
@caller("member")
def make_task(message_id: uuid.UUID) -> AnyResponse:
    """Make a task of a mail of the member's own, with its subject beside what they mean to do."""
    runtime, viewer = this_runtime(), current_viewer()
    written = pen(runtime, viewer.organisation_id)
    typed = tasks.Typed(request.form.get("title", ""), day(request.form.get("due_on")), _person(message_id))
    with runtime.sessions() as session:
        copied = copies.copy_message(session, vault(runtime), viewer, message_id, text=False)
    with runtime.begin() as work:
        task_id = tasks.add(work.session, written, viewer, typed, runtime.clock.now())
        copies.put_beside(work.session, copied, task_id=task_id)
    tell(written)
    flash("The task was added.", "good")
    return redirect(url_for("tasks.index"), code=303)


def _person(message_id: uuid.UUID) -> uuid.UUID | None:
    """Return whom the form names of those who take part in the message; None if it names nobody.

    Raises:
        NotFound: if the message is not the member's to see.
        BadInput: if the form names somebody else.
    """
    with this_runtime().sessions() as session:
        found = timeline.people_of_message(session, current_viewer(), message_id)
    named = request.form.get("person_id", "")
    chosen = next((row.id.value for row in found if str(row.id.value) == named), None)
    if named and chosen is None:
        raise BadInput("Choose one of the people in this mail.")
    return chosen
