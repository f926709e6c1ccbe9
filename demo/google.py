"""The person at Google's side: what the local Google lets whoever plays the user do there, and what it counted."""

from typing import Any

import requests

TIMEOUT_S = 60


class LocalGoogle:
    """The control API of the local Google."""

    def __init__(self, url: str) -> None:
        self._url = url + "/_control"
        self._session = requests.Session()

    def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        answer = self._session.request(method, self._url + path, timeout=TIMEOUT_S, **kwargs)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def counts(self) -> dict[str, Any]:
        """Return what is in the mailbox, what could not be read, and what was planted."""
        found: dict[str, Any] = self._call("GET", "/counts")
        return found

    def add_message(self, account: str, message: dict[str, Any], *, planted: bool) -> str:
        """Put a message in the mailbox and return its id."""
        return str(self._call("POST", "/messages", json={"account": account, "planted": planted, **message})["id"])

    def delete_message(self, account: str, message_id: str) -> None:
        """Delete a message for good."""
        self._call("DELETE", f"/messages/{message_id}", params={"account": account}, json={"account": account})

    def add_event(self, account: str, resource: dict[str, Any], *, planted: bool) -> str:
        """Put an event in the primary calendar and return its id."""
        body = {"account": account, "resource": resource, "planted": planted}
        return str(self._call("POST", "/events", json=body)["id"])

    def add_contact(self, account: str, resource: dict[str, Any], *, planted: bool) -> str:
        """Put a contact in the address book and return its resource name."""
        body = {"account": account, "resource": resource, "planted": planted}
        return str(self._call("POST", "/contacts", json=body)["resourceName"])

    def clear_requests(self) -> None:
        """Forget the calls counted so far."""
        self._call("DELETE", "/requests")

    def requests(self) -> list[dict[str, Any]]:
        """Return every API call counted since they were last forgotten: method, status, quota units."""
        found = self._call("GET", "/requests")
        listed: list[dict[str, Any]] = found["requests"] if isinstance(found, dict) else found
        return listed

    def live_tokens(self, account: str) -> int:
        """Return how many refresh and access tokens of the account Google still accepts."""
        found: dict[str, int] = self._call("GET", "/tokens", params={"account": account})
        return sum(found.values())

    def call_addon(self, account: str, path: str, message_id: str) -> dict[str, Any]:
        """Open a card as Gmail would; return status, ms, valid, problems and the response."""
        body = {"account": account, "path": path, "message_id": message_id}
        found: dict[str, Any] = self._call("POST", "/addon", json=body)
        return found
