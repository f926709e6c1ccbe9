"""The ways in which Google says no to an API call, as values; `wire` turns them into bytes.

A refusal carries what both of Google's error styles need: the HTTP status, a machine reason with its
domain, the message, the canonical status name, and optional `details`.
"""

from __future__ import annotations

from typing import Any

_CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Refusal(Exception):  # noqa: N818 -- Google's word for it would be Error, but that says nothing
    """One answer that is not a success.

    `where` is (locationType, location) of the wrong input; `canonical` overrides the status name that
    follows from the HTTP status; `details` are google.rpc messages.
    """

    def __init__(  # noqa: PLR0913 -- the parts of Google's error, named at every use
        self,
        status: int,
        reason: str,
        message: str,
        *,
        domain: str = "global",
        where: tuple[str, str] | None = None,
        canonical: str | None = None,
        details: tuple[dict[str, Any], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.domain = domain
        self.where = where
        self.canonical = canonical or _CANONICAL.get(status)
        self.details = details


def error_info(reason: str, domain: str = "googleapis.com", **metadata: str) -> dict[str, Any]:
    """Give a google.rpc.ErrorInfo."""
    info: dict[str, Any] = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
    }
    if metadata:
        info["metadata"] = metadata
    return info


def not_found() -> Refusal:
    """Refuse as for a message that is gone, or a history id that is too old."""
    return Refusal(404, "notFound", "Requested entity was not found.")


def invalid(message: str, *, reason: str = "invalidArgument", where: tuple[str, str] | None = None) -> Refusal:
    """Refuse an argument."""
    return Refusal(400, reason, message, where=where)


def missing(parameter: str) -> Refusal:
    """Refuse a call that lacks a required query parameter."""
    return Refusal(400, "required", f"Missing required parameter: {parameter}", where=("parameter", parameter))


def unauthenticated() -> Refusal:
    """Refuse a call whose access token is missing, unknown, expired or revoked."""
    return Refusal(
        401,
        "authError",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other"
        " valid authentication credential.",
        where=("header", "Authorization"),
    )


def insufficient_scope(method: str, service: str) -> Refusal:
    """Refuse a call that the scopes of its token do not open."""
    return Refusal(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        details=(error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method=method, service=service),),
    )


def quota_exceeded(service: str, *, status: int = 429) -> Refusal:
    """Refuse a call because the minute's quota of this user is spent."""
    metric = f"{service}/total_query_cost"
    return Refusal(
        status,
        "rateLimitExceeded",
        "Quota exceeded for quota metric 'Total Query Cost' and limit 'Units per minute per user' of service"
        f" '{service}' for consumer 'project_number:1'.",
        domain="usageLimits",
        details=(
            error_info(
                "RATE_LIMIT_EXCEEDED",
                service=service,
                quota_metric=metric,
                quota_limit="UnitsPerMinutePerUser",
                consumer="projects/1",
            ),
        ),
    )
