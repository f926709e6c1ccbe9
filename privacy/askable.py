"""What stands beside an item that a teammate shares without all of it: that one may ask, has asked, or was let in."""

import datetime as dt
import enum
import uuid
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import ItemKind, Opening, OpeningPurpose, OpeningState, Sharing
from accounts.openings import Item
from accounts.sharing import RANK
from crm import items
from crm.models import Message, Occurrence
from crm.openness import rows_shared
from crm.timeline import Entry, Kind
from kernel.errors import NotFound
from limited_use.openness import Row


class Beside(enum.StrEnum):
    """What the page says beside an item; nothing where all of it is shown anyway."""

    ASK = "ask"
    WAITING = "waiting"
    OPEN = "open"


_WHOLE = {Kind.MESSAGE: RANK[Sharing.EVERYTHING], Kind.MEETING: RANK[Sharing.AND_SUBJECTS]}
"""From which rank all that a page shows of an entry is shared."""


def beside_entries(
    session: Session, viewer: Viewer, entries: Iterable[Entry], now: dt.datetime
) -> dict[uuid.UUID, Beside]:
    """Return what stands beside each of these lines of a timeline, by its id; the viewer's own have nothing."""
    kinds = {entry.id.value: entry.kind for entry in entries if entry.kind in _WHOLE and not entry.is_mine}
    if not kinds:
        return {}
    rows = _rows_of(session, [entry_id for entry_id in kinds if entry_id is not None])
    ranks = rows_shared(session, set(rows.values()))
    standing = _standing(session, viewer, {row.id for row in rows.values()}, now)
    found: dict[uuid.UUID, Beside] = {}
    for entry_id, row in rows.items():
        shared = ranks.get(row)
        if row.id in standing:
            found[entry_id] = standing[row.id]
        elif shared is None or shared.rank < _WHOLE[kinds[entry_id]]:
            found[entry_id] = Beside.ASK
    return found


def beside_person(session: Session, viewer: Viewer, person_id: uuid.UUID, now: dt.datetime) -> Beside | None:
    """Return what stands beside a person of whom only teammates' accounts know; None where there is nobody to ask."""
    standing = _standing(session, viewer, {person_id}, now)
    if person_id in standing:
        return standing[person_id]
    try:
        _, grant_ids = items.find_known(session, viewer, Item(ItemKind.PERSON, person_id))
    except NotFound:
        return None
    return Beside.ASK if items.of_others(session, viewer, grant_ids) else None


def _rows_of(session: Session, entry_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """Return the row of each entry: of one time of a meeting, the meeting's."""
    mails = select(Message.id, Message.grant_id).where(Message.id.in_(entry_ids))
    times = select(Occurrence.id, Occurrence.grant_id, Occurrence.meeting_id).where(Occurrence.id.in_(entry_ids))
    rows = {row.id: Row(row.grant_id, "messages", row.id) for row in session.execute(mails)}
    return rows | {row.id: Row(row.grant_id, "meetings", row.meeting_id) for row in session.execute(times)}


def _standing(
    session: Session, viewer: Viewer, item_ids: Collection[uuid.UUID], now: dt.datetime
) -> dict[uuid.UUID, Beside]:
    """Return where the viewer's own requests for these items stand; of several for one item, the best."""
    query = select(Opening.item_id, Opening.state).where(
        Opening.asker_member_id == viewer.member_id,
        Opening.item_id.in_(item_ids),
        Opening.purpose == OpeningPurpose.ASK_TO_SEE,
        Opening.state.in_((OpeningState.ASKED, OpeningState.ALLOWED)),
        Opening.expires_at > now,
    )
    found: dict[uuid.UUID, Beside] = {}
    for item_id, state in session.execute(query):
        if state == OpeningState.ALLOWED:
            found[item_id] = Beside.OPEN
        else:
            found.setdefault(item_id, Beside.WAITING)
    return found
