"""Correspondents and the facts they tell, written in bulk.

The transaction holds `crm.matching.hold`, so that what is looked up here stays so until it ends.
"""

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.facts import COMPANY_FIELDS
from crm.models import Correspondent, Fact, FactTerm
from kernel.ids import new_id
from sync.apply.bulk import among, copy_rows
from sync.intake.heard import Gathering, Heard
from sync.intake.sealing import Desk, SealedFact


def settle(session: Session, desk: Desk, gathering: Gathering) -> dict[bytes, uuid.UUID]:
    """Every address of the page is a correspondent with its facts; return their ids by blind index."""
    if not gathering.by_index:
        return {}
    rows = session.execute(
        select(Correspondent.id, Correspondent.address_index, Correspondent.is_list, Correspondent.is_own).where(
            Correspondent.grant_id == desk.grant_id,
            Correspondent.source == desk.source,
            among(Correspondent.address_index, gathering.by_index),
        )
    ).all()
    ids: dict[bytes, uuid.UUID] = {row.address_index: row.id for row in rows}
    seen = [(row, gathering.by_index[row.address_index]) for row in rows]
    news = [
        {"id": row.id, "is_list": row.is_list or heard.is_list, "is_own": row.is_own or heard.is_own}
        for row, heard in seen
        if heard.is_list > row.is_list or heard.is_own > row.is_own
    ]
    if news:
        session.execute(update(Correspondent), news)
    fresh = {index: new_id() for index in gathering.by_index if index not in ids}
    if fresh:
        copy_rows(session, Correspondent, [_row(desk, heard, fresh[index]) for index, heard in _of(gathering, fresh)])
    return ids | fresh


def tell_names(
    session: Session, desk: Desk, gathering: Gathering, ids: dict[bytes, uuid.UUID], *, with_address: bool = True
) -> None:
    """Each correspondent tells its address once, and the newest name it was seen under."""
    held = {
        row.correspondent_id: row
        for row in session.execute(
            select(Fact.id, Fact.correspondent_id, Fact.value_index, Fact.observed_at, Fact.field).where(
                among(Fact.correspondent_id, ids.values()), Fact.field == "name", Fact.grant_id == desk.grant_id
            )
        )
    }
    addressed = _addressed(session, desk, ids.values()) if with_address else set(ids.values())
    told: list[tuple[SealedFact, dict[str, Any]]] = []
    renamed: list[tuple[SealedFact, bool]] = []
    for index, heard in gathering.by_index.items():
        owner = ids[index]
        if owner not in addressed:
            told.append((gathering.email_fact(index), {"correspondent_id": owner}))
        before = held.get(owner)
        if before is None:
            if (fact := gathering.name_fact(index)) is not None:
                told.append((fact, {"correspondent_id": owner}))
        elif heard.name_at is not None and heard.name_at > before.observed_at:
            fact = gathering.name_fact(index, before.id)
            if fact is not None:
                renamed.append((fact, fact.value_index != before.value_index))
    _rename(session, desk, renamed)
    insert_facts(session, desk, told)


def tell_companies(session: Session, desk: Desk, gathering: Gathering) -> None:
    """The company of each domain of the page is told of, once a grant and source."""
    domains = gathering.domains()
    if not domains:
        return
    told = set(
        session.scalars(
            select(Fact.value_index).where(
                Fact.grant_id == desk.grant_id,
                Fact.source == desk.source,
                Fact.field == "domain",
                among(Fact.value_index, domains),
            )
        )
    )
    news = [fact for index, heard in domains.items() if index not in told for fact in gathering.company_facts(heard)]
    insert_facts(session, desk, [(fact, {}) for fact in news])


def insert_facts(session: Session, desk: Desk, facts: Collection[tuple[SealedFact, dict[str, Any]]]) -> None:
    """The facts are stored with their owners and search terms."""
    if not facts:
        return
    rows = [
        {
            "id": fact.id,
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "source": desk.source.value,
            "correspondent_id": None,
            "contact_id": None,
            "field": fact.field,
            "value": fact.value,
            "value_index": fact.value_index,
            "position": fact.position,
            "observed_at": fact.observed_at,
            **owners,
        }
        for fact, owners in facts
    ]
    copy_rows(session, Fact, rows)
    _insert_terms(session, desk, (fact for fact, _ in facts))


def forget(session: Session, desk: Desk, correspondent_ids: Collection[uuid.UUID]) -> None:
    """These correspondents are gone with their facts; so are company facts of domains that nobody is left at."""
    if not correspondent_ids:
        return
    domains = session.scalars(
        delete(Correspondent).where(among(Correspondent.id, correspondent_ids)).returning(Correspondent.domain_index)
    ).all()
    left = select(Correspondent.domain_index).where(
        Correspondent.grant_id == desk.grant_id,
        Correspondent.source == desk.source,
        Correspondent.domain_index.is_not(None),
    )
    session.execute(
        delete(Fact).where(
            Fact.grant_id == desk.grant_id,
            Fact.source == desk.source,
            Fact.field.in_(COMPANY_FIELDS),
            Fact.value_index.in_({domain for domain in domains if domain is not None}),
            Fact.value_index.not_in(left),
        )
    )


def _rename(session: Session, desk: Desk, facts: list[tuple[SealedFact, bool]]) -> None:
    """The facts hold the newer name; their terms follow when the name is another."""
    same = [{"id": fact.id, "observed_at": fact.observed_at} for fact, is_other in facts if not is_other]
    others = [fact for fact, is_other in facts if is_other]
    if same:
        session.execute(update(Fact), same)
    if not others:
        return
    session.execute(
        update(Fact),
        [
            {"id": fact.id, "value": fact.value, "value_index": fact.value_index, "observed_at": fact.observed_at}
            for fact in others
        ],
    )
    session.execute(delete(FactTerm).where(FactTerm.fact_id.in_([fact.id for fact in others])))
    _insert_terms(session, desk, others)


def _insert_terms(session: Session, desk: Desk, facts: Iterable[SealedFact]) -> None:
    rows = [
        {
            "id": new_id(),
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "fact_id": fact.id,
            "term": term,
        }
        for fact in facts
        for term in dict.fromkeys(fact.terms)
    ]
    copy_rows(session, FactTerm, rows)


def _addressed(session: Session, desk: Desk, ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Return which correspondents have told their address already."""
    return {
        owner
        for owner in session.scalars(
            select(Fact.correspondent_id).where(
                among(Fact.correspondent_id, ids), Fact.field == "email", Fact.grant_id == desk.grant_id
            )
        )
        if owner is not None
    }


def _of(gathering: Gathering, indexes: Iterable[bytes]) -> Iterable[tuple[bytes, Heard]]:
    return ((index, gathering.by_index[index]) for index in indexes)


def _row(desk: Desk, heard: Heard, row_id: uuid.UUID) -> dict[str, Any]:
    return {
        "id": row_id,
        "organisation_id": desk.organisation_id,
        "grant_id": desk.grant_id,
        "source": desk.source.value,
        "address_index": heard.address_index,
        "domain_index": heard.domain_index,
        "is_own": heard.is_own,
        "is_colleague": heard.is_colleague,
        "is_list": heard.is_list,
        "is_role": heard.is_role,
        "is_robot": heard.is_robot,
        "written_to": 0,
        "received_from": 0,
        "received_bulk": 0,
        "met": 0,
        "decision": "waiting",
        "reason": "not_yet",
    }
