"""Companies by registrable domain, shared in an organisation: who works where.

A company is made when some grant decided for a person at a domain and told a `domain` fact. The company facts of a
grant join it only when that grant knows a person there: a newsletter's domain makes nobody's company page.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, select, text, update
from sqlalchemy.orm import Session

from crm.facts import COMPANY_FIELDS
from crm.knowing import is_shown_of_company
from crm.matching.reasons import Decision
from crm.models import Company, Correspondent, Fact, Person
from crm.models.people import MadeBy
from crm.visibility import is_users
from kernel.ids import opaque_id

_MOVE = text(
    """
    UPDATE people AS p SET company_id = n.company_id
    FROM unnest(CAST(:people AS uuid[]), CAST(:companies AS uuid[])) AS n (person_id, company_id)
    WHERE p.id = n.person_id AND p.company_id IS DISTINCT FROM n.company_id
      AND (p.company_id IS NULL OR (p.touched_at IS NULL AND p.made_by = 'rule'))
    """
)


def place_people(
    session: Session, organisation_id: uuid.UUID, person_ids: Collection[uuid.UUID], now: dt.datetime
) -> int:
    """People made by rule work at the company of the domain they are written with most; return companies made.

    Where a user has said where somebody works, that stays.
    """
    domains = _domains(session, organisation_id, person_ids)
    wanted = {domain for ranked in domains.values() for domain in ranked}
    if not wanted:
        return 0
    companies = _companies(session, organisation_id, wanted)
    made = _make(session, organisation_id, wanted - companies.keys(), now)
    companies |= made
    _give_facts(session, organisation_id, companies)
    homes = {
        person_id: company_id
        for person_id, ranked in domains.items()
        if (company_id := next((companies[domain] for domain in ranked if domain in companies), None))
    }
    if homes:
        session.execute(_MOVE, {"people": list(homes), "companies": list(homes.values())})
    return len(made)


def _domains(
    session: Session, organisation_id: uuid.UUID, person_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[bytes]]:
    """Return the domains of each person, the one with most exchanges first, then by index."""
    weight = func.sum(Correspondent.written_to + Correspondent.received_from + Correspondent.met)
    rows = session.execute(
        select(Correspondent.person_id, Correspondent.domain_index)
        .where(
            Correspondent.organisation_id == organisation_id,
            Correspondent.person_id.in_(person_ids),
            Correspondent.decision == Decision.PERSON,
            Correspondent.domain_index.is_not(None),
        )
        .group_by(Correspondent.person_id, Correspondent.domain_index)
        .order_by(Correspondent.person_id, weight.desc(), Correspondent.domain_index)
    )
    found: dict[uuid.UUID, list[bytes]] = defaultdict(list)
    for person_id, domain in rows:
        if person_id is not None and domain is not None:
            found[person_id].append(domain)
    return found


def _companies(session: Session, organisation_id: uuid.UUID, domains: set[bytes]) -> dict[bytes, uuid.UUID]:
    """Return the company of each domain that has one.

    Of several, one of which a user or an owner said that it has the domain, else one that is nobody's, and of these the
    one with the smallest id: who types a domain finds later mail there, whatever an account tells of another company.
    """
    told = (Fact.organisation_id == organisation_id, Fact.field == "domain")
    there = select(Fact.value_index, Fact.company_id).where(
        *told, Fact.value_index.in_(domains), Fact.company_id.is_not(None)
    )
    found: dict[bytes, set[uuid.UUID]] = defaultdict(set)
    for row in session.execute(there.distinct()):
        found[row.value_index].add(row.company_id)
    several = [domain for domain, ids in found.items() if len(ids) > 1]
    only = {domain: next(iter(ids)) for domain, ids in found.items() if len(ids) == 1}
    if not several:
        return only
    said, is_nobodys = Fact.grant_id.is_(None) | is_shown_of_company(), ~is_users(Company)
    rows = session.execute(
        select(Fact.value_index, Company.id)
        .join(Company, Company.id == Fact.company_id)
        .where(*told, Fact.value_index.in_(several))
        .order_by(func.bool_or(is_users(Company) & said), is_nobodys, Company.id.desc())
        .group_by(Fact.value_index, Company.id)
    )
    return only | {row.value_index: row.id for row in rows}


def absorb(session: Session, company_id: uuid.UUID, domain: bytes) -> None:
    """All that the organisation's accounts tell of the domain is this company's, where it was of none of a user's."""
    company = session.get_one(Company, company_id)
    told = select(Fact.company_id).where(
        Fact.organisation_id == company.organisation_id, Fact.field == "domain", Fact.value_index == domain
    )
    others = select(Company.id).where(Company.id.in_(told), ~is_users(Company), Company.id != company_id)
    gone = list(session.scalars(others))
    for table in (Fact, Person):
        session.execute(update(table).where(table.company_id.in_(gone)).values(company_id=company_id))
    session.execute(delete(Company).where(Company.id.in_(gone)))


def _is_known_there() -> ColumnElement[bool]:
    """Return the condition that the fact is native, or its grant decided for a person at its domain."""
    return Fact.grant_id.is_(None) | exists().where(
        and_(
            Correspondent.grant_id == Fact.grant_id,
            Correspondent.domain_index == Fact.value_index,
            Correspondent.decision == Decision.PERSON,
        )
    )


def _make(
    session: Session, organisation_id: uuid.UUID, domains: set[bytes], now: dt.datetime
) -> dict[bytes, uuid.UUID]:
    """Return a new company for each of the domains of which something is told."""
    told = session.scalars(
        select(Fact.value_index)
        .where(
            Fact.organisation_id == organisation_id,
            Fact.field == "domain",
            Fact.value_index.in_(domains),
            _is_known_there(),
        )
        .distinct()
    )
    made = {domain: opaque_id() for domain in told if domain is not None}
    if made:
        rows = [
            {"id": company_id, "organisation_id": organisation_id, "made_by": MadeBy.RULE, "created_at": now}
            for company_id in made.values()
        ]
        session.execute(insert(Company), rows)
    return made


def _give_facts(session: Session, organisation_id: uuid.UUID, companies: dict[bytes, uuid.UUID]) -> None:
    """Company facts of these domains that are nobody's yet are their company's."""
    waiting = session.execute(
        select(Fact.id, Fact.value_index).where(
            Fact.organisation_id == organisation_id,
            Fact.field.in_(COMPANY_FIELDS),
            Fact.value_index.in_(companies),
            Fact.company_id.is_(None),
            Fact.person_id.is_(None),
            _is_known_there(),
        )
    ).all()
    if waiting:
        session.execute(update(Fact), [{"id": row.id, "company_id": companies[row.value_index]} for row in waiting])
