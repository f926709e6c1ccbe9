"""Calendar's methods: lists, deltas, series, writes and channels, as a client of Google meets them."""

from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING, Any

import pytest
from googleapiclient.errors import HttpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests

    from tests.emulator.conftest import Google

SCOPE = "https://www.googleapis.com/auth/calendar"
EVENTS = "/calendar/v3/calendars/primary/events"
BERLIN = "Europe/Berlin"


@pytest.fixture
def google(start: Callable[..., Google]) -> Google:
    return start()


@pytest.fixture
def client(google: Google) -> requests.Session:
    return google.session(SCOPE)


def timed(day: int, hour: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "summary": f"Event {day}",
        "start": {"dateTime": f"2026-03-{day:02d}T{hour:02d}:00:00+01:00", "timeZone": BERLIN},
        "end": {"dateTime": f"2026-03-{day:02d}T{hour + 1:02d}:00:00+01:00", "timeZone": BERLIN},
        **more,
    }


def made(client: requests.Session, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(EVENTS, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(client: requests.Session, **params: Any) -> tuple[list[dict[str, Any]], str | None]:
    items: list[dict[str, Any]] = []
    while True:
        answer = client.get(EVENTS, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        if "nextPageToken" not in page:
            return items, page.get("nextSyncToken")
        assert "nextSyncToken" not in page
        params["pageToken"] = page["nextPageToken"]


def reason(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]


def test_google_s_own_client_lists_and_writes(google: Google) -> None:
    service = google.service("calendar", "v3", SCOPE)
    event = service.events().insert(calendarId="primary", body=timed(2, id="abcde12345")).execute()
    assert event["id"] == "abcde12345"
    assert event["organizer"]["self"] is True
    calendars = service.calendarList().list().execute()["items"]
    assert [(entry["id"], entry.get("primary")) for entry in calendars] == [("maya@example.com", True)]
    listed = service.events().list(calendarId="maya@example.com").execute()
    assert [item["summary"] for item in listed["items"]] == ["Event 2"]
    with pytest.raises(HttpError) as error:
        service.events().insert(calendarId="primary", body=timed(2, id="abcde12345")).execute()
    assert error.value.status_code == 409


def test_a_page_carries_one_token_and_pages_add_up(client: requests.Session) -> None:
    ids = [made(client, timed(day))["id"] for day in range(1, 8)]
    items, token = pages(client, maxResults=3)
    assert sorted(item["id"] for item in items) == sorted(ids)
    assert token


def test_what_is_written_between_two_pages_is_not_missed(client: requests.Session) -> None:
    for day in range(1, 5):
        made(client, timed(day))
    first = client.get(EVENTS, params={"maxResults": 2}).json()
    late = made(client, timed(20))
    rest, token = pages(client, maxResults=2, pageToken=first["nextPageToken"])
    delta, _ = pages(client, syncToken=token)
    assert late["id"] in {item["id"] for item in rest} | {item["id"] for item in delta}


def test_a_delta_tells_of_changes_and_of_deletions(client: requests.Session) -> None:
    kept, lost = made(client, timed(1)), made(client, timed(2))
    _, token = pages(client)
    assert pages(client, syncToken=token)[0] == []
    client.patch(f"{EVENTS}/{kept['id']}", json={"summary": "New"})
    client.delete(f"{EVENTS}/{lost['id']}")
    delta, token = pages(client, syncToken=token)
    assert {(item["id"], item["status"]) for item in delta} == {(kept["id"], "confirmed"), (lost["id"], "cancelled")}
    assert pages(client, syncToken=token)[0] == []
    assert [item["id"] for item in pages(client)[0]] == [kept["id"]]
    assert len(pages(client, showDeleted="true")[0]) == 2


@pytest.mark.parametrize(
    "extra",
    [
        {"q": "x"},
        {"timeMin": "2026-01-01T00:00:00Z"},
        {"orderBy": "updated"},
        {"iCalUID": "x"},
        {"showDeleted": "false"},
    ],
)
def test_a_sync_token_does_not_go_with_filters(client: requests.Session, extra: dict[str, str]) -> None:
    _, token = pages(client)
    assert client.get(EVENTS, params={"syncToken": token or "", **extra}).status_code == 400


def test_a_sync_token_that_leads_nowhere_asks_for_a_full_list(google: Google, client: requests.Session) -> None:
    made(client, timed(1))
    _, token = pages(client)
    other = client.get(EVENTS, params={"syncToken": token or "", "singleEvents": "true"})
    assert reason(other) == (410, "fullSyncRequired")
    assert reason(client.get(EVENTS, params={"syncToken": "nonsense"})) == (410, "fullSyncRequired")
    google.control("POST", "calendars/void")
    assert reason(client.get(EVENTS, params={"syncToken": token or ""})) == (410, "fullSyncRequired")
    assert pages(client)[1]


def test_a_search_or_an_order_gives_no_sync_token(client: requests.Session) -> None:
    made(client, timed(1, attendees=[{"email": "Ann@client.test"}]))
    items, token = pages(client, q="ann@client")
    assert (len(items), token) == (1, None)
    assert pages(client, q="nobody")[0] == []
    assert pages(client, timeMin="2026-03-01T00:00:00Z")[1] is not None


def test_bounds_touch_the_end_and_the_start(client: requests.Session) -> None:
    event = made(client, timed(5, 10))
    bounds = {"timeMin": "2026-03-05T09:59:59+00:00", "timeMax": "2026-03-05T12:00:00+00:00"}
    assert [item["id"] for item in pages(client, **bounds)[0]] == [event["id"]]
    assert pages(client, timeMin="2026-03-05T10:00:00+00:00")[0] == []
    assert pages(client, timeMax="2026-03-05T09:00:00+00:00")[0] == []
    assert client.get(EVENTS, params={"timeMin": "2026-03-05"}).status_code == 400


def test_a_series_is_one_event_until_single_events_are_asked_for(client: requests.Session) -> None:
    series = made(client, timed(23, 9, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"]))
    assert [item["id"] for item in pages(client)[0]] == [series["id"]]
    single, _ = pages(client, singleEvents="true", orderBy="startTime")
    # The clocks change on 29 March: nine stays nine.
    assert [item["start"]["dateTime"] for item in single] == [
        "2026-03-23T09:00:00+01:00",
        "2026-03-30T09:00:00+02:00",
        "2026-04-06T09:00:00+02:00",
        "2026-04-13T09:00:00+02:00",
    ]
    assert single[0]["id"] == f"{series['id']}_20260323T080000Z"
    assert {item["recurringEventId"] for item in single} == {series["id"]}
    assert len(client.get(f"{EVENTS}/{series['id']}/instances").json()["items"]) == 4


def test_an_instance_can_be_moved_and_another_cancelled(client: requests.Session) -> None:
    series = made(client, timed(2, 9, recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    _, token = pages(client)
    first, second, third = (item["id"] for item in pages(client, singleEvents="true")[0])
    moved = client.patch(f"{EVENTS}/{second}", json={"start": timed(3, 15)["start"], "end": timed(3, 15)["end"]}).json()
    assert moved["originalStartTime"]["dateTime"] == "2026-03-03T09:00:00+01:00"
    assert client.delete(f"{EVENTS}/{third}").status_code == 204
    assert reason(client.delete(f"{EVENTS}/{third}")) == (410, "deleted")
    single, _ = pages(client, singleEvents="true", orderBy="startTime")
    assert [item["id"] for item in single] == [first, second]
    assert single[1]["start"]["dateTime"].startswith("2026-03-03T15")
    whole = {item["id"]: item["status"] for item in pages(client)[0]}
    assert whole == {series["id"]: "confirmed", second: "confirmed", third: "cancelled"}
    assert {item["id"] for item in pages(client, syncToken=token)[0]} == {second, third}


def test_deleting_a_series_takes_its_exceptions_along(client: requests.Session) -> None:
    series = made(client, timed(2, 9, recurrence=["RRULE:FREQ=DAILY;COUNT=3"]))
    second = pages(client, singleEvents="true")[0][1]["id"]
    client.patch(f"{EVENTS}/{second}", json={"summary": "Moved"})
    client.delete(f"{EVENTS}/{series['id']}")
    assert pages(client)[0] == []
    assert pages(client, singleEvents="true")[0] == []


def test_an_endless_series_is_unrolled_within_bounds(client: requests.Session) -> None:
    made(client, timed(2, 9, recurrence=["RRULE:FREQ=DAILY"]))
    bounds = {"timeMin": "2030-01-01T00:00:00Z", "timeMax": "2030-01-11T00:00:00Z"}
    assert len(pages(client, singleEvents="true", **bounds)[0]) == 10
    assert len(pages(client, singleEvents="true")[0]) == 1000


def test_a_patch_replaces_lists_and_an_update_everything(client: requests.Session) -> None:
    event = made(client, timed(1, location="Here", attendees=[{"email": "a@x.test"}, {"email": "b@x.test"}]))
    patched = client.patch(f"{EVENTS}/{event['id']}", json={"attendees": [{"email": "c@x.test"}]}).json()
    assert [guest["email"] for guest in patched["attendees"]] == ["c@x.test"]
    assert patched["location"] == "Here"
    updated = client.put(f"{EVENTS}/{event['id']}", json=timed(1)).json()
    assert "attendees" not in updated
    assert "location" not in updated
    assert updated["iCalUID"] == event["iCalUID"]


def test_a_write_for_another_version_is_refused(client: requests.Session) -> None:
    event = made(client, timed(1))
    client.patch(f"{EVENTS}/{event['id']}", json={"summary": "Newer"})
    stale = client.patch(f"{EVENTS}/{event['id']}", json={"summary": "Mine"}, headers={"If-Match": event["etag"]})
    assert reason(stale) == (412, "conditionNotMet")
    fresh = client.get(f"{EVENTS}/{event['id']}").json()["etag"]
    assert client.patch(f"{EVENTS}/{event['id']}", json={"summary": "Mine"}, headers={"If-Match": fresh}).ok


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"start": {"date": "2026-03-01"}}, 400),
        (timed(3) | {"end": timed(2)["end"]}, 400),
        (timed(1, id="Not Allowed"), 400),
        (timed(1, recurrence=["RRULE:FREQ=DAILY"]) | {"start": {"dateTime": "2026-03-01T10:00:00Z"}}, 400),
        ({"start": {"dateTime": "soon"}, "end": {"date": "2026-03-01"}}, 400),
        (timed(1, recurrence=["RRULE:FREQ=SECONDLY"]), 400),
        (timed(1, recurrence=["DTSTART:20260101"]), 400),
    ],
)
def test_events_that_make_no_sense_are_refused(client: requests.Session, body: dict[str, Any], status: int) -> None:
    assert client.post(EVENTS, json=body).status_code == status


def test_missing_calendars_and_events_are_not_found(client: requests.Session) -> None:
    assert reason(client.get("/calendar/v3/calendars/nobody@x.test/events")) == (404, "notFound")
    assert reason(client.get(f"{EVENTS}/nothing")) == (404, "notFound")
    assert reason(client.patch(f"{EVENTS}/nothing", json={})) == (404, "notFound")


def test_an_empty_page_can_be_asked_for(google: Google, client: requests.Session) -> None:
    made(client, timed(1))
    google.fault("calendar.events.list", "empty_page")
    first = client.get(EVENTS).json()
    assert first["items"] == []
    assert "nextPageToken" in first
    assert len(pages(client, pageToken=first["nextPageToken"])[0]) == 1


def test_a_folder_fills_the_primary_calendar_and_those_that_it_names(
    start: Callable[..., Google], takeout: Callable[..., Path]
) -> None:
    folder = takeout()
    series = "UID:s\nDTSTART:20260302T090000Z\nRRULE:FREQ=DAILY;COUNT=3"
    hole = "UID:s\nRECURRENCE-ID:20260303T090000Z\nDTSTART:20260303T090000Z\nSTATUS:CANCELLED"
    gone = "UID:g\nDTSTART:20260304T090000Z\nSTATUS:CANCELLED"
    for name, said, events in (
        ("a", "maya@example.com", (series, hole, gone)),
        ("b", "Fairs", ("UID:f",)),
        ("c", "", ("UID:c",)),
    ):
        blocks = "".join(f"BEGIN:VEVENT\n{event}\nEND:VEVENT\n" for event in events)
        (folder / f"{name}.ics").write_text(f"BEGIN:VCALENDAR\nX-WR-CALNAME:{said}\n{blocks}END:VCALENDAR\n")
    google = start(takeout=folder)
    client = google.session(SCOPE)
    calendars = client.get("/calendar/v3/users/me/calendarList").json()["items"]
    assert [calendar["summary"] for calendar in calendars] == ["maya@example.com", "Fairs"]
    listed = [
        item
        for calendar in calendars
        for item in client.get(f"/calendar/v3/calendars/{calendar['id']}/events").json()["items"]
    ]
    counts = google.control("GET", "counts")
    assert len(listed) == counts["google"]["events"] == 5
    assert counts["unreadable"]["events"] == 0
    (cancelled,) = (item for item in listed if item["status"] == "cancelled")
    assert "start" not in cancelled
    assert cancelled["originalStartTime"] == {"dateTime": "2026-03-03T09:00:00Z", "timeZone": "UTC"}


def test_planted_events_are_counted_apart(google: Google) -> None:
    google.control("POST", "events", resource=timed(1))
    planted = google.control("POST", "events", resource=timed(2), planted=True)
    google.control("PATCH", f"events/{planted['id']}", resource={"summary": "Changed"})
    counts = google.control("GET", "counts")
    assert (counts["google"]["events"], counts["planted"]["events"]) == (1, 1)
    google.control("DELETE", f"events/{planted['id']}")
    assert google.control("GET", "counts")["planted"]["events"] == 0


class _Receiver(http.server.BaseHTTPRequestHandler):
    heard: list[dict[str, str]]
    told: threading.Event

    def do_POST(self) -> None:
        self.heard.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(204)
        self.end_headers()
        self.told.set()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, type[_Receiver]]]:
    kind = type("Receiver", (_Receiver,), {"heard": [], "told": threading.Event()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", kind
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_channel_tells_of_changes_until_it_is_stopped(
    client: requests.Session, receiver: tuple[str, type[_Receiver]]
) -> None:
    address, heard = receiver
    body = {"id": "channel-1", "type": "web_hook", "address": address, "token": "secret"}
    opened = client.post(f"{EVENTS}/watch", json=body).json()
    assert heard.told.wait(5)
    assert heard.heard[0]["x-goog-resource-state"] == "sync"
    heard.told.clear()
    made(client, timed(1))
    assert heard.told.wait(5)
    message = heard.heard[1]
    assert message["x-goog-resource-state"] == "exists"
    assert (message["x-goog-channel-token"], message["x-goog-resource-id"]) == ("secret", opened["resourceId"])
    assert reason(client.post(f"{EVENTS}/watch", json=body)) == (400, "channelIdNotUnique")
    assert client.post("/calendar/v3/channels/stop", json=opened).status_code == 204
    assert client.post("/calendar/v3/channels/stop", json=opened).status_code == 404


def test_a_channel_to_a_far_place_must_be_https(client: requests.Session) -> None:
    body = {"id": "channel-2", "type": "web_hook", "address": "http://far.example/hook"}
    assert reason(client.post(f"{EVENTS}/watch", json=body)) == (400, "push.webhookUrlNotHttps")


def test_scopes_decide_what_may_be_done(google: Google) -> None:
    reader = google.session("https://www.googleapis.com/auth/calendar.events.readonly")
    assert reader.get(EVENTS).status_code == 200
    assert reader.post(EVENTS, json=timed(1)).status_code == 403
    assert reader.get("/calendar/v3/users/me/calendarList").status_code == 403
