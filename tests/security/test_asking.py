"""What a browser's address, cookie or number can do where it should do nothing."""

import dataclasses

import pytest
from flask import Flask

from kernel.runtime import Runtime
from tests.signing_in import Person
from web.app import create_app


@pytest.mark.parametrize(
    "asked", ["before=" + "9" * 40, "before=-1", "before=%00", "until=9999-12-31", "since=0001-01-01"]
)
def test_no_number_or_day_breaks_the_log(anna: Person, asked: str) -> None:
    anna.sign_in()
    assert anna.get(f"/log?{asked}").status_code == 200


def test_the_log_is_not_verified_as_often_as_one_likes(anna: Person) -> None:
    anna.sign_in()
    answers = {anna.post("/log/verify", page="/log").status_code for _ in range(8)}
    assert answers == {200, 429}


def test_what_was_searched_for_does_not_follow_through_the_sign_in(app: Flask) -> None:
    answer = app.test_client().get("/search?q=jane@acme.example", base_url="http://localhost:8080")
    assert answer.headers["Location"] == "/?next=/search"


def test_no_neighbouring_host_can_plant_the_cookie_of_a_trip(runtime: Runtime) -> None:
    runtime = dataclasses.replace(
        runtime, settings=dataclasses.replace(runtime.settings, public_url="https://crm.example")
    )
    client = create_app(runtime).test_client()
    page = client.get("/", base_url="https://crm.example").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    left = client.post(
        "/oauth/sign-in",
        base_url="https://crm.example",
        data={"csrf_token": token},
        headers={"Referer": "https://crm.example/"},
    )
    cookie = left.headers["Set-Cookie"]
    assert cookie.startswith("__Host-trip=")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/;"))
    assert "Domain" not in cookie
