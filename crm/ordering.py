"""Lists by name: names are sealed, so the guard puts them in order, and only the order comes out.

The names of one list are opened together inside `limited_use.derive.order`, those alone that this viewer may see: their
own, those that teammates share, and those that users wrote; of a connection that is paused none. Who has none of these
stands last. That costs what opening them costs, so a list of more than MOST records is not ordered by name at all.

A position names the last row and its place; where the row is gone since, the list goes on at its place.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus
from crm import companies, people
from crm.companies import CompanyRow
from crm.models import Company, Fact, Person
from crm.models.people import FactSource
from crm.paging import FIRST, LARGEST_PAGE, Listing, Page, Position
from crm.people import PersonRow
from crm.visibility import Sight, sight_of
from limited_use.derive import by_name, order
from limited_use.keys import Vault
from limited_use.sealing import field_of, placed_in

R = TypeVar("R", PersonRow, CompanyRow)
MOST = 20_000
"""A list of more records than these is not ordered by name."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_RANKS: dict[Any, int] = {source: rank for rank, source in enumerate(FactSource)}


def people_by_name(session: Session, vault: Vault, viewer: Viewer, page: Page = FIRST) -> Listing[PersonRow] | None:
    """Return a page of the people that the viewer may see, by the name that is shown of each; None of too many.

    Raises:
        KeyDestroyed: if a connection was ended meanwhile.
    """
    sight = sight_of(session, viewer)
    ids = _in_order(session, vault, sight, (Person.id, Fact.person_id), sight.people(), ("name", "email"))
    return None if ids is None else _page(ids, page, lambda some: people.rows_of(session, viewer, some))


def companies_by_name(session: Session, vault: Vault, viewer: Viewer, page: Page = FIRST) -> Listing[CompanyRow] | None:
    """Return a page of the companies that the viewer may see, as `people_by_name` does."""
    sight = sight_of(session, viewer)
    columns = (Company.id, Fact.company_id)
    ids = _in_order(session, vault, sight, columns, sight.companies(), ("company_name", "domain"))
    return None if ids is None else _page(ids, page, lambda some: companies.rows_of(session, viewer, some))


def _in_order(
    session: Session,
    vault: Vault,
    sight: Sight,
    columns: tuple[InstrumentedAttribute[uuid.UUID], InstrumentedAttribute[uuid.UUID | None]],
    visible: ColumnElement[bool],
    fields: Sequence[str],
) -> list[uuid.UUID] | None:
    """Return the ids of the visible records, by the first of these fields that the viewer sees of each."""
    record_id, owner_id = columns
    if (session.scalar(select(func.count()).where(visible)) or 0) > MOST:
        return None
    live = select(Grant.id).where(Grant.organisation_id == sight.organisation_id, Grant.status == GrantStatus.ACTIVE)
    told = (
        select(owner_id.label("owner_id"), Fact.id, Fact.value)
        .where(
            sight.facts(),
            owner_id.is_not(None),
            Fact.field.in_(fields),
            or_(Fact.grant_id.is_(None), Fact.grant_id.in_(live)),
        )
        .ext(distinct_on(owner_id))
        .order_by(
            owner_id,
            case({field: rank for rank, field in enumerate(fields)}, value=Fact.field),
            case((Fact.grant_id.is_(None) | Fact.grant_id.in_(sight.grant_ids), 0), else_=1),
            case(_RANKS, value=Fact.source),
            Fact.observed_at.desc(),
            Fact.position,
            Fact.id,
        )
        .subquery()
    )
    query = select(record_id.label("record_id"), told.c.id, told.c.value)
    rows = session.execute(query.outerjoin(told, told.c.owner_id == record_id).where(visible).order_by(record_id)).all()
    column = field_of(sight.organisation_id, "facts", "value", "text")
    names = placed_in(column, ((value, fact_id) for _, fact_id, value in rows))
    return [rows[at].record_id for at in order(vault, by_name, names)]


def _page(ids: Sequence[uuid.UUID], page: Page, rows_of: Callable[[Collection[uuid.UUID]], Sequence[R]]) -> Listing[R]:
    """Return the rows of a page of these ids, in their order."""
    begin = 0 if page.after is None else _after(ids, page.after)
    end = begin + min(page.size, LARGEST_PAGE)
    wanted = ids[begin:end]
    found = {row.id.value: row for row in rows_of(wanted)}
    following = Position(_EPOCH + dt.timedelta(seconds=end), wanted[-1]) if wanted and end < len(ids) else None
    return Listing(tuple(found[row_id] for row_id in wanted if row_id in found), following)


def _after(ids: Sequence[uuid.UUID], position: Position) -> int:
    """Return where the page after this position begins."""
    try:
        return ids.index(position.row_id) + 1
    except ValueError:
        return int((position.at - _EPOCH).total_seconds()) - 1  # the row before it moved up into its place
