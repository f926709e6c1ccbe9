"""Signing in: who Google says somebody is, and nothing that could be forged, replayed or stolen on the way."""

import datetime as dt
import re

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Member, Organisation, SignIn
from emulator.server import Running
from kernel.clock import HeldClock, SystemClock
from kernel.runtime import Runtime
from oauth.models import Attempt
from oauth.scopes import FEATURES
from tests.signing_in import Person, asked, fault


def test_a_first_sign_in_makes_an_organisation_and_its_owner(anna: Person, runtime: Runtime) -> None:
    back = anna.sign_in()
    assert back.status_code == 303
    with runtime.sessions() as session:
        member = session.scalars(select(Member)).one()
        assert (member.role, member.email) == ("owner", anna.address)
        assert session.scalars(select(Organisation)).one().id == member.organisation_id
    assert "Sign out" in anna.get("/").text


def test_signing_in_asks_for_identity_alone(anna: Person) -> None:
    left = anna.post("/oauth/sign-in")
    parameters = asked(left.headers["Location"])
    assert set(parameters["scope"].split()) == {
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
        "https://www.googleapis.com/auth/userinfo.profile",
    }
    assert parameters["code_challenge_method"] == "S256"
    assert parameters["state"]
    assert parameters["nonce"]
    assert parameters["code_challenge"]
    assert "offline" not in parameters["access_type"]


def test_signing_in_again_finds_the_same_member(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.post("/sign-out")
    assert "Sign in with Google" in anna.get("/").text
    anna.sign_in()
    with runtime.sessions() as session:
        assert len(session.scalars(select(Member)).all()) == 1


def test_signing_out_ends_the_cookie_wherever_a_copy_of_it_is(anna: Person, app: Flask) -> None:
    anna.sign_in()
    cookie = anna.client.get_cookie("crm")
    anna.post("/sign-out")
    thief = Person(app, anna.address)
    thief.client.set_cookie("crm", cookie.value)
    assert thief.get("/connections").status_code == 303


def test_the_database_holds_no_secret_of_a_sign_in(anna: Person, runtime: Runtime) -> None:
    left = anna.post("/oauth/sign-in")
    state = asked(left.headers["Location"])["state"].encode()
    with runtime.sessions() as session:
        attempt = session.scalars(select(Attempt)).one()
        assert state not in attempt.state_hash
        assert len(attempt.state_hash) == 32
    anna.come_back(anna.at_google(left.headers["Location"]))
    with runtime.sessions() as session:
        assert anna.client.get_cookie("crm").value.encode() not in session.scalars(select(SignIn)).one().secret_hash


def test_the_sign_in_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(anna: Person) -> None:
    back = anna.sign_in()
    cookie = next(value for value in back.headers.getlist("Set-Cookie") if value.startswith("crm="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_state_that_is_none_of_ours_is_refused(anna: Person, runtime: Runtime) -> None:
    left = anna.post("/oauth/sign-in")
    back = anna.at_google(left.headers["Location"])
    refused = anna.come_back(re.sub("state=[^&]+", "state=forged", back))
    assert refused.status_code == 400
    assert "oauth_state" in refused.text
    with runtime.sessions() as session:
        assert not session.scalars(select(Member)).all()


def test_an_answer_is_good_in_the_browser_that_left_alone(anna: Person, app: Flask) -> None:
    back = anna.at_google(anna.post("/oauth/sign-in").headers["Location"])
    victim = Person(app, "victim@northwind.example")
    assert victim.come_back(back).status_code == 400


def test_an_answer_is_good_once(anna: Person) -> None:
    back = anna.at_google(anna.post("/oauth/sign-in").headers["Location"])
    assert anna.come_back(back).status_code == 303
    assert anna.come_back(back).status_code == 400


def test_a_code_that_google_takes_back_signs_nobody_in(anna: Person) -> None:
    back = anna.at_google(anna.post("/oauth/sign-in").headers["Location"])
    refused = anna.come_back(re.sub("code=[^&]+", "code=4/stolen", back))
    assert refused.status_code == 400
    assert "oauth_code" in refused.text


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("wrong_nonce", "oauth_identity"),
        ("wrong_audience", "oauth_identity"),
        ("wrong_issuer", "oauth_identity"),
        ("bad_signature", "oauth_identity"),
        ("expired_id_token", "oauth_identity"),
        ("email_unverified", "oauth_unverified"),
    ],
)
def test_an_id_token_with_one_thing_wrong_signs_nobody_in(
    anna: Person, google: Running, runtime: Runtime, name: str, code: str
) -> None:
    fault(google, "oauth.token", name)
    refused = anna.sign_in()
    assert refused.status_code in {400, 403}
    assert code in refused.text
    with runtime.sessions() as session:
        assert not session.scalars(select(Member)).all()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("invalid_client", "oauth_client"),
        ("server_error", "oauth_unavailable"),
        ("unavailable", "oauth_unavailable"),
        ("no_id_token", "oauth_unavailable"),
    ],
)
def test_trouble_at_google_is_told_as_what_it_is(anna: Person, google: Running, name: str, code: str) -> None:
    fault(google, "oauth.token", name)
    refused = anna.sign_in()
    assert refused.status_code == 503
    assert code in refused.text


def test_turning_back_at_google_is_explained(anna: Person) -> None:
    url = anna.post("/oauth/sign-in").headers["Location"]
    back = anna.come_back(anna.at_google(url, action="cancel"))
    assert back.status_code == 303
    assert "You turned back at Google" in anna.get("/").text


def test_nobody_is_sent_to_another_site_after_signing_in(anna: Person) -> None:
    for path in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        url = anna.post("/oauth/sign-in", {"next": path}).headers["Location"]
        assert anna.come_back(anna.at_google(url)).headers["Location"] == "/"
        anna.post("/sign-out")


def test_signing_in_keys_of_google_may_rotate(anna: Person, google: Running) -> None:
    anna.sign_in()
    anna.post("/sign-out")
    google.state.keys.rotate()
    back = anna.sign_in()
    assert back.status_code in {303, 400}  # asked again at most once a minute; a new process knows the new key


class TestHeldTime:
    @pytest.fixture
    def clock(self) -> HeldClock:
        return HeldClock(SystemClock().now())

    def test_an_answer_that_comes_after_ten_minutes_is_refused(
        self, anna: Person, runtime: Runtime, clock: HeldClock
    ) -> None:
        back = anna.at_google(anna.post("/oauth/sign-in").headers["Location"])
        clock.advance(601)
        assert anna.come_back(back).status_code == 400
        anna.post("/oauth/sign-in")
        with runtime.sessions() as session:
            assert len(session.scalars(select(Attempt)).all()) == 1

    def test_a_sign_in_ends_after_two_idle_weeks(self, anna: Person, clock: HeldClock) -> None:
        anna.sign_in()
        clock.advance(dt.timedelta(days=13).total_seconds())
        assert anna.get("/connections").status_code == 200
        clock.advance(dt.timedelta(days=15).total_seconds())
        assert anna.get("/connections").status_code == 303


def test_every_product_is_asked_for_read_only() -> None:
    assert all(scope.endswith(".readonly") for scope in FEATURES.values())
