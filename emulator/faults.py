"""Faults on request: "let the next three messages.get answer 429".

A *fault* is planned for one method (its discovery id, or `oauth.token`, `oauth.auth`, `batch` …) and used up
by the calls that meet it; what was planned and never met can be asked for, so that a test cannot pass by
planting nothing. Three kinds:

- a *refusal* answers an error of the table below instead of doing the call;
- a *transport* fault spoils the connection: `slow`, `drop_before` (closed, nothing done), `drop_after`
  (done, then closed without an answer: the trap of a silent resend), `html_503`;
- any other name must have been declared by the module that acts on it (`declare`), and reaches it in
  `params.fault`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from emulator import discovery
from emulator.refusals import Refusal, error_info, insufficient_scope, not_found, quota_exceeded, unauthenticated

TRANSPORT = frozenset({"slow", "drop_before", "drop_after", "html_503"})
OAUTH_METHODS = frozenset({"oauth.auth", "oauth.token", "oauth.revoke", "oauth.userinfo", "oauth.certs"})
_PAUSES = frozenset({"retry_after_403", "retry_after_429"})
_DECLARED: dict[str, set[str]] = {}


@dataclass
class Fault:
    """A planned fault. `left` calls will still meet it, after `skip` calls were let through.

    `account` (an address) and `target` (the id in the path) narrow the calls that meet it.
    """

    method: str
    name: str
    left: int = 1
    skip: int = 0
    account: str | None = None
    target: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def _meets(self, method: str, account: str, target: str | None) -> bool:
        return (
            self.left > 0
            and self.method in (method, "*")
            and self.account in (None, account)
            and self.target in (None, target)
        )


def declare(name: str, *methods: str) -> None:
    """Say that the handlers of these methods know what to do with a fault of this name."""
    _DECLARED.setdefault(name, set()).update(methods)


def is_known(name: str, method: str) -> bool:
    """Tell whether a fault of this name can be planned for a method of this name."""
    if method in _DECLARED.get(name, ()):
        return True
    if method.startswith("oauth."):
        return name in TRANSPORT and method in OAUTH_METHODS
    if method not in {"batch", "*"}:
        api, _, rest = method.partition(".")
        try:
            discovery.method(api, rest)
        except LookupError:
            return False
    return name in TRANSPORT or name in _REFUSALS or name in _PAUSES


def service_of(method: str) -> str:
    """Give the host name under which Google offers a method's API."""
    api = method.partition(".")[0]
    return "calendar-json.googleapis.com" if api == "calendar" else f"{api}.googleapis.com"


def refusal_of(fault: Fault, method: str, retry_at: str) -> Refusal | None:
    """Give the answer that a fault of the refusing kind stands for, None for the other kinds."""
    if fault.name == "insufficient_scope":
        return insufficient_scope(method, service_of(method))
    if fault.name in {"quota_403", "quota_429"}:
        return quota_exceeded(service_of(method), status=int(fault.name[-3:]))
    if fault.name in _PAUSES:
        # Two spaces, and no Retry-After header: the time is in the sentence alone.
        return Refusal(
            int(fault.name[-3:]),
            "userRateLimitExceeded" if fault.name.endswith("403") else "rateLimitExceeded",
            f"User-rate limit exceeded.  Retry after {retry_at}",
            domain="usageLimits",
        )
    return _REFUSALS.get(fault.name)


class Faults:
    """The faults that are planned, oldest first."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, fault: Fault) -> None:
        """Have the next calls of a method meet a fault."""
        with self._lock:
            self._planned.append(fault)

    def take(self, method: str, account: str = "", target: str | None = None) -> Fault | None:
        """Give the fault that this call meets, and count it as used."""
        if not self._planned:
            return None
        with self._lock:
            for fault in self._planned:
                if fault._meets(method, account, target):  # noqa: SLF001 -- the two are one concept
                    if fault.skip:
                        fault.skip -= 1
                        continue
                    fault.left -= 1
                    self._planned = [kept for kept in self._planned if kept.left]
                    return fault
        return None

    def unused(self) -> list[dict[str, Any]]:
        """Give the faults that not enough calls have met yet."""
        with self._lock:
            return [
                {"method": fault.method, "fault": fault.name, "count": fault.left, "account": fault.account}
                for fault in self._planned
            ]

    def clear(self) -> None:
        """Drop what was planned and not used."""
        with self._lock:
            self._planned = []


def _usage(status: int, reason: str, message: str) -> Refusal:
    return Refusal(status, reason, message, domain="usageLimits")


_REFUSALS: dict[str, Refusal] = {
    "insufficient_scope": insufficient_scope("", ""),
    "quota_403": quota_exceeded("", status=403),
    "quota_429": quota_exceeded(""),
    "auth_error": unauthenticated(),
    "not_found": not_found(),
    "history_expired": not_found(),
    "bad_request": Refusal(400, "badRequest", "Bad Request"),
    "failed_precondition": Refusal(
        400, "failedPrecondition", "Precondition check failed.", canonical="FAILED_PRECONDITION"
    ),
    "mail_not_enabled": Refusal(400, "failedPrecondition", "Mail service not enabled", canonical="FAILED_PRECONDITION"),
    "rate_limit_403": _usage(403, "rateLimitExceeded", "Rate Limit Exceeded"),
    "user_rate_limit_403": _usage(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
    "daily_limit_403": _usage(403, "dailyLimitExceeded", "Daily Limit Exceeded"),
    "access_not_configured": _usage(
        403, "accessNotConfigured", "This API has not been used in project 1 before or it is disabled."
    ),
    "domain_policy": Refusal(403, "domainPolicy", "The domain administrators have disabled this app.", domain="global"),
    "concurrent_429": _usage(429, "rateLimitExceeded", "Too many concurrent requests for user"),
    "exhausted_429": _usage(429, "rateLimitExceeded", "Resource has been exhausted (e.g. check quota)."),
    "backend_500": Refusal(500, "backendError", "Internal error encountered."),
    "backend_502": Refusal(502, "backendError", "Bad Gateway"),
    "backend_503": Refusal(503, "backendError", "The service is currently unavailable."),
    "backend_504": Refusal(504, "backendError", "Deadline exceeded."),
    "full_sync_required": Refusal(
        410,
        "fullSyncRequired",
        "Sync token is no longer valid, a full sync is required.",
        domain="calendar",
        where=("parameter", "syncToken"),
    ),
    "updated_min_too_long_ago": Refusal(
        410,
        "updatedMinTooLongAgo",
        "The requested minimum modification time lies too far in the past.",
        domain="calendar",
        where=("parameter", "updatedMin"),
    ),
    "deleted_410": Refusal(410, "deleted", "Resource has been deleted"),
    "not_a_calendar_user": Refusal(
        403, "notACalendarUser", "The user must be signed up for Google Calendar.", domain="calendar"
    ),
    "calendar_usage_403": Refusal(403, "quotaExceeded", "Calendar usage limits exceeded.", domain="usageLimits"),
    "condition_not_met": Refusal(412, "conditionNotMet", "Precondition Failed", where=("header", "If-Match")),
    "duplicate": Refusal(409, "duplicate", "The requested identifier already exists."),
    "expired_sync_token": Refusal(
        400,
        "failedPrecondition",
        "Sync token is expired. Clear local cache and retry call without the sync token.",
        canonical="FAILED_PRECONDITION",
        details=(error_info("EXPIRED_SYNC_TOKEN", "people.googleapis.com"),),
    ),
    "stale_etag": Refusal(
        400,
        "failedPrecondition",
        "Request person.etag is different than the current person.etag. Clear local cache and get the latest person.",
        canonical="FAILED_PRECONDITION",
    ),
}
