"""Storing a page of messages."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, aliased

from crm import matching
from crm.models import Correspondent, Message, Participation
from kernel.ids import new_id
from limited_use import body_reading, fingerprints
from sync.apply import ledger
from sync.apply.bulk import among, copy_rows
from sync.apply.counts import count_mail
from sync.apply.facts import forget, settle, tell_companies, tell_names
from sync.apply.page import Applying, Place
from sync.apply.prints import write_prints
from sync.intake.mail import MailPage, Part
from sync.intake.sealing import Desk
from sync.plan import Act, Item, Known, Plan, Tally, plan_page, plan_sweep, skip_of_labels

SWEEP = 1000
READ_BODIES = "sync.bodies"
_HEADS_FIRST = dt.timedelta(minutes=1)
"""What the import does meanwhile is worth more to a person who waits than the texts of mails are."""


def known_messages(session: Session, place: Place, desk: Desk, keys: Collection[str]) -> dict[str, Known]:
    """Return what is held of these messages: stored, or left out."""
    rows = session.execute(
        select(Message.gmail_id, Message.id, Message.digest, Message.generation).where(
            Message.grant_id == place.grant_id, among(Message.gmail_id, keys)
        )
    )
    stored = {row.gmail_id: Known(row.id, row.digest, None, row.generation) for row in rows}
    return ledger.merged(stored, ledger.known_skips(session, place, desk.indexer, keys))


def store_page(at: Applying, place: Place, page: MailPage, gone: Collection[str]) -> Tally:
    """The page's messages are stored or left out, those that are gone are gone; return how the counts changed."""
    session, desk = at.session, page.desk
    matching.hold(session, place.organisation_id)
    known = known_messages(session, place, desk, [*page.items, *gone])
    plan = plan_page(page.items.values(), gone, known, place.generation)
    affected = _remove(session, plan)
    rows, parts = _rows(page, plan, place.generation)
    ids = settle(session, desk, page.gathering)
    _write(session, plan, rows, place.generation)
    write_prints(session, page.prints, plan)
    _write_parts(session, desk, {row["gmail_id"]: row["id"] for row in rows}, parts, ids)
    _relabel(session, page, [action.key for action in plan.of(Act.KEEP)] + _untouched(page, plan, known))
    tell_names(session, desk, page.gathering, ids)
    tell_companies(session, desk, page.gathering)
    ledger.write_skips(session, place, desk.indexer, plan)
    _settle_counts(at, place, desk, affected | set(ids.values()) | _answered(session, rows))
    if rows and body_reading.is_on(session, place.organisation_id):
        at.work.later(READ_BODIES, place.grant_id, at.now + _HEADS_FIRST)
    return plan.tally(place.generation)


def change_labels(at: Applying, place: Place, desk: Desk, changes: Mapping[str, Mapping[str, bool]]) -> Tally:
    """Stored messages have the labels that the changes leave them with, or are left out because of them."""
    session = at.session
    matching.hold(session, place.organisation_id)
    rows = session.execute(
        select(Message.id, Message.gmail_id, Message.digest, Message.generation, Message.label_ids).where(
            Message.grant_id == place.grant_id, among(Message.gmail_id, changes)
        )
    ).all()
    known = {row.gmail_id: Known(row.id, row.digest, None, row.generation) for row in rows}
    labels = {row.gmail_id: changed_labels(row.label_ids, changes[row.gmail_id]) for row in rows}
    items = [Item(key, known[key].digest, skip_of_labels(labels[key])) for key in known]
    plan = plan_page(items, (), known, place.generation)
    affected = _remove(session, plan)
    ledger.write_skips(session, place, desk.indexer, plan)
    kept = [
        {"id": row.id, "label_ids": labels[row.gmail_id]}
        for row, item in zip(rows, items, strict=True)
        if item.skip is None and labels[row.gmail_id] != row.label_ids
    ]
    if kept:
        session.execute(update(Message), kept)
    _settle_counts(at, place, desk, affected)
    return plan.tally(place.generation)


def sweep(at: Applying, place: Place, desk: Desk) -> int:
    """Some of what the complete listing lacks is gone; return how many items that were, 0 when none is left.

    Raises:
        SideEmpty: when the listing found nothing at all.
    """
    session = at.session
    matching.hold(session, place.organisation_id)
    rows = session.execute(
        select(Message.gmail_id, Message.id, Message.digest, Message.generation)
        .where(Message.grant_id == place.grant_id, Message.generation < place.generation)
        .limit(SWEEP)
    )
    unseen = {row.gmail_id: Known(row.id, row.digest, None, row.generation) for row in rows}
    unseen |= ledger.unseen_skips(session, place, SWEEP)
    plan = plan_sweep(unseen, at.collection.found, complete=True)
    affected = _remove(session, plan)
    ledger.write_skips(session, place, desk.indexer, plan)
    _settle_counts(at, place, desk, affected)
    at.count(plan.tally(place.generation))
    return len(plan.actions)


def changed_labels(label_ids: Iterable[str], changes: Mapping[str, bool]) -> list[str]:
    """Return the labels after the changes."""
    kept = {label for label in label_ids if changes.get(label, True)}
    return sorted(kept | {label for label, present in changes.items() if present})


def _rows(page: MailPage, plan: Plan, generation: int) -> tuple[list[dict[str, Any]], list[Part]]:
    """Return the sealed rows to be inserted or updated, and their parts."""
    rows, parts = [], []
    for action in plan.of(Act.INSERT, Act.UPDATE):
        row_id = action.was.row_id if action.act is Act.UPDATE and action.was else None
        row, more = page.row(action.key, row_id, generation)
        rows.append(row)
        parts += more
    return rows, parts


def _write(session: Session, plan: Plan, rows: list[dict[str, Any]], generation: int) -> None:
    updated = {action.was.row_id for action in plan.of(Act.UPDATE) if action.was}
    if updated:
        session.execute(delete(Participation).where(among(Participation.message_id, updated)))
        session.execute(update(Message), [row for row in rows if row["id"] in updated])
    fresh = [row for row in rows if row["id"] not in updated]
    copy_rows(session, Message, fresh)
    seen = [action.was.row_id for action in plan.of(Act.KEEP) if action.was and action.was.skip is None]
    if seen:
        session.execute(update(Message).where(among(Message.id, seen)).values(generation=generation))


def _write_parts(
    session: Session,
    desk: Desk,
    messages: Mapping[str, uuid.UUID],
    parts: list[Part],
    correspondents: Mapping[bytes, uuid.UUID],
) -> None:
    rows = [
        {
            "id": new_id(),
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "message_id": messages[part.key],
            "correspondent_id": correspondents[part.address_index],
            "role": part.role,
            "position": part.position,
        }
        for part in parts
    ]
    copy_rows(session, Participation, rows)


def _relabel(session: Session, page: MailPage, keys: list[str]) -> None:
    """Messages that were held already have the labels that Gmail says now."""
    rows = [
        {"id": row.id, "label_ids": labels}
        for row in session.execute(
            select(Message.id, Message.gmail_id, Message.label_ids).where(
                Message.grant_id == page.desk.grant_id, among(Message.gmail_id, keys)
            )
        )
        if (labels := page.label_ids(row.gmail_id)) != row.label_ids
    ]
    if rows:
        session.execute(update(Message), rows)


def _untouched(page: MailPage, plan: Plan, known: Mapping[str, Known]) -> list[str]:
    """Return the stored messages of the page that need no action."""
    planned = {action.key for action in plan.actions}
    return [key for key in page.items if key in known and key not in planned and known[key].skip is None]


def _remove(session: Session, plan: Plan) -> set[uuid.UUID]:
    """Stored messages that are gone or left out now are removed; return whose counts that changes."""
    ids = [
        action.was.row_id
        for action in plan.of(Act.DELETE, Act.SKIP)
        if action.was is not None and action.was.skip is None
    ]
    if not ids:
        return set()
    affected = set(session.scalars(select(Participation.correspondent_id).where(among(Participation.message_id, ids))))
    answers = session.scalars(select(Message.answers_index).where(among(Message.id, ids))).all()
    grants = session.scalars(select(Message.grant_id).where(among(Message.id, ids)).limit(1)).one_or_none()
    if grants is not None:
        affected |= _authors(session, grants, answers)
    session.execute(delete(Message).where(among(Message.id, ids)))
    fingerprints.forget(session, ids)
    return affected


def _answered(session: Session, rows: Collection[Mapping[str, Any]]) -> set[uuid.UUID]:
    """Return who wrote the stored messages that the new ones answer."""
    written = [row for row in rows if row["direction"] == "out"]
    return _authors(session, written[0]["grant_id"], [row["answers_index"] for row in written]) if written else set()


def _authors(session: Session, grant_id: uuid.UUID, message_indexes: Iterable[bytes | None]) -> set[uuid.UUID]:
    wanted = {index for index in message_indexes if index is not None}
    if not wanted:
        return set()
    message = aliased(Message)
    return set(
        session.scalars(
            select(Participation.correspondent_id)
            .join(message, message.id == Participation.message_id)
            .where(message.grant_id == grant_id, message.message_id_index.in_(wanted), Participation.role == "from")
        )
    )


def _settle_counts(at: Applying, place: Place, desk: Desk, affected: set[uuid.UUID]) -> None:
    """The counts of all affected are true again, nobody without a part is left, and people are matched."""
    if not affected:
        return
    session = at.session
    count_mail(session, affected)
    here = select(Participation.correspondent_id).where(Participation.correspondent_id == Correspondent.id)
    idle = session.scalars(select(Correspondent.id).where(among(Correspondent.id, affected), ~here.exists())).all()
    if idle:
        forget(session, desk, idle)
        at.work.later("crm.tidy", place.organisation_id)
    matching.match(session, place.organisation_id, place.grant_id, list(affected.difference(idle)), at.now)
