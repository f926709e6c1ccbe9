"""Search by the beginning of a name, an address or a domain, through keyed digests of terms: no plaintext is read.

Several words must all be found, in any of a record's facts. Only facts that the viewer may see are looked at, so a hit
never tells of another's mail.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from accounts.members import Viewer
from crm import companies, people
from crm.companies import CompanyRow
from crm.facts import Indexer
from crm.models import Fact, FactTerm
from crm.people import PersonRow
from crm.terms import terms_of_query
from crm.visibility import Sight, sight_of

MOST = 50


@dataclass(frozen=True, slots=True)
class Found:
    """People and companies, by last contact; at most MOST of each. `asked` is False when nothing was asked for."""

    asked: bool
    people: tuple[PersonRow, ...] = ()
    companies: tuple[CompanyRow, ...] = ()


def search(session: Session, index: Indexer, viewer: Viewer, text: str) -> Found:
    """Return what the viewer may see of the people and companies that the words find."""
    terms = [index.digest("term", term) for term in terms_of_query(text)]
    if not terms:
        return Found(asked=False)
    sight = sight_of(session, viewer)
    found = people.rows_of(session, viewer, _matching(session, sight, Fact.person_id, terms))
    firms = companies.rows_of(session, viewer, _matching(session, sight, Fact.company_id, terms))
    return Found(asked=True, people=tuple(found), companies=tuple(firms))


def _matching(
    session: Session, sight: Sight, owner: InstrumentedAttribute[uuid.UUID | None], terms: list[bytes]
) -> list[uuid.UUID]:
    query = (
        select(owner)
        .join(FactTerm, FactTerm.fact_id == Fact.id)
        .where(
            FactTerm.organisation_id == sight.organisation_id,
            FactTerm.term.in_(terms),
            sight.facts(),
            owner.is_not(None),
        )
        .group_by(owner)
        .having(func.count(FactTerm.term.distinct()) == len(set(terms)))
        .order_by(func.max(Fact.observed_at).desc(), owner)
        .limit(MOST)
    )
    return [found for found in session.scalars(query) if found is not None]
