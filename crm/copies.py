"""Copies of one's own mail beside one's own words: quoting a mail in a note, making a task of a mail.

A copy is made by the guard, from sealed value to sealed value, and keeps its label: it is withheld from teammates, AI
tools and webhooks like the mail it is from, and goes when the connection ends. What the user wrote around it is native
and stays. Only the subject and the beginning are copied, which are stored of a mail anyway; its text never is.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from accounts.grants import lock_for_share
from accounts.members import Viewer
from accounts.models import Grant, GrantStatus
from crm.models import Excerpt, Message
from crm.timeline import own_message
from kernel.errors import NotFound
from kernel.ids import new_id
from limited_use.derive import Target, reseal_many, sealer_over
from limited_use.keys import Vault
from limited_use.labels import Source, label
from limited_use.sealing import Labelled, Sealed, System


@dataclass(frozen=True, slots=True)
class ExcerptRow:
    """A copy as it stands beside a note or task."""

    message_id: System[uuid.UUID] | None
    """The message, for its owner while it is here."""
    sent_at: Labelled[dt.datetime]
    subject: Sealed
    text: Sealed | None


def copy_message(session: Session, vault: Vault, viewer: Viewer, message_id: uuid.UUID, *, text: bool) -> Excerpt:
    """Return a copy of a message of the viewer's own, to be put beside their words; with `text` its beginning too.

    Raises:
        NotFound: if it is not theirs, or gone.
        KeyDestroyed: if its connection was ended.
    """
    message = own_message(session, viewer, message_id)
    made = Excerpt(id=new_id(), organisation_id=viewer.organisation_id, grant_id=message.grant_id)
    made.message_id, made.sent_at = message.id, message.sent_at
    parts = {"subject": message.subject} | ({"text": message.snippet} if text else {})
    into = sealer_over(vault, list(parts.values()))
    copies = reseal_many(vault, [(value, Target(into, "excerpts", name, made.id)) for name, value in parts.items()])
    for name, copied in zip(parts, copies, strict=True):
        setattr(made, name, copied)
    return made


def put_beside(
    session: Session, copied: Excerpt, *, note_id: uuid.UUID | None = None, task_id: uuid.UUID | None = None
) -> None:
    """The copy stands beside that note or task.

    Raises:
        NotFound: if the connection that it was read under was paused or ended meanwhile.
    """
    grants = lock_for_share(session, [copied.grant_id])
    if not grants or grants[0].status != GrantStatus.ACTIVE:
        raise NotFound("The connection to this mailbox is paused or ended, so nothing was copied.")
    if session.scalar(select(Message.id).where(Message.id == copied.message_id)) is None:
        raise NotFound
    copied.note_id, copied.task_id = note_id, task_id
    session.add(copied)
    session.flush()


def beside(session: Session, viewer: Viewer, ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, ExcerptRow]:
    """Return the copies that stand beside these notes and tasks, by their ids. The guard says who reads them."""
    if not ids:
        return {}
    query = (
        select(Excerpt, Grant.member_id)
        .join(Grant, Grant.id == Excerpt.grant_id)
        .where(
            Excerpt.organisation_id == viewer.organisation_id,
            or_(Excerpt.note_id.in_(ids), Excerpt.task_id.in_(ids)),
            Grant.status != GrantStatus.REVOKED,
        )
    )
    return {
        row.note_id or row.task_id or row.id: _row(row, is_own=owner_id == viewer.member_id)
        for row, owner_id in session.execute(query)
    }


def _row(row: Excerpt, *, is_own: bool) -> ExcerptRow:
    return ExcerptRow(
        message_id=System(row.message_id) if row.message_id and is_own else None,
        sent_at=Labelled(row.sent_at, label(Source.GMAIL, row.grant_id)),
        subject=row.subject,
        text=row.text,
    )
