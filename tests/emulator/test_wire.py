"""What every API call meets before its handler, and the errors Google answers with."""

from __future__ import annotations

import socket
import time

import pytest
import requests

from emulator import faults

_ROOT = "/gmail/v1/users/me"
_LIST = "gmail.users.messages.list"


def reason(answer):
    return answer.json()["error"]["errors"][0]["reason"]


def test_without_a_live_token_nothing_is_answered(start):
    google = start()
    for headers in ({}, {"Authorization": "Bearer ya29.made-up"}, {"Authorization": "Basic eA=="}):
        answer = requests.get(f"{google.url}{_ROOT}/messages", headers=headers, timeout=10)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        error = answer.json()["error"]
        assert (error["status"], error["errors"][0]["message"]) == ("UNAUTHENTICATED", "Invalid Credentials")


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/messages", {"maxResults": "many"}),
        ("/messages", {"includeSpamTrash": "perhaps"}),
        ("/messages", {"unheardOf": "1"}),
        ("/history", {"startHistoryId": "1", "historyTypes": "everything"}),
    ],
)
def test_parameters_are_those_of_the_discovery_document(start, path, query):
    assert start().session().get(_ROOT + path, params=query).status_code == 400


def test_a_method_is_opened_by_its_own_scopes_only(start):
    google = start()
    metadata = google.session("https://www.googleapis.com/auth/gmail.metadata")
    assert metadata.get(f"{_ROOT}/profile").status_code == 200
    refused = metadata.get(f"{_ROOT}/settings/sendAs")
    assert refused.status_code == 403
    assert reason(refused) == "insufficientPermissions"
    reader = google.session("https://www.googleapis.com/auth/gmail.readonly")
    assert reader.post(f"{_ROOT}/messages/1000000000000000/trash").status_code == 403


@pytest.mark.parametrize("name", sorted(faults._REFUSALS))
def test_every_refusal_can_be_had_and_is_used_up(start, name):
    google = start()
    session = google.session()
    google.fault(_LIST, name, count=2)
    for _ in range(2):
        answer = session.get(f"{_ROOT}/messages")
        error = answer.json()["error"]
        assert answer.status_code == error["code"] >= 400
        assert error["errors"][0]["reason"]
    assert google.control("GET", "faults") == {"unused": []}
    assert session.get(f"{_ROOT}/messages").status_code == 200


def test_a_pause_is_told_in_the_sentence_alone(start):
    google = start()
    google.running.clock.move_to(-time.time() + 1_000_000)
    google.fault(_LIST, "retry_after_429", retry_after_s=90)
    answer = google.session().get(f"{_ROOT}/messages")
    message = answer.json()["error"]["message"]
    assert message.startswith("User-rate limit exceeded.  Retry after 1970-01-12T13:4")
    assert "Retry-After" not in answer.headers


def test_a_fault_can_be_narrowed_to_an_account_a_target_and_a_later_call(start, mail):
    google = start(mail.write(), mail.write())
    session, other = google.session(), google.session(email="teammate@example.com")
    one, two = (message["id"] for message in session.get(f"{_ROOT}/messages").json()["messages"])
    google.fault("gmail.users.messages.get", "not_found", target=one)
    assert session.get(f"{_ROOT}/messages/{two}").status_code == 200
    assert session.get(f"{_ROOT}/messages/{one}").status_code == 404
    google.fault(_LIST, "backend_503", account="teammate@example.com", skip=1)
    assert session.get(f"{_ROOT}/messages").status_code == 200
    assert [other.get(f"{_ROOT}/messages").status_code for _ in range(3)] == [200, 503, 200]


def test_a_fault_that_nobody_meets_is_told(start):
    google = start()
    google.fault(_LIST, "backend_500")
    assert google.control("GET", "faults")["unused"][0]["fault"] == "backend_500"
    google.control("DELETE", "faults")
    assert google.control("GET", "faults") == {"unused": []}


def test_a_fault_of_an_unknown_name_is_refused(start):
    answer = requests.post(f"{start().url}/_control/faults", json={"method": _LIST, "fault": "gremlins"}, timeout=10)
    assert answer.status_code == 400


def test_a_connection_can_break_before_and_after_the_work_was_done(start, mail):
    google = start(mail.write())
    session = google.session()
    message = session.get(f"{_ROOT}/messages").json()["messages"][0]["id"]
    for name, starred in (("drop_before", False), ("drop_after", True)):
        google.fault("gmail.users.messages.modify", name)
        with pytest.raises(requests.ConnectionError):
            session.post(f"{_ROOT}/messages/{message}/modify", json={"addLabelIds": ["STARRED"]})
        labels = session.get(f"{_ROOT}/messages/{message}?format=minimal").json()["labelIds"]
        assert ("STARRED" in labels) is starred


def test_googles_client_silently_repeats_a_send_whose_answer_was_lost(start):
    google = start()
    google.fault("gmail.users.messages.send", "drop_after")
    sent = google.service().users().messages().send(userId="me", body={"raw": "VG86IGFAYi5jCgpoaQ=="}).execute()
    listed = google.session().get(f"{_ROOT}/messages?labelIds=SENT").json()["messages"]
    assert len(listed) == 2
    assert sent["id"] in {message["id"] for message in listed}


def test_an_answer_can_be_slow_or_no_json_at_all(start):
    google = start()
    session = google.session()
    google.fault(_LIST, "slow", delay_s=0.3)
    assert session.get(f"{_ROOT}/messages").elapsed.total_seconds() >= 0.3
    google.fault(_LIST, "html_503")
    answer = session.get(f"{_ROOT}/messages")
    assert (answer.status_code, answer.text[:6]) == (503, "<html>")


def test_a_question_too_long_for_an_address_comes_as_a_form(start, mail):
    google = start(mail.write(message_id="<wanted@x>"), mail.write())
    query = "rfc822msgid:wanted@x " + " ".join(f"-from:nobody{number}@client.test" for number in range(120))
    answer = google.service().users().messages().list(userId="me", q=query).execute()
    assert len(answer["messages"]) == 1


def test_one_connection_serves_many_calls_quickly(start, mail):
    google = start(mail.write())
    session = google.session()
    message = session.get(f"{_ROOT}/messages").json()["messages"][0]["id"]
    began = time.perf_counter()
    for _ in range(50):
        session.get(f"{_ROOT}/messages/{message}?format=metadata")
    # With Nagle's delay or a new connection per call this would take two seconds.
    assert time.perf_counter() - began < 1.5


def test_another_name_for_this_address_is_refused(start):
    google = start()
    answer = requests.get(f"{google.url}/_control/counts", headers={"Host": "evil.test"}, timeout=10)
    assert answer.status_code == 421
    by_name = google.url.replace("127.0.0.1", "localhost").removeprefix("http://")
    assert requests.get(f"{google.url}/_control/counts", headers={"Host": by_name}, timeout=10).ok


def test_the_control_api_takes_json_only(start):
    google = start()
    answer = requests.post(f"{google.url}/_control/clock", data='{"offset_s": 9}', timeout=10)
    assert answer.status_code == 415
    assert google.running.clock.offset_s == 0


def test_it_listens_on_loopback_alone(start):
    google = start()
    port = int(google.url.rpartition(":")[2])
    others = {address[4][0] for address in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for other in others - {"127.0.0.1"}:
        with socket.socket() as probe:
            probe.settimeout(1)
            assert other.startswith("127.") or probe.connect_ex((other, port)) != 0


def test_an_unknown_path_is_answered_in_json(start):
    assert start().session().get("/gmail/v2/users/me").json()["error"]["code"] == 404
