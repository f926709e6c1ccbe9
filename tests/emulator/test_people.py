"""People's methods: lists with masks and tokens, deltas with tombstones, writes that need an etag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tests.emulator.conftest import Google

SCOPE = "https://www.googleapis.com/auth/contacts https://www.googleapis.com/auth/contacts.other.readonly"
LIST = "/v1/people/me/connections"
MASK = "names,emailAddresses,metadata"


@pytest.fixture
def google(start: Callable[..., Google]) -> Google:
    return start()


@pytest.fixture
def client(google: Google) -> requests.Session:
    return google.session(SCOPE)


def ann(name: str = "Ann") -> dict[str, Any]:
    return {
        "names": [{"givenName": name, "familyName": "Lee"}],
        "emailAddresses": [{"value": f"{name.lower()}@client.test", "type": "work"}, {"value": "second@client.test"}],
    }


def made(client: requests.Session, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/people:createContact", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(client: requests.Session, **params: Any) -> tuple[list[dict[str, Any]], str | None]:
    params = {"personFields": MASK, **params}
    people: list[dict[str, Any]] = []
    while True:
        answer = client.get(LIST, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        people += page.get("connections", [])
        if "nextPageToken" not in page:
            return people, page.get("nextSyncToken")
        params["pageToken"] = page["nextPageToken"]


def test_google_s_own_client_makes_and_lists_contacts(google: Google) -> None:
    service = google.service("people", "v1", SCOPE)
    person = service.people().createContact(body=ann()).execute()
    listed = service.people().connections().list(resourceName="people/me", personFields=MASK).execute()
    assert [found["resourceName"] for found in listed["connections"]] == [person["resourceName"]]
    name = listed["connections"][0]["names"][0]
    assert (name["displayName"], name["metadata"]["primary"]) == ("Ann Lee", True)
    got = service.people().get(resourceName=person["resourceName"], personFields="emailAddresses").execute()
    assert [bool(mail["metadata"].get("primary")) for mail in got["emailAddresses"]] == [True, False]
    assert "names" not in got
    assert service.people().get(resourceName="people/me", personFields="names").execute()["names"]


def test_a_mask_is_required_and_must_be_known(client: requests.Session) -> None:
    assert client.get(LIST).status_code == 400
    assert client.get(LIST, params={"personFields": "shoeSizes"}).status_code == 400


def test_an_empty_book_has_no_connections_at_all(client: requests.Session) -> None:
    answer = client.get(LIST, params={"personFields": MASK, "requestSyncToken": "true"}).json()
    assert "connections" not in answer
    assert answer["totalItems"] == 0
    made(client, ann())
    assert len(pages(client, syncToken=answer["nextSyncToken"])[0]) == 1


def test_pages_add_up_and_are_bound_to_their_parameters(client: requests.Session) -> None:
    names = {made(client, ann(f"P{number}"))["resourceName"] for number in range(7)}
    people, token = pages(client, pageSize=3, requestSyncToken="true")
    assert {person["resourceName"] for person in people} == names
    assert len(people) == 7
    assert token
    first = client.get(LIST, params={"personFields": MASK, "pageSize": 3}).json()
    other = client.get(LIST, params={"personFields": "names", "pageToken": first["nextPageToken"]})
    assert other.status_code == 400
    assert pages(client, pageSize=3)[1] is None


def test_a_delta_tells_of_changes_and_leaves_tombstones(client: requests.Session) -> None:
    kept, lost = made(client, ann("Kept")), made(client, ann("Lost"))
    _, token = pages(client, requestSyncToken="true")
    client.patch(
        f"/v1/{kept['resourceName']}:updateContact",
        params={"updatePersonFields": "names"},
        json={"etag": kept["etag"], "names": [{"givenName": "Still"}]},
    )
    assert client.delete(f"/v1/{lost['resourceName']}:deleteContact").status_code == 200
    delta, token = pages(client, syncToken=token)
    by_name = {person["resourceName"]: person for person in delta}
    assert by_name[kept["resourceName"]]["names"][0]["displayName"] == "Still"
    assert by_name[lost["resourceName"]]["metadata"]["deleted"] is True
    assert "names" not in by_name[lost["resourceName"]]
    assert pages(client, syncToken=token)[0] == []
    assert len(pages(client)[0]) == 1


def test_a_sync_token_ends_seven_days_after_the_full_list(google: Google, client: requests.Session) -> None:
    _, token = pages(client, requestSyncToken="true")
    google.control("POST", "clock", offset_s=6 * 86_400)
    client = google.session(SCOPE)
    _, token = pages(client, syncToken=token)
    google.control("POST", "clock", offset_s=7 * 86_400 + 60)
    error = google.session(SCOPE).get(LIST, params={"personFields": MASK, "syncToken": token}).json()["error"]
    assert error["code"] == 400
    assert error["details"][0]["reason"] == "EXPIRED_SYNC_TOKEN"
    broken = google.session(SCOPE).get(LIST, params={"personFields": MASK, "syncToken": "x"}).json()["error"]
    assert "details" not in broken


def test_an_update_needs_the_latest_etag_and_replaces_named_fields(client: requests.Session) -> None:
    person = made(client, ann())
    address = f"/v1/{person['resourceName']}:updateContact"
    no_etag = client.patch(address, params={"updatePersonFields": "names"}, json=ann("Bo"))
    assert no_etag.status_code == 400
    body = {"metadata": person["metadata"], "emailAddresses": [{"value": "new@client.test"}]}
    updated = client.patch(address, params={"updatePersonFields": "emailAddresses,names"}, json=body).json()
    assert [mail["value"] for mail in updated["emailAddresses"]] == ["new@client.test"]
    assert "names" not in updated
    stale = client.patch(address, params={"updatePersonFields": "names"}, json={**ann(), "etag": person["etag"]})
    assert stale.status_code == 400
    assert stale.json()["error"]["status"] == "FAILED_PRECONDITION"
    two = {**ann(), "etag": updated["etag"], "names": [{"givenName": "A"}, {"givenName": "B"}]}
    assert client.patch(address, params={"updatePersonFields": "names"}, json=two).status_code == 400


def test_several_people_come_with_a_status_each(client: requests.Session) -> None:
    person = made(client, ann())["resourceName"]
    answer = client.get("/v1/people:batchGet", params={"resourceNames": [person, "people/c1"], "personFields": "names"})
    first, second = answer.json()["responses"]
    assert first["person"]["resourceName"] == person
    assert second["httpStatusCode"] == 404


def test_lists_can_lag_behind_writes_without_losing_any(google: Google, client: requests.Session) -> None:
    _, token = pages(client, requestSyncToken="true")
    google.control("POST", "address-book", lag_s=3_000)
    late = made(client, ann())
    delta, token = pages(client, syncToken=token)
    assert delta == []
    google.control("POST", "address-book", lag_s=0)
    assert [person["resourceName"] for person in pages(client, syncToken=token)[0]] == [late["resourceName"]]


def test_people_whom_google_collected_are_a_list_of_their_own(google: Google, client: requests.Session) -> None:
    google.control("POST", "contacts", resource=ann(), other=True)
    found = client.get("/v1/otherContacts", params={"readMask": "emailAddresses"}).json()["otherContacts"]
    assert found[0]["resourceName"].startswith("otherContacts/")
    assert pages(client)[0] == []
    assert google.control("GET", "counts")["google"]["contacts"] == 0


def test_groups_are_the_two_that_everybody_has(client: requests.Session) -> None:
    made(client, ann())
    groups = client.get("/v1/contactGroups").json()["contactGroups"]
    assert [(group["name"], group.get("memberCount")) for group in groups] == [("myContacts", 1), ("starred", None)]


def test_planted_contacts_are_counted_apart(google: Google) -> None:
    google.control("POST", "contacts", resource=ann())
    planted = google.control("POST", "contacts", resource=ann("Canary"), planted=True)["resourceName"]
    google.control("PATCH", f"contacts/{planted}", resource={"nicknames": [{"value": "C"}]})
    counts = google.control("GET", "counts")
    assert (counts["google"]["contacts"], counts["planted"]["contacts"]) == (1, 1)
    google.control("DELETE", f"contacts/{planted}")
    assert google.control("GET", "counts")["planted"]["contacts"] == 0
