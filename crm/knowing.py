"""Whose accounts know a record that the whole organisation sees: that is for their owners to show.

A record that a user made or touched is there for every member. That an account tells of it is not: a member *shows*
it by writing to the record while an account of theirs tells of it (`known_by`), or by sharing. Until then the
account's *link* to the record is *quiet*: no page says that a teammate knows it, typing its address or domain does not
find it, and it unites nothing. So who types an address, and takes it back, learns nothing by it.
"""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, any_, exists, select, tuple_
from sqlalchemy.orm import Session, aliased

from accounts.members import Viewer
from accounts.models import Grant, GrantStatus
from crm.models import Company, Contact, Correspondent, Fact, Person
from crm.openness import is_kept_from_all, rank_of_fact, rank_of_person
from crm.visibility import sight_of

Link = tuple[uuid.UUID, uuid.UUID]
"""A grant, and a person of whom it tells."""


def note_act(session: Session, viewer: Viewer, record: Person | Company) -> None:
    """Note that the viewer wrote to the record: that they know it is shown, if an account of theirs tells of it.

    What this unites, the next matching unites: at once, it could take away the record that is being written to.
    """
    if viewer.member_id not in record.known_by and _tells(session, viewer, record):
        session.refresh(record, ["known_by"], with_for_update=True)  # a teammate may write to it in this moment
        record.known_by = [*record.known_by, viewer.member_id]


def is_shown_of_person(grant_id: Any) -> ColumnElement[bool]:
    """Return the condition that the grant's owner showed that they know the person, and keeps them from nobody."""
    return _has_shown(grant_id, Person) & ~is_kept_from_all(grant_id, Person.id)


def is_shown_of_company() -> ColumnElement[bool]:
    """Return the condition that the owner of a company's fact showed that they know the company, or shares it."""
    return _has_shown(Fact.grant_id, Company) | (rank_of_fact() > 0)


def quiet_links(session: Session, links: Collection[Link]) -> set[Link]:
    """Return those of the links, all to people whom users made or touched, that their owners have not shown."""
    if not links:
        return set()
    grant = aliased(Grant)
    shown = is_shown_of_person(grant.id) | (rank_of_person(grant.id, Person.id) > 0)
    query = select(grant.id, Person.id).join(Person, Person.organisation_id == grant.organisation_id)
    found = session.execute(query.where(tuple_(grant.id, Person.id).in_(list(links)), ~shown))
    return {(row[0], row[1]) for row in found}


def _has_shown(grant_id: Any, record: type[Person] | type[Company]) -> ColumnElement[bool]:
    grant = aliased(Grant)
    shown = exists().where(
        grant.id == grant_id, grant.status != GrantStatus.REVOKED, grant.member_id == any_(record.known_by)
    )
    return shown.correlate_except(grant)


def _tells(session: Session, viewer: Viewer, record: Person | Company) -> bool:
    """Tell whether an account of the viewer's tells of the record."""
    sources: tuple[tuple[Any, Any], ...] = ((Fact, Fact.company_id),)
    if isinstance(record, Person):
        sources = ((Fact, Fact.person_id), (Correspondent, Correspondent.person_id), (Contact, Contact.person_id))
    own = sight_of(session, viewer).grant_ids
    told = [exists().where(of == record.id, source.grant_id.in_(own)) for source, of in sources]
    return any(session.scalar(select(one)) for one in told)
