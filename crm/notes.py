"""Notes: what a member wrote about a person or company, read by the whole organisation."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.editing import touch_company, touch_person
from crm.models import Note
from crm.pen import Pen, prose
from crm.webhooks.happenings import Event, happened
from kernel.errors import Forbidden, NotFound
from kernel.ids import new_id
from limited_use import repeats
from limited_use.sealing import Native, Sealed, System


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note, to be edited."""

    id: System[uuid.UUID]
    body: Sealed
    created_at: Native[dt.datetime]
    person_id: uuid.UUID | None
    company_id: uuid.UUID | None


def write_about_person(
    session: Session, pen: Pen, viewer: Viewer, person_id: uuid.UUID, body: str, now: dt.datetime
) -> uuid.UUID:
    """Return a new note about a person, who is the organisation's own from now on.

    Raises:
        NotFound: if the viewer may not see the person.
        BadInput, TooLarge: if the text cannot be taken.
    """
    text = prose(body, "note")
    person = touch_person(session, viewer, person_id, now)
    return _write(session, pen, viewer, Note(person_id=person.id), text, now)


def write_about_company(
    session: Session, pen: Pen, viewer: Viewer, company_id: uuid.UUID, body: str, now: dt.datetime
) -> uuid.UUID:
    """Return a new note about a company, as `write_about_person` does."""
    text = prose(body, "note")
    company = touch_company(session, viewer, company_id, now)
    return _write(session, pen, viewer, Note(company_id=company.id), text, now)


def get(session: Session, viewer: Viewer, note_id: uuid.UUID) -> NoteRow:
    """Return a note of the viewer's organisation.

    Raises:
        NotFound: if there is none.
    """
    note = _find(session, viewer, note_id)
    return NoteRow(System(note.id), note.body, Native(note.created_at), note.person_id, note.company_id)


def change(session: Session, pen: Pen, viewer: Viewer, note_id: uuid.UUID, body: str, now: dt.datetime) -> None:
    """Leave the note with another text.

    Raises:
        NotFound, Forbidden: if it is not the viewer's own.
        BadInput, TooLarge: if the text cannot be taken.
    """
    text = prose(body, "note")
    note = _own(session, viewer, note_id)
    note.body, note.updated_at = pen.write(session, viewer.member_id, ("notes", "body", note.id), text), now


def remove(session: Session, viewer: Viewer, note_id: uuid.UUID) -> None:
    """The note is gone.

    Raises:
        NotFound, Forbidden: if it is not the viewer's own and the viewer does not manage.
    """
    session.delete(_find(session, viewer, note_id) if viewer.manages else _own(session, viewer, note_id))
    repeats.forget(session, [note_id])


def _write(session: Session, pen: Pen, viewer: Viewer, note: Note, text: str, now: dt.datetime) -> uuid.UUID:
    note.id, note.organisation_id, note.author_id = new_id(), pen.organisation_id, viewer.member_id
    note.body = pen.write(session, viewer.member_id, ("notes", "body", note.id), text)
    note.created_at = note.updated_at = now
    session.add(note)
    session.flush()
    happened(session, viewer, Event.NOTE_ADDED, note.id, now)
    return note.id


def _find(session: Session, viewer: Viewer, note_id: uuid.UUID) -> Note:
    own = select(Note).where(Note.id == note_id, Note.organisation_id == viewer.organisation_id)
    note = session.scalar(own)
    if note is None:
        raise NotFound
    return note


def _own(session: Session, viewer: Viewer, note_id: uuid.UUID) -> Note:
    note = _find(session, viewer, note_id)
    if note.author_id != viewer.member_id:
        raise Forbidden("Only its author can change a note.")
    return note
