"""Storing a page of events."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from crm import matching
from crm.models import Attendance, Correspondent, Meeting, Occurrence
from kernel.ids import new_id
from limited_use import fingerprints
from sync.apply import ledger
from sync.apply.counts import count_meetings
from sync.apply.facts import forget, settle, tell_companies, tell_names
from sync.apply.page import Applying, Place
from sync.apply.prints import write_prints
from sync.intake.events import Attending, EventPage
from sync.intake.sealing import Desk
from sync.plan import Act, Known, Plan, Tally, plan_page, plan_sweep

SWEEP = 500

_REPLACE = text(
    """
    DELETE FROM occurrences o USING meetings s, meetings x
    WHERE o.meeting_id = s.id AND o.starts_at = x.original_start
      AND x.grant_id = s.grant_id AND x.calendar_index = s.calendar_index AND x.series_index = s.event_index
      AND (s.id = ANY(CAST(:ids AS uuid[])) OR x.id = ANY(CAST(:ids AS uuid[])))
    """
)


def store_page(at: Applying, place: Place, page: EventPage) -> Tally:
    """The page's events are stored or left out, those that are gone are gone; return how the counts changed."""
    session, desk = at.session, page.desk
    matching.hold(session, place.organisation_id)
    known = _known(session, place, page, [*page.items, *page.gone])
    told = [known[key].row_id for key in (*page.gone, *page.items) if key in known]
    orphans = _exceptions_of(session, place, [known[key].row_id for key in page.gone if key in known], told)
    plan = plan_page(page.items.values(), [*page.gone, *orphans], known | orphans, place.generation)
    affected = _remove(session, plan)
    rows = _rows(page, plan, place.generation)
    attending = {action.key: page.attending(action.key) for action in plan.of(Act.INSERT, Act.UPDATE)}
    ids = settle(session, desk, page.gathering)
    affected |= _write(session, plan, rows, place.generation)
    write_prints(session, page.prints, plan)
    meetings = dict(zip((action.key for action in plan.of(Act.INSERT, Act.UPDATE)), rows, strict=True))
    _write_parts(session, desk, meetings, attending, ids)
    _write_times(session, page, meetings)
    tell_names(session, desk, page.gathering, ids)
    tell_companies(session, desk, page.gathering)
    ledger.write_skips(session, place, desk.indexer, plan)
    _settle_counts(at, place, desk, affected | set(ids.values()))
    _note_unreadable(at, page.unreadable_series)
    return plan.tally(place.generation)


def sweep(at: Applying, place: Place, desk: Desk) -> int:
    """Some of what the complete listing lacks is gone; return how many events that were.

    Raises:
        SideEmpty: when the listing found nothing at all.
    """
    session = at.session
    matching.hold(session, place.organisation_id)
    rows = session.execute(
        select(Meeting.id, Meeting.digest, Meeting.generation)
        .where(
            Meeting.grant_id == place.grant_id,
            Meeting.calendar_index == place.remote_index,
            Meeting.generation < place.generation,
        )
        .limit(SWEEP)
    )
    unseen = {f"row:{row.id}": Known(row.id, row.digest, None, row.generation) for row in rows}
    unseen |= ledger.unseen_skips(session, place, SWEEP)
    plan = plan_sweep(unseen, at.collection.found, complete=True)
    affected = _remove(session, plan)
    ledger.write_skips(session, place, desk.indexer, plan)
    _settle_counts(at, place, desk, affected)
    at.count(plan.tally(place.generation))
    return len(plan.actions)


def remove_calendar(at: Applying, place: Place, desk: Desk, calendar_index: bytes) -> None:
    """All meetings of a calendar are gone."""
    session = at.session
    matching.hold(session, place.organisation_id)
    mine = (Meeting.grant_id == place.grant_id, Meeting.calendar_index == calendar_index)
    affected = set(
        session.scalars(
            select(Attendance.correspondent_id).join(Meeting, Meeting.id == Attendance.meeting_id).where(*mine)
        )
    )
    gone = session.scalars(delete(Meeting).where(*mine).returning(Meeting.id)).all()
    fingerprints.forget(session, gone)
    _settle_counts(at, place, desk, affected)


def _known(session: Session, place: Place, page: EventPage, keys: Collection[str]) -> dict[str, Known]:
    """Return what is held of these events: stored, or left out."""
    by_index = {page.index_of(key): key for key in keys}
    rows = session.execute(
        select(Meeting.event_index, Meeting.id, Meeting.digest, Meeting.generation).where(
            Meeting.grant_id == place.grant_id,
            Meeting.calendar_index == place.remote_index,
            Meeting.event_index.in_(by_index),
        )
    )
    stored = {by_index[row.event_index]: Known(row.id, row.digest, None, row.generation) for row in rows}
    return ledger.merged(stored, ledger.known_skips(session, place, page.desk.indexer, keys))


def _exceptions_of(
    session: Session, place: Place, meeting_ids: Collection[uuid.UUID], told: Collection[uuid.UUID]
) -> dict[str, Known]:
    """Return the exceptions of these series: they go with it, but for those of which the page itself tells."""
    if not meeting_ids:
        return {}
    series = select(Meeting.event_index).where(Meeting.id.in_(meeting_ids), Meeting.is_series)
    rows = session.execute(
        select(Meeting.id, Meeting.digest, Meeting.generation).where(
            Meeting.grant_id == place.grant_id,
            Meeting.calendar_index == place.remote_index,
            Meeting.series_index.in_(series),
            Meeting.id.not_in(told),
        )
    )
    return {f"row:{row.id}": Known(row.id, row.digest, None, row.generation) for row in rows}


def _rows(page: EventPage, plan: Plan, generation: int) -> list[dict[str, Any]]:
    return [
        page.row(action.key, action.was.row_id if action.act is Act.UPDATE and action.was else None, generation)
        for action in plan.of(Act.INSERT, Act.UPDATE)
    ]


def _write(session: Session, plan: Plan, rows: list[dict[str, Any]], generation: int) -> set[uuid.UUID]:
    """The rows are written; return whose counts that may change."""
    affected: set[uuid.UUID] = set()
    updated = {action.was.row_id for action in plan.of(Act.UPDATE) if action.was}
    if updated:
        affected = set(
            session.scalars(
                delete(Attendance).where(Attendance.meeting_id.in_(updated)).returning(Attendance.correspondent_id)
            )
        )
        session.execute(delete(Occurrence).where(Occurrence.meeting_id.in_(updated)))
        session.execute(update(Meeting), [row for row in rows if row["id"] in updated])
    fresh = [row for row in rows if row["id"] not in updated]
    if fresh:
        session.execute(insert(Meeting), fresh)
    seen = [action.was.row_id for action in plan.of(Act.KEEP) if action.was and action.was.skip is None]
    if seen:
        session.execute(update(Meeting).where(Meeting.id.in_(seen)).values(generation=generation))
    return affected


def _write_parts(
    session: Session,
    desk: Desk,
    meetings: Mapping[str, Mapping[str, Any]],
    attending: Mapping[str, Iterable[Attending]],
    correspondents: Mapping[bytes, uuid.UUID],
) -> None:
    rows = [
        {
            "id": new_id(),
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "meeting_id": meetings[key]["id"],
            "correspondent_id": correspondents[part.address_index],
            "response": part.response,
            "is_organizer": part.is_organizer,
        }
        for key, parts in attending.items()
        for part in parts
    ]
    if rows:
        session.execute(insert(Attendance), rows)


def _write_times(session: Session, page: EventPage, meetings: Mapping[str, Mapping[str, Any]]) -> None:
    """The times of each meeting are stored; where an exception stands, its series does not fall."""
    rows = [
        {
            "id": new_id(),
            "organisation_id": page.desk.organisation_id,
            "grant_id": page.desk.grant_id,
            "meeting_id": meeting["id"],
            "starts_at": starts_at,
            "ends_at": ends_at,
        }
        for key, meeting in meetings.items()
        for starts_at, ends_at in page.times(key)
    ]
    if rows:
        session.execute(insert(Occurrence), rows)
    if meetings:
        session.execute(_REPLACE, {"ids": [meeting["id"] for meeting in meetings.values()]})


def _remove(session: Session, plan: Plan) -> set[uuid.UUID]:
    """Stored meetings that are gone or left out now are removed; return whose counts that changes."""
    ids = [
        action.was.row_id
        for action in plan.of(Act.DELETE, Act.SKIP)
        if action.was is not None and action.was.skip is None
    ]
    if not ids:
        return set()
    affected = set(session.scalars(select(Attendance.correspondent_id).where(Attendance.meeting_id.in_(ids))))
    session.execute(delete(Meeting).where(Meeting.id.in_(ids)))
    fingerprints.forget(session, ids)
    return affected


def _note_unreadable(at: Applying, number: int) -> None:
    if number:
        notes = dict(at.collection.notes)
        notes["recurrence_in_part"] = notes.get("recurrence_in_part", 0) + number
        at.collection.notes = notes


def _settle_counts(at: Applying, place: Place, desk: Desk, affected: set[uuid.UUID]) -> None:
    """The counts of all affected are true again, nobody without a part is left, and people are matched."""
    if not affected:
        return
    session = at.session
    count_meetings(session, affected, at.now)
    here = select(Attendance.correspondent_id).where(Attendance.correspondent_id == Correspondent.id)
    idle = session.scalars(select(Correspondent.id).where(Correspondent.id.in_(affected), ~here.exists())).all()
    if idle:
        forget(session, desk, idle)
        at.work.later("crm.tidy", place.organisation_id)
    matching.match(session, place.organisation_id, place.grant_id, list(affected.difference(idle)), at.now)
