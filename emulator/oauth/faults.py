"""What can go wrong at sign-in, at the token endpoint and at revocation, by name.

Each refusal of the token endpoint is one row of Google's list of reasons why a refresh fails. The names in
`ALTERED` let the call succeed with one thing wrong in its answer, for readers that must notice.
"""

from __future__ import annotations

from emulator.faults import declare

_REVOKED = "Token has been expired or revoked."
TOKEN_REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "invalid_grant": (400, {"error": "invalid_grant", "error_description": _REVOKED}),
    "invalid_grant_bad_request": (400, {"error": "invalid_grant", "error_description": "Bad Request"}),
    "account_deleted": (
        400,
        {"error": "invalid_grant", "error_description": "Account has been deleted"},
    ),
    "invalid_rapt": (
        400,
        {
            "error": "invalid_grant",
            "error_subtype": "invalid_rapt",
            "error_description": "reauth related error (invalid_rapt)",
        },
    ),
    "rapt_required": (
        400,
        {
            "error": "invalid_grant",
            "error_subtype": "rapt_required",
            "error_description": "reauth related error (rapt_required)",
        },
    ),
    "admin_policy_enforced": (
        400,
        {
            "error": "admin_policy_enforced",
            "error_description": "Access to your account data is restricted by policies within your organization.",
        },
    ),
    "invalid_client": (401, {"error": "invalid_client", "error_description": "Unauthorized"}),
    "deleted_client": (401, {"error": "deleted_client", "error_description": "The OAuth client was deleted."}),
    "unauthorized_client": (
        401,
        {"error": "unauthorized_client", "error_description": "Unauthorized"},
    ),
    "invalid_scope": (400, {"error": "invalid_scope", "error_description": "Bad Request"}),
    "rate_limited": (429, {"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"}),
    "server_error": (500, {"error": "internal_failure", "error_description": "Backend Error"}),
    "unavailable": (503, {"error": "backend_error", "error_description": "Backend Error"}),
}
ALTERED = frozenset(
    {
        "wrong_nonce",
        "wrong_audience",
        "wrong_issuer",
        "bad_signature",
        "expired_id_token",
        "email_unverified",
        "no_id_token",
        "no_refresh_token",
        "partial_scope",
        "short_lived",
        "time_limited",
    }
)
REVOKE_REFUSALS: dict[str, tuple[int, dict[str, str]]] = {
    "invalid_token": (400, {"error": "invalid_token", "error_description": "Token expired or revoked"}),
    "server_error": (500, {"error": "internal_failure"}),
    "unavailable": (503, {"error": "backend_error"}),
}
CALLBACK_ERRORS = frozenset({"access_denied", "admin_policy_enforced", "server_error", "temporarily_unavailable"})
PAGE_ERRORS = {
    "org_internal": (403, "This app is only for people of another organisation."),
    "disallowed_useragent": (403, "Sign-in from this kind of browser is not allowed."),
    "deleted_client": (401, "The OAuth client was deleted."),
    "invalid_client": (401, "The OAuth client was not found."),
}

for _name in (*TOKEN_REFUSALS, *ALTERED):
    declare(_name, "oauth.token")
for _name in REVOKE_REFUSALS:
    declare(_name, "oauth.revoke")
for _name in (*CALLBACK_ERRORS, *PAGE_ERRORS):
    declare(_name, "oauth.auth")
for _name in ("server_error", "unavailable"):
    declare(_name, "oauth.certs", "oauth.userinfo")
