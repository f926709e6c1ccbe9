"""Making, changing and deleting events, whoever asks: the API, a person on the mailbox page, or a test.

An instance of a series that was not touched yet has no row; changing or deleting it makes one. Deleting leaves a
cancelled row with its id, and for an instance its place in the series, which is all that Google promises to keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.calendars import state
from emulator.calendars.expansion import find_instance
from emulator.clock import Clock
from emulator.refusals import Refusal
from emulator.takeout.calendars_event import may_repeat
from emulator.takeout.calendars_zone import moment_of

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.calendars.state import Calendar, Resource, Row
    from emulator.store import Store

_ID = re.compile(r"[a-v0-9]{5,1024}")
_READ_ONLY = frozenset(
    {"id", "etag", "kind", "htmlLink", "created", "updated", "creator", "iCalUID", "recurringEventId"}
)
KEPT_WHEN_CANCELLED = (
    "id", "recurringEventId", "originalStartTime", "iCalUID", "created", "creator", "organizer",
)  # fmt: skip
_STAYS = ("id", "iCalUID", "created", "creator", "organizer", "recurringEventId", "originalStartTime", "eventType")


@dataclass(frozen=True)
class Place:
    """Where a change is made: an account's calendar, inside one transaction, at one moment."""

    db: sqlite3.Connection
    account: Account
    calendar: Calendar
    now: float


def gone() -> Refusal:
    """Refuse to delete what is deleted already."""
    return Refusal(410, "deleted", "Resource has been deleted")


def missing_event() -> Refusal:
    """Refuse an event that is not there."""
    return Refusal(404, "notFound", "Not Found")


def insert(place: Place, body: Resource, *, planted: bool = False) -> Row:
    """Have a new event in the calendar.

    Raises:
        Refusal: when the id is taken or malformed, or the times make no sense.
    """
    event_id = body.get("id") or state.new_id(place.calendar.id, str(place.calendar.counter), repr(place.now))
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise Refusal(400, "invalid", "Invalid resource id value.")
    if state.find(place.db, place.calendar, event_id) is not None:
        raise Refusal(409, "duplicate", "The requested identifier already exists.")
    resource: Resource = {
        "status": "confirmed",
        "sequence": 0,
        "eventType": "default",
        "reminders": {"useDefault": True},
        "creator": {"email": place.account.email, "self": True},
        "organizer": {"email": place.account.email, "self": True},
        **{key: value for key, value in body.items() if key not in _READ_ONLY and value is not None},
        "id": event_id,
        "iCalUID": f"{event_id}@google.com",
        "created": state.timestamp(place.now),
    }
    return _keep(place, resource, planted=planted)


def change(place: Place, event_id: str, body: Resource, *, whole: bool, etag: str | None = None) -> Row:
    """Have an event changed: all of it, or what the body names; a list is always replaced as a whole.

    Raises:
        Refusal: when it is not there, its etag is another one, or its times make no sense.
    """
    old = current(place, event_id)
    if old is None:
        raise missing_event()
    check_etag(etag, old)
    kept = {key: old.resource[key] for key in _STAYS if key in old.resource} if whole else dict(old.resource)
    new = {**kept, **{key: value for key, value in body.items() if key not in _READ_ONLY}}
    if whole:
        new.setdefault("status", "confirmed")
    new = {key: value for key, value in new.items() if value is not None}
    if new.get("start") != old.resource.get("start") or new.get("end") != old.resource.get("end"):
        new["sequence"] = int(old.resource.get("sequence", 0)) + 1
    if new.get("status") == "cancelled":
        return delete(place, event_id)
    return _keep(place, new)


def delete(place: Place, event_id: str, etag: str | None = None) -> Row:
    """Have an event deleted, the changed instances of a series with it.

    Raises:
        Refusal: when it is not there, or is deleted already.
    """
    old = current(place, event_id)
    if old is None:
        raise missing_event()
    if old.cancelled:
        raise gone()
    check_etag(etag, old)
    for row in state.exceptions(place.db, place.calendar, event_id).values():
        if not row.cancelled:
            state.write(place.db, place.calendar, _tombstone(row.resource, place.now))
    return state.write(place.db, place.calendar, _tombstone(old.resource, place.now))


def current(place: Place, event_id: str) -> Row | None:
    """Give an event, also an instance that only follows from its series' rule."""
    row = state.find(place.db, place.calendar, event_id)
    if row is not None or "_" not in event_id:
        return row
    master = state.find(place.db, place.calendar, event_id.rpartition("_")[0])
    if master is None or master.cancelled or "recurrence" not in master.resource:
        return None
    resource = find_instance(master, event_id)
    if resource is None:
        return None
    return state.Row(
        event_id, resource, cancelled=False, master=master.id, change=master.change, planted=master.planted
    )


def check_etag(etag: str | None, row: Row) -> None:
    """Refuse a write that was made for another version."""
    if etag is not None and etag not in {"*", row.etag}:
        raise Refusal(412, "conditionNotMet", "Precondition Failed", where=("header", "If-Match"))


def add_event(store: Store, account: Account, resource: Resource, *, planted: bool = False) -> Resource:
    """Have an event in an account's primary calendar; gives the resource with its id."""
    with store.write() as db:
        place = Place(db, account, state.open_primary(db, account), Clock(store).now())
        return insert(place, resource, planted=planted).resource


def patch_event(store: Store, account: Account, event_id: str, resource: Resource) -> Resource:
    """Have what the resource names changed in an event of any of the account's calendars."""
    with store.write() as db:
        return change(_place_of(store, db, account, event_id), event_id, resource, whole=False).resource


def delete_event(store: Store, account: Account, event_id: str) -> None:
    """Have an event of any of the account's calendars deleted."""
    with store.write() as db:
        delete(_place_of(store, db, account, event_id), event_id)


def count(store: Store, account: Account | None = None) -> dict[str, int]:
    """Give how many events are live or cancelled instances of a series, those that were planted apart."""
    with store.read() as db:
        rows = db.execute(
            "SELECT planted, COUNT(*) AS n FROM event WHERE (? IS NULL OR account = ?)"
            " AND (cancelled = 0 OR master IS NOT NULL AND NOT EXISTS (SELECT 1 FROM event AS m"
            " WHERE m.id = event.master AND m.account = event.account AND m.calendar = event.calendar AND m.cancelled))"
            " GROUP BY planted",
            (None if account is None else account.sub, None if account is None else account.sub),
        ).fetchall()
    found = {bool(row["planted"]): int(row["n"]) for row in rows}
    return {"events": found.get(False, 0), "planted_events": found.get(True, 0)}


def _place_of(store: Store, db: sqlite3.Connection, account: Account, event_id: str) -> Place:
    found = state.find_anywhere(db, account, event_id) or state.find_anywhere(db, account, event_id.rpartition("_")[0])
    if found is None:
        raise missing_event()
    return Place(db, account, found[0], Clock(store).now())


def _keep(place: Place, resource: Resource, *, planted: bool = False) -> Row:
    _check_times(resource)
    for guest in resource.get("attendees", []):
        guest.setdefault("responseStatus", "needsAction")
        if guest.get("email", "").lower() == place.account.email:
            guest["self"] = True
    resource["updated"] = state.timestamp(place.now)
    return state.write(place.db, place.calendar, resource, planted=planted)


def _check_times(resource: Resource) -> None:
    moments = []
    for name in ("start", "end"):
        time = resource.get(name)
        if not isinstance(time, dict) or not (time.get("date") or time.get("dateTime")):
            raise Refusal(400, "required", f"Missing {name} time.")
        moments.append(_moment(time))
        if resource.get("recurrence") and "dateTime" in time and not time.get("timeZone"):
            raise Refusal(400, "required", f"Missing time zone definition for {name} time.")
    _check_recurrence(resource.get("recurrence"))
    if moments[1] < moments[0]:
        raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")


def _check_recurrence(lines: object) -> None:
    if lines is None:
        return
    if not isinstance(lines, list) or not all(_may_stand(str(line)) for line in lines):
        raise Refusal(400, "invalid", "Invalid recurrence rule.")


def _may_stand(line: str) -> bool:
    name, _, value = line.partition(":")
    if name in {"RRULE", "EXRULE"}:
        return may_repeat(value)
    return name.partition(";")[0] in {"RDATE", "EXDATE"} and bool(value)


def _moment(time: dict[str, Any]) -> Any:
    try:
        return moment_of({key: value for key, value in time.items() if value is not None})
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise Refusal(400, "invalid", "Invalid value for a date or time.") from error


def _tombstone(resource: Resource, now: float) -> Resource:
    found = {key: resource[key] for key in KEPT_WHEN_CANCELLED if key in resource}
    return {**found, "status": "cancelled", "updated": state.timestamp(now)}
