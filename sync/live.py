"""The text of a message, read from Google at the moment somebody opens it who may, and kept nowhere.

What comes back is sealed at once and travels to the page like any stored value; the page's sink opens it.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from accounts import openings
from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, ItemKind
from crm.models import Message
from crm.visibility import sight_of
from kernel.errors import NotFound
from kernel.runtime import Runtime
from limited_use.keys import KeyPurpose, vault
from limited_use.sealing import Sealed
from sync import bodies
from sync.access import open_access


@dataclass(frozen=True, slots=True)
class Live:
    """A message's text: sealed, and whether it is HTML (`html_mail`) or plain (`text`)."""

    body: Sealed
    presentation: str


def read_body(runtime: Runtime, viewer: Viewer, message_id: uuid.UUID, *, at_staff_sink: bool = False) -> Live | None:
    """Return the text of a message that is open to the viewer, None when it has none.

    Open is what is the viewer's own, and what its owner shares with content or opened to them alone; at the staff sink
    only what staff or a case was allowed. The sink that the text goes to asks the same again.

    Raises:
        NotFound: when there is no such message, or none that is open to the viewer.
        GoogleError: when Google does not give it; Gone when it was deleted there.
    """
    with runtime.sessions() as session:
        now = runtime.clock.now()
        seen = _opened(session, viewer, message_id, now, at_staff_sink=at_staff_sink)
        row = session.execute(
            select(Message.id, Message.organisation_id, Message.grant_id, Message.gmail_id, Message.thread_id)
            .join(Grant, Grant.id == Message.grant_id)
            .where(
                Message.id == message_id,
                Message.organisation_id == viewer.organisation_id,
                seen if at_staff_sink else or_(seen, sight_of(session, viewer).contents()),
                Grant.status == GrantStatus.ACTIVE,
            )
        ).one_or_none()
    if row is None:
        raise NotFound
    body = open_access(runtime, row.grant_id).gmail().body(row.gmail_id)
    if body is None:
        return None
    bodies.keep_prints(runtime, bodies.Unread(*row), body)  # before anybody can copy a passage out of it
    sealer = vault(runtime).sealer(viewer.organisation_id, KeyPurpose.MAIL, row.grant_id)
    sealed = sealer.seal("live", "body", message_id, body.text)
    return Live(sealed, "html_mail" if body.is_html else "text")


def _opened(
    session: Session, viewer: Viewer, message_id: uuid.UUID, now: dt.datetime, *, at_staff_sink: bool
) -> ColumnElement[bool]:
    """Return the condition on messages that this one was opened to the viewer alone."""
    item = (ItemKind.MESSAGE.value, message_id)
    found = openings.allowed(
        session, viewer.organisation_id, viewer.member_id, [item], now, at_staff_sink=at_staff_sink
    )
    return Message.grant_id.in_([one.grant_id for one in found.values()])
