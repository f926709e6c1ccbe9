"""Reading a refusal: Google's error bodies of both styles, into one error of `workspace.errors`."""

import datetime as dt
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from workspace import errors

_RETRY_AFTER = re.compile(r"Retry after (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*Z", re.IGNORECASE)
_MOST_WAIT_S = 3600.0

_BY_REASON: dict[str, type[errors.GoogleError]] = {
    "dailyLimitExceeded": errors.DailyLimit,
    "authError": errors.AuthFailed,
    "insufficientPermissions": errors.ScopeMissing,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": errors.ScopeMissing,
    "domainPolicy": errors.DomainPolicy,
    "accessNotConfigured": errors.AccessNotConfigured,
    "SERVICE_DISABLED": errors.AccessNotConfigured,
    "notACalendarUser": errors.NotACalendarUser,
    "fullSyncRequired": errors.CursorExpired,
    "updatedMinTooLongAgo": errors.CursorExpired,
    "EXPIRED_SYNC_TOKEN": errors.CursorExpired,
    "deleted": errors.Gone,
    "notFound": errors.Gone,
    "backendError": errors.Transient,
}
_THROTTLING = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"}
)
_BY_STATUS: dict[int, type[errors.GoogleError]] = {
    HTTPStatus.UNAUTHORIZED: errors.AuthFailed,
    HTTPStatus.NOT_FOUND: errors.Gone,
    HTTPStatus.GONE: errors.Gone,
    HTTPStatus.REQUEST_TIMEOUT: errors.Transient,
}


@dataclass(frozen=True, slots=True)
class _Said:
    """What a refusal says: all its reasons, and its message (read for two facts only, never kept)."""

    reasons: frozenset[str]
    message: str


def refusal(status: int, body: bytes, retry_after: str | None = None) -> errors.GoogleError:
    """Return the error that a refused answer stands for; any body at all is tolerated."""
    said = _read(body)
    for reason, family in _BY_REASON.items():
        if reason in said.reasons:
            return family()
    if said.reasons & _THROTTLING or status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(said.message, retry_after)
    if "failedPrecondition" in said.reasons and "mail service" in said.message.lower():
        return errors.MailNotEnabled()
    if "sync token" in said.message.lower() and status in (HTTPStatus.BAD_REQUEST, HTTPStatus.GONE):
        return errors.CursorExpired()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.Transient()
    return _BY_STATUS.get(status, errors.Terminal)()


def _throttled(message: str, retry_after: str | None) -> errors.Throttled:
    """Return how long Google asks to wait: it says so in the sentence alone, seldom in the header."""
    if found := _RETRY_AFTER.search(message):
        try:
            return errors.Throttled(until=dt.datetime.fromisoformat(found[1]).replace(tzinfo=dt.UTC))
        except ValueError:  # a time that no calendar has
            return errors.Throttled()
    if retry_after and retry_after.isascii() and retry_after.isdigit():
        return errors.Throttled(after_s=min(float(retry_after), _MOST_WAIT_S))
    return errors.Throttled()


def _read(body: bytes) -> _Said:
    """Return what a body says; a body that is not Google's JSON says nothing."""
    try:
        error = orjson.loads(body)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError):
        return _Said(frozenset(), "")
    if not isinstance(error, dict):
        return _Said(frozenset({str(error)}), "")
    listed = [*_dicts(error.get("errors")), *_dicts(error.get("details"))]
    reasons = {str(entry["reason"]) for entry in listed if "reason" in entry}
    reasons.add(str(error.get("status", "")))
    return _Said(frozenset(reasons), str(error.get("message", "")))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
