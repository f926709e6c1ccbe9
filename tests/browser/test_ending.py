"""The end: disconnecting, its receipt, what is left, signing out."""

import base64
import email.message
import email.utils

import requests
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor

LEAVING = "leaving@lanternworks.example"


def _receive(visitor: Visitor, sender: str, recipient: str, subject: str) -> None:
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Date"] = email.utils.formatdate(usegmt=True)
    message.set_content("What we spoke of.\n")
    labels = ["SENT"] if LEAVING in sender else ["INBOX"]
    body = {"account": LEAVING, "raw": base64.urlsafe_b64encode(message.as_bytes()).decode(), "labels": labels}
    requests.post(f"{visitor.place.google}/_control/messages", json=body, timeout=10).raise_for_status()


def test_disconnecting_ends_in_a_receipt_and_what_was_written_stays(visitor: Visitor) -> None:
    steps.sign_in(visitor, LEAVING)
    _receive(visitor, LEAVING, "Otto Brandt <otto@brandt-optik.example>", "An offer")
    _receive(visitor, LEAVING, "Rosa Lind <rosa@lind-glas.example>", "A question")
    steps.connect(visitor, "gmail")
    steps.wait_until_in_step(visitor, "gmail")
    visitor.open("/people")
    visitor.follow("Otto Brandt", exact=False)
    person = visitor.page.url
    visitor.fill("Write a note", "Owes us a lens.")
    visitor.press("Save the note")
    visitor.sees("Noted.")
    visitor.open("/connections")
    visitor.follow("Disconnect and delete")
    visitor.sees("This cannot be undone.")
    visitor.judge("disconnect")
    visitor.press("Disconnect and delete")
    visitor.open("/connections")
    receipt = visitor.page.locator("a", has_text="Disconnected")
    expect(receipt).to_be_visible(timeout=45_000)
    visitor.judge("connections-ended")
    receipt.click()
    visitor.sees("What happened")
    _wait_for_proof(visitor)
    visitor.judge("receipt")
    visitor.page.goto(person)
    visitor.sees("Owes us a lens.")
    assert "otto@" not in visitor.text()
    visitor.judge("person-left")
    visitor.open("/search?q=rosa")
    visitor.sees("Nothing found")


def _wait_for_proof(visitor: Visitor) -> None:
    for _ in range(10):
        if visitor.page.get_by_role("link", name="Download the proof").is_visible():
            return
        visitor.page.wait_for_timeout(500)
        visitor.page.reload()
    raise AssertionError("the receipt carries no proof")


def test_signing_out_ends_it_in_this_browser(visitor: Visitor) -> None:
    steps.sign_in(visitor, "out@lanternworks.example")
    visitor.page.get_by_label("Your account").click()
    visitor.judge("menu")
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.press("Sign out")
    visitor.sees("Sign in with Google")
    visitor.open("/people")
    visitor.sees("Sign in with Google")
