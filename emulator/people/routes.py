"""People API v1 on the wire: connections, people, other contacts, groups.

See https://developers.google.com/people/api/rest.

Differs from Google: every person has the one source CONTACT, nothing is merged with profiles; groups are the system's
two; searches and photos are not here; the first page of a full list has no quota of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from emulator.people import changes, state
from emulator.people.changes import Place
from emulator.people.listing import list_people
from emulator.refusals import Refusal
from emulator.state import current
from emulator.wire import method

if TYPE_CHECKING:
    import sqlite3

    from emulator.accounts import Account
    from emulator.people.state import Resource, Row
    from emulator.wire import Answer, Params

blueprint = Blueprint("people", __name__)
_OTHER_FIELDS = frozenset({"emailAddresses", "metadata", "names", "phoneNumbers", "photos"})
_MOST_IN_BATCH = 200


@method(blueprint, "people", "people.connections.list", "/v1/people/<personId>/connections")
def list_connections(account: Account, params: Params) -> Answer:
    """Give one page of the account's contacts."""
    if params.pop("personId", None) != "me":
        raise Refusal(400, "invalidArgument", "Only people/me has connections.")
    fields = _mask(params.get("personFields"), "personFields")
    with current().store.read() as db:
        page = list_people(db, state.read_book(db, account), params, current().clock.now())
    answer: Resource = {}
    if page.rows:
        answer["connections"] = [state.shown(row, fields) for row in page.rows]
    if page.next_page:
        answer["nextPageToken"] = page.next_page
    if page.next_sync:
        answer["nextSyncToken"] = page.next_sync
    return {**answer, "totalPeople": page.total, "totalItems": page.total}


@method(blueprint, "people", "people.get", "/v1/people/<personId>")
def get_person(account: Account, params: Params) -> Answer:
    """Give one person; `people/me` is the account's owner."""
    fields = _mask(params.get("personFields"), "personFields")
    if params["personId"] == "me":
        return _own_profile(account, fields)
    with current().store.read() as db:
        row = _person(db, account, f"people/{params['personId']}")
    return state.shown(row, fields)


@method(blueprint, "people", "people.getBatchGet", "/v1/people:batchGet")
def get_people(account: Account, params: Params) -> Answer:
    """Give several people, each with its own status."""
    names = params.get("resourceNames", [])
    fields = _mask(params.get("personFields"), "personFields")
    if not names or len(names) > _MOST_IN_BATCH:
        raise Refusal(400, "invalidArgument", f"resource_names must hold between 1 and {_MOST_IN_BATCH} names.")
    responses = []
    with current().store.read() as db:
        for name in names:
            try:
                person = state.shown(_person(db, account, name), fields)
            except Refusal as refusal:
                status = {"code": 5, "message": refusal.message}
                responses.append({"requestedResourceName": name, "httpStatusCode": 404, "status": status})
            else:
                responses.append({"requestedResourceName": name, "httpStatusCode": 200, "status": {}, "person": person})
    return {"responses": responses}


@method(blueprint, "people", "people.createContact", "/v1/people:createContact")
def create_contact(account: Account, params: Params) -> Answer:
    """Make a contact."""
    body = params.body
    with current().store.write() as db:
        row = changes.create(_place(db, account), body)
    return state.shown(row, _wanted_back(params))


@method(blueprint, "people", "people.updateContact", "/v1/people/<personId>:updateContact")
def update_contact(account: Account, params: Params) -> Answer:
    """Replace fields of a contact."""
    body = params.body
    fields = [name for name in str(params.get("updatePersonFields") or "").replace(" ", "").split(",") if name]
    with current().store.write() as db:
        number = changes.number_in(f"people/{params['personId']}")
        row = changes.update(_place(db, account), number, body, fields)
    return state.shown(row, _wanted_back(params))


@method(blueprint, "people", "people.deleteContact", "/v1/people/<personId>:deleteContact")
def delete_contact(account: Account, params: Params) -> Answer:
    """Delete a contact."""
    with current().store.write() as db:
        changes.delete(_place(db, account), changes.number_in(f"people/{params['personId']}"))
    return {}


@method(blueprint, "people", "otherContacts.list", "/v1/otherContacts")
def list_other_contacts(account: Account, params: Params) -> Answer:
    """Give one page of the people whom Google collected."""
    fields = _mask(params.get("readMask"), "readMask") & _OTHER_FIELDS
    with current().store.read() as db:
        page = list_people(db, state.read_book(db, account), params, current().clock.now(), other=True)
    answer: Resource = {}
    if page.rows:
        answer["otherContacts"] = [state.shown(row, fields) for row in page.rows]
    if page.next_page:
        answer["nextPageToken"] = page.next_page
    if page.next_sync:
        answer["nextSyncToken"] = page.next_sync
    return {**answer, "totalSize": page.total}


@method(blueprint, "people", "contactGroups.list", "/v1/contactGroups")
def list_groups(account: Account, params: Params) -> Answer:
    """Give the two groups that every account has."""
    del params
    with current().store.read() as db:
        book = state.read_book(db, account)
        everyone = state.people_since(db, book, 0, current().clock.now())
    living = sum(1 for row in everyone if not row.deleted)
    groups = [
        {
            "resourceName": f"contactGroups/{name}",
            "groupType": "SYSTEM_CONTACT_GROUP",
            "name": name,
            "formattedName": shown,
            **({"memberCount": living} if name == "myContacts" and living else {}),
        }
        for name, shown in (("myContacts", "My Contacts"), ("starred", "Starred"))
    ]
    return {"contactGroups": groups, "totalItems": len(groups), "nextSyncToken": f"groups-{book.era}"}


def _place(db: sqlite3.Connection, account: Account) -> Place:
    return Place(db, state.open_book(db, account), current().clock.now())


def _person(db: sqlite3.Connection, account: Account, name: str) -> Row:
    row = state.find(db, state.read_book(db, account), changes.number_in(name))
    if row is None or row.deleted:
        raise changes.missing_person()
    return row


def _mask(text: str | None, name: str) -> frozenset[str]:
    fields = frozenset(part for part in (text or "").replace(" ", "").split(",") if part)
    known = {*state.FIELDS, "metadata"}
    if not fields:
        raise Refusal(400, "invalidArgument", f"{name} mask is required. Please specify one or more valid paths.")
    if fields - known:
        unknown = ",".join(sorted(fields - known))
        raise Refusal(400, "invalidArgument", f'Invalid {name} mask path: "{unknown}".')
    return fields


def _wanted_back(params: Params) -> frozenset[str]:
    return (
        _mask(params["personFields"], "personFields")
        if params.get("personFields")
        else frozenset({*state.FIELDS, "metadata"})
    )


def _own_profile(account: Account, fields: frozenset[str]) -> Resource:
    source = {"type": "PROFILE", "id": account.sub}
    mark = {"primary": True, "source": source}
    profile: Resource = {
        "names": [
            {
                "metadata": mark,
                "displayName": account.name,
                "givenName": account.given_name,
                "familyName": account.family_name,
            }
        ],
        "emailAddresses": [{"metadata": {**mark, "verified": True}, "value": account.email}],
        "metadata": {"sources": [source], "objectType": "PERSON"},
    }
    shown = {key: value for key, value in profile.items() if key in fields}
    return {"resourceName": f"people/{account.sub}", "etag": "%EgU" + account.sub[:12], **shown}
