"""The person who uses the product in a benchmark: signs in, connects, disconnects. No more than that."""

import html
import re
import time
import urllib.parse
from typing import Any

import requests

TIMEOUT_S = 60
PATIENCE_S = 1800.0
_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL | re.IGNORECASE)
_INPUT = re.compile(r"<input\b([^>]*)>", re.IGNORECASE)
_GIVEN = re.compile(r'([a-z-]+)\s*=\s*"([^"]*)"', re.IGNORECASE)


class BenchError(RuntimeError):
    """The product, or the local Google, answered otherwise than this driver expects."""


class Person:
    """A person with a browser that keeps cookies."""

    def __init__(self, url: str, account: str) -> None:
        self.url = url
        self.account = account
        self.web = requests.Session()

    def sign_in(self) -> None:
        """Sign in with Google."""
        self._through_google(self._send(self.get("/"), "sign-in", {}))

    def connect(self, feature: str) -> None:
        """Connect one product of Google."""
        self._through_google(self._send(self.get(f"/connections/connect/{feature}"), "connect", {}))

    def disconnect(self) -> float:
        """Disconnect and delete, and return the seconds that the answer to the button took."""
        page = self.get("/connections")
        where = re.search(r'href="([^"]*/disconnect)"', page.text)
        if where is None:
            msg = "there is no button to disconnect"
            raise BenchError(msg)
        page, began = self.get(html.unescape(where[1])), time.perf_counter()
        self._send(page, "/disconnect", {}, follow=False)
        return time.perf_counter() - began

    def get(self, path: str) -> requests.Response:
        """Open a page."""
        answer = self.web.get(urllib.parse.urljoin(self.url, path), timeout=TIMEOUT_S)
        if not answer.ok:
            msg = f"{path} answered {answer.status_code}"
            raise BenchError(msg)
        return answer

    def counts(self) -> dict[str, Any]:
        """Return the person's own counts."""
        found: dict[str, Any] = self.get("/connections/counts").json()
        return found

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Return the counts once that kind of collection is in step with Google."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            counts = self.counts()
            states = {row["state"] for row in counts["collections"] if row["kind"] == kind}
            if "failed" in states:
                break
            if states == {"current"}:
                return counts
            time.sleep(0.25)
        msg = f"the {kind} did not come in step with Google"
        raise BenchError(msg)

    def _through_google(self, page: requests.Response) -> None:
        for _ in range(4):
            if page.url.startswith(self.url):
                return
            page = answer_google(self.web, page, self.account)
        msg = "Google did not send the browser back"
        raise BenchError(msg)

    def _send(
        self, page: requests.Response, action: str, values: dict[str, str], *, follow: bool = True
    ) -> requests.Response:
        for given, inner in _FORM.findall(page.text):
            target = html.unescape(dict(_GIVEN.findall(given)).get("action", "")) or page.url
            if action in target:
                fields = _fields(inner)
                return _post(self.web, page, target, [*fields, *values.items()], follow=follow)
        msg = f"no form to {action} on {urllib.parse.urlsplit(page.url).path}"
        raise BenchError(msg)


def answer_google(web: requests.Session, page: requests.Response, account: str, *, follow: bool = True) -> Any:
    """Choose the account, or allow all that is asked, whichever page of Google's this is."""
    for given, inner in _FORM.findall(page.text):
        target = html.unescape(dict(_GIVEN.findall(given)).get("action", "")) or page.url
        if 'name="action"' in inner:
            fields = [pair for pair in _fields(inner, boxes=True) if pair[0] != "action"]
            return _post(web, page, target, [*fields, ("action", "allow")], follow=follow)
        if 'name="account"' in inner:
            fields = [pair for pair in _fields(inner) if pair[0] != "account"]
            return _post(web, page, target, [*fields, ("account", account)], follow=follow)
    msg = f"Google shows a page that this driver does not know (status {page.status_code})"
    raise BenchError(msg)


def _fields(inner: str, *, boxes: bool = False) -> list[tuple[str, str]]:
    found = []
    for given in _INPUT.findall(inner):
        said = dict(_GIVEN.findall(given))
        kind = said.get("type", "text")
        if "name" in said and (kind == "hidden" or (boxes and kind == "checkbox")):
            found.append((said["name"], html.unescape(said.get("value", "on"))))
    return found


def _post(
    web: requests.Session, page: requests.Response, target: str, fields: list[tuple[str, str]], *, follow: bool
) -> requests.Response:
    place = urllib.parse.urlsplit(page.url)
    headers = {"Referer": page.url, "Origin": f"{place.scheme}://{place.netloc}"}
    url = urllib.parse.urljoin(page.url, target)
    return web.post(url, data=fields, headers=headers, timeout=TIMEOUT_S, allow_redirects=follow)
