"""`GET /api/v1/openapi.json`: the API in OpenAPI 3.1, kept by hand beside the routes; a test holds the two together."""

from typing import Any

from flask import Blueprint, Response, jsonify

from crm.facts import PERSON_FIELDS
from crm.paging import LARGEST_PAGE
from web.callers import caller

blueprint = Blueprint("api_described", __name__)
CSRF_EXEMPT = True  # callers are programs

_ID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}


def _or_withheld(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"$ref": "#/components/schemas/Withheld"}, {"type": "null"}]}


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _list(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_WRITTEN = {"notes": _list(_ref("Note")), "tasks": _list(_ref("Task")), "deals": _list(_ref("Deal"))}
_PERSON = {
    "id": _ID,
    **{name: _or_withheld(_TEXT) for name in ("name", "email", "phone", "title", "organisation")},
    "company": {"anyOf": [_ref("Company"), {"type": "null"}]},
    "last_contact_at": _or_withheld(_TIME),
    "made_or_touched_by_user": {"type": "boolean"},
}
_SCHEMAS: dict[str, Any] = {
    "Withheld": _object({"withheld": _TEXT, "source": _TEXT}, ("withheld", "source")),
    "Error": _object(
        {"error": _object({"code": _TEXT, "message": _TEXT, "retry": {"type": "boolean"}}, ("code", "message"))},
        ("error",),
    ),
    "Company": _object({"id": _or_withheld(_ID), "name": _or_withheld(_TEXT)}, ("id", "name")),
    "Value": _object({"value": _or_withheld(_TEXT), "sources": _list(_TEXT)}, ("value", "sources")),
    "Note": _object({"id": _ID, "body": _or_withheld(_TEXT), "created_at": _TIME, "updated_at": _TIME}, ("id", "body")),
    "Task": _object(
        {
            "id": _ID,
            "title": _or_withheld(_TEXT),
            "due_on": {"type": ["string", "null"], "format": "date"},
            "done_at": {"type": ["string", "null"], "format": "date-time"},
        },
        ("id", "title"),
    ),
    "Deal": _object(
        {
            "id": _ID,
            "title": _or_withheld(_TEXT),
            "stage": _TEXT,
            "amount": {"type": ["string", "null"]},
            "currency": _TEXT,
        },
        ("id", "title"),
    ),
    "Person": _object(_PERSON, tuple(_PERSON)),
    "People": _object(
        {"people": _list(_ref("Person")), "next_cursor": {"type": ["string", "null"]}}, ("people", "next_cursor")
    ),
    "PersonInFull": _object(
        {**_PERSON, "facts": {"type": "object", "additionalProperties": _list(_ref("Value"))}, **_WRITTEN},
        (*_PERSON, "facts", *_WRITTEN),
    ),
    "AiPerson": _object(
        {
            "id": _ID,
            "kind": {"const": "person"},
            **{name: _list(_or_withheld(_TEXT)) for name in PERSON_FIELDS},
            "company": _or_withheld(_ID),
            "last_contact_at": _or_withheld(_TIME),
            **_WRITTEN,
        },
        ("id", "kind", "company", "last_contact_at", *_WRITTEN),
    ),
}


def _parameter(name: str, where: str, schema: dict[str, Any], told: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": told}


def _get(name: str, summary: str, answer: str, *parameters: dict[str, Any], lines: bool = False) -> dict[str, Any]:
    content = {"application/x-ndjson" if lines else "application/json": {"schema": _ref(answer)}}
    failed = {"description": "Refused; `code` is stable.", "content": {"application/json": {"schema": _ref("Error")}}}
    told = "One record a line." if lines else "Opened for the token's member; what is withheld says so."
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": {"description": told, "content": content}, "4XX": failed, "5XX": failed},
        }
    }


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {
        "title": "CRM.io for Google Workspace",
        "version": "1",
        "description": "What a token may be given depends on the class of its destination. Values from Google are "
        "opened for their owner's own programs alone, and never for an AI tool.",
    },
    "security": [{"token": []}],
    "paths": {
        "/api/v1/people": _get(
            "listPeople",
            "People whom the token's member sees, by last contact",
            "People",
            _parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}, "50 if not given"),
            _parameter("cursor", "query", _TEXT, "`next_cursor` of the page before"),
            _parameter("q", "query", {"type": "string", "maxLength": 200}, "Beginnings of names, addresses or domains"),
        ),
        "/api/v1/people/{person_id}": _get(
            "getPerson", "One person in full", "PersonInFull", _parameter("person_id", "path", _ID, "The person's id")
        ),
        "/api/v1/ai/people.jsonl": _get(
            "exportPeopleForAi", "What users wrote, for AI tools, once an admin allows it", "AiPerson", lines=True
        ),
    },
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": _SCHEMAS,
    },
}


@blueprint.get("/api/v1/openapi.json")
@caller("public")
def describe() -> Response:
    """Answer with the description of the API."""
    return jsonify(DOCUMENT)
