"""Records as trees for the sinks of programs: every leaf keeps its class, so that the adaptor decides on each."""

from collections import defaultdict
from typing import Any

from crm.exporting import PersonRecord
from crm.people import PersonRow
from limited_use.sealing import Sealed, System


def row(found: PersonRow) -> dict[str, Any]:
    """Return a person as a list shows them."""
    return {
        "id": found.id,
        "name": found.name,
        "email": found.email,
        "phone": found.phone,
        "title": found.title,
        "organisation": found.organisation,
        "company": None if found.works_at is None else {"id": found.works_at, "name": found.company},
        "last_contact_at": found.last_contact,
        "made_or_touched_by_user": found.is_users,
    }


def rest(found: PersonRecord) -> dict[str, Any]:
    """Return all else that there is of a person."""
    values: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for fact in found.facts:
        values[str(fact.field.value)].append({"value": fact.value, "sources": list(fact.sources)})
    return {"facts": values, **_written(found)}


def for_ai(found: PersonRecord) -> dict[str, Any]:
    """Return a person for an AI tool: each value once, so that the log counts what is in the file.

    Of the company there is a mark at most: neither its id, which would tell who works together, nor its name, which a
    user may have typed while only Google tells that this person works there.
    """
    values: dict[str, list[Sealed]] = defaultdict(list)
    for fact in found.facts:
        values[str(fact.field.value)].append(fact.value)
    return {
        "id": found.row.id,
        "kind": System("person"),
        **values,
        "company": found.row.works_at,
        "last_contact_at": found.row.last_contact,
        **_written(found),
    }


def _written(found: PersonRecord) -> dict[str, Any]:
    return {
        "notes": [
            {"id": note.id, "body": note.body, "created_at": note.created_at, "updated_at": note.updated_at}
            for note in found.notes
        ],
        "tasks": [
            {"id": task.id, "title": task.title, "due_on": task.due_on, "done_at": task.done_at} for task in found.tasks
        ],
        "deals": [
            {
                "id": deal.id,
                "title": deal.title,
                "stage": deal.stage,
                "amount": deal.amount,
                "currency": deal.currency,
            }
            for deal in found.deals
        ],
    }
