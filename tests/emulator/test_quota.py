"""What calls cost, and what a person may spend in a minute."""

from __future__ import annotations

_ROOT = "/gmail/v1/users/me"


def test_units_follow_googles_table(start, mail):
    google = start(mail.write())
    session = google.session()
    listed = session.get(f"{_ROOT}/messages").json()["messages"][0]
    google.control("DELETE", "requests")
    session.get(f"{_ROOT}/profile")
    session.get(f"{_ROOT}/messages")
    session.get(f"{_ROOT}/messages/{listed['id']}")
    session.get(f"{_ROOT}/threads/{listed['threadId']}")
    told = google.control("GET", "requests")
    assert told["totals"]["units"] == 1 + 5 + 20 + 40
    assert told["methods"]["gmail.users.threads.get"] == {"requests": 1, "units": 40}


def test_a_minute_ends_when_its_units_are_spent_and_the_next_begins_anew(start, mail):
    google = start(mail.write(), quota_per_minute=100)
    session = google.session()
    message = session.get(f"{_ROOT}/messages").json()["messages"][0]["id"]
    google.running.clock.move_to(google.running.clock.offset_s + 60)
    statuses = [session.get(f"{_ROOT}/messages/{message}").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    error = session.get(f"{_ROOT}/messages/{message}").json()["error"]
    assert error["status"] == "RESOURCE_EXHAUSTED"
    assert error["errors"][0] | {"message": ""} == {
        "message": "",
        "domain": "usageLimits",
        "reason": "rateLimitExceeded",
    }
    assert error["details"][0]["reason"] == "RATE_LIMIT_EXCEEDED"
    other = google.session(email="teammate@example.com")
    assert other.get(f"{_ROOT}/messages").status_code == 200
    google.running.clock.move_to(google.running.clock.offset_s + 60)
    assert session.get(f"{_ROOT}/messages/{message}").status_code == 200
    assert google.control("GET", "requests")["totals"]["refused"] == 2


def test_a_call_that_does_not_fit_leaves_room_for_a_smaller_one(start, mail):
    google = start(mail.write(), quota_per_minute=30)
    session = google.session()
    message = session.get(f"{_ROOT}/messages").json()["messages"][0]["id"]
    google.running.clock.move_to(google.running.clock.offset_s + 60)
    paths = [f"{_ROOT}/messages/{message}"] * 2 + [f"{_ROOT}/messages"]
    assert [session.get(path).status_code for path in paths] == [200, 429, 200]
