"""How access ends, and everything that can go wrong on the way."""

from __future__ import annotations

import pytest
import requests
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials

from emulator.oauth import faults
from tests.emulator.conftest import OWNER
from tests.emulator.test_oauth_sign_in import (
    CALENDAR,
    GMAIL,
    allow,
    ask,
    connected,
    exchange,
    refresh,
)


def revoke(google, token):
    return requests.post(f"{google.url}/revoke", data={"token": token}, timeout=10)


def may_read(google, token):
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{google.url}/gmail/v1/users/me/profile", headers=headers, timeout=10).status_code == 200


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_any_token_ends_everything_of_that_account(start, kind):
    google = start()
    one, two = connected(google, GMAIL), connected(google, GMAIL, prompt="consent")
    other = exchange(google, allow(google, GMAIL, account="teammate@example.com")["code"]).json()
    assert revoke(google, one[kind]).status_code == 200
    assert not may_read(google, two["access_token"])
    assert refresh(google, two["refresh_token"]).json()["error"] == "invalid_grant"
    assert may_read(google, other["access_token"])
    assert google.control("GET", f"tokens?account={OWNER}") == {"refresh": 0, "access": 0}
    again = revoke(google, one[kind])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


def test_after_revocation_consent_is_asked_for_anew(start):
    google = start()
    token = connected(google, GMAIL)["access_token"]
    revoke(google, token)
    page = requests.get(ask(google, login_hint=OWNER), timeout=10).text
    assert "checkbox" in page
    assert "checked" not in page
    assert "refresh_token" in connected(google, GMAIL)


def test_a_user_can_take_access_back_at_google(start):
    google = start()
    answer = connected(google, GMAIL)
    assert google.control("POST", "revoke", account=OWNER) == {"ended": 2}
    assert not may_read(google, answer["access_token"])
    assert refresh(google, answer["refresh_token"]).status_code == 400


def test_an_access_token_lives_an_hour_of_googles_time(start):
    google = start()
    answer = connected(google, GMAIL)
    google.running.clock.move_to(3_590)
    assert may_read(google, answer["access_token"])
    google.running.clock.move_to(3_600)
    assert not may_read(google, answer["access_token"])
    fresh = refresh(google, answer["refresh_token"]).json()
    assert may_read(google, fresh["access_token"])
    assert "refresh_token" not in fresh


def test_a_refresh_token_dies_of_six_months_without_use(start):
    google = start()
    token = connected(google, GMAIL)["refresh_token"]
    google.running.clock.move_to(150 * 86_400)
    assert refresh(google, token).status_code == 200
    google.running.clock.move_to(300 * 86_400)
    assert refresh(google, token).status_code == 200
    google.running.clock.move_to(500 * 86_400)
    assert refresh(google, token).json()["error"] == "invalid_grant"


def test_the_oldest_of_more_than_a_hundred_refresh_tokens_dies(start):
    google = start()
    first = connected(google, GMAIL)["refresh_token"]
    second = connected(google, GMAIL, prompt="consent")["refresh_token"]
    for _ in range(99):
        connected(google, GMAIL, prompt="consent")
    assert refresh(google, first).status_code == 400
    assert refresh(google, second).status_code == 200
    assert google.control("GET", "tokens")["refresh"] == 100


def test_a_refresh_can_ask_for_less_but_not_for_more(start):
    google = start()
    token = connected(google, GMAIL, CALENDAR)["refresh_token"]
    assert refresh(google, token, scope=GMAIL).json()["scope"] == GMAIL
    assert refresh(google, token, scope="https://mail.google.com/").json()["error"] == "invalid_scope"


def test_wrong_calls_of_the_token_endpoint_are_refused(start):
    google = start()
    auth = ("client", "secret")
    for form, error in (
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "1//made-up"}, "invalid_grant"),
    ):
        answer = requests.post(f"{google.url}/token", data=form, auth=auth, timeout=10)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("name", sorted(faults.TOKEN_REFUSALS))
def test_every_way_in_which_a_refresh_fails_can_be_had(start, name):
    google = start()
    token = connected(google, GMAIL)["refresh_token"]
    google.fault("oauth.token", name)
    status, body = faults.TOKEN_REFUSALS[name]
    answer = refresh(google, token)
    assert (answer.status_code, answer.json()) == (status, body)
    assert google.control("GET", "faults") == {"unused": []}
    assert refresh(google, token).status_code == 200


def test_googles_client_sees_a_revoked_token_as_such(start):
    google = start()
    answer = connected(google, GMAIL)
    credentials = Credentials(
        None,
        refresh_token=answer["refresh_token"],
        token_uri=f"{google.url}/token",
        client_id="client",
        client_secret="secret",
    )
    revoke(google, answer["refresh_token"])
    with requests.Session() as session, pytest.raises(RefreshError) as error:
        credentials.refresh(Request(session))
    assert error.value.args[1]["error"] == "invalid_grant"
    assert not error.value.retryable


@pytest.mark.parametrize("name", ["wrong_audience", "wrong_issuer", "bad_signature", "expired_id_token"])
def test_a_spoilt_id_token_fails_googles_verification(start, monkeypatch, name):
    google = start()
    google.fault("oauth.token", name)
    token = connected(google, GMAIL)["id_token"]
    monkeypatch.setattr(id_token, "_GOOGLE_OAUTH2_CERTS_URL", f"{google.url}/oauth2/v1/certs")
    with requests.Session() as session, pytest.raises((ValueError, GoogleAuthError)):
        id_token.verify_oauth2_token(token, Request(session), "client")


def test_an_answer_can_lack_what_was_asked_for(start):
    google = start()
    google.fault("oauth.token", "no_refresh_token")
    assert "refresh_token" not in connected(google, GMAIL)
    google.fault("oauth.token", "no_id_token")
    assert "id_token" not in connected(google, GMAIL, prompt="consent")
    google.fault("oauth.token", "partial_scope", scopes=[GMAIL])
    assert GMAIL not in connected(google, GMAIL, prompt="consent")["scope"]
    google.fault("oauth.token", "short_lived", expires_in=2)
    assert connected(google, GMAIL, prompt="consent")["expires_in"] == 2


def test_access_can_be_limited_in_time_by_the_user(start):
    google = start()
    google.fault("oauth.token", "time_limited", expires_in=7_200)
    answer = connected(google, GMAIL)
    assert answer["refresh_token_expires_in"] == 7_200
    google.running.clock.move_to(7_100)
    assert refresh(google, answer["refresh_token"]).status_code == 200
    google.running.clock.move_to(7_300)
    assert refresh(google, answer["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("name", sorted(faults.CALLBACK_ERRORS))
def test_errors_can_come_back_to_the_client(start, name):
    google = start()
    google.fault("oauth.auth", name)
    answer = requests.get(ask(google), allow_redirects=False, timeout=10)
    assert f"error={name}" in answer.headers["Location"]


@pytest.mark.parametrize("name", sorted(faults.PAGE_ERRORS))
def test_errors_can_end_on_googles_own_page(start, name):
    google = start()
    google.fault("oauth.auth", name)
    answer = requests.get(ask(google), allow_redirects=False, timeout=10)
    assert answer.status_code in {401, 403}
    assert name in answer.text


def test_revocation_can_fail_and_be_tried_again(start):
    google = start()
    token = connected(google, GMAIL)["refresh_token"]
    google.fault("oauth.revoke", "unavailable")
    assert revoke(google, token).status_code == 503
    assert revoke(google, token).status_code == 200


def test_a_lost_answer_to_a_revocation_has_revoked_all_the_same(start):
    google = start()
    token = connected(google, GMAIL)["refresh_token"]
    google.fault("oauth.revoke", "drop_after")
    with pytest.raises(requests.ConnectionError):
        revoke(google, token)
    assert revoke(google, token).status_code == 400


def test_a_form_from_a_page_of_another_origin_is_refused(start):
    google = start()
    form = {"account": OWNER, "action": "allow"}
    foreign = requests.post(ask(google), data=form, headers={"Origin": "https://evil.test"}, timeout=10)
    assert foreign.status_code == 403
    own = requests.post(ask(google), data=form, headers={"Origin": google.url}, allow_redirects=False, timeout=10)
    assert own.status_code == 302
