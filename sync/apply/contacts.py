"""Storing a page of contacts."""

import uuid
from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from crm import matching
from crm.models import Contact, Correspondent, Fact
from kernel.ids import new_id
from sync.apply.facts import forget, insert_facts, settle, tell_companies
from sync.apply.page import Applying, Place
from sync.intake.contacts import ContactPage
from sync.intake.sealing import Desk
from sync.plan import Act, Known, Plan, Tally, plan_page, plan_sweep

SWEEP = 500


def known_contacts(session: Session, place: Place, keys: Collection[str]) -> dict[str, Known]:
    """Return what is held of these contacts."""
    rows = session.execute(
        select(Contact.resource_name, Contact.id, Contact.digest, Contact.generation).where(
            Contact.grant_id == place.grant_id, Contact.resource_name.in_(keys)
        )
    )
    return {row.resource_name: Known(row.id, row.digest, None, row.generation) for row in rows}


def store_page(at: Applying, place: Place, page: ContactPage) -> Tally:
    """The page's contacts are stored, those that are gone are gone; return how the counts changed."""
    session, desk = at.session, page.desk
    matching.hold(session, place.organisation_id)
    known = known_contacts(session, place, [*page.items, *page.gone])
    plan = plan_page(page.items.values(), page.gone, known, place.generation)
    _remove(at, place, plan)
    ids = _write(session, page, plan, place.generation)
    page.hear_addresses(ids)
    correspondents = settle(session, desk, page.gathering)
    _tell(session, page, ids, correspondents)
    tell_companies(session, desk, page.gathering)
    lonely = _lonely(session, desk)
    if lonely:
        forget(session, desk, lonely)
    if ids:
        here = [owner for owner in correspondents.values() if owner not in set(lonely)]
        matching.match(session, place.organisation_id, place.grant_id, here, at.now, list(ids.values()))
    return plan.tally(place.generation)


def sweep(at: Applying, place: Place, desk: Desk) -> int:
    """Some of what the complete listing lacks is gone; return how many contacts that were.

    Raises:
        SideEmpty: when the listing found nothing at all.
    """
    session = at.session
    matching.hold(session, place.organisation_id)
    rows = session.execute(
        select(Contact.resource_name, Contact.id, Contact.digest, Contact.generation)
        .where(Contact.grant_id == place.grant_id, Contact.generation < place.generation)
        .limit(SWEEP)
    )
    unseen = {row.resource_name: Known(row.id, row.digest, None, row.generation) for row in rows}
    plan = plan_sweep(unseen, at.collection.found, complete=True)
    _remove(at, place, plan)
    lonely = _lonely(session, desk)
    if lonely:
        forget(session, desk, lonely)
    at.count(plan.tally(place.generation))
    return len(plan.actions)


def _write(session: Session, page: ContactPage, plan: Plan, generation: int) -> dict[str, uuid.UUID]:
    """Return the ids of the contacts that are to tell their facts anew."""
    ids: dict[str, uuid.UUID] = {}
    inserted: list[dict[str, Any]] = []
    updated: list[dict[str, Any]] = []
    desk = page.desk
    for action in plan.of(Act.INSERT, Act.UPDATE):
        row_id = action.was.row_id if action.was else new_id()
        ids[action.key] = row_id
        row = {"id": row_id, "generation": generation, **page.columns(action.key)}
        if action.was:
            updated.append(row)
        else:
            inserted.append({**row, "organisation_id": desk.organisation_id, "grant_id": desk.grant_id})
    if inserted:
        session.execute(insert(Contact), inserted)
    if updated:
        session.execute(delete(Fact).where(Fact.contact_id.in_([row["id"] for row in updated])))
        session.execute(update(Contact), updated)
    seen = [action.was.row_id for action in plan.of(Act.KEEP) if action.was]
    if seen:
        session.execute(update(Contact).where(Contact.id.in_(seen)).values(generation=generation))
    return ids


def _tell(
    session: Session, page: ContactPage, ids: dict[str, uuid.UUID], correspondents: dict[bytes, uuid.UUID]
) -> None:
    """The facts of these contacts are stored."""
    facts = []
    for key, row_id in ids.items():
        for fact, index in page.facts(key):
            told_by = correspondents[index] if index is not None else None
            facts.append((fact, {"contact_id": row_id, "correspondent_id": told_by}))
    insert_facts(session, page.desk, facts)


def _remove(at: Applying, place: Place, plan: Plan) -> None:
    """Contacts that are gone are removed with their facts; who they stood for is looked at again."""
    ids = [action.was.row_id for action in plan.of(Act.DELETE) if action.was]
    if ids:
        at.session.execute(delete(Contact).where(Contact.id.in_(ids)))
        at.work.later("crm.tidy", place.organisation_id)


def _lonely(session: Session, desk: Desk) -> list[uuid.UUID]:
    """Return the correspondents of the contacts that no contact's address speaks for any more."""
    spoken = select(Fact.id).where(Fact.correspondent_id == Correspondent.id)
    query = select(Correspondent.id).where(
        Correspondent.grant_id == desk.grant_id, Correspondent.source == desk.source, ~spoken.exists()
    )
    return list(session.scalars(query))
