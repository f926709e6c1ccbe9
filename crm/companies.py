"""Companies as a viewer sees them: the list, one page, and the names that people's rows show."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import ColumnElement, DateTime, Text, cast, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.facts import COMPANY_FIELDS
from crm.merging import NOTHING, FactRow, Merged, merged_companies
from crm.models import Company, Correspondent, Person
from crm.paging import FIRST, Listing, Page, Position, cut
from crm.visibility import Sight, check_company, is_users, sight_of
from kernel.database import Aspect
from limited_use.labels import Labels, Origin, Source
from limited_use.sealing import Labelled, Sealed, System

_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company in a list, with how many of its people the viewer knows and when they last had contact."""

    id: System[uuid.UUID]
    name: Sealed | None
    domain: Sealed | None
    people: Labelled[int] | System[int]
    last_contact: Labelled[dt.datetime] | None
    is_users: System[bool]


@dataclass(frozen=True, slots=True)
class CompanyPage:
    """A company with every fact that this viewer may see."""

    row: CompanyRow
    facts: tuple[FactRow, ...]

    @property
    def id(self) -> uuid.UUID:
        """Return the id, for addresses."""
        assert self.row.id.value is not None  # noqa: S101 -- a row always has an id
        return self.row.id.value


def list_companies(session: Session, viewer: Viewer, page: Page = FIRST) -> Listing[CompanyRow]:
    """Return a page of the companies that the viewer may see, by their last contact as the viewer knows it."""
    sight = sight_of(session, viewer)
    return _listed(session, sight, page, sight.companies())


def rows_of(session: Session, viewer: Viewer, ids: Collection[uuid.UUID]) -> list[CompanyRow]:
    """Return those of these companies that the viewer may see, by last contact."""
    if not ids:
        return []
    sight = sight_of(session, viewer)
    condition = sight.companies() & Company.id.in_(ids)
    return list(_listed(session, sight, Page(len(ids)), condition).rows)


def get(session: Session, viewer: Viewer, company_id: uuid.UUID) -> CompanyPage:
    """Return a company with all facts that the viewer may see.

    Raises:
        NotFound: if there is none for this viewer.
    """
    check_company(session, viewer, company_id)
    sight = sight_of(session, viewer)
    (row,) = _listed(session, sight, Page(1), Company.id == company_id).rows
    merged = merged_companies(session, sight, [company_id], COMPANY_FIELDS).get(company_id, NOTHING)
    return CompanyPage(row, merged.rows(COMPANY_FIELDS))


def names_of(session: Session, sight: Sight, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Sealed]:
    """Return what each of these companies is called, as far as this viewer may know."""
    merged = merged_companies(session, sight, ids, COMPANY_FIELDS)
    names = {company_id: name_in(facts) for company_id, facts in merged.items()}
    return {company_id: name for company_id, name in names.items() if name is not None}


def name_in(merged: Merged) -> Sealed | None:
    """Return what a company is called by what is shown of it: its name, else its domain."""
    name = merged.best("company_name")
    return merged.best("domain") if name is None else name


def _listed(session: Session, sight: Sight, page: Page, condition: ColumnElement[bool]) -> Listing[CompanyRow]:
    last = (
        select(
            Person.company_id,
            func.max(sight.last_at()).label("last_at"),
            func.count(Person.id.distinct()).label("people"),
            origins().label("origins"),
        )
        .join(Correspondent, Correspondent.person_id == Person.id)
        .where(sight.correspondents(), sight.placed(), Person.company_id.is_not(None))
        .group_by(Person.company_id)
        .subquery()
    )
    at = func.coalesce(last.c.last_at, Company.touched_at, literal(_NEVER, DateTime(timezone=True))).label("at")
    query = (
        select(Company.id, is_users(Company).label("is_users"), last, at)
        .outerjoin(last, last.c.company_id == Company.id)
        .where(condition)
        .order_by(at.desc(), Company.id.desc())
        .limit(page.limit)
    )
    if page.after is not None:
        query = query.where(tuple_(at, Company.id) < tuple_(page.after.at, page.after.row_id))
    found, following = cut(session.execute(query).all(), page, lambda row: Position(row.at, row.id))
    merged = merged_companies(session, sight, [row.id for row in found], COMPANY_FIELDS)
    rows = []
    for row in found:
        facts = merged.get(row.id, NOTHING)
        labels = labels_of(row.origins) if row.origins else None
        about = ("companies", row.id)
        rows.append(
            CompanyRow(
                id=System(row.id),
                name=name_in(facts),
                domain=facts.best("domain"),
                people=Labelled(row.people, labels, Aspect.PEOPLE, about) if labels else System(0),
                last_contact=Labelled(row.last_at, labels, Aspect.TIMES, about) if labels and row.last_at else None,
                is_users=System(row.is_users),
            )
        )
    return Listing(tuple(rows), following)


def origins() -> ColumnElement[Sequence[str]]:
    """Return the sources of the correspondents that a query computes something from, each written as source:grant."""
    origin = cast(Correspondent.source, Text) + ":" + cast(Correspondent.grant_id, Text)
    return func.array_agg(aggregate_order_by(origin.distinct(), origin))


def labels_of(origins: Collection[str]) -> Labels:
    """Return the label of what was computed from these sources."""
    return _labels_of(tuple(origins))


@lru_cache(maxsize=1024)
def _labels_of(origins: tuple[str, ...]) -> Labels:
    """Return the same label for the same sources: the guard decides once for all values that have it."""
    parts = (origin.split(":") for origin in origins)
    return frozenset(Origin(Source(source), uuid.UUID(grant_id)) for source, grant_id in parts)
