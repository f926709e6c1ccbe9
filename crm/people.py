"""People as a viewer sees them: the list, one page, and why somebody is here. Rows are frozen; fields carry a class.

The list is ordered by last contact, a time that derives from Google and is clear at rest so that SQL can order by it
(`Labelled`): it is the viewer's own contact, or what teammates share of theirs. People without any stand after, as
users added them.
"""

import datetime as dt
import enum
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Row,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm import companies
from crm.facts import PERSON_FIELDS
from crm.knowing import is_shown_of_person
from crm.merging import NOTHING, FactRow, Merged, merged_people
from crm.models import Contact, Correspondent, Fact, Person
from crm.paging import FIRST, Listing, Page, Position, cut
from crm.visibility import Sight, check_person, is_of_company, is_users, sight_of
from kernel.database import Aspect
from limited_use.labels import Origin, Source
from limited_use.sealing import Labelled, Native, Sealed, System

LISTED = ("name", "email", "phone", "title", "organisation")
_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Standing(enum.StrEnum):
    """What there is to show: something; that a teammate, by an act of theirs, knows the person; nothing.

    Nothing is told alike of whom nobody knows any more, and of whom an account knows that is its owner's alone.
    """

    KNOWN = "known"
    TEAMMATES = "teammates"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person in a list. A value that nobody told this viewer is None."""

    id: System[uuid.UUID]
    name: Sealed | None
    email: Sealed | None
    phone: Sealed | None
    title: Sealed | None
    organisation: Sealed | None
    works_at: Labelled[uuid.UUID] | None
    """The company, told by the accounts that know the person under one of its addresses, whoever wrote its name."""
    company: Labelled[Sealed] | None
    """What that company is called, told by the same."""
    company_id: uuid.UUID | None
    """For addresses of pages alone: a bare value, which every sink of programs refuses."""
    last_contact: Labelled[dt.datetime] | None
    is_users: System[bool]


@dataclass(frozen=True, slots=True)
class PersonPage:
    """A person with every fact that this viewer may see."""

    row: PersonRow
    facts: tuple[FactRow, ...]
    standing: Standing
    added_at: System[dt.datetime] | None

    @property
    def id(self) -> uuid.UUID:
        """Return the id, for addresses."""
        assert self.row.id.value is not None  # noqa: S101 -- a row always has an id
        return self.row.id.value

    @property
    def shared_by(self) -> Native[str] | None:
        """Return the teammate who tells what there is, where neither the viewer's own accounts nor a user does."""
        alone = self.facts and all(fact.shared_by is not None for fact in self.facts)
        return self.facts[0].shared_by if alone else None


def list_people(
    session: Session, viewer: Viewer, page: Page = FIRST, *, users_only: bool = False
) -> Listing[PersonRow]:
    """Return a page of the people that the viewer may see, by their last contact as the viewer knows it.

    `users_only`: those whom a user made or touched alone, whose existence derives from nobody's Google data.
    """
    sight = sight_of(session, viewer)
    condition = sight.people() & is_users(Person) if users_only else sight.people()
    return _listed(session, sight, page, condition)


def list_of_company(session: Session, viewer: Viewer, company_id: uuid.UUID, page: Page = FIRST) -> Listing[PersonRow]:
    """Return a page of the people whom the viewer may see at a company."""
    sight = sight_of(session, viewer)
    return _listed(session, sight, page, sight.people() & (Person.company_id == company_id) & sight.placed())


def rows_of(session: Session, viewer: Viewer, ids: Collection[uuid.UUID]) -> list[PersonRow]:
    """Return those of these people whom the viewer may see, by last contact."""
    if not ids:
        return []
    sight = sight_of(session, viewer)
    condition = sight.people(ids) & Person.id.in_(ids)
    return list(_listed(session, sight, Page(len(ids)), condition, ids).rows)


def get(session: Session, viewer: Viewer, person_id: uuid.UUID) -> PersonPage:
    """Return a person with all facts that the viewer may see, the best of each field first.

    Raises:
        NotFound: if there is none for this viewer.
    """
    person = check_person(session, viewer, person_id)
    sight = sight_of(session, viewer)
    found = session.execute(_query(sight, Page(1), Person.id == person_id, [person_id])).all()
    merged = merged_people(session, sight, [person_id], PERSON_FIELDS)
    (row,) = _rows(session, sight, found, merged)
    facts = merged.get(person_id, NOTHING).rows(PERSON_FIELDS)
    added = System(person.touched_at) if person.touched_at else None
    return PersonPage(row, facts, _standing(session, person_id, facts), added)


def count(session: Session, viewer: Viewer) -> Labelled[int] | System[int]:
    """Return how many people the viewer sees: every account of which they see anything tells of it."""
    sight = sight_of(session, viewer)
    found = session.scalar(select(func.count()).select_from(Person).where(sight.people())) or 0
    labels = frozenset(Origin(Source.DERIVED, grant_id) for grant_id in (*sight.grant_ids, *sight.shared_ids))
    if not labels:
        return System(found)
    return Labelled(found, labels, Aspect.PEOPLE, ("organisations", viewer.organisation_id))


def _standing(session: Session, person_id: uuid.UUID, facts: Sequence[FactRow]) -> Standing:
    if facts:
        return Standing.KNOWN
    told, held = (
        session.scalar(
            select(table.id)
            .join(Person, Person.id == table.person_id)
            .where(Person.id == person_id, is_shown_of_person(table.grant_id))
            .limit(1)
        )
        for table in (Fact, Contact)
    )
    return Standing.TEAMMATES if told or held else Standing.REMOVED


def _contacts(sight: Sight, among: Collection[uuid.UUID] | None) -> Subquery:
    """Return each person's last contact as the viewer knows it, and the sources it was learnt from.

    `among`: of these people alone, so that a few rows cost no look at the whole mailbox.
    """
    return (
        select(
            Correspondent.person_id,
            func.max(sight.last_at()).label("last_at"),
            companies.origins().label("origins"),
        )
        .where(
            sight.correspondents(),
            Correspondent.person_id.is_not(None),
            sight.last_at().is_not(None),
            *(() if among is None else (Correspondent.person_id.in_(among),)),
        )
        .group_by(Correspondent.person_id)
        .subquery()
    )


def _listed(
    session: Session,
    sight: Sight,
    page: Page,
    condition: ColumnElement[bool],
    among: Collection[uuid.UUID] | None = None,
) -> Listing[PersonRow]:
    query = _query(sight, page, condition, among)
    found, following = cut(session.execute(query).all(), page, lambda row: Position(row.at, row.id))
    merged = merged_people(session, sight, [row.id for row in found], LISTED)
    return Listing(_rows(session, sight, found, merged), following)


def _query(
    sight: Sight, page: Page, condition: ColumnElement[bool], among: Collection[uuid.UUID] | None = None
) -> Select[*tuple[Any, ...]]:
    last = _contacts(sight, among)
    at = func.coalesce(last.c.last_at, Person.touched_at, literal(_NEVER, DateTime(timezone=True))).label("at")
    placing = _placing(sight).label("placing")
    query = (
        select(
            Person.id,
            Person.company_id,
            placing,
            is_users(Person).label("is_users"),
            last.c.last_at,
            last.c.origins,
            at,
        )
        .outerjoin(last, last.c.person_id == Person.id)
        .where(condition)
        .order_by(at.desc(), Person.id.desc())
        .limit(page.limit)
    )
    if page.after is not None:
        query = query.where(and_(tuple_(at, Person.id) < tuple_(page.after.at, page.after.row_id)))
    return query


def _placing(sight: Sight) -> ScalarSelect[Sequence[str]]:
    """Return which accounts, as the viewer sees them, tell where a person works; null where none does."""
    told = select(companies.origins()).where(
        Correspondent.person_id == Person.id, sight.correspondents(), is_of_company()
    )
    return told.correlate(Person).scalar_subquery()


def _rows(
    session: Session, sight: Sight, found: Sequence[Row[*tuple[Any, ...]]], merged: dict[uuid.UUID, Merged]
) -> tuple[PersonRow, ...]:
    names = companies.names_of(session, sight, {row.company_id for row in found if row.placing})
    return tuple(_row(row, merged.get(row.id, NOTHING), names) for row in found)


def _row(row: Row[*tuple[Any, ...]], merged: Merged, names: dict[uuid.UUID, Sealed]) -> PersonRow:
    company = names.get(row.company_id) if row.placing else None
    return PersonRow(
        id=System(row.id),
        name=merged.best("name"),
        email=merged.best("email"),
        phone=merged.best("phone"),
        title=merged.best("title"),
        organisation=merged.best("organisation"),
        works_at=None if company is None else _at_work(row, row.company_id),
        company=None if company is None else _at_work(row, company),
        company_id=None if company is None else row.company_id,
        last_contact=_last_contact(row),
        is_users=System(row.is_users),
    )


def _at_work(row: Row[*tuple[Any, ...]], value: Any) -> Labelled[Any]:
    return Labelled(value, companies.labels_of(row.placing), Aspect.PEOPLE, ("people", row.id))


def _last_contact(row: Row[*tuple[Any, ...]]) -> Labelled[dt.datetime] | None:
    if row.last_at is None:
        return None
    return Labelled(row.last_at, companies.labels_of(row.origins), Aspect.TIMES, ("people", row.id))
