"""Who may call: Google for this add-on alone, and for nobody but the person it vouches for."""

import time
from dataclasses import replace

import pytest

from accounts.models import Member
from tests.addon.calls import PUBLIC, SCOPES, card_of, make_key, texts

HOME = "/addon/home"
MESSAGE = "/addon/gmail/message"
PATHS = (HOME, MESSAGE, "/addon/actions/refresh")


@pytest.fixture(scope="session")
def stranger():
    """Somebody else's key under the same name."""
    return make_key()[0]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


WRONG = {
    "issuer": {"iss": "https://evil.example"},
    "audience": {"aud": f"{PUBLIC}/addon/other"},
    "audience of another host": {"aud": f"https://evil.example{HOME}"},
    "no audience": {"aud": None},
    "audience is a list": {"aud": [f"{PUBLIC}{HOME}", "x"]},
    "another project's service account": {"email": "service-1@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"},
    "address with a suffix": {"email": "addon@crm-test.example.test.evil.example"},
    "no address": {"email": None},
    "address not verified": {"email_verified": False},
    "verification is not said": {"email_verified": None},
    "expired": {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600},
    "from the future": {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200},
}


@pytest.mark.parametrize("why", WRONG)
def test_a_system_token_that_is_wrong_in_one_way_is_refused(host, why):
    answer = host.post(HOME, host.event(), headers=bearer(host.system(HOME, **WRONG[why])))
    assert answer.status_code == 401
    assert answer.headers["X-Error-Code"] == "addon_not_google"


def test_a_system_token_signed_by_another_key_is_refused(host, stranger):
    assert host.post(HOME, host.event(), headers=bearer(host.system(HOME, stranger))).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic abc", "bearer .."])
def test_a_header_without_a_token_is_refused(host, header):
    assert host.post(HOME, host.event(), headers={"Authorization": header} if header else {}).status_code == 401


def test_a_token_without_a_signature_is_refused(host):
    head, claims, _signature = host.system(HOME).split(".")
    assert host.post(HOME, host.event(), headers=bearer(f"{head}.{claims}.")).status_code == 401
    none = "eyJhbGciOiJub25lIiwia2lkIjoidGVzdC1rZXkifQ"
    assert host.post(HOME, host.event(), headers=bearer(f"{none}.{claims}.")).status_code == 401


def test_a_persons_own_token_is_not_the_systems(host):
    assert host.post(HOME, host.event(), headers=bearer(host.user())).status_code == 401


def test_a_token_for_one_address_is_not_good_at_another(host):
    assert host.post(MESSAGE, host.event(), headers=bearer(host.system(HOME))).status_code == 401


def test_nobody_may_call_where_no_service_account_is_set(host):
    token = host.system(HOME, email="")
    object.__setattr__(host.runtime, "settings", replace(host.runtime.settings, addon_service_account=""))
    assert host.post(HOME, host.event(), headers=bearer(token)).status_code == 401


def test_the_host_header_decides_nothing(host):
    token = host.system(HOME, aud=f"https://evil.example{HOME}")
    headers = {**bearer(token), "X-Forwarded-Host": "evil.example", "Host": "evil.example"}
    assert host.client.post(HOME, json=host.event(), headers=headers).status_code == 401


@pytest.mark.parametrize("path", PATHS)
def test_only_posts_are_answered(host, path):
    answer = host.client.get(path, base_url=PUBLIC, headers=bearer(host.system(path)))
    assert answer.headers["X-Error-Code"] == "method_not_allowed"


def test_a_body_that_is_too_large_is_not_read(host):
    answer = host.post(HOME, b'{"a":"' + b"x" * 70_000 + b'"}')
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, "too_large")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a": NaN}', b"{}x", b"[" * 5000])
def test_a_body_that_is_no_object_gets_an_error_card(host, body):
    answer = host.post(HOME, body)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, "bad_input")
    assert answer.json["action"]["navigations"][0]["pushCard"]


def test_another_kind_of_content_is_not_read(host):
    answer = host.post(HOME, b"a=b", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, "bad_input")


@pytest.mark.parametrize(
    "body",
    [
        {"commonEventObject": [], "authorizationEventObject": 3, "gmail": "x"},
        {"commonEventObject": {"parameters": [1], "formInputs": {"note": {"stringInputs": {"value": {}}}}}},
        {},
    ],
)
def test_parts_of_another_shape_count_as_absent(host, body):
    assert host.post(MESSAGE, body).json["requesting_google_scopes"]["scopes"]


def test_what_was_not_allowed_is_asked_for_before_anybody_is_looked_up(host):
    host.scopes = SCOPES[:2]
    reply = host.call(MESSAGE, "1")
    assert reply.scopes_wanted == ["https://www.googleapis.com/auth/gmail.addons.current.message.metadata"]
    host.scopes = None
    assert host.call(HOME).scopes_wanted == SCOPES[:2]


def test_a_call_that_names_nobody_asks_for_consent(host):
    assert host.call(HOME, user="").scopes_wanted == SCOPES[:2]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_a_persons_token_that_is_wrong_in_one_way_is_refused(host, claims):
    answer = host.post(HOME, host.event(user=host.user(**claims)))
    assert answer.status_code == 401


def test_a_persons_token_signed_by_another_key_is_refused(host, stranger):
    assert host.post(HOME, host.event(user=host.user(stranger))).status_code == 401
    assert host.post(HOME, host.event(user=host.system(HOME))).status_code == 401


def test_somebody_without_an_account_is_asked_to_sign_in(host):
    host.sub = "nobody-we-know"
    card = card_of(host.call(HOME))
    button = card["sections"][0]["widgets"][-1]["buttonList"]["buttons"][0]
    assert button["onClick"]["openLink"] == {"url": f"{PUBLIC}/", "openAs": "OVERLAY", "onClose": "RELOAD"}
    assert "not a part of Google" in texts(card)


def test_somebody_who_was_removed_is_a_stranger(host, ann):
    with host.runtime.begin() as work:
        work.session.get_one(Member, ann.member_id).left_at = host.runtime.clock.now()
    assert "custom_authorization_prompt" in host.post(HOME, host.event()).json


def test_answers_are_json_and_are_never_kept(host):
    answer = host.post(HOME, host.event())
    assert answer.content_type == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert not answer.headers.getlist("Set-Cookie")
