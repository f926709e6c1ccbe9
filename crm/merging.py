"""What is shown of a person or company: one merge of the facts that this viewer may see.

Of a field the first source wins (user, import, form, contacts, calendar, gmail), then what was told last; what
teammates share comes after all that. Equal values (by blind index) are shown once, with all their sources. Nothing is
stored of a merge: when a connection ends, the next look is without it.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, String, Uuid, any_, bindparam, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.models import Fact
from crm.models.people import FactSource
from crm.visibility import Sight
from limited_use.sealing import Native, Place, Sealed, System, placed

_RANK = {source.value: rank for rank, source in enumerate(FactSource)}


@dataclass(frozen=True, slots=True)
class FactRow:
    """One value as shown: sealed, and which sources told it."""

    id: System[uuid.UUID]
    field: System[str]
    value: Sealed
    sources: tuple[System[str], ...]
    shared_by: Native[str] | None = None
    """The teammate whose account tells it; None where the viewer's own does, or a user wrote it."""

    @property
    def is_users(self) -> bool:
        """Tell whether a user wrote it."""
        return self.sources[0].value in (FactSource.USER, FactSource.IMPORT, FactSource.FORM)


@dataclass(frozen=True, slots=True)
class Merged:
    """All values of a record by field, the best first."""

    by_field: Mapping[str, tuple[FactRow, ...]]

    def best(self, field: str) -> Sealed | None:
        """Return the value that is shown for a field."""
        rows = self.by_field.get(field, ())
        return rows[0].value if rows else None

    def rows(self, fields: Iterable[str]) -> tuple[FactRow, ...]:
        """Return all values of these fields, in their order."""
        return tuple(row for field in fields for row in self.by_field.get(field, ()))


NOTHING = Merged({})


def merged_people(
    session: Session, sight: Sight, ids: Collection[uuid.UUID], fields: Collection[str]
) -> dict[uuid.UUID, Merged]:
    """Return what is shown of each of these people; those of whom nothing is visible are absent."""
    return _merged(session, sight, Fact.person_id, ids, fields)


def merged_companies(
    session: Session, sight: Sight, ids: Collection[uuid.UUID], fields: Collection[str]
) -> dict[uuid.UUID, Merged]:
    """Return what is shown of each of these companies."""
    return _merged(session, sight, Fact.company_id, ids, fields)


def merged_at_work(
    session: Session, sight: Sight, person_id: uuid.UUID, company_id: uuid.UUID | None, fields: Collection[str]
) -> tuple[Merged, Merged]:
    """Return what is shown of a person and of the company they work at, both asked in one statement."""
    query = _OWN_AT_WORK if sight.is_alone else union_all(*(one.where(sight.facts()) for one in _AT_WORK))
    told = _told(session, sight, query, fields, {"ids": [person_id], "company_ids": [company_id] if company_id else []})
    company = _merge(sight, told.get(company_id, [])) if company_id else NOTHING
    return _merge(sight, told.get(person_id, [])), company


def _facts_of(owner: InstrumentedAttribute[uuid.UUID | None], ids: str = "ids") -> Any:
    """Return the query for the facts of some records in some fields."""
    return select(
        owner.label("owner_id"),
        Fact.id,
        Fact.field,
        Fact.value,
        Fact.value_index,
        Fact.source,
        Fact.grant_id,
        Fact.position,
        Fact.observed_at,
    ).where(
        owner == any_(bindparam(ids, type_=ARRAY(Uuid))), Fact.field == any_(bindparam("fields", type_=ARRAY(String)))
    )


_ALONE = (
    Fact.organisation_id == bindparam("organisation_id", type_=Uuid),
    or_(Fact.grant_id.is_(None), Fact.grant_id == any_(bindparam("grant_ids", type_=ARRAY(Uuid)))),
)
"""What `Sight.facts` says where nobody shares anything."""
_OWN = {owner.key: _facts_of(owner).where(*_ALONE) for owner in (Fact.person_id, Fact.company_id)}
_AT_WORK = (_facts_of(Fact.person_id), _facts_of(Fact.company_id, "company_ids"))
_OWN_AT_WORK = union_all(*(one.where(*_ALONE) for one in _AT_WORK))
"""Made once, for nearly every answer asks one of them."""


def _merged(
    session: Session,
    sight: Sight,
    owner: InstrumentedAttribute[uuid.UUID | None],
    ids: Collection[uuid.UUID],
    fields: Collection[str],
) -> dict[uuid.UUID, Merged]:
    if not ids:
        return {}
    query = _OWN[owner.key] if sight.is_alone else _facts_of(owner).where(sight.facts())
    told = _told(session, sight, query, fields, {"ids": list(ids)})
    return {owner_id: _merge(sight, rows) for owner_id, rows in told.items()}


def _told(
    session: Session, sight: Sight, query: Any, fields: Collection[str], of: Mapping[str, list[uuid.UUID]]
) -> dict[uuid.UUID, list[Row[*tuple[Any, ...]]]]:
    """Return the facts that a query finds, by the record that they are of."""
    asked = {"grant_ids": list(sight.grant_ids), "organisation_id": sight.organisation_id}
    told: dict[uuid.UUID, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in session.execute(query, {**asked, **of, "fields": list(fields)}):
        told[row.owner_id].append(row)
    return told


def _merge(sight: Sight, rows: list[Row[*tuple[Any, ...]]]) -> Merged:
    """Return the rows of one record in order of precedence, equal values united; what teammates share comes last."""
    rows.sort(key=lambda row: (row.grant_id in sight.owners, _precedence(row)))
    kept: dict[tuple[str, object], tuple[Row[*tuple[Any, ...]], Sealed, list[str]]] = {}
    for row in rows:
        key = (row.field, _same_as(row))
        if key not in kept:
            place = Place(sight.organisation_id, "facts", "value", row.id)
            value = placed(row.value, place)
            if value is None:
                continue
            kept[key] = (row, value, [])
        sources = kept[key][2]
        if row.source not in sources:
            sources.append(row.source)
    by_field: dict[str, list[FactRow]] = defaultdict(list)
    for (field, _), (row, value, sources) in kept.items():
        told_by = tuple(System(str(source)) for source in sources)
        by_field[field].append(FactRow(System(row.id), System(field), value, told_by, sight.shared_by(row.grant_id)))
    return Merged({field: tuple(values) for field, values in by_field.items()})


def _precedence(row: Row[*tuple[Any, ...]]) -> tuple[int, float, int, uuid.UUID]:
    return (_RANK[row.source], -row.observed_at.timestamp(), row.position, row.id)


def _same_as(row: Row[*tuple[Any, ...]]) -> object:
    """Return by what a value is known to equal another."""
    return row.value_index if row.value_index is not None else row.id
