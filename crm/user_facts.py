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
    """Leave the users' facts of these fields as typed, empty ones gone; return whether anything changed.

    Of several that users gave one field (two people may have become one) it is the one that is shown.
    """
    changed = [_write(session, pen, sight, owner, item, now) for item in told.items()]
    return any(changed)


def _write(session: Session, pen: Pen, sight: Sight, owner: Owner, item: tuple[str, str], now: dt.datetime) -> bool:
    field, text = item
    index = pen.index(field, text) if text else None
    seen = session.execute(
        select(Fact.id, Fact.source, Fact.value_index).where(sight.facts(), owner.facts(), Fact.field == field)
    ).all()
    own = {row.id: row.value_index for row in seen if row.source == FactSource.USER}
    repeated = index is not None and any(row.value_index == index for row in seen if row.source != FactSource.USER)
    shown = _shown(session, list(own))
    if shown is not None and own[shown.id] == index:
        return False
    if index is None or repeated or index in own.values():  # what else users gave the field stays, and is shown then
        _remove(session, shown)
        return shown is not None
    _put(session, pen, sight.member_id, shown or _begun(pen, owner, field), text, now)
    return True


def _shown(session: Session, fact_ids: list[uuid.UUID]) -> Fact | None:
    """Return the one of these facts of a field that the form showed: a person made of two may have several."""
    if not fact_ids:
        return None
    own = select(Fact).where(Fact.id.in_(fact_ids)).order_by(Fact.observed_at.desc(), Fact.position, Fact.id)
    return session.scalars(own.with_for_update()).first()


def _remove(session: Session, fact: Fact | None) -> None:
    if fact is not None:
        session.execute(delete(Fact).where(Fact.id == fact.id))
        repeats.forget(session, [fact.id])


def _begun(pen: Pen, owner: Owner, field: str) -> Fact:
    return Fact(
        id=new_id(),
        organisation_id=pen.organisation_id,
        source=FactSource.USER,
        person_id=owner.person_id,
        company_id=owner.company_id,
        field=field,
    )


def _put(session: Session, pen: Pen, member_id: uuid.UUID, fact: Fact, text: str, now: dt.datetime) -> None:
    """Leave the fact with this value and its terms, as told now."""
    fact.value_index = pen.index(fact.field, text)
    fact.value = pen.write(session, member_id, ("facts", "value", fact.id), text)
    fact.position, fact.observed_at = 0, now
    session.add(fact)
    session.flush()
    session.execute(delete(FactTerm).where(FactTerm.fact_id == fact.id))
    session.add_all(
        FactTerm(organisation_id=pen.organisation_id, fact_id=fact.id, term=term)
        for term in pen.terms(fact.field, text)
    )
    session.flush()
