"""What people do with the product, in the words of its pages."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visitor import Visitor

MAYA = "maya.lindqvist@brightwater-sensors.example"
PRODUCTS = {"gmail": "Gmail", "calendar": "Calendar", "contacts": "Contacts"}
SYNC_MS = 90_000


def sign_in(visitor: Visitor, address: str) -> None:
    """The person with the address is signed in; the local Google makes the account if it has none."""
    visitor.open("/")
    visitor.press("Sign in with Google")
    visitor.page.get_by_label("Use another account").fill(address)
    visitor.press("Next")
    visitor.press("Continue")
    expect(visitor.page.get_by_label("Your account")).to_be_visible()


def go_to_consent(visitor: Visitor, feature: str) -> None:
    """The disclosure was read and agreed to; Google's consent page is open."""
    visitor.open(f"/connections/connect/{feature}")
    visitor.press(f"I agree: connect {PRODUCTS[feature]}")
    choose(visitor)


def choose(visitor: Visitor) -> None:
    """The account is chosen, if Google asks which."""
    if visitor.page.get_by_role("heading", name="Choose an account").is_visible():
        visitor.page.locator("button.person").first.click()
        expect(visitor.page.get_by_role("button", name="Continue")).to_be_visible()


def connect(visitor: Visitor, feature: str) -> None:
    """The product is connected, all that Google asked for allowed."""
    go_to_consent(visitor, feature)
    for box in visitor.page.get_by_role("checkbox").all():
        box.check()
    visitor.press("Continue")
    visitor.sees(f"{PRODUCTS[feature]} is connected")


def leave_unticked(visitor: Visitor, feature: str) -> None:
    """The product was not ticked at Google, and the page says what that means."""
    go_to_consent(visitor, feature)
    for box in visitor.page.get_by_role("checkbox").all():
        box.uncheck()
    visitor.press("Continue")
    visitor.sees(f"You left {PRODUCTS[feature]} unticked at Google")
    panel = visitor.page.get_by_role("region", name=PRODUCTS[feature])
    expect(panel.get_by_text("not connected")).to_be_visible()


def wait_until_in_step(visitor: Visitor, *features: str) -> None:
    """The connections page, left alone and never loaded anew, came to say that the products are in step."""
    visitor.page.evaluate("window.sameDocument = true")
    for feature in features:
        panel = visitor.page.get_by_role("region", name=PRODUCTS[feature])
        expect(panel.get_by_text("in step")).to_be_visible(timeout=SYNC_MS)
    assert visitor.page.evaluate("window.sameDocument") is True, "the page was loaded anew"


def receive(page: Page, google: str, sender: str, subject: str) -> None:
    """A message stands in Maya's mailbox, put there by hand at the local Google."""
    page.goto(google)
    page.get_by_role("link", name="New message").click()
    page.get_by_label("From").fill(sender)
    page.get_by_label("To", exact=True).fill(MAYA)
    page.get_by_label("Subject").fill(subject)
    page.get_by_label("Text").fill("What do forty of them cost?")
    page.get_by_role("button", name="Put it in the mailbox").click()
    expect(page.get_by_role("heading", name=subject)).to_be_visible()


def number_in(text: str) -> int:
    """Return the first whole number in the text."""
    found = re.search(r"[\d,]+", text)
    assert found, text
    return int(found[0].replace(",", ""))
