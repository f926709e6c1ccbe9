"""Making, changing and deleting contacts, whoever asks: the API, a person on the mailbox page, or a test.

A change names the fields it replaces; a named field that the new resource lacks is cleared. Whoever changes a contact
through the API must hold its latest etag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.people import state
from emulator.refusals import Refusal

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.people.state import Book, Resource, Row
    from emulator.store import Store

_MY_CONTACTS = "contactGroups/myContacts"


@dataclass(frozen=True)
class Place:
    """Where a change is made: one address book, inside one transaction, at one moment."""

    db: sqlite3.Connection
    book: Book
    now: float


def missing_person() -> Refusal:
    """Refuse a person who is not there."""
    return Refusal(404, "notFound", "Requested entity was not found.")


def number_in(resource_name: str) -> str:
    """Give the number in a resource name.

    Raises:
        Refusal: when it is no name of a person.
    """
    kind, _, last = resource_name.partition("/")
    if kind not in {"people", "otherContacts"} or not last.startswith("c") or not last[1:].isdecimal():
        raise Refusal(400, "invalidArgument", "Resource name should be of form people/{person_id}.")
    return last[1:]


def create(place: Place, body: Resource, *, planted: bool = False, other: bool = False) -> Row:
    """Have a new contact in the book.

    Raises:
        Refusal: when a field that may have one value has several.
    """
    _check_single(body)
    number = state.number_of(place.book.account, str(place.book.counter), repr(place.now))
    fields = {key: value for key, value in body.items() if key in state.FIELDS}
    if not other:
        fields.setdefault("memberships", [membership()])
    return state.write(place.db, place.book, number, fields, place.now, planted=planted, other=other)


def update(place: Place, number: str, body: Resource, fields: list[str], *, etag_needed: bool = True) -> Row:
    """Have the named fields of a contact replaced.

    Raises:
        Refusal: when it is not there, the etag is missing or old, or the body does not fit.
    """
    old = state.find(place.db, place.book, number)
    if old is None or old.deleted:
        raise missing_person()
    if etag_needed:
        _check_etag(body, old)
    unknown = [name for name in fields if name not in state.FIELDS]
    if unknown or not fields:
        raise Refusal(400, "invalidArgument", f'Invalid updatePersonFields mask path: "{",".join(unknown)}".')
    _check_single(body)
    if "memberships" in fields and not body.get("memberships"):
        raise Refusal(400, "invalidArgument", "A contact must always have at least one contact group membership.")
    kept = {key: value for key, value in old.resource.items() if key not in fields}
    new = {key: body[key] for key in fields if body.get(key)}
    return state.write(place.db, place.book, number, {**kept, **new}, place.now)


def delete(place: Place, number: str) -> None:
    """Have a contact deleted; its tombstone stays.

    Raises:
        Refusal: when it is not there.
    """
    old = state.find(place.db, place.book, number)
    if old is None or old.deleted:
        raise missing_person()
    state.write(place.db, place.book, number, {}, place.now, deleted=True)


def membership() -> Resource:
    """Give the membership that every contact has."""
    return {
        "contactGroupMembership": {"contactGroupId": "myContacts", "contactGroupResourceName": _MY_CONTACTS},
    }


def add_contact(store: Store, account: Account, resource: Resource, *, planted: bool = False) -> Resource:
    """Have a contact in an account's book; gives the person with its resource name and etag."""
    with store.write() as db:
        place = Place(db, state.open_book(db, account), Clock(store).now())
        return _all_of(create(place, resource, planted=planted))


def patch_contact(store: Store, account: Account, person_id: str, resource: Resource) -> Resource:
    """Have the fields that the resource names replaced in a contact."""
    with store.write() as db:
        place = Place(db, state.open_book(db, account), Clock(store).now())
        fields = [name for name in resource if name in state.FIELDS]
        return _all_of(update(place, _number(person_id), resource, fields, etag_needed=False))


def delete_contact(store: Store, account: Account, person_id: str) -> None:
    """Have a contact deleted."""
    with store.write() as db:
        delete(Place(db, state.open_book(db, account), Clock(store).now()), _number(person_id))


def count(store: Store, account: Account | None = None) -> dict[str, int]:
    """Give how many contacts live, those that were planted apart; other contacts are not counted."""
    with store.read() as db:
        rows = db.execute(
            "SELECT planted, COUNT(*) AS n FROM person WHERE deleted = 0 AND other = 0"
            " AND (? IS NULL OR account = ?) GROUP BY planted",
            (None if account is None else account.sub, None if account is None else account.sub),
        ).fetchall()
    found = {bool(row["planted"]): int(row["n"]) for row in rows}
    return {"contacts": found.get(False, 0), "planted_contacts": found.get(True, 0)}


def _all_of(row: Row) -> Resource:
    return state.shown(row, frozenset({*state.FIELDS, "metadata"}))


def _number(person_id: str) -> str:
    return number_in(person_id if "/" in person_id else f"people/c{person_id.removeprefix('c')}")


def _check_single(body: Resource) -> None:
    for name in state.SINGLE:
        if len(body.get(name) or []) > 1:
            raise Refusal(400, "invalidArgument", f"Invalid person: only one value is allowed for {name} per source.")


def _check_etag(body: Resource, old: Row) -> None:
    sources = (body.get("metadata") or {}).get("sources") or []
    given = [source.get("etag") for source in sources if source.get("type") == "CONTACT"]
    given += [body["etag"]] if body.get("etag") else []
    if not given:
        message = "Request must set person.etag or person.metadata.sources.etag for the source that is being updated."
        raise Refusal(400, "invalidArgument", message)
    if old.etag not in given and f"#{old.etag[4:]}" not in given:
        raise Refusal(
            400,
            "failedPrecondition",
            "Request person.etag is different than the current person.etag. Clear local cache and get the latest"
            " person.",
            canonical="FAILED_PRECONDITION",
        )
