"""What the sidebar writes: a person added, a note kept. Each is one transaction, and doing it again changes nothing.

Google repeats the last click after a consent prompt, and people click twice. A button carries a random *nonce*; a
note's id follows from the member, the nonce and the text, so that the same click finds its note there already, while
the same card with another text makes another. Adding somebody who is there changes nothing by itself.
"""

import datetime as dt
import hashlib
import re
import uuid

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.editing import add_correspondent, touch_person
from crm.matching import Reason
from crm.models import Correspondent, Note
from crm.pen import Pen, prose
from crm.visibility import sight_of
from crm.webhooks.happenings import Event, happened
from kernel.errors import BadInput, NotFound

_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_REFUSED = {
    Reason.OWN_ADDRESS: "This is one of your own addresses, so it is not added.",
    Reason.SUPPRESSED: "This person asked not to be kept, so they are not added.",
}


def add_person(
    session: Session, viewer: Viewer, correspondent_id: uuid.UUID, nonce: str, now: dt.datetime
) -> uuid.UUID:
    """The address belongs to a person of the organisation's own, whose id is returned; who was there, stays.

    Raises:
        NotFound: It is no address of the viewer's own accounts.
        BadInput: It is the viewer's own, or of somebody who asked not to be kept; or the nonce is none of ours.
    """
    _check_nonce(nonce)
    sight = sight_of(session, viewer)
    known = select(Correspondent.reason).where(
        Correspondent.id == correspondent_id, Correspondent.grant_id.in_(sight.grant_ids)
    )
    reason = session.scalar(known)
    if reason is None:
        raise NotFound
    if reason in _REFUSED:
        raise BadInput(_REFUSED[Reason(reason)])
    return add_correspondent(session, viewer, correspondent_id, now)


def add_note(
    session: Session, pen: Pen, viewer: Viewer, person_id: uuid.UUID, said: tuple[str, str], now: dt.datetime
) -> bool:
    """The note is kept, and the person is the organisation's own; return whether it was not there before.

    `said` is the nonce of the button and the text.

    Raises:
        NotFound: The viewer may not see the person.
        BadInput: There is no text, or the nonce is none of ours.
        TooLarge: There is too much text.
    """
    nonce, typed = said
    _check_nonce(nonce)
    text = prose(typed, "note")
    person = touch_person(session, viewer, person_id, now)
    note_id = _id_of(viewer, person.id, nonce, text)
    row = insert(Note).values(
        id=note_id,
        organisation_id=viewer.organisation_id,
        author_id=viewer.member_id,
        person_id=person.id,
        body=pen.write(session, viewer.member_id, ("notes", "body", note_id), text),
        created_at=now,
        updated_at=now,
    )
    made = session.execute(row.on_conflict_do_nothing(index_elements=[Note.id]).returning(Note.id)).first()
    if made is None:
        return False
    happened(session, viewer, Event.NOTE_ADDED, note_id, now)
    return True


def _check_nonce(nonce: str) -> None:
    if not _NONCE.fullmatch(nonce):
        raise BadInput("This button is no longer good. Open the message again.")


def _id_of(viewer: Viewer, person_id: uuid.UUID, nonce: str, text: str) -> uuid.UUID:
    """Return an id (UUID version 8, RFC 9562) that only the same click gives again.

    The nonce is random, stands in the card alone and is not kept, so that the id tells nothing of the text.
    """
    said = b"\0".join((viewer.member_id.bytes, person_id.bytes, nonce.encode(), text.encode()))
    digest = bytearray(hashlib.sha256(b"sidebar note\0" + said).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))
