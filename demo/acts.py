"""What a person does with the product, step by step, in a browser."""

import re
import time
from typing import Any

from demo.browser import Browser, DriveError, Page
from demo.google import LocalGoogle
from demo.stack import Stack

SECRET = re.compile(r"crm_[A-Za-z0-9_-]{40,}")
IN_STEP_S = 900.0


def sign_in(browser: Browser, account: str) -> Page:
    """Sign in with Google as that account."""
    page = browser.get("/")
    page = browser.submit(page, page.form(action="sign-in"))
    return _through_google(browser, page, account)


def connect(browser: Browser, feature: str, account: str) -> Page:
    """Read the disclosure, agree, and allow the product at Google."""
    page = browser.get(f"/connections/connect/{feature}")
    page = browser.submit(page, page.form(action="connect"))
    return _through_google(browser, page, account)


def _through_google(browser: Browser, page: Page, account: str) -> Page:
    """Choose the account and allow all that is asked, as long as Google asks."""
    for _ in range(4):
        if page.url.startswith(browser.home):
            return page
        form = page.form()
        if "action" in form.names():
            ticked = [value for name, value in form.choices if name == "scope"]
            page = browser.submit(page, form, {"scope": ticked, "action": "allow"})
        else:
            page = browser.submit(page, page.form(having="account"), {"account": account})
    msg = "Google did not send the browser back"
    raise DriveError(msg)


def wait_until_in_step(browser: Browser, kinds: set[str]) -> dict[str, Any]:
    """Return the counts once every kind of collection is in step with Google."""
    deadline = time.monotonic() + IN_STEP_S
    while time.monotonic() < deadline:
        counts = _counts(browser)
        found = {row["kind"] for row in counts["collections"]}
        failed = [row["error"] for row in counts["collections"] if row["state"] == "failed"]
        if failed:
            msg = f"the sync failed: {failed}"
            raise DriveError(msg)
        if kinds <= found and all(row["state"] == "current" for row in counts["collections"]):
            return counts
        time.sleep(0.25)
    msg = f"the first sync was not complete within {IN_STEP_S:.0f} seconds"
    raise DriveError(msg)


def _counts(browser: Browser) -> dict[str, Any]:
    answer = browser.session.get(browser.home + "/connections/counts", timeout=60)
    answer.raise_for_status()
    counts: dict[str, Any] = answer.json()
    return counts


def sync_until(browser: Browser, wanted: dict[str, int]) -> dict[str, Any]:
    """Choose Sync now and return the counts once the CRM holds the numbers wanted."""
    page = browser.get("/connections")
    browser.submit(page, page.form(action="/connections/sync"))
    deadline = time.monotonic() + 60
    counts = _counts(browser)
    while time.monotonic() < deadline:
        counts = _counts(browser)
        if all(counts["crm"][name] == number for name, number in wanted.items()):
            return counts
        time.sleep(0.1)
    held = {name: counts["crm"][name] for name in wanted}
    msg = f"the CRM did not follow: it holds {held} instead of {wanted}"
    raise DriveError(msg)


def invite(browser: Browser, address: str) -> None:
    """Invite a colleague as an admin: the role that may see most."""
    page = browser.get("/members")
    browser.submit(page, page.form(action="invite"), {"email": address, "role": "admin"})


def allow_ai(browser: Browser) -> None:
    """Allow AI tools what users wrote."""
    page = browser.get("/settings")
    browser.submit(page, page.form(action="/settings/ai"), {"ai": "allow"})


def make_token(browser: Browser, name: str, destination: str) -> str:
    """Make an API token for a destination and return its secret, shown this once."""
    page = browser.get("/settings")
    form = page.form(having="destination")
    page = browser.submit(page, form, {"name": name, "destination": form.option("destination", destination)})
    found = SECRET.search(page.text)
    if found is None:
        msg = "the new token's secret was not shown"
        raise DriveError(msg)
    return found[0]


def register_destination(browser: Browser, name: str, sink_class: str) -> None:
    """Register a place that data may go to."""
    page = browser.get("/settings")
    browser.submit(
        page, page.form(having="sink_class"), {"name": name, "sink_class": sink_class, "region": "this machine"}
    )


def create_person(browser: Browser, name: str) -> None:
    """Type a person of our own."""
    page = browser.get("/people/new")
    browser.submit(page, page.form(having="email"), {"name": name})


def add_to_crm(browser: Browser, path: str, note: str) -> None:
    """Take over a person that Google made known, and write a note about them."""
    page = browser.get(path)
    page = browser.submit(page, page.form(action="/keep"))
    browser.submit(page, page.form(action="/notes"), {"body": note})


def disconnect(browser: Browser) -> str:
    """Disconnect and delete, from the button on; return the path of the receipt once everything is gone."""
    page = browser.get("/connections")
    page = browser.get(next(href for href, _ in page.links if href.endswith("/disconnect")))
    browser.submit(page, page.form(action="/disconnect"))
    return wait_for_receipt(browser)


def wait_for_receipt(browser: Browser) -> str:
    """Return the path of the newest receipt, once there is one."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        page = browser.get("/connections")
        for href, _ in page.links:
            if "/connections/receipts/" in href:
                return href
        time.sleep(0.25)
    msg = "there is no receipt after two minutes"
    raise DriveError(msg)


def open_card(stack: Stack, account: str, message_id: str) -> dict[str, Any]:
    """Open the sidebar at a message, as Gmail does; return Google's judgement of the card and how long it took."""
    google = LocalGoogle(stack.google)
    answers = [google.call_addon(account, "/addon/gmail/message", message_id) for _ in range(5)]
    return {**answers[-1], "ms": sorted(answer["ms"] for answer in answers)[2]}
