"""Playing the user and the weather, and starting the emulator as a process."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
import requests

_ROOT = "/gmail/v1/users/me"


def test_what_is_planted_is_counted_apart(start, mail):
    google = start(mail.write(), mail.write())
    google.arrive(mail.write(), planted=True)
    google.arrive(mail.write())
    told = google.control("GET", "counts")
    assert (told["google"]["messages"], told["google"]["threads"], told["planted"]["messages"]) == (3, 3, 1)
    assert set(told["google"]) == {"messages", "threads", "events", "contacts"}
    assert told["unreadable"] == told["planted"] | {"messages": 0} == {"messages": 0, "events": 0, "contacts": 0}
    assert told["account"]["email"] == "maya@example.com"
    assert [account["email"] for account in told["accounts"]] == ["maya@example.com", "teammate@example.com"]


def test_a_message_arrives_where_it_is_sent(start, mail):
    google = start()
    thread = google.arrive(mail.write(subject="Talk"), account="teammate@example.com")
    google.arrive(mail.write(subject="Re: Talk"), account="teammate@example.com", thread_id=thread["threadId"])
    other = google.session(email="teammate@example.com")
    assert other.get(f"{_ROOT}/profile").json()["threadsTotal"] == 1
    assert google.session().get(f"{_ROOT}/profile").json()["messagesTotal"] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("messages", {"raw": "eA==", "labels": ["Label_9"]}, 400),
        ("messages", {"raw": "eA==", "account": "nobody@example.com"}, 404),
        ("messages", {"raw": "eA==", "thread_id": "1000000000000000"}, 404),
        ("messages", {}, 400),
        ("clock", {"offset_s": "soon"}, 400),
        ("clock", [], 400),
    ],
)
def test_mistakes_are_answered(start, path, body, status):
    assert requests.post(f"{start().url}/_control/{path}", json=body, timeout=10).status_code == status


def test_the_clock_moves_and_stays_moved_over_a_restart(start, takeout):
    folder = takeout()
    google = start(takeout=folder)
    before = google.control("GET", "clock")["now"]
    assert google.control("POST", "clock", offset_s=500)["now"] - before >= 499
    google.running.stop()
    assert start(takeout=folder).control("GET", "clock")["offset_s"] == 500


def test_the_request_log_names_methods_accounts_and_costs(start):
    google = start()
    google.session().get(f"{_ROOT}/profile")
    (entry,) = google.control("GET", "requests")["requests"]
    assert (entry["method"], entry["account"], entry["status"], entry["units"]) == (
        "gmail.users.getProfile",
        "maya@example.com",
        200,
        1,
    )
    google.control("DELETE", "requests")
    assert google.control("GET", "requests")["requests"] == []


def launch(tmp_path, *more):
    fixed = ["--state", str(tmp_path / "state"), "--client-id", "c", "--client-secret", "s"]
    command = [sys.executable, "-m", "emulator", *fixed, "--redirect-uri", "http://127.0.0.1:9/callback", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_process_says_when_it_is_ready_and_ends_on_sigterm(tmp_path, takeout, mail):
    with launch(tmp_path, "--takeout", str(takeout(mail.write()))) as process:
        line = process.stdout.readline().split()
        assert line[0] == "ready"
        assert requests.get(f"{line[1]}/_control/counts", timeout=10).json()["google"]["messages"] == 1
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_the_process_explains_in_a_sentence_why_it_does_not_start(tmp_path):
    with launch(tmp_path, "--takeout", str(tmp_path / "nowhere")) as process:
        out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert out == ""
    assert err.startswith("There is no folder")
    assert err.count("\n") == 1


def test_a_port_in_use_is_explained_in_a_sentence(tmp_path, start, takeout):
    google = start()
    port = google.url.rpartition(":")[2]
    with launch(tmp_path / "other", "--takeout", str(takeout()), "--port", port) as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert f"port {port}" in err
    assert err.count("\n") == 1
