"""The contacts page: the address book by name, and forms to add, change and delete a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from emulator import people
from emulator.pages.frame import PAGE, blueprint, page_number, person_at, show, to
from emulator.people import state
from emulator.people.changes import missing_person
from emulator.state import current

if TYPE_CHECKING:
    from emulator.accounts import Account
    from emulator.people.state import Resource, Row


@blueprint.get("/u/<int:number>/contacts")
def list_contacts(number: int) -> str:
    """Show all contacts by name."""
    person, page = person_at(number), page_number()
    lines = sorted((_line(row) for row in _living(person)), key=lambda line: (line["title"].casefold(), line["id"]))
    return show("contacts.html", number, "contacts", lines=lines[page * PAGE : (page + 1) * PAGE], total=len(lines),
                page=page, last=max(0, (len(lines) - 1) // PAGE))  # fmt: skip


@blueprint.get("/u/<int:number>/contacts/new")
def write_contact(number: int) -> str:
    """Show the form for a new contact."""
    return show("contact.html", number, "contacts", id=None, values=_values({}))


@blueprint.get("/u/<int:number>/contacts/<contact>")
def open_contact(number: int, contact: str) -> str:
    """Show one contact with the form to change it."""
    row = next((row for row in _living(person_at(number)) if row.number == contact), None)
    if row is None:
        raise missing_person()
    return show("contact.html", number, "contacts", id=contact, values=_values(row.resource))


@blueprint.post("/u/<int:number>/contacts/new")
def add_contact(number: int) -> Response:
    """Have the contact in the address book."""
    made = people.add_contact(
        current().store, person_at(number), {key: value for key, value in _resource().items() if value}
    )
    return to("open_contact", number=number, contact=made["resourceName"].removeprefix("people/c"))


@blueprint.post("/u/<int:number>/contacts/<contact>")
def change_contact(number: int, contact: str) -> Response:
    """Have the contact as the form says; fields that the form does not show stay."""
    person = person_at(number)
    known = next((row.resource for row in _living(person) if row.number == contact), {})
    people.patch_contact(current().store, person, contact, _with_known(known, _resource()))
    return to("open_contact", number=number, contact=contact)


@blueprint.post("/u/<int:number>/contacts/<contact>/delete")
def delete_contact(number: int, contact: str) -> Response:
    """Have the contact deleted."""
    people.delete_contact(current().store, person_at(number), contact)
    return to("list_contacts", number=number)


def _living(person: Account) -> list[Row]:
    state_ = current()
    with state_.store.read() as db:
        rows = state.people_since(db, state.read_book(db, person), 0, state_.clock.now() + 1)
    return [row for row in rows if not row.deleted]


def _line(row: Row) -> dict[str, Any]:
    values = _values(row.resource)
    name = f"{values['given']} {values['family']}".strip()
    return {
        "id": row.number,
        "title": values["shown"] or name or values["emails"] or values["phones"] or "(no name)",
        "emails": values["emails"],
        "company": values["company"],
    }


def _values(resource: Resource) -> dict[str, str]:
    def first(field: str, key: str) -> str:
        values = resource.get(field) or [{}]
        return str(values[0].get(key, ""))

    return {
        "shown": first("names", "displayName"),
        "given": first("names", "givenName"),
        "family": first("names", "familyName"),
        "emails": ", ".join(str(value.get("value", "")) for value in resource.get("emailAddresses", [])),
        "phones": ", ".join(str(value.get("value", "")) for value in resource.get("phoneNumbers", [])),
        "company": first("organizations", "name"),
        "title": first("organizations", "title"),
        "notes": first("biographies", "value"),
    }


def _resource() -> Resource:
    form = {name: value.strip() for name, value in request.form.items()}
    name = {
        key: form.get(field, "") for key, field in (("givenName", "given"), ("familyName", "family")) if form.get(field)
    }
    firm = {key: form.get(field, "") for key, field in (("name", "company"), ("title", "title")) if form.get(field)}
    return {
        "names": [name] if name else None,
        "emailAddresses": _several(form.get("emails", "")),
        "phoneNumbers": _several(form.get("phones", "")),
        "organizations": [firm] if firm else None,
        "biographies": [{"value": form["notes"], "contentType": "TEXT_PLAIN"}] if form.get("notes") else None,
    }


def _with_known(known: Resource, resource: Resource) -> Resource:
    """Keep what the form does not show of values that stay: types, middle names, departments."""
    for field in ("emailAddresses", "phoneNumbers"):
        old = {value.get("value"): value for value in known.get(field, [])}
        resource[field] = [old.get(value["value"], value) for value in resource[field] or []] or None
    for field in ("names", "organizations"):
        old_first = (known.get(field) or [{}])[0]
        if resource[field]:
            shown = {key: text for key, text in old_first.items() if key in resource[field][0]}
            if shown == resource[field][0]:
                resource[field] = known[field]
    return resource


def _several(text: str) -> list[Resource] | None:
    return [{"value": part.strip()} for part in text.split(",") if part.strip()] or None
