"""What Google's own discovery documents say about each method: verb, parameters, scopes.

The documents come with google-api-python-client; reading them here keeps the rules in one place, the
same for the emulator as for the client that talks to it.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from typing import Any

from googleapiclient.discovery_cache import get_static_doc

_VERSIONS = {"gmail": "v1", "calendar": "v3", "people": "v1"}


@dataclass(frozen=True)
class Parameter:
    """One query parameter of a method. `kind` is the JSON type; a repeated one arrives as a list."""

    name: str
    kind: str
    required: bool
    repeated: bool
    default: str | None
    choices: frozenset[str]
    minimum: int | None
    maximum: int | None


@dataclass(frozen=True)
class Method:
    """One method of one API. `id` is `gmail.users.messages.list`; any one of `scopes` opens it."""

    id: str
    api: str
    verb: str
    parameters: dict[str, Parameter]
    scopes: frozenset[str]
    common: frozenset[str] = field(default_factory=frozenset)


@functools.cache
def method(api: str, name: str) -> Method:
    """Give what the document of this API says about a method, named as `users.messages.list`.

    Raises:
        LookupError: when the document has no such method.
    """
    if api not in _VERSIONS:
        raise LookupError(f"There is no API {api} here.")
    node: dict[str, Any] = _document(api)
    *resources, last = name.split(".")
    try:
        for resource in resources:
            node = node["resources"][resource]
        found: dict[str, Any] = node["methods"][last]
    except KeyError as error:
        raise LookupError(f"The discovery document of {api} has no method {name}.") from error
    queries = {
        key: _parameter(key, value)
        for key, value in found.get("parameters", {}).items()
        if value.get("location") == "query"
    }
    return Method(
        id=f"{api}.{name}",
        api=api,
        verb=str(found["httpMethod"]),
        parameters=queries,
        scopes=frozenset(found.get("scopes", ())),
        common=frozenset(_document(api).get("parameters", ())),
    )


@functools.cache
def scopes(api: str) -> dict[str, str]:
    """Give the scopes of an API with the sentence that Google shows for each."""
    listed: dict[str, dict[str, str]] = _document(api)["auth"]["oauth2"]["scopes"]
    return {scope: value.get("description", scope).rstrip(".") for scope, value in listed.items()}


@functools.cache
def _document(api: str) -> dict[str, Any]:
    text = get_static_doc(api, _VERSIONS[api])  # type: ignore[no-untyped-call]  # the library has no types
    document: dict[str, Any] = json.loads(text)
    return document


def _parameter(name: str, value: dict[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        kind=str(value.get("type", "string")),
        required=bool(value.get("required", False)),
        repeated=bool(value.get("repeated", False)),
        default=value.get("default"),
        choices=frozenset(value.get("enum", ())),
        minimum=_whole(value.get("minimum")),
        maximum=_whole(value.get("maximum")),
    )


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)
