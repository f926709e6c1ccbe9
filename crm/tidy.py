"""Tidying: records that a rule made and no user touched go with the last of what told of them.

So does where a person works, which follows from their addresses, when no account knows them at a company's any more.

Run after a purge, in bounded batches: each is a transaction of its own, under the organisation's matching lock, so that
no person is taken away while a page that names it is being matched.
"""

import uuid

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from crm.matching import hold
from crm.models import Company, Contact, Correspondent, Deal, Fact, Note, Person, Task
from crm.models.people import MadeBy

BATCH = 1000


def tidy(session: Session, organisation_id: uuid.UUID) -> int:
    """Take away up to BATCH people, companies and places of work of which nothing is told any more; return how many.

    0: tidy.
    """
    hold(session, organisation_id)
    people = (
        select(Person.id)
        .where(Person.organisation_id == organisation_id, Person.made_by == MadeBy.RULE, Person.touched_at.is_(None))
        .where(*(~exists().where(table.person_id == Person.id) for table in (Fact, Correspondent, Contact)))
        .where(*(~exists().where(table.person_id == Person.id) for table in (Note, Task, Deal)))
        .limit(BATCH)
    )
    gone = list(session.scalars(people))
    session.execute(delete(Person).where(Person.id.in_(gone)))
    firms = (
        select(Company.id)
        .where(Company.organisation_id == organisation_id, Company.made_by == MadeBy.RULE, Company.touched_at.is_(None))
        .where(*(~exists().where(table.company_id == Company.id) for table in (Fact, Note, Deal)))
        .limit(BATCH)
    )
    closed = list(session.scalars(firms))  # its people lose it by ON DELETE SET NULL
    session.execute(delete(Company).where(Company.id.in_(closed)))
    known = exists().where(Correspondent.person_id == Person.id, Correspondent.domain_index.is_not(None))
    adrift = list(
        session.scalars(
            select(Person.id)
            .where(Person.organisation_id == organisation_id, Person.company_id.is_not(None), ~known)
            .limit(BATCH)
        )
    )
    session.execute(update(Person).where(Person.id.in_(adrift)).values(company_id=None))
    return len(gone) + len(closed) + len(adrift)
