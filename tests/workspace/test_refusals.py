"""Reading Google's refusals."""

import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace import errors
from workspace.refusals import refusal


def said(status, reason=None, message="m", canonical=None, info=None):
    error = {"code": status, "message": message}
    if reason:
        error["errors"] = [{"domain": "global", "reason": reason, "message": message}]
    if canonical:
        error["status"] = canonical
    if info:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": info}]
    return json.dumps({"error": error}).encode()


@pytest.mark.parametrize(
    ("status", "spoken", "family"),
    [
        (401, {"reason": "authError"}, errors.AuthFailed),
        (403, {"reason": "insufficientPermissions", "info": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}, errors.ScopeMissing),
        (403, {"reason": "rateLimitExceeded"}, errors.Throttled),
        (403, {"reason": "userRateLimitExceeded"}, errors.Throttled),
        (403, {"canonical": "PERMISSION_DENIED", "info": "RATE_LIMIT_EXCEEDED"}, errors.Throttled),
        (429, {"canonical": "RESOURCE_EXHAUSTED"}, errors.Throttled),
        (403, {"reason": "quotaExceeded"}, errors.Throttled),
        (403, {"reason": "dailyLimitExceeded"}, errors.DailyLimit),
        (403, {"reason": "domainPolicy"}, errors.DomainPolicy),
        (403, {"reason": "accessNotConfigured"}, errors.AccessNotConfigured),
        (403, {"reason": "notACalendarUser"}, errors.NotACalendarUser),
        (400, {"reason": "failedPrecondition", "message": "Mail service not enabled"}, errors.MailNotEnabled),
        (404, {"reason": "notFound", "canonical": "NOT_FOUND"}, errors.Gone),
        (410, {"reason": "deleted"}, errors.Gone),
        (410, {"reason": "fullSyncRequired"}, errors.CursorExpired),
        (410, {"reason": "updatedMinTooLongAgo"}, errors.CursorExpired),
        (400, {"canonical": "FAILED_PRECONDITION", "info": "EXPIRED_SYNC_TOKEN"}, errors.CursorExpired),
        (410, {"canonical": "INVALID_ARGUMENT", "info": "EXPIRED_SYNC_TOKEN"}, errors.CursorExpired),
        (400, {"reason": "badRequest"}, errors.Terminal),
        (500, {"reason": "backendError"}, errors.Transient),
    ],
)
def test_the_reason_decides_the_family(status, spoken, family):
    assert type(refusal(status, said(status, **spoken))) is family


def test_the_time_to_wait_until_is_read_from_the_sentence():
    body = said(429, "rateLimitExceeded", "User-rate limit exceeded.  Retry after 2026-09-11T20:00:00.000Z")
    until = dt.datetime(2026, 9, 11, 20, tzinfo=dt.UTC)
    found = refusal(429, body)
    assert found.until == until
    assert found.wait_s(until - dt.timedelta(seconds=90), 1) == 90


@given(
    st.integers(400, 599), st.binary() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_body_at_all_is_tolerated_and_none_of_it_is_told(status, body):
    found = refusal(status, body)
    assert found.told == type(found).sentence


def test_a_failure_of_unknown_shape_is_passing_only_above_500():
    assert type(refusal(503, b"<html>")) is errors.Transient
    assert type(refusal(418, b"<html>")) is errors.Terminal
