"""Openings: one item of a member's grant, open to one other member for a while, by its owner's consent or by a case.

A teammate *asks to see*; staff (an admin or owner of the organisation) asks the owner's *consent* to help; a *case* of
security or law needs a second admin instead, who neither asked nor owns the item. Each opening is for one item and one
asker, runs out by itself, and ends with the grant, with either member's leaving, and when somebody who may ends it.

Invariants: nobody opens to themselves or decides for themselves; a decision is taken once and repeating it changes
nothing; the reason of a case is kept elsewhere, sealed. What staff or a case may see stands open at the staff sink
alone, and is shown once.
"""

import datetime as dt
import enum
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, Uuid, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from accounts import grants
from accounts.models import Grant, GrantStatus, ItemKind, Member, Opening, OpeningPurpose, OpeningState
from accounts.opening_errors import AskedTooOften, OpeningOver, RefusedBefore, SecondPerson
from kernel.errors import BadInput, Forbidden, NotFound

if TYPE_CHECKING:
    from accounts.members import Viewer  # members end what those who leave asked for, so they know this module

DEFAULT_HOURS = 24
MOST_HOURS = 7 * 24
LAPSE = dt.timedelta(days=30)
"""How long a request waits for an answer."""
QUIET = dt.timedelta(days=7)
"""How long after a refusal the same may not be asked again."""
MOST_WAITING = 20
MOST_A_DAY = 50
GROUNDS = ("security", "legal")
_STANDING = (OpeningState.ASKED, OpeningState.ALLOWED)


class How(enum.StrEnum):
    """By what an item is open to somebody who does not own it."""

    CONSENT = "consent"
    CASE = "case"


class Item(NamedTuple):
    """One thing that can be opened."""

    kind: ItemKind
    id: uuid.UUID


class Opened(NamedTuple):
    """An item that is open: by what, of which grant, and the record of it."""

    how: How
    grant_id: uuid.UUID
    opening_id: uuid.UUID


class StandingItem(NamedTuple):
    """An item that a teammate opened: which, of which grant, and what its owner is called."""

    item: Item
    grant_id: uuid.UUID
    owner: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for."""

    item: Item
    grant_id: uuid.UUID
    purpose: OpeningPurpose = OpeningPurpose.ASK_TO_SEE
    hours: int = DEFAULT_HOURS
    ground: str | None = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """An opening after an act, and whether the act changed anything."""

    opening: Opening
    is_new: bool


def ask(session: Session, viewer: "Viewer", wish: Wish, now: dt.datetime) -> Change:
    """Return the viewer's standing request for the item, made now unless there is one.

    Raises:
        NotFound: The grant is none of the organisation's, or not active.
        BadInput: The item is the viewer's own, or the hours or the ground are none.
        Forbidden: Staff and cases are for admins.
        RefusedBefore, AskedTooOften: It may not be asked now.
    """
    _check_wish(viewer, wish)
    owner_id = _active_owner(session, viewer, wish.grant_id)
    if owner_id == viewer.member_id:
        raise BadInput("This is from your own account: you see it already.")
    # The asker's row is the lock: two clicks at once give one request, and limits are exact.
    session.execute(select(Member.id).where(Member.id == viewer.member_id).with_for_update())
    same = _same(viewer, wish)
    session.execute(
        update(Opening)
        .where(same, Opening.state.in_(_STANDING), _is_over(now))
        .values(state=OpeningState.ENDED, ended_at=Opening.expires_at)
    )
    standing = session.scalars(select(Opening).where(same, Opening.state.in_(_STANDING))).one_or_none()
    if standing is not None:
        return Change(standing, is_new=False)
    _check_often(session, viewer, wish, same, now)
    opening = Opening(
        organisation_id=viewer.organisation_id,
        grant_id=wish.grant_id,
        asker_member_id=viewer.member_id,
        item_kind=wish.item.kind,
        item_id=wish.item.id,
        purpose=wish.purpose,
        ground=wish.ground,
        is_held=wish.is_held,
        state=OpeningState.ASKED,
        asked_at=now,
        hours=wish.hours,
        expires_at=now + LAPSE,
    )
    session.add(opening)
    session.flush()
    return Change(opening, is_new=True)


def allow(session: Session, viewer: "Viewer", opening_id: uuid.UUID, hours: int | None, now: dt.datetime) -> Change:
    """Open the item to its asker from now on, for `hours` (as asked, if None).

    Raises:
        NotFound: There is no such request for this viewer, or its connection has ended.
        SecondPerson: It is a case, and the viewer opened it or owns the item.
        OpeningOver: It was refused, ran out or ended.
        BadInput: The hours are none.
    """
    opening = _decidable(session, viewer, opening_id)
    if opening.state == OpeningState.ALLOWED and opening.expires_at > now:
        return Change(opening, is_new=False)
    _check_asked(opening, now)
    hours = opening.hours if hours is None else hours
    _check_hours(hours)
    _note_decision(opening, viewer, OpeningState.ALLOWED, now)
    opening.hours, opening.expires_at = hours, now + dt.timedelta(hours=hours)
    session.flush()
    return Change(opening, is_new=True)


def refuse(session: Session, viewer: "Viewer", opening_id: uuid.UUID, now: dt.datetime) -> Change:
    """Leave the request refused.

    Raises:
        NotFound, SecondPerson, OpeningOver: As for `allow`.
    """
    opening = _decidable(session, viewer, opening_id)
    if opening.state == OpeningState.REFUSED:
        return Change(opening, is_new=False)
    _check_asked(opening, now)
    _note_decision(opening, viewer, OpeningState.REFUSED, now)
    session.flush()
    return Change(opening, is_new=True)


def end(session: Session, viewer: "Viewer", opening_id: uuid.UUID, now: dt.datetime) -> Change:
    """Nothing is open by it from the commit on: its owner, its asker or, of a case, any admin may end it.

    Raises:
        NotFound: There is no such request that this viewer may end.
    """
    opening, owner_id = _lock(session, viewer, opening_id)
    is_case = opening.purpose == OpeningPurpose.CASE
    may = viewer.manages if is_case else viewer.member_id in {owner_id, opening.asker_member_id}
    if not may:
        raise NotFound
    if opening.state not in _STANDING:
        return Change(opening, is_new=False)
    opening.state, opening.ended_at = OpeningState.ENDED, now
    session.flush()
    return Change(opening, is_new=True)


def take_to_show(session: Session, viewer: "Viewer", opening_id: uuid.UUID, now: dt.datetime) -> Opening:
    """Return what staff or a case was allowed to see, which is noted as shown: a second time it is over.

    Raises:
        NotFound: The viewer did not ask for it, manages no more, or its connection has ended.
        OpeningOver: It is not allowed, has run out, or was shown.
    """
    opening, _owner_id = _lock(session, viewer, opening_id)
    asked_here = opening.purpose != OpeningPurpose.ASK_TO_SEE and opening.asker_member_id == viewer.member_id
    if not asked_here or not viewer.manages:
        raise NotFound
    if opening.state != OpeningState.ALLOWED or opening.expires_at <= now or opening.shown_at is not None:
        raise OpeningOver
    opening.shown_at = now
    session.flush()
    return opening


def give_back(session: Session, opening_id: uuid.UUID) -> None:
    """The opening can be shown after all: what was taken for showing did not come to be shown."""
    session.execute(update(Opening).where(Opening.id == opening_id).values(shown_at=None))


def allowed(
    session: Session,
    organisation_id: uuid.UUID,
    member_id: uuid.UUID,
    items: Collection[tuple[str, uuid.UUID]],
    now: dt.datetime,
    *,
    at_staff_sink: bool = False,
) -> dict[tuple[str, uuid.UUID, uuid.UUID], Opened]:
    """Return which of the items (kind, id) are open to the member now, by kind, id and the grant of which they are.

    They are locked so that none ends before the commit.

    At the staff sink they are what staff and cases were allowed, anywhere else what teammates were: one never opens
    at the other's sink. An item is open for values of that grant alone.
    """
    if not items:
        return {}
    purposes = (OpeningPurpose.STAFF, OpeningPurpose.CASE) if at_staff_sink else (OpeningPurpose.ASK_TO_SEE,)
    query = (
        select(Opening.item_kind, Opening.item_id, Opening.purpose, Opening.grant_id, Opening.id)
        .join(Grant, Grant.id == Opening.grant_id)
        .join(Member, Member.id == Opening.asker_member_id)
        .where(
            Opening.organisation_id == organisation_id,
            Opening.asker_member_id == member_id,
            Opening.item_id.in_({item_id for _, item_id in items}),
            Opening.purpose.in_(purposes),
            Opening.state == OpeningState.ALLOWED,
            Opening.expires_at > now,
            Grant.status == GrantStatus.ACTIVE,
            Member.left_at.is_(None),
        )
        .order_by(Opening.id)
        .with_for_update(read=True, of=Opening)
    )
    wanted = set(items)
    found: dict[tuple[str, uuid.UUID, uuid.UUID], Opened] = {}
    for kind, item_id, purpose, grant_id, opening_id in session.execute(query):
        if (kind, item_id) in wanted:
            how = How.CASE if purpose == OpeningPurpose.CASE else How.CONSENT
            found[kind, item_id, grant_id] = Opened(how, grant_id, opening_id)
    return found


_OWNER = aliased(Member)
_OPENED_TO = (
    select(Opening.item_kind, Opening.item_id, Opening.grant_id, _OWNER.name)
    .join(Grant, Grant.id == Opening.grant_id)
    .join(_OWNER, _OWNER.id == Grant.member_id)
    .where(
        Opening.organisation_id == bindparam("organisation_id", type_=Uuid),
        Opening.asker_member_id == bindparam("member_id", type_=Uuid),
        Opening.purpose == OpeningPurpose.ASK_TO_SEE,
        Opening.state == OpeningState.ALLOWED,
        Opening.expires_at > func.now(),
        Grant.status == GrantStatus.ACTIVE,
    )
)
"""Made once: nearly every answer asks it."""
ANY_STANDING = _OPENED_TO.correlate(None).exists()
"""The condition that `standing_items` would return any; it takes `organisation_id` and `member_id`."""


def standing_items(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID) -> list[StandingItem]:
    """Return the items that teammates opened to the member, as of now by the database's clock.

    For queries, which show the row of such an item where it else is not shared; `allowed` decides on its values.
    """
    whose = {"organisation_id": organisation_id, "member_id": member_id}
    return [StandingItem(Item(ItemKind(row[0]), row[1]), row[2], row[3]) for row in session.execute(_OPENED_TO, whose)]


def end_of_member(session: Session, member_id: uuid.UUID, now: dt.datetime) -> None:
    """Nothing that the member asked for is open or waits any more: they left."""
    session.execute(
        update(Opening)
        .where(Opening.asker_member_id == member_id, Opening.state.in_(_STANDING))
        .values(state=OpeningState.ENDED, ended_at=now)
    )


def is_open(opening: Opening, now: dt.datetime) -> bool:
    """Tell whether the opening opens anything now, as far as it alone says."""
    return opening.state == OpeningState.ALLOWED and opening.expires_at > now and opening.shown_at is None


def is_waiting(opening: Opening, now: dt.datetime) -> bool:
    """Tell whether the request still waits for an answer."""
    return opening.state == OpeningState.ASKED and opening.expires_at > now


def _is_over(now: dt.datetime) -> ColumnElement[bool]:
    """Return the condition on standing openings that they have run out or were shown."""
    return or_(Opening.expires_at <= now, Opening.shown_at.is_not(None))


def _same(viewer: "Viewer", wish: Wish) -> ColumnElement[bool]:
    return (
        (Opening.organisation_id == viewer.organisation_id)
        & (Opening.asker_member_id == viewer.member_id)
        & (Opening.grant_id == wish.grant_id)
        & (Opening.item_kind == wish.item.kind)
        & (Opening.item_id == wish.item.id)
        & (Opening.purpose == wish.purpose)
    )


def _check_wish(viewer: "Viewer", wish: Wish) -> None:
    _check_hours(wish.hours)
    if wish.purpose != OpeningPurpose.ASK_TO_SEE and not viewer.manages:
        raise Forbidden
    if (wish.purpose == OpeningPurpose.CASE) != (wish.ground in GROUNDS):
        raise BadInput("A case is one of security or of law.")
    if wish.is_held and wish.ground != "legal":
        raise BadInput("Only a legal case can be kept from the owner.")


def _check_hours(hours: int) -> None:
    if not 1 <= hours <= MOST_HOURS:
        raise BadInput("An opening lasts from one hour to seven days.")


def _check_often(session: Session, viewer: "Viewer", wish: Wish, same: ColumnElement[bool], now: dt.datetime) -> None:
    refused = Opening.decided_at > now - QUIET
    if session.scalar(select(Opening.id).where(same, Opening.state == OpeningState.REFUSED, refused).limit(1)):
        raise RefusedBefore
    # What several owners were asked at once counts once: how many know a person, the limits would tell otherwise.
    asked = Opening.asker_member_id == viewer.member_id
    asked &= (Opening.item_id != wish.item.id) | (Opening.grant_id == wish.grant_id)
    waiting = func.count().filter(Opening.state == OpeningState.ASKED, Opening.expires_at > now).label("waiting")
    lately = func.count().filter(Opening.asked_at > now - dt.timedelta(days=1)).label("lately")
    each = select(Opening.item_id, waiting, lately).where(asked).group_by(Opening.item_id, Opening.grant_id).subquery()
    most = select(*(func.max(each.c[name]).label(name) for name in ("waiting", "lately"))).group_by(each.c.item_id)
    counts = most.subquery()
    counted = session.execute(select(func.sum(counts.c.waiting), func.sum(counts.c.lately))).one()
    if (counted[0] or 0) >= MOST_WAITING or (counted[1] or 0) >= MOST_A_DAY:
        raise AskedTooOften


def _active_owner(session: Session, viewer: "Viewer", grant_id: uuid.UUID) -> uuid.UUID:
    """Return whose grant it is, held so that it cannot end before the commit."""
    for grant in grants.lock_for_share(session, [grant_id]):
        if grant.organisation_id == viewer.organisation_id and grant.status == GrantStatus.ACTIVE:
            return grant.member_id
    raise NotFound


def _lock(session: Session, viewer: "Viewer", opening_id: uuid.UUID) -> tuple[Opening, uuid.UUID]:
    """Return an opening of the organisation, locked, and the owner of its grant; the grant first, as releases do."""
    grant_id = session.scalar(
        select(Opening.grant_id).where(Opening.id == opening_id, Opening.organisation_id == viewer.organisation_id)
    )
    if grant_id is None:
        raise NotFound
    owner_id = _active_owner(session, viewer, grant_id)
    query = select(Opening).where(Opening.id == opening_id).with_for_update().execution_options(populate_existing=True)
    opening = session.scalars(query).one_or_none()
    if opening is None:
        raise NotFound
    return opening, owner_id


def _decidable(session: Session, viewer: "Viewer", opening_id: uuid.UUID) -> Opening:
    """Return a request that this viewer is to decide."""
    opening, owner_id = _lock(session, viewer, opening_id)
    if opening.purpose == OpeningPurpose.CASE:
        if not viewer.manages:
            raise NotFound
        if viewer.member_id in {opening.asker_member_id, owner_id}:
            raise SecondPerson
    elif viewer.member_id != owner_id:
        raise NotFound
    return opening


def _check_asked(opening: Opening, now: dt.datetime) -> None:
    if not is_waiting(opening, now):
        raise OpeningOver


def _note_decision(opening: Opening, viewer: "Viewer", state: OpeningState, now: dt.datetime) -> None:
    if opening.purpose == OpeningPurpose.CASE:
        opening.second_by = viewer.member_id
    else:
        opening.decided_by = viewer.member_id
    opening.state, opening.decided_at = state, now
