"""Requests to see one item of somebody else's: asked, answered, ended and shown, each an entry in the Limited Use log.

The rules of who may do what are in `accounts.openings`; here the item is found, the reason sealed, and the act logged.
An entry names the opening (as consent, or as ticket where it is a case) and commits to the reason by a salted digest;
the reason itself lies sealed under the organisation's content key and goes with the grant.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import members, notices, openings
from accounts.members import MANAGERS, Viewer
from accounts.models import Grant, ItemKind, Opening, OpeningPurpose, OpeningState
from accounts.notices import NoticeKind
from accounts.openings import Change, Item, Wish
from crm import items
from crm.pen import Pen, pen, prose
from kernel.errors import NotFound, TooLarge
from kernel.ids import new_id
from kernel.runtime import Runtime
from kernel.work import Work
from limited_use.keys import vault
from limited_use.log import record as log
from limited_use.log.leaf import SALT_SIZE, Leaf, commit_to
from limited_use.log.words import ActorClass, Decision, Kind
from privacy.models import OpeningReason

FEATURE = "openings"
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for, as typed; a teammate needs to give no reason, staff and cases do."""

    item: Item
    purpose: OpeningPurpose = OpeningPurpose.ASK_TO_SEE
    reason: str = ""
    hours: int = openings.DEFAULT_HOURS
    ground: str | None = None
    is_held: bool = False


def ask(runtime: Runtime, viewer: Viewer, said: Ask) -> list[Opening]:
    """Return the requests that now stand: one to each owner of the item, none of them twice.

    Raises:
        NotFound: There is no such item of somebody else's, or a teammate cannot know of it.
        BadInput, TooLarge: The item is the viewer's own, or what was typed cannot be taken.
        Forbidden, RefusedBefore, AskedTooOften: As `openings.ask` says.
    """
    reason, now = _checked_reason(said), runtime.clock.now()
    with runtime.begin() as work:
        standing = _standing(work.session, viewer, said, now)
        if standing:
            return standing
        item, grant_ids = _find(work.session, viewer, said)
        made = [_ask(runtime, work, viewer, replace(said, item=item, reason=reason), one, now) for one in grant_ids]
    return [change.opening for change in made]


def allow(runtime: Runtime, viewer: Viewer, opening_id: uuid.UUID, hours: int | None = None) -> Opening:
    """Open the item to its asker; raises as `openings.allow` does."""
    now = runtime.clock.now()
    return _act(runtime, viewer, "allowed", lambda work: openings.allow(work.session, viewer, opening_id, hours, now))


def refuse(runtime: Runtime, viewer: Viewer, opening_id: uuid.UUID) -> Opening:
    """Leave the request refused; raises as `openings.refuse` does."""
    now = runtime.clock.now()
    return _act(runtime, viewer, "refused", lambda work: openings.refuse(work.session, viewer, opening_id, now))


def end(runtime: Runtime, viewer: Viewer, opening_id: uuid.UUID) -> Opening:
    """Nothing is open by the request any more; raises as `openings.end` does.

    An asker who takes back what waits takes it back from every owner who was asked the same.
    """
    now = runtime.clock.now()
    ended = _act(runtime, viewer, "ended", lambda work: openings.end(work.session, viewer, opening_id, now))
    if ended.asker_member_id == viewer.member_id and ended.item_kind == ItemKind.PERSON:
        item = Item(ItemKind.PERSON, ended.item_id)
        with runtime.sessions() as session:
            same = _standing(session, viewer, Ask(item, OpeningPurpose(ended.purpose)), now)
        for other in same:
            if other.state == OpeningState.ASKED:
                _act(runtime, viewer, "ended", partial(_end, viewer, other.id, now))
    return ended


def _end(viewer: Viewer, opening_id: uuid.UUID, now: dt.datetime, work: Work) -> Change:
    return openings.end(work.session, viewer, opening_id, now)


def _standing(session: Session, viewer: Viewer, said: Ask, now: dt.datetime) -> list[Opening]:
    """Return the viewer's requests for that item that wait or are open."""
    query = select(Opening).where(
        Opening.asker_member_id == viewer.member_id,
        Opening.item_kind == said.item.kind,
        Opening.item_id == said.item.id,
        Opening.purpose == said.purpose,
        Opening.state.in_((OpeningState.ASKED, OpeningState.ALLOWED)),
        Opening.expires_at > now,
        Opening.shown_at.is_(None),
    )
    return list(session.scalars(query.order_by(Opening.id)))


def take_to_show(runtime: Runtime, viewer: Viewer, opening_id: uuid.UUID) -> Opening:
    """Return what staff or a case may see, noted as shown; raises as `openings.take_to_show` does."""
    now = runtime.clock.now()

    def take(work: Work) -> Change:
        return Change(openings.take_to_show(work.session, viewer, opening_id, now), is_new=True)

    return _act(runtime, viewer, "shown", take)


def give_back(runtime: Runtime, viewer: Viewer, opening_id: uuid.UUID) -> None:
    """What was taken for showing can be shown after all: the answer was refused, and nothing of it left."""
    with runtime.begin() as work:
        openings.give_back(work.session, opening_id)
        opening = work.session.get_one(Opening, opening_id)
        write_leaf(runtime, work.session, opening, "not_shown", viewer.member_id)


def write_leaf(
    runtime: Runtime,
    session: Session,
    opening: Opening,
    what: str,
    member_id: uuid.UUID | None,
    commitment: str | None = None,
) -> None:
    """Add to the caller's transaction what became of the opening."""
    keys, is_case = vault(runtime), opening.purpose == OpeningPurpose.CASE
    organisation_id = opening.organisation_id
    leaf = Leaf(
        at=runtime.clock.now(),
        kind=Kind.CONSENT if opening.purpose == OpeningPurpose.ASK_TO_SEE else Kind.STAFF_CASE,
        decision=Decision.EVENT,
        actor_class=ActorClass.MEMBER if member_id else ActorClass.WORKER,
        org=keys.pseudonym(organisation_id, "organisation", organisation_id),
        actor=keys.pseudonym(organisation_id, "member", member_id) if member_id else None,
        feature=FEATURE,
        reason=what,
        grants=(keys.pseudonym(organisation_id, "grant", opening.grant_id),),
        records=1,
        consent=None if is_case else str(opening.id),
        ticket=str(opening.id) if is_case else None,
        commitment=commitment,
    )
    log.append(session, leaf, organisation_id=organisation_id, actor_id=member_id)


def _checked_reason(said: Ask) -> str:
    """Return the reason as typed; empty only where a teammate asks, who needs none."""
    if said.purpose == OpeningPurpose.ASK_TO_SEE and not said.reason.strip():
        return ""
    reason = prose(said.reason, "reason")
    if len(reason) > LONGEST_REASON:
        raise TooLarge(f"The reason is longer than {LONGEST_REASON:,} characters. Nothing was sent.")
    return reason


def _act(runtime: Runtime, viewer: Viewer, what: str, act: Callable[[Work], Change]) -> Opening:
    with runtime.begin() as work:
        change = act(work)
        if change.is_new:
            write_leaf(runtime, work.session, change.opening, what, viewer.member_id)
            _tell(work.session, change.opening, what, viewer, runtime.clock.now())
    return change.opening


def _tell(session: Session, opening: Opening, what: str, viewer: Viewer, now: dt.datetime) -> None:
    """Tell those who wait for it, or have to know; the owner of a case nothing while a legal hold forbids it.

    Who refuses what they alone know of a person is not named, and refusals are told together, once the last of those
    who were asked has refused: that they know the person, and how many do, would be told by it.
    """
    is_person = opening.item_kind == ItemKind.PERSON
    is_together = what == "refused" and is_person and opening.purpose != OpeningPurpose.CASE
    if is_together and _is_not_all(session, opening, now):
        return
    actor_id = None if what == "refused" and is_person else viewer.member_id
    for member_id, kind in _told(session, opening, what, viewer):
        notices.tell(session, member_id, kind, opening.item_id if is_together else opening.id, now, actor_id)


def _is_not_all(session: Session, opening: Opening, now: dt.datetime) -> bool:
    """Tell whether another of those who were asked the same at once may still answer, or allowed it."""
    waits = (Opening.state == OpeningState.ASKED) & (Opening.expires_at > now)
    was_allowed = Opening.state.in_((OpeningState.ALLOWED, OpeningState.ENDED)) & Opening.decided_at.is_not(None)
    others = select(Opening.id).where(
        Opening.asker_member_id == opening.asker_member_id,
        Opening.item_kind == opening.item_kind,
        Opening.item_id == opening.item_id,
        Opening.purpose == opening.purpose,
        Opening.asked_at == opening.asked_at,
        Opening.id != opening.id,
        waits | was_allowed,
    )
    return session.scalar(others.limit(1)) is not None


def _told(session: Session, opening: Opening, what: str, viewer: Viewer) -> list[tuple[uuid.UUID, NoticeKind]]:
    owner_id = session.get_one(Grant, opening.grant_id).member_id
    is_case, is_asked = opening.purpose == OpeningPurpose.CASE, opening.purpose == OpeningPurpose.ASK_TO_SEE
    if what == "asked" and is_case:
        managers = [one.id for one in members.list_members(session, viewer.organisation_id) if one.role in MANAGERS]
        return [(one, NoticeKind.CASE_WAITS) for one in managers if one not in {viewer.member_id, owner_id}]
    if what == "asked":
        return [(owner_id, NoticeKind.OPENING_ASKED)]
    if what not in ("allowed", "refused"):
        return []
    answered = NoticeKind.OPENING_ALLOWED if what == "allowed" else NoticeKind.OPENING_REFUSED
    told = [(opening.asker_member_id, answered if is_asked else NoticeKind.CASE_ALLOWED)]
    if is_case and what == "allowed" and not opening.is_held:
        told.append((owner_id, NoticeKind.CASE_ON_YOURS))
    return told


def _ask(runtime: Runtime, work: Work, viewer: Viewer, said: Ask, grant_id: uuid.UUID, now: dt.datetime) -> Change:
    wish = Wish(said.item, grant_id, said.purpose, said.hours, said.ground, said.is_held)
    change = openings.ask(work.session, viewer, wish, now)
    if change.is_new:
        commitment = None
        if said.reason:
            commitment = _keep_reason(work.session, pen(runtime, viewer.organisation_id), change.opening, said.reason)
        write_leaf(runtime, work.session, change.opening, "asked", viewer.member_id, commitment)
        _tell(work.session, change.opening, "asked", viewer, now)
    return change


def _keep_reason(session: Session, writing: Pen, opening: Opening, reason: str) -> str:
    """Keep the reason sealed, and return the commitment to it."""
    row_id, salt, table = new_id(), secrets.token_bytes(SALT_SIZE), OpeningReason.__tablename__
    session.add(
        OpeningReason(
            id=row_id,
            organisation_id=opening.organisation_id,
            grant_id=opening.grant_id,
            opening_id=opening.id,
            reason=writing.seal(table, "reason", row_id, reason),
            salt=writing.sealer.seal(table, "salt", row_id, salt.hex(), "hex"),
        )
    )
    return commit_to(salt, reason.encode())


def _find(session: Session, viewer: Viewer, said: Ask) -> tuple[Item, list[uuid.UUID]]:
    """Return the item, and the grants that it is from: of a teammate's question, those of others if there are any."""
    look = items.find_known if said.purpose == OpeningPurpose.ASK_TO_SEE else items.find
    item, grant_ids = look(session, viewer, said.item)
    if not grant_ids:
        raise NotFound
    return item, items.of_others(session, viewer, grant_ids) or grant_ids
