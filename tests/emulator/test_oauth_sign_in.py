"""Choosing an account, allowing scopes one by one, and exchanging what comes back."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow

from tests.emulator.conftest import OWNER, REDIRECT

GMAIL = "https://www.googleapis.com/auth/gmail.readonly"
CALENDAR = "https://www.googleapis.com/auth/calendar.readonly"
EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def ask(google, **changes):
    query = {
        "client_id": "client",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": f"openid email {GMAIL} {CALENDAR}",
        "state": "st&te",
        "nonce": "n-1",
        "access_type": "offline",
        **changes,
    }
    given = {name: value for name, value in query.items() if value is not None}
    return requests.Request("GET", f"{google.url}/o/oauth2/v2/auth", params=given).prepare().url


def post(url, **form):
    return requests.post(url, data=form, allow_redirects=False, timeout=10)


def allow(google, *scopes, account=OWNER, **changes):
    answer = post(ask(google, **changes), account=account, scope=list(scopes), action="allow")
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def exchange(google, code, **changes):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, **changes}
    return requests.post(f"{google.url}/token", data=form, auth=("client", "secret"), timeout=10)


def refresh(google, token, **changes):
    form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
    return requests.post(f"{google.url}/token", data=form, auth=("client", "secret"), timeout=10)


def connected(google, *scopes, **changes):
    answer = exchange(google, allow(google, *scopes, **changes)["code"])
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_chooser_lists_the_accounts_and_takes_any_other_address(start):
    google = start()
    page = requests.get(ask(google), timeout=10).text
    assert re.findall(r'name="account" value="([^"]+)"', page) == [OWNER, "teammate@example.com"]
    consent = post(ask(google), account="New.Person@gmail.com")
    assert "new.person@gmail.com" in consent.text
    assert post(ask(google), account="no address").status_code == 400


def test_the_consent_page_has_one_unticked_box_for_each_scope_but_none_for_signing_in(start):
    page = post(ask(start()), account=OWNER).text
    boxes = re.findall(r'<input type="checkbox" name="scope" value="([^"]+)"( checked)?>', page)
    assert boxes == [(GMAIL, ""), (CALENDAR, "")]
    assert "View your email messages and settings" in page


def test_a_hint_skips_the_chooser_unless_the_client_insists(start):
    google = start()
    assert "checkbox" in requests.get(ask(google, login_hint=OWNER), timeout=10).text
    insisting = requests.get(ask(google, login_hint=OWNER, prompt="select_account"), timeout=10).text
    assert "checkbox" not in insisting


def test_what_was_unticked_is_not_granted(start):
    google = start()
    back = allow(google, GMAIL)
    assert back["state"] == "st&te"
    answer = exchange(google, back["code"]).json()
    assert set(answer["scope"].split()) == {"openid", EMAIL, GMAIL}
    assert answer["refresh_token"].startswith("1//")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    with session:
        assert session.get(f"{google.url}/gmail/v1/users/me/profile", timeout=10).status_code == 200
        refused = session.get(f"{google.url}/calendar/v3/users/me/calendarList", timeout=10)
    assert refused.status_code == 403
    assert refused.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_cancelling_goes_back_with_an_error(start):
    answer = post(ask(start()), account=OWNER, action="cancel")
    assert parse_qs(urlsplit(answer.headers["Location"]).query) == {"error": ["access_denied"], "state": ["st&te"]}


def test_a_scope_that_was_not_asked_for_cannot_be_slipped_in(start):
    google = start()
    answer = exchange(google, allow(google, GMAIL, "https://mail.google.com/")["code"]).json()
    assert "mail.google.com" not in answer["scope"]


def test_a_refresh_token_comes_with_the_first_consent_and_when_consent_is_asked_again(start):
    google = start()
    assert "refresh_token" in connected(google, GMAIL)
    again = post(ask(google, scope=f"openid email {GMAIL}"), account=OWNER)
    assert again.status_code == 302
    assert "refresh_token" not in connected(google, GMAIL)
    assert "refresh_token" in connected(google, GMAIL, prompt="consent")
    assert "refresh_token" not in connected(google, GMAIL, prompt="consent", access_type="online")


def test_incremental_consent_covers_what_was_granted_before(start):
    google = start()
    connected(google, GMAIL)
    scope = f"openid email {CALENDAR}"
    both = connected(google, CALENDAR, scope=scope, include_granted_scopes="true", prompt="consent")
    assert {GMAIL, CALENDAR} <= set(both["scope"].split())
    alone = connected(google, CALENDAR, scope=scope, prompt="consent")
    assert GMAIL not in alone["scope"]


def test_what_was_granted_before_is_ticked(start):
    google = start()
    connected(google, GMAIL)
    page = post(ask(google), account=OWNER).text
    assert re.findall(r'value="([^"]+)" checked', page) == [GMAIL]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"redirect_uri": REDIRECT + "/"}, 400, "redirect_uri_mismatch"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_id": None}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "invalid_request"),
        ({"scope": None}, 400, "invalid_request"),
        ({"scope": "openid https://www.googleapis.com/auth/nothing"}, 400, "invalid_scope"),
        ({"prompt": "none consent"}, 400, "invalid_request"),
        ({"code_challenge": "short"}, 400, "invalid_request"),
    ],
)
def test_a_request_that_cannot_be_trusted_ends_on_googles_own_page(start, changes, status, code):
    answer = requests.get(ask(start(), **changes), allow_redirects=False, timeout=10)
    assert answer.status_code == status
    assert code in answer.text


def test_without_a_prompt_nothing_is_shown(start):
    google = start()

    def silently(**changes):
        answer = requests.get(ask(google, prompt="none", **changes), allow_redirects=False, timeout=10)
        return parse_qs(urlsplit(answer.headers["Location"]).query)

    assert silently()["error"] == ["login_required"]
    assert silently(login_hint=OWNER)["error"] == ["interaction_required"]
    connected(google, GMAIL, CALENDAR)
    assert "code" in silently(login_hint=OWNER)


def test_a_code_is_good_once_and_for_ten_minutes(start):
    google = start()
    code = allow(google, GMAIL)["code"]
    assert exchange(google, code).status_code == 200
    assert exchange(google, code).json()["error"] == "invalid_grant"
    late = allow(google, GMAIL)["code"]
    google.running.clock.move_to(601)
    assert exchange(google, late).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_grant"),
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": VERIFIER, "redirect_uri": "http://127.0.0.1:9/other"}, "redirect_uri_mismatch"),
        ({"code_verifier": VERIFIER}, None),
    ],
)
def test_the_verifier_must_match_the_challenge(start, form, error):
    google = start()
    code = allow(google, GMAIL, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    assert exchange(google, code, **form).json().get("error") == error


def test_a_plain_challenge_is_its_own_verifier(start):
    google = start()
    code = allow(google, GMAIL, code_challenge=VERIFIER)["code"]
    assert exchange(google, code, code_verifier=VERIFIER).status_code == 200


def test_a_client_proves_itself_in_the_header_or_in_the_form(start):
    google = start()
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT}
    given = {"client_id": "client", "client_secret": "secret"}
    in_form = {**form, **given, "code": allow(google, GMAIL)["code"]}
    assert requests.post(f"{google.url}/token", data=in_form, timeout=10).status_code == 200
    wrong = {**in_form, "client_secret": "guess", "code": allow(google, GMAIL)["code"]}
    answer = requests.post(f"{google.url}/token", data=wrong, timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert requests.post(f"{google.url}/token", data=form, timeout=10).status_code == 401


def test_the_id_token_passes_googles_own_verification(start, monkeypatch):
    google = start()
    answer = connected(google, GMAIL, scope=f"openid email profile {GMAIL}")
    monkeypatch.setattr(id_token, "_GOOGLE_OAUTH2_CERTS_URL", f"{google.url}/oauth2/v1/certs")
    with requests.Session() as session:
        claims = id_token.verify_oauth2_token(answer["id_token"], Request(session), "client")
    digest = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert (claims["nonce"], claims["email"], claims["email_verified"]) == ("n-1", OWNER, True)
    assert (claims["hd"], claims["given_name"]) == ("example.com", "Maya")
    told = requests.get(
        f"{google.url}/v1/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}, timeout=10
    ).json()
    assert told["sub"] == claims["sub"]


def test_a_consumer_account_has_no_domain(start):
    google = start()
    answer = exchange(google, allow(google, GMAIL, account="someone@gmail.com")["code"]).json()
    told = requests.get(f"{google.url}/tokeninfo", params={"id_token": answer["id_token"]}, timeout=10).json()
    assert "hd" not in told
    forged = answer["id_token"][:-6] + "AAAAAA"
    assert requests.get(f"{google.url}/tokeninfo", params={"id_token": forged}, timeout=10).status_code == 400


def test_googles_own_flow_signs_in_and_refreshes(start, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    google = start()
    web = {"client_id": "client", "client_secret": "secret"}
    web |= {"auth_uri": f"{google.url}/o/oauth2/v2/auth", "token_uri": f"{google.url}/token"}
    flow = Flow.from_client_config({"web": web}, ["openid", "email", GMAIL, CALENDAR], redirect_uri=REDIRECT)
    url, _ = flow.authorization_url(access_type="offline")
    back = post(url, account=OWNER, scope=GMAIL, action="allow").headers["Location"]
    flow.fetch_token(authorization_response=back)
    credentials = flow.credentials
    assert set(credentials.granted_scopes) == {"openid", EMAIL, GMAIL}
    before = credentials.token
    with requests.Session() as session:
        # The library asks for what was wanted at first, unticked scopes too: Google does not give those.
        with pytest.raises(RefreshError, match="invalid_scope"):
            credentials.refresh(Request(session))
        granted = Credentials(
            None,
            refresh_token=credentials.refresh_token,
            token_uri=credentials.token_uri,
            client_id="client",
            client_secret="secret",
            scopes=credentials.granted_scopes,
        )
        granted.refresh(Request(session))
    assert granted.token not in (None, before)
    flow.oauth2session.close()


def test_the_published_endpoints_are_its_own(start):
    google = start()
    told = requests.get(f"{google.url}/.well-known/openid-configuration", timeout=10).json()
    assert told["issuer"] == "https://accounts.google.com"
    assert told["token_endpoint"] == f"{google.url}/token"
    keys = requests.get(told["jwks_uri"], timeout=10).json()["keys"]
    certificates = requests.get(f"{google.url}/oauth2/v1/certs", timeout=10).json()
    assert {key["kid"] for key in keys} == set(certificates)
    rotated = google.control("POST", "keys/rotate")["kid"]
    later = requests.get(told["jwks_uri"], timeout=10).json()["keys"]
    assert {key["kid"] for key in later} == {keys[0]["kid"], rotated}
