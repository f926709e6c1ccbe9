"""The host of the add-on: what it sends, what it accepts back, and what it shows beside a message."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests
from flask import Flask, request
from google.auth import jwt
from werkzeug.serving import make_server

from emulator.addon_host import SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.emulator.conftest import Google, Mail

BASE = "https://crm.test"


def card(*widgets: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"header": {"title": "Ann"}, "sections": [{"widgets": list(widgets) or [{"divider": {}}]}], **more}


def button(**more: Any) -> dict[str, Any]:
    return {"text": "Go", "onClick": {"openLink": {"url": f"{BASE}/people"}}, **more}


class Addon:
    """An add-on that answers what a test tells it, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.seen: list[tuple[str, str, dict[str, Any]]] = []
        app = Flask("addon")
        app.add_url_rule("/addon/<path:rest>", "answer", self._answer, methods=["POST"])
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def _answer(self, rest: str) -> Any:
        self.seen.append((rest, request.headers.get("Authorization", ""), request.get_json()))
        return self.answers.get(rest, ("gone", 404))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def addon(caplog: pytest.LogCaptureFixture) -> Iterator[Addon]:
    caplog.set_level("ERROR", "werkzeug")
    made = Addon()
    yield made
    made.close()


@pytest.fixture
def google(start: Callable[..., Google], mail: Mail, addon: Addon) -> Google:
    return start(mail.write("Hello", subject="Hello"), addon_url=addon.url, addon_client_id="addon-client")


def message_of(google: Google) -> dict[str, str]:
    listed = google.session().get("/gmail/v1/users/me/messages").json()["messages"]
    found: dict[str, str] = listed[0]
    return found


def claims_of(google: Google, token: str) -> dict[str, Any]:
    certificates = requests.get(f"{google.url}/oauth2/v1/certs", timeout=10).json()
    found: dict[str, Any] = dict(jwt.decode(token, certs=certificates))
    return found


def test_a_call_carries_what_google_sends(google: Google, addon: Addon) -> None:
    addon.answers["gmail/message"] = {"action": {"navigations": [{"pushCard": card()}]}}
    message = message_of(google)
    called = google.control("POST", "addon", url=f"{addon.url}/addon/gmail/message", message_id=message["id"])
    assert (called["status"], called["valid"], called["problems"]) == (200, True, [])
    ((_, header, event),) = addon.seen
    assert event["commonEventObject"] == {"hostApp": "GMAIL", "platform": "WEB"}
    assert event["gmail"]["messageId"] == f"msg-f:{int(message['id'], 16)}"
    assert event["gmail"]["threadId"] == f"thread-f:{int(message['threadId'], 16)}"
    assert event["gmail"]["accessToken"]
    tokens = event["authorizationEventObject"]
    assert header == f"Bearer {tokens['systemIdToken']}"
    system, user = claims_of(google, tokens["systemIdToken"]), claims_of(google, tokens["userIdToken"])
    assert (system["aud"], system["email"]) == (f"{addon.url}/addon/gmail/message", SERVICE_ACCOUNT)
    assert (user["aud"], user["email"], system["email_verified"]) == ("addon-client", "maya@example.com", True)
    read = requests.get(
        f"{google.url}/gmail/v1/users/me/messages/{message['id']}",
        params={"format": "metadata"},
        headers={"Authorization": f"Bearer {tokens['userOAuthToken']}"},
        timeout=10,
    )
    assert read.status_code == 200


def test_without_the_scope_of_identity_nobody_is_named(google: Google, addon: Addon) -> None:
    addon.answers["home"] = {"requesting_google_scopes": {"all_scopes": True}}
    assert google.control("POST", "addon", url=f"{addon.url}/addon/home", scopes=[])["valid"]
    tokens = addon.seen[0][2]["authorizationEventObject"]
    assert "userIdToken" not in tokens
    assert "userOAuthToken" not in tokens
    assert tokens["authorizedScopes"] == []


def test_answers_that_are_no_cards_are_problems_not_failures(google: Google, addon: Addon) -> None:
    for answer in (("<h1>Oops</h1>", 500), "<h1>Oops</h1>", {"action": {"navigations": [{"pushCard": {}}]}}):
        addon.answers["home"] = answer
        called = google.control("POST", "addon", url=f"{addon.url}/addon/home")
        assert not called["valid"]
        assert called["problems"]


def test_only_the_add_on_is_called(google: Google) -> None:
    answer = requests.post(f"{google.url}/_control/addon", json={"url": "http://127.0.0.1:1/addon/home"}, timeout=10)
    assert answer.status_code == 400


def test_an_open_message_shows_the_card_and_its_buttons_work(google: Google, addon: Addon) -> None:
    form = card(
        {"textInput": {"name": "note", "label": "Note"}},
        {"dateTimePicker": {"name": "due", "label": "Due", "type": "DATE_ONLY"}},
        {
            "buttonList": {
                "buttons": [
                    button(
                        text="Save",
                        onClick={
                            "action": {
                                "function": f"{addon.url}/addon/actions/save",
                                "requiredWidgets": ["note"],
                                "parameters": [{"key": "person", "value": "7"}],
                            }
                        },
                    ),
                    button(text="<b>Profile</b>", onClick={"openLink": {"url": f"{addon.url}/people/7"}}),
                ]
            }
        },
    )
    addon.answers["gmail/message"] = {"action": {"navigations": [{"pushCard": form}]}}
    saved = {
        "navigations": [{"pushCard": card({"textParagraph": {"text": "Kept <b>well</b>"}})}],
        "notification": {"text": "Note saved"},
    }
    addon.answers["actions/save"] = {"renderActions": {"action": saved}, "stateChanged": True}
    page = f"{google.url}/u/0/mail/{message_of(google)['id']}"
    panel = f"{google.url}/u/0/sidebar/mail/{message_of(google)['id']}"
    with requests.Session() as browser:
        shown = browser.get(page, timeout=10).text
        assert 'name="in.note"' in shown
        assert f'href="{addon.url}/people/7"' in shown
        assert "&lt;b&gt;Profile" in shown
        (number,) = re.findall(r'name="do" value="(\d+)"[^>]*>Save', shown)
        assert "Fill in: Note" in browser.post(panel, data={"do": number}, timeout=10).text
        after = browser.post(panel, data={"do": number, "in.note": "Call", "in.due": "2026-12-24"}, timeout=10).text
        assert "Note saved" in after
        assert "Kept <b>well</b>" in after
        assert "Note saved" not in browser.get(page, timeout=10).text
        assert 'name="in.note"' in browser.post(panel, data={"do": "back"}, timeout=10).text
    common = addon.seen[-1][2]["commonEventObject"]
    assert common["parameters"] == {"person": "7"}
    assert common["formInputs"] == {
        "note": {"stringInputs": {"value": ["Call"]}},
        "due": {"dateInput": {"msSinceEpoch": "1798070400000"}},
    }
    assert [rest for rest, _, _ in addon.seen] == ["gmail/message", "actions/save"]


def test_a_wrong_answer_is_shown_as_gmail_would(google: Google, addon: Addon) -> None:
    addon.answers["gmail/message"] = {"action": {"navigations": [{"pushCard": card({"keyValue": {}})}]}}
    page = requests.get(f"{google.url}/u/0/mail/{message_of(google)['id']}", timeout=10).text
    assert "Add-on error" in page
    assert "schema" in page


def test_an_event_has_no_sidebar_when_the_add_on_is_not_for_calendar(google: Google) -> None:
    body = {"start": {"date": "2026-03-01"}, "end": {"date": "2026-03-02"}}
    event = google.control("POST", "events", resource=body)["id"]
    page = requests.get(f"{google.url}/u/0/calendar/{event}", timeout=10).text
    assert "sidebar" not in page
