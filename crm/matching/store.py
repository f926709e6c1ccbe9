"""Storing a plan: decisions, people, merges, and whose each fact is; a few set-based statements."""

import datetime as dt
import uuid

from sqlalchemy import Table, Uuid, bindparam, delete, insert, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from crm.facts import COMPANY_FIELDS
from crm.matching.narrowing import narrow, opened_of
from crm.matching.picture import Picture
from crm.matching.plan import Plan
from crm.models import Person
from crm.models.people import MadeBy
from kernel.database import Base

_IDS = ARRAY(Uuid())

_DECIDE = text(
    """
    UPDATE correspondents AS c SET decision = n.decision, reason = n.reason, person_id = n.person_id
    FROM unnest(:ids, CAST(:decisions AS varchar[]), CAST(:reasons AS varchar[]), :people)
         AS n (id, decision, reason, person_id)
    WHERE c.id = n.id
    """
).bindparams(bindparam("ids", type_=_IDS), bindparam("people", type_=_IDS))

_HOLD = text(
    """
    UPDATE contacts AS c SET person_id = n.person_id FROM unnest(:ids, :people) AS n (id, person_id)
    WHERE c.id = n.id AND c.person_id IS DISTINCT FROM n.person_id
    """
).bindparams(bindparam("ids", type_=_IDS), bindparam("people", type_=_IDS))

# What a contact says is the contact's person's, whichever address it stands beside.
_GIVE_TOLD = text(
    """
    UPDATE facts AS f SET person_id = c.person_id FROM correspondents AS c
    WHERE c.id = ANY(:ids) AND f.correspondent_id = c.id AND f.contact_id IS NULL
      AND f.field <> ALL(CAST(:company_fields AS varchar[])) AND f.person_id IS DISTINCT FROM c.person_id
    """
).bindparams(bindparam("ids", type_=_IDS))

_GIVE_HELD = text(
    """
    UPDATE facts AS f SET person_id = c.person_id FROM contacts AS c
    WHERE c.id = ANY(:ids) AND f.contact_id = c.id
      AND f.field <> ALL(CAST(:company_fields AS varchar[])) AND f.person_id IS DISTINCT FROM c.person_id
    """
).bindparams(bindparam("ids", type_=_IDS))


def store(session: Session, organisation_id: uuid.UUID, picture: Picture, planned: Plan, now: dt.datetime) -> None:
    """The plan is in the database, and every fact of its addresses and contacts is its person's.

    What owners opened of these people is not opened of what others joined to them.
    """
    opened = opened_of(session, organisation_id, picture.people)
    if planned.made:
        rows = [
            {"id": made, "organisation_id": organisation_id, "made_by": MadeBy.RULE, "created_at": now}
            for made in planned.made
        ]
        session.execute(insert(Person), rows)
    for loser, winner in planned.merged.items():
        merge(session, loser, winner)
    _store_decisions(session, picture, planned)
    _store_holders(session, picture, planned)
    _give_facts(session, planned)
    narrow(session, opened, planned.merged, now)


def _store_decisions(session: Session, picture: Picture, planned: Plan) -> None:
    """Correspondents whose decision changed say so; the others are not written to."""
    before = {row.id: (row.decision, row.reason, row.person_id) for row in picture.sightings}
    changed = [(row_id, *new) for row_id, new in planned.decisions.items() if before[row_id] != new]
    if changed:
        ids, decisions, reasons, people = zip(*changed, strict=True)
        values = {"ids": ids, "decisions": decisions, "reasons": reasons, "people": people}
        session.execute(_DECIDE, {name: list(column) for name, column in values.items()})


def _store_holders(session: Session, picture: Picture, planned: Plan) -> None:
    before = {row.id: row.person_id for row in picture.holdings}
    changed = {row_id: person for row_id, person in planned.holders.items() if before[row_id] != person}
    if changed:
        session.execute(_HOLD, {"ids": list(changed), "people": list(changed.values())})


def _give_facts(session: Session, planned: Plan) -> None:
    people = [row_id for row_id, (_, _, person_id) in planned.decisions.items() if person_id]
    for statement, ids in ((_GIVE_TOLD, people), (_GIVE_HELD, list(planned.holders))):
        if ids:
            session.execute(statement, {"ids": ids, "company_fields": list(COMPANY_FIELDS)})


def merge(session: Session, loser_id: uuid.UUID, winner_id: uuid.UUID) -> None:
    """All that pointed at the loser points at the winner, who keeps what users did to either; the loser is gone."""
    loser = session.get_one(Person, loser_id, populate_existing=True)
    winner = session.get_one(Person, winner_id, populate_existing=True)
    winner.touched_at = min((at for at in (winner.touched_at, loser.touched_at) if at is not None), default=None)
    winner.known_by = sorted({*winner.known_by, *loser.known_by})
    winner.company_id = winner.company_id or loser.company_id
    if loser.made_by == MadeBy.USER:
        winner.made_by = MadeBy.USER
    session.flush()
    for table, column in _pointers():
        session.execute(update(table).where(table.c[column] == loser_id).values({column: winner_id}))
    session.execute(delete(Person).where(Person.id == loser_id))


def _pointers() -> list[tuple[Table, str]]:
    """Return every column of any table that points at a person: a table added later is not forgotten."""
    return [
        (table, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == Person.__tablename__
    ]
