"""People: the account's own contacts, all of them or what changed, tombstones included."""

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from workspace.documents import Api, rooted, service
from workspace.errors import CursorExpired, Terminal
from workspace.transport import Transport

PAGE = 500
FIELDS = "names,emailAddresses,phoneNumbers,organizations,addresses,urls,birthdays,metadata"
_MOST_VALUES = 100


@dataclass(frozen=True, slots=True)
class Card:
    """One contact, its values primary first; `previous` are the names it had before a merge."""

    resource_name: str
    previous: tuple[str, ...]
    is_deleted: bool
    etag: str
    updated_at: dt.datetime | None
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    phones: tuple[str, ...]
    titles: tuple[str, ...]
    organisations: tuple[str, ...]
    places: tuple[str, ...]
    urls: tuple[str, ...]
    birthdays: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of contacts; the last one carries the sync token. `total` is Google's count of all."""

    cards: tuple[Card, ...]
    next: str | None
    sync_token: str | None
    total: int | None


class People:
    """The contacts of one account, over one transport."""

    def __init__(self, transport: Transport, root: str) -> None:
        self._transport = transport
        self._connections = _connections(rooted(root))

    def connections(self, sync_token: str | None = None, token: str | None = None) -> CardPage:
        """Return a page of the contacts, or of what changed since `sync_token`.

        Raises:
            CursorExpired: when the sync token is older than seven days, or no longer good.
        """
        call = self._connections.list(
            resourceName="people/me",
            personFields=FIELDS,
            sources=["READ_SOURCE_TYPE_CONTACT"],
            pageSize=PAGE,
            requestSyncToken=True,
            syncToken=sync_token,
            pageToken=token,
        )
        try:
            said = orjson.loads(self._transport.ask(call))
        except Terminal as error:
            # A corrupt token is refused as a bad request: with a listing anew it gets a good one.
            if sync_token is not None and type(error) is Terminal:
                raise CursorExpired from error
            raise
        cards = tuple(card_of(person) for person in said.get("connections") or () if person.get("resourceName"))
        total = said.get("totalItems") or said.get("totalPeople")
        return CardPage(cards, said.get("nextPageToken"), said.get("nextSyncToken"), int(total) if total else None)


@functools.lru_cache(maxsize=4)
def _connections(root: str) -> Any:
    return service(Api.PEOPLE, root).people().connections()


def card_of(person: Mapping[str, Any]) -> Card:
    """Return one contact; what is missing or of an odd shape is empty, never an error."""
    metadata = person.get("metadata") or {}
    source: dict[str, Any] = next(
        (entry for entry in metadata.get("sources") or () if entry.get("type") == "CONTACT"), {}
    )
    works = _sorted(person, "organizations")
    return Card(
        resource_name=str(person["resourceName"]),
        previous=tuple(map(str, metadata.get("previousResourceNames") or ())),
        is_deleted=bool(metadata.get("deleted")),
        etag=str(source.get("etag") or person.get("etag") or ""),
        updated_at=_moment(source.get("updateTime")),
        names=_values(person, "names", "displayName", "unstructuredName"),
        addresses=_values(person, "emailAddresses", "value"),
        phones=_values(person, "phoneNumbers", "value", "canonicalForm"),
        titles=_distinct(work.get("title") for work in works),
        organisations=_distinct(work.get("name") for work in works),
        places=_values(person, "addresses", "formattedValue"),
        urls=_values(person, "urls", "value"),
        birthdays=_distinct(_birthday(entry) for entry in _sorted(person, "birthdays")),
    )


def _sorted(person: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    """Return a field's entries, the primary one first."""
    entries: list[Mapping[str, Any]] = [entry for entry in person.get(field) or () if isinstance(entry, dict)]
    entries.sort(key=lambda entry: not (entry.get("metadata") or {}).get("primary"))
    return entries[:_MOST_VALUES]


def _values(person: Mapping[str, Any], field: str, *names: str) -> tuple[str, ...]:
    return _distinct(next((entry[n] for n in names if entry.get(n)), None) for entry in _sorted(person, field))


def _distinct(values: Any) -> tuple[str, ...]:
    """Return the texts that are not blank, each once, in order."""
    return tuple(dict.fromkeys(text for value in values if value and (text := str(value).strip())))


def _birthday(entry: Mapping[str, Any]) -> str | None:
    """Return a birthday as an ISO date (`--MM-DD` without a year), or as the text that Google kept of it."""
    date = entry.get("date")
    if not isinstance(date, dict) or not (date.get("month") and date.get("day")):
        return entry.get("text")
    year = f"{int(date['year']):04d}" if date.get("year") else "-"
    return f"{year}-{int(date['month']):02d}-{int(date['day']):02d}"


def _moment(value: Any) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at.astimezone(dt.UTC) if at.tzinfo else at.replace(tzinfo=dt.UTC)
