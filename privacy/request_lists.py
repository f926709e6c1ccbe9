"""Requests as members read them: what others ask of me, what I asked, and the cases of the organisation.

A row names the asker and the owner, and holds the head of the item and the reason as sealed values: the page's sink
decides for this viewer which of them opens. Of a case under legal hold its owner is told nothing.
"""

import datetime as dt
import enum
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from accounts import openings
from accounts.members import Viewer
from accounts.models import Grant, GrantStatus, ItemKind, Member, Opening, OpeningPurpose, OpeningState
from accounts.openings import Item
from crm import items
from crm.items import Head
from limited_use.sealing import Native, Sealed, System
from privacy.models import OpeningReason

MOST = 100
"""Rows of a list: the newest, after all that still wait."""
_ASKER, _SECOND = aliased(Member), aliased(Member)
_OWNER = aliased(Member)


class Standing(enum.StrEnum):
    """Where a request stands, as it is told."""

    WAITING = "waiting"
    OPEN = "open"
    REFUSED = "refused"
    SHOWN = "shown"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as one of those concerned reads it."""

    id: uuid.UUID
    kind: ItemKind
    item_id: uuid.UUID
    purpose: OpeningPurpose
    ground: str | None
    is_held: bool
    standing: Standing
    head: Head
    reason: Sealed | None
    asker: Native[str]
    owner: Native[str] | None
    """None where naming them would tell what they do not share."""
    second: Native[str] | None
    is_askers: bool
    """Whether the viewer asked it."""
    is_owners: bool
    """Whether it is about the viewer's own."""
    hours: int
    asked_at: System[dt.datetime]
    expires_at: System[dt.datetime]
    shown_at: System[dt.datetime] | None

    @property
    def waits_for_second(self) -> bool:
        """Tell whether it is a case that this viewer may approve or refuse."""
        waits = self.purpose == OpeningPurpose.CASE and self.standing == Standing.WAITING
        return waits and not self.is_askers and not self.is_owners


def of_me(session: Session, viewer: Viewer, now: dt.datetime) -> list[RequestRow]:
    """Return what others ask, or asked, of what is the viewer's own."""
    return _listed(session, viewer, now, _of_me(viewer))


def by_me(session: Session, viewer: Viewer, now: dt.datetime) -> list[RequestRow]:
    """Return what the viewer asked of teammates.

    Of a person there is one line until somebody allows it: who was asked, and how many, would tell who knows them.
    """
    mine = (Opening.asker_member_id == viewer.member_id) & (Opening.purpose == OpeningPurpose.ASK_TO_SEE)
    return _discreet(_listed(session, viewer, now, mine))


def of_staff(session: Session, viewer: Viewer, now: dt.datetime) -> list[RequestRow]:
    """Return the organisation's cases, and what this viewer asked of owners as staff; nothing for who does not manage.

    Of cases about the viewer's own items they read as an owner does: nothing of one under legal hold. What was asked of
    a person stands as in `by_me`; to who opens a case on a person it is named who knows them once it was approved.
    """
    if not viewer.manages:
        return []
    mine = (Opening.purpose == OpeningPurpose.STAFF) & (Opening.asker_member_id == viewer.member_id)
    cases = (Opening.purpose == OpeningPurpose.CASE) & ((Grant.member_id != viewer.member_id) | ~Opening.is_held)
    return _discreet(_listed(session, viewer, now, mine | cases))


def _discreet(rows: Iterable[RequestRow]) -> list[RequestRow]:
    """Return the rows without what they would tell of who knows a person, before it is open."""
    rows = list(rows)
    told = {(row.purpose, row.item_id) for row in rows if row.standing == Standing.OPEN}
    found: list[RequestRow] = []
    for row in rows:
        if row.kind != ItemKind.PERSON or row.standing in (Standing.OPEN, Standing.SHOWN):
            found.append(row)
        elif row.purpose == OpeningPurpose.CASE:
            found.append(replace(row, owner=None) if row.is_askers else row)
        elif (row.purpose, row.item_id) not in told:
            told.add((row.purpose, row.item_id))
            found.append(replace(row, owner=None))
    return found


def count_waiting(session: Session, viewer: Viewer, now: dt.datetime) -> int:
    """Return how many requests wait for this viewer's answer."""
    deciding = (Grant.member_id == viewer.member_id) & (Opening.purpose != OpeningPurpose.CASE)
    if viewer.manages:
        deciding = deciding | _may_second(viewer)
    query = (
        select(func.count())
        .select_from(Opening)
        .join(Grant, Grant.id == Opening.grant_id)
        .where(
            Opening.organisation_id == viewer.organisation_id,
            Opening.state == OpeningState.ASKED,
            Opening.expires_at > now,
            Grant.status == GrantStatus.ACTIVE,
            deciding,
        )
    )
    return session.scalar(query) or 0


def standing_of(opening: Opening, now: dt.datetime) -> Standing:
    """Return where the request stands."""
    if openings.is_waiting(opening, now):
        return Standing.WAITING
    if openings.is_open(opening, now):
        return Standing.OPEN
    if opening.shown_at is not None:
        return Standing.SHOWN
    return Standing.REFUSED if opening.state == OpeningState.REFUSED else Standing.OVER


def _of_me(viewer: Viewer) -> ColumnElement[bool]:
    told = (Opening.purpose != OpeningPurpose.CASE) | (~Opening.is_held & (Opening.state != OpeningState.ASKED))
    return (Grant.member_id == viewer.member_id) & told


def _may_second(viewer: Viewer) -> ColumnElement[bool]:
    return (
        (Opening.purpose == OpeningPurpose.CASE)
        & (Opening.asker_member_id != viewer.member_id)
        & (Grant.member_id != viewer.member_id)
    )


def _listed(session: Session, viewer: Viewer, now: dt.datetime, which: ColumnElement[bool]) -> list[RequestRow]:
    waits = (Opening.state == OpeningState.ASKED) & (Opening.expires_at > now)
    query = _columns().where(which, Opening.organisation_id == viewer.organisation_id)
    found = session.execute(query.order_by(waits.desc(), Opening.asked_at.desc(), Opening.id.desc()).limit(MOST))
    return [_row(session, viewer, now, row) for row in found.all()]


def _columns() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Opening,
            Grant.member_id.label("owner_id"),
            func.coalesce(func.nullif(_ASKER.name, ""), _ASKER.email).label("asker"),
            func.coalesce(func.nullif(_OWNER.name, ""), _OWNER.email).label("owner"),
            func.coalesce(func.nullif(_SECOND.name, ""), _SECOND.email).label("second"),
            OpeningReason,
        )
        .join(Grant, Grant.id == Opening.grant_id)
        .join(_ASKER, _ASKER.id == Opening.asker_member_id)
        .join(_OWNER, _OWNER.id == Grant.member_id)
        .outerjoin(_SECOND, _SECOND.id == Opening.second_by)
        .outerjoin(OpeningReason, OpeningReason.opening_id == Opening.id)
        .where(Grant.status == GrantStatus.ACTIVE)
    )


def _row(session: Session, viewer: Viewer, now: dt.datetime, found: Row[*tuple[Any, ...]]) -> RequestRow:
    opening: Opening = found.Opening
    kept: OpeningReason | None = found.OpeningReason
    item = Item(ItemKind(opening.item_kind), opening.item_id)
    return RequestRow(
        id=opening.id,
        kind=item.kind,
        item_id=item.id,
        purpose=OpeningPurpose(opening.purpose),
        ground=opening.ground,
        is_held=opening.is_held,
        standing=standing_of(opening, now),
        head=items.head_of(session, viewer.organisation_id, item, opening.grant_id),
        reason=kept.reason if kept else None,
        asker=Native(found.asker),
        owner=Native(found.owner),
        second=Native(found.second) if found.second else None,
        is_askers=opening.asker_member_id == viewer.member_id,
        is_owners=found.owner_id == viewer.member_id,
        hours=opening.hours,
        asked_at=System(opening.asked_at),
        expires_at=System(opening.expires_at),
        shown_at=System(opening.shown_at) if opening.shown_at else None,
    )
