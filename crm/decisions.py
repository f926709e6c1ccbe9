"""Why somebody is here, and why somebody is not: the recorded decisions on addresses, for the owner of the account."""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import DateTime, Row, Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.matching.reasons import Decision
from crm.models import Correspondent, Fact
from crm.paging import FIRST, Listing, Page, Position, cut
from crm.visibility import Sight, check_person, sight_of
from limited_use.labels import label
from limited_use.sealing import Labelled, Place, Sealed, System, placed

_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """An address of the viewer's own account, what was decided, and on what."""

    id: System[uuid.UUID]
    source: System[str]
    address: Sealed | None
    name: Sealed | None
    reason: Labelled[str]
    written_to: Labelled[int]
    received_from: Labelled[int]
    met: Labelled[int]
    last_contact: Labelled[dt.datetime] | None


def list_skipped(session: Session, viewer: Viewer, page: Page = FIRST) -> Listing[DecisionRow]:
    """Return a page of the addresses in the viewer's accounts that were not made people, newest contact first."""
    sight = sight_of(session, viewer)
    return _listed(session, sight, _columns(sight).where(Correspondent.decision == Decision.SKIPPED), page)


def list_of_person(session: Session, viewer: Viewer, person_id: uuid.UUID) -> tuple[DecisionRow, ...]:
    """Return the addresses in the viewer's accounts by which a person is here, each once, with its reason.

    Raises:
        NotFound: if the viewer may not see the person.
    """
    check_person(session, viewer, person_id)
    sight = sight_of(session, viewer)
    query = _columns(sight).where(Correspondent.person_id == person_id).order_by(_AT.desc(), Correspondent.id.desc())
    found = {(row.grant_id, row.address_index): row for row in reversed(session.execute(query.limit(100)).all())}
    rows = sorted(found.values(), key=lambda row: (row.at, row.id), reverse=True)
    return tuple(_told_rows(session, sight, rows))


_AT = func.coalesce(Correspondent.last_at, literal(_NEVER, DateTime(timezone=True)))


def _columns(sight: Sight) -> Select[*tuple[Any, ...]]:
    return select(
        Correspondent.id,
        Correspondent.grant_id,
        Correspondent.source,
        Correspondent.address_index,
        Correspondent.reason,
        Correspondent.written_to,
        Correspondent.received_from,
        Correspondent.met,
        Correspondent.last_at,
        _AT.label("at"),
    ).where(Correspondent.organisation_id == sight.organisation_id, Correspondent.grant_id.in_(sight.grant_ids))


def _listed(session: Session, sight: Sight, query: Select[*tuple[Any, ...]], page: Page) -> Listing[DecisionRow]:
    query = query.order_by(_AT.desc(), Correspondent.id.desc()).limit(page.limit)
    if page.after:
        query = query.where(tuple_(_AT, Correspondent.id) < tuple_(page.after.at, page.after.row_id))
    found, following = cut(session.execute(query).all(), page, lambda row: Position(row.at, row.id))
    return Listing(tuple(_told_rows(session, sight, found)), following)


def _told_rows(session: Session, sight: Sight, found: Sequence[Row[*tuple[Any, ...]]]) -> Iterator[DecisionRow]:
    told = _told(session, sight, [row.id for row in found])
    return (_row(row, told.get(row.id, {})) for row in found)


def _told(session: Session, sight: Sight, ids: list[uuid.UUID]) -> dict[uuid.UUID, dict[str, Sealed]]:
    """Return the address and name that each correspondent told of itself."""
    query = (
        select(Fact.id, Fact.correspondent_id, Fact.field, Fact.value)
        .where(Fact.correspondent_id.in_(ids), Fact.field.in_(("email", "name")), sight.facts())
        .order_by(Fact.observed_at, Fact.id)
    )
    told: dict[uuid.UUID, dict[str, Sealed]] = {}
    for row in session.execute(query):
        value = placed(row.value, Place(sight.organisation_id, "facts", "value", row.id))
        if row.correspondent_id is not None and value is not None:
            told.setdefault(row.correspondent_id, {})[row.field] = value
    return told


def _row(row: Row[*tuple[Any, ...]], told: dict[str, Sealed]) -> DecisionRow:
    labels = label(row.source, row.grant_id)
    return DecisionRow(
        id=System(row.id),
        source=System(row.source),
        address=told.get("email"),
        name=told.get("name"),
        reason=Labelled(str(row.reason), labels),
        written_to=Labelled(row.written_to, labels),
        received_from=Labelled(row.received_from, labels),
        met=Labelled(row.met, labels),
        last_contact=None if row.last_at is None else Labelled(row.last_at, labels),
    )
