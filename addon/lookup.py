"""What a viewer's own mail says of the message that is open: who takes part in it, and the people they are.

Only rows of the viewer's own grants that were not ended are looked at, so a message of a colleague's mailbox is simply
not there. Structure (who is the sender, who is known) is decided here; what is shown keeps its label.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select
from sqlalchemy.orm import Session

from crm.matching import Decision
from crm.models import Correspondent, Message, Participation
from crm.visibility import Sight
from kernel.errors import NotFound
from limited_use.labels import label
from limited_use.sealing import Labelled

_ROLES = {"from": 0, "reply_to": 1, "to": 2, "cc": 3, "bcc": 4}
_NOT_HERE = len(_ROLES)
MOST = 100
"""A card takes no more items in one choice."""


@dataclass(frozen=True, slots=True)
class Participant:
    """One address in the thread of the open message, as the viewer's grant knows it."""

    correspondent_id: uuid.UUID
    grant_id: uuid.UUID
    person_id: uuid.UUID | None
    is_own: bool
    rank: int
    """Where it stands in the open message: 0 the sender, then recipients; beyond them, elsewhere in the thread."""
    can_be_added: bool
    reason: Labelled[str]
    """Why it is a person or not: a word of crm.matching.Reason."""


def participants(session: Session, sight: Sight, gmail_id: str) -> list[Participant] | None:
    """Return everybody in the thread of the message, best first; None when the viewer's mail has no such message."""
    rows = session.execute(_THREAD, {"gmail_id": gmail_id, "grant_ids": sight.grant_ids}).all()
    return [_participant(row) for row in rows if row.id is not None] if rows else None


def participant(session: Session, sight: Sight, correspondent_id: uuid.UUID) -> Participant:
    """Return one address of the viewer's own accounts, wherever it stands.

    Raises:
        NotFound: There is none, or none of theirs: the answer is the same.
    """
    row = session.execute(
        select(*_COLUMNS, literal(_NOT_HERE * 1000).label("place")).where(
            Correspondent.id == correspondent_id, Correspondent.grant_id.in_(sight.grant_ids)
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return _participant(row)


def _place() -> ColumnElement[int]:
    """Return where somebody stands in a message: their header first, then their place in it."""
    role = case(_ROLES, value=Participation.role, else_=_NOT_HERE - 1)
    return role * 1000 + func.least(Participation.position, 999)


def _of_thread() -> Select[*tuple[Any, ...]]:
    """Return the query for everybody in a message's thread, which is found within the same statement."""
    at = select(Message.grant_id, Message.thread_id).where(
        Message.gmail_id == bindparam("gmail_id"), Message.grant_id.in_(bindparam("grant_ids", expanding=True))
    )
    thread = at.order_by(Message.grant_id).limit(1).cte("thread")
    here = Message.gmail_id == bindparam("gmail_id")
    place = func.min(case((here, _place()), else_=_NOT_HERE * 1000 + _place()))
    return (
        select(*_COLUMNS, place.label("place"))
        .select_from(thread)
        .join(Message, (Message.grant_id == thread.c.grant_id) & (Message.thread_id == thread.c.thread_id))
        .outerjoin(Participation, Participation.message_id == Message.id)
        .outerjoin(Correspondent, Correspondent.id == Participation.correspondent_id)
        .group_by(Correspondent.id)
        .order_by(place, Correspondent.id)
    )


_COLUMNS = (
    Correspondent.id,
    Correspondent.grant_id,
    Correspondent.person_id,
    Correspondent.is_own,
    Correspondent.decision,
    Correspondent.reason,
)
_THREAD = _of_thread()  # made once: its making costs more than its running


def _participant(row: Any) -> Participant:
    return Participant(
        correspondent_id=row.id,
        grant_id=row.grant_id,
        person_id=row.person_id,
        is_own=row.is_own,
        rank=row.place // 1000,
        can_be_added=row.decision != Decision.PERSON and row.reason not in {"own_address", "suppressed"},
        reason=Labelled(row.reason, label("gmail", row.grant_id)),
    )


def others(found: Sequence[Participant]) -> list[Participant]:
    """Return those who are not the viewer, the ones that are people in the CRM first, then as they stand."""
    # A reply-to address is the sender's own other address more often than a person of its own: it comes last.
    apart = [one for one in found if not one.is_own]
    return sorted(apart, key=lambda one: (one.person_id is None, one.rank == _ROLES["reply_to"]))[:MOST]


def subject_of(found: Sequence[Participant]) -> Participant | None:
    """Return whom a card about the message is about: its sender, or of the viewer's own mail the first recipient."""
    here = [one for one in found if one.rank < _NOT_HERE and one.rank != _ROLES["reply_to"]]
    return next((one for one in here if not one.is_own), None)
