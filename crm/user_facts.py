"""Storing what a user typed into the fields of a record: native facts, one of a field, found by their own terms.

A value that repeats what Google told this viewer is not the user's own: it writes nothing native, so that the value
keeps its label. What only a teammate's account tells is not compared: the answer would tell it.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from crm.models import Fact, FactTerm
from crm.models.people import FactSource
from crm.pen import Pen
from crm.visibility import Sight
from kernel.ids import new_id
from limited_use import repeats


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose facts are written: a person's or a company's."""

    person_id: uuid.UUID | None = None
    company_id: uuid.UUID | None = None

    def facts(self) -> ColumnElement[bool]:
        """Return the condition on facts."""
        return Fact.person_id == self.person_id if self.person_id else Fact.company_id == self.company_id


def write_facts(
    session: Session, pen: Pen, sight: Sight, owner: Owner, told: Mapping[str, str], now: dt.datetime
) -> bool:
    """Leave the users' facts of these fields as typed, empty ones gone; return whether anything changed."""
    changed = [_write(session, pen, sight, owner, item, now) for item in told.items()]
    return any(changed)


def _write(session: Session, pen: Pen, sight: Sight, owner: Owner, item: tuple[str, str], now: dt.datetime) -> bool:
    field, text = item
    index = pen.index(field, text) if text else None
    seen = session.execute(
        select(Fact.id, Fact.source, Fact.value_index).where(sight.facts(), owner.facts(), Fact.field == field)
    ).all()
    own = [row for row in seen if row.source == FactSource.USER]
    repeated = index is not None and any(row.value_index == index for row in seen if row.source != FactSource.USER)
    if index is not None and not repeated and any(row.value_index == index for row in own):
        return False
    if own:
        gone = [row.id for row in own]
        session.execute(delete(Fact).where(Fact.id.in_(gone)))
        repeats.forget(session, gone)
    if index is None or repeated:
        return bool(own)
    _insert(session, pen, sight.member_id, owner, item, now)
    return True


def _insert(
    session: Session, pen: Pen, member_id: uuid.UUID, owner: Owner, item: tuple[str, str], now: dt.datetime
) -> None:
    field, text = item
    fact_id = new_id()
    fact = Fact(id=fact_id, organisation_id=pen.organisation_id, source=FactSource.USER, field=field)
    fact.person_id, fact.company_id = owner.person_id, owner.company_id
    fact.value_index = pen.index(field, text)
    fact.value = pen.write(session, member_id, ("facts", "value", fact_id), text)
    fact.position, fact.observed_at = 0, now
    session.add(fact)
    session.flush()
    session.add_all(
        FactTerm(organisation_id=pen.organisation_id, fact_id=fact_id, term=term) for term in pen.terms(field, text)
    )
    session.flush()
