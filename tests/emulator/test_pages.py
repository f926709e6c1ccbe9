"""The mailbox pages: what a person sees and does, without a script and safe from what mail brings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator.conftest import Google, Mail


@pytest.fixture
def google(start: Callable[..., Google], mail: Mail) -> Google:
    html = (
        b'<p onclick="x()">Hi <script>alert(2)</script><img src="https://t.test/p.gif"><a href="javascript:x">a</a></p>'
    )
    plain = mail.write("plain", subject="<script>alert(1)</script>")
    nasty = plain.replace(b"text/plain", b"text/html").replace(b"plain\n", html + b"\n")
    return start(mail.write("Good morning", subject="First"), mail.write("Second text", subject="Second"), nasty)


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def opened(browser: requests.Session, url: str) -> str:
    answer = browser.get(url, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.text


def message_link(page: str, place: int) -> str:
    """The link to a message of a list, which shows the newest first."""
    return re.findall(r'href="(/u/0/mail/[0-9a-f]{16})"', page)[place]


def only_link(page: str, kind: str) -> str:
    found = re.findall(rf'href="(/u/0/{kind}/[^"/?]+)"', page)
    return next(link for link in found if not link.endswith("/new"))


def test_the_mailbox_is_listed_and_opened(google: Google, browser: requests.Session) -> None:
    page = opened(browser, f"{google.url}/?")
    page = opened(browser, f"{google.url}/u/0/mail?folder=ALL")
    assert "First" in page
    assert "Good morning" in page
    message = opened(browser, google.url + message_link(page, 1))
    assert "Good morning" in message
    assert "Delete for good" in message


def test_what_mail_brings_is_shown_and_never_run(google: Google, browser: requests.Session) -> None:
    page = opened(browser, f"{google.url}/u/0/mail?folder=ALL")
    assert "<script" not in page
    link = message_link(page, 2)
    answer = browser.get(google.url + link, timeout=10)
    assert "&lt;script&gt;" in answer.text
    for danger in ("<script", "onclick", "p.gif", "javascript:"):
        assert danger not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


def test_pages_load_nothing_from_elsewhere(google: Google, browser: requests.Session) -> None:
    page = opened(browser, f"{google.url}/u/0/mail?folder=ALL")
    assert re.findall(r'(?:src|href)="https?://', page) == []
    (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', page)
    assert browser.get(google.url + style, timeout=10).headers["Content-Type"].startswith("text/css")


def test_a_person_can_let_a_message_arrive_and_answer_it(google: Google, browser: requests.Session) -> None:
    form = {"sender": "Bo <bo@client.test>", "to": "maya@example.com", "subject": "Offer", "text": "How much?"}
    arrived = browser.post(f"{google.url}/u/0/mail/new", data=form, timeout=10)
    assert "How much?" in arrived.text
    assert "INBOX, UNREAD" in arrived.text
    message = arrived.url.rpartition("/")[2]
    answering = opened(browser, f"{google.url}/u/0/mail/new?answers={message}")
    assert 'value="Re: Offer"' in answering
    reply = {
        "sender": "maya@example.com",
        "to": "bo@client.test",
        "subject": "Re: Offer",
        "text": "42",
        "answers": message,
    }
    sent = browser.post(f"{google.url}/u/0/mail/new", data=reply, timeout=10)
    assert "SENT" in sent.text
    gmail = google.session("https://mail.google.com/")
    found = gmail.get(f"/gmail/v1/users/me/messages/{message}").json()
    assert len(gmail.get(f"/gmail/v1/users/me/threads/{found['threadId']}").json()["messages"]) == 2


def test_labels_and_deleting_reach_the_api(google: Google, browser: requests.Session) -> None:
    page = opened(browser, f"{google.url}/u/0/mail?folder=ALL")
    link = only_link(page, "mail")
    message = link.rpartition("/")[2]
    browser.post(f"{google.url}{link}/labels", data={"label": ["STARRED", "Nonsense"]}, timeout=10)
    gmail = google.session("https://mail.google.com/")
    assert gmail.get(f"/gmail/v1/users/me/messages/{message}").json()["labelIds"] == ["STARRED"]
    browser.post(f"{google.url}{link}/do/trash", timeout=10)
    assert "TRASH" in gmail.get(f"/gmail/v1/users/me/messages/{message}").json()["labelIds"]
    browser.post(f"{google.url}{link}/do/delete", timeout=10)
    assert gmail.get(f"/gmail/v1/users/me/messages/{message}").status_code == 404
    assert browser.get(google.url + link, timeout=10).status_code == 404


def test_events_are_made_changed_and_deleted(google: Google, browser: requests.Session) -> None:
    form = {
        "summary": "Lunch",
        "start": "2026-12-01T12:00",
        "end": "2026-12-01T13:00",
        "zone": "Europe/Berlin",
        "guests": "ann@client.test, bo@client.test",
    }
    made = browser.post(f"{google.url}/u/0/calendar/new", data=form, timeout=10)
    assert "Lunch" in opened(browser, f"{google.url}/u/0/calendar")
    client = google.session("https://www.googleapis.com/auth/calendar")
    (event,) = client.get("/calendar/v3/calendars/primary/events").json()["items"]
    assert event["start"]["dateTime"] == "2026-12-01T12:00:00+01:00"
    assert len(event["attendees"]) == 2
    browser.post(made.url, data={**form, "summary": "Dinner", "guests": "bo@client.test", "all_day": "on"}, timeout=10)
    (event,) = client.get("/calendar/v3/calendars/primary/events").json()["items"]
    assert (event["summary"], event["start"]) == ("Dinner", {"date": "2026-12-01"})
    assert event["end"] == {"date": "2026-12-02"}
    wrong = browser.post(made.url, data={**form, "end": "2026-11-01T12:00"}, timeout=10)
    assert (wrong.status_code, "time range is empty" in wrong.text) == (400, True)
    browser.post(f"{made.url}/delete", timeout=10)
    assert client.get("/calendar/v3/calendars/primary/events").json()["items"] == []


def test_contacts_are_made_changed_and_deleted(google: Google, browser: requests.Session) -> None:
    form = {"given": "Ann", "family": "Lee", "emails": "ann@client.test, lee@client.test", "company": "Client"}
    made = browser.post(f"{google.url}/u/0/contacts/new", data=form, timeout=10)
    assert "Ann Lee" in opened(browser, f"{google.url}/u/0/contacts")
    browser.post(made.url, data={**form, "family": "Young", "company": ""}, timeout=10)
    client = google.session("https://www.googleapis.com/auth/contacts")
    fields = {"personFields": "names,organizations,emailAddresses"}
    (person,) = client.get("/v1/people/me/connections", params=fields).json()["connections"]
    assert person["names"][0]["displayName"] == "Ann Young"
    assert "organizations" not in person
    assert len(person["emailAddresses"]) == 2
    google.control(
        "PATCH", made.url.rpartition("/u/0/")[2], resource={"emailAddresses": [{"value": "a@x.test", "type": "work"}]}
    )
    browser.post(made.url, data={**form, "emails": "a@x.test, new@x.test"}, timeout=10)
    (person,) = client.get("/v1/people/me/connections", params=fields).json()["connections"]
    assert [(mail["value"], mail.get("type")) for mail in person["emailAddresses"]] == [
        ("a@x.test", "work"),
        ("new@x.test", None),
    ]
    browser.post(f"{made.url}/delete", timeout=10)
    assert "connections" not in client.get("/v1/people/me/connections", params=fields).json()


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_form_of_another_site_is_refused(google: Google, browser: requests.Session, headers: dict[str, str]) -> None:
    answer = browser.post(f"{google.url}/u/0/contacts/new", data={"given": "Eve"}, headers=headers, timeout=10)
    assert answer.status_code == 403
    assert "Eve" not in opened(browser, f"{google.url}/u/0/contacts")


def test_a_second_account_has_pages_of_its_own(google: Google, browser: requests.Session) -> None:
    assert "First" not in opened(browser, f"{google.url}/u/1/mail?folder=ALL")
    assert browser.get(f"{google.url}/u/9/mail", timeout=10).status_code == 404
