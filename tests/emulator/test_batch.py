"""Many calls in one request."""

from __future__ import annotations

import pytest
import requests
from googleapiclient.errors import HttpError

_ROOT = "/gmail/v1/users/me"


def run(service, requests_):
    answers, errors = {}, {}

    def note(name, response, error):
        (answers if error is None else errors)[name] = response if error is None else error

    batch = service.new_batch_http_request(callback=note)
    for name, request in requests_.items():
        batch.add(request, request_id=name)
    batch.execute()
    return answers, errors


@pytest.fixture
def filled(start, mail):
    google = start(*(mail.write() for _ in range(20)))
    listed = google.session().get(f"{_ROOT}/messages").json()["messages"]
    return google, [message["id"] for message in listed]


def test_each_part_is_answered_by_itself(filled):
    google, ids = filled
    service = google.service()
    calls = {one: service.users().messages().get(userId="me", id=one, format="metadata") for one in ids}
    calls["gone"] = service.users().messages().get(userId="me", id="1000000000000000")
    answers, errors = run(service, calls)
    assert {name: answer["id"] for name, answer in answers.items()} == {one: one for one in ids}
    assert {name: error.status_code for name, error in errors.items()} == {"gone": 404}


def test_a_part_can_be_refused_while_the_others_pass(filled):
    google, ids = filled
    service = google.service()
    google.fault("gmail.users.messages.get", "concurrent_429", count=2, skip=3)
    calls = {one: service.users().messages().get(userId="me", id=one, format="minimal") for one in ids}
    answers, errors = run(service, calls)
    assert len(answers) == 18
    assert {error.status_code for error in errors.values()} == {429}


def test_writes_go_through_a_batch_too(filled):
    google, ids = filled
    service = google.service()
    body = {"addLabelIds": ["STARRED"]}
    answers, _ = run(service, {one: service.users().messages().modify(userId="me", id=one, body=body) for one in ids})
    assert all("STARRED" in answer["labelIds"] for answer in answers.values())


def test_more_than_a_hundred_parts_are_refused_as_a_whole(filled):
    google, ids = filled
    service = google.service()
    calls = {str(n): service.users().messages().get(userId="me", id=ids[0], format="minimal") for n in range(101)}
    with pytest.raises(HttpError) as error:
        run(service, calls)
    assert error.value.status_code == 400
    assert "Received: 101, Limit: 100" in error.value.reason


def test_a_batch_costs_what_its_parts_cost(filled):
    google, ids = filled
    service = google.service()
    google.control("DELETE", "requests")
    run(service, {one: service.users().messages().get(userId="me", id=one, format="minimal") for one in ids})
    told = google.control("GET", "requests")
    assert (told["totals"]["requests"], told["totals"]["units"]) == (20, 400)
    assert all(entry["batched"] for entry in told["requests"])


def test_calendar_and_people_have_batches_too(start):
    google = start()
    calendar = google.service("calendar", "v3", "https://www.googleapis.com/auth/calendar.readonly")
    answers, errors = run(calendar, {"list": calendar.calendarList().list()})
    assert (set(answers), errors) == ({"list"}, {})
    people = google.service("people", "v1", "https://www.googleapis.com/auth/contacts.readonly")
    connections = people.people().connections()
    answers, errors = run(people, {"all": connections.list(resourceName="people/me", personFields="names")})
    assert (set(answers), errors) == ({"all"}, {})


def test_the_whole_batch_can_fail(filled):
    google, ids = filled
    service = google.service()
    call = {"one": service.users().messages().get(userId="me", id=ids[0])}
    google.fault("batch", "html_503")
    with pytest.raises(HttpError) as error:
        run(service, call)
    assert error.value.status_code == 503


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1", "/batch/calendar/v3", "/batch/people/v1"])
def test_what_is_no_batch_is_refused(start, path):
    google = start()
    assert requests.post(f"{google.url}{path}", data=b"nonsense", timeout=10).status_code == 400
    torn = requests.post(
        f"{google.url}{path}",
        data=b"--x\r\nContent-Type: application/http\r\n\r\nnonsense\r\n--x--",
        headers={"Content-Type": "multipart/mixed; boundary=x"},
        timeout=10,
    )
    assert torn.status_code == 400
