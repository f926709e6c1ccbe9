"""connections.list and otherContacts.list: whole, or what changed since a sync token.

A sync token lives for seven days of this Google's time, counted from the full list that began it and not from its last
use. A page token or a sync token that comes back with other parameters is refused. Lists may be told to lag behind
writes, as Google's do; a token never skips what was not visible yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator import cursors
from emulator.people import state
from emulator.refusals import Refusal, error_info

if TYPE_CHECKING:
    import sqlite3

    from emulator.people.state import Book, Row
    from emulator.wire import Params

TOKEN_LIFE_S = 7 * 86_400
_PAGE, _LARGEST_PAGE = 100, 1_000
_PLACE_ONLY = frozenset({"pageToken", "syncToken", "requestSyncToken", "pageSize", "resourceName"})


@dataclass(frozen=True)
class Page:
    """One page: rows, the tokens that lead on or back, and how many people the whole list has."""

    rows: list[Row]
    next_page: str | None
    next_sync: str | None
    total: int


@dataclass(frozen=True)
class _Start:
    since: int
    began: float
    until: int
    after: list[Any] | None = None


def list_people(db: sqlite3.Connection, book: Book, params: Params, now: float, *, other: bool = False) -> Page:
    """Give one page of an address book.

    Raises:
        Refusal: for a token that has expired, or was made for something else.
    """
    mark = cursors.digest({key: value for key, value in params.items() if key not in _PLACE_ONLY} | {"other": other})
    visible = state.people_since(db, book, 0, now - book.lag_s, other=other)
    newest = max((row.change for row in visible), default=0)
    start = _start(book, params, mark, now, newest)
    listed = [row for row in visible if row.change > start.since and (start.since or not row.deleted)]
    keyed = sorted(((_key(row, params.get("sortOrder")), row) for row in listed), key=lambda entry: entry[0])
    rest = [entry for entry in keyed if start.after is None or entry[0] > start.after]
    size = min(int(params.get("pageSize") or _PAGE), _LARGEST_PAGE)
    rows = [row for _, row in rest[:size]]
    total = sum(1 for row in visible if not row.deleted)
    if len(rest) > size:
        place = [start.since, start.began, start.until, rest[size - 1][0]]
        return Page(rows, cursors.write("page", mark, place), None, total)
    if not (params.get("requestSyncToken") or params.get("syncToken")):
        return Page(rows, None, None, total)
    return Page(rows, None, cursors.write("sync", mark, [start.until, start.began, book.era]), total)


def _start(book: Book, params: Params, mark: str, now: float, newest: int) -> _Start:
    try:
        if params.get("pageToken"):
            since, began, until, after = cursors.read(params["pageToken"], "page", mark)
            return _Start(since, began, until, after)
        if not params.get("syncToken"):
            return _Start(0, now, newest)
        since, began, era = cursors.read(params["syncToken"], "sync", mark)
    except (cursors.BadCursor, ValueError) as error:
        raise Refusal(400, "invalidArgument", "Request contains an invalid argument.") from error
    if era != book.era or now - began > TOKEN_LIFE_S:
        raise Refusal(
            400,
            "failedPrecondition",
            "Sync token is expired. Clear local cache and retry call without the sync token.",
            canonical="FAILED_PRECONDITION",
            details=(error_info("EXPIRED_SYNC_TOKEN", "people.googleapis.com"),),
        )
    # since 0 means "all"; a delta of an empty book begins behind nothing.
    return _Start(max(since, -1) or -1, began, max(newest, since))


def _key(row: Row, order: str | None) -> list[Any]:
    name = (row.resource.get("names") or [{}])[0]
    if order == "FIRST_NAME_ASCENDING":
        return [str(name.get("givenName", "")).lower(), row.change]
    if order == "LAST_NAME_ASCENDING":
        return [str(name.get("familyName", "")).lower(), row.change]
    return ["", -row.change if order == "LAST_MODIFIED_DESCENDING" else row.change]
