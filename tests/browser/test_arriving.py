"""Before anything is connected: the landing page, signing in, the first page, what is said before connecting."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor

NOOR = "noor@lanternworks.example"


def test_a_stranger_learns_what_this_is_and_what_it_does_with_data(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.sees("Sign in with Google")
    visitor.judge("landing")
    visitor.follow("Privacy")
    visitor.sees("including the Limited Use requirements")
    visitor.judge("privacy")
    visitor.follow("Read the whole privacy policy")
    visitor.judge("policy")


def test_a_new_person_signs_in_and_is_told_the_next_step(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.press("Sign in with Google")
    visitor.judge("google-chooser")
    visitor.page.get_by_label("Use another account").fill(NOOR)
    visitor.press("Next")
    visitor.judge("google-sign-in")
    visitor.press("Continue")
    visitor.sees("Welcome, Noor")
    visitor.judge("home-new")
    for path, name in (
        ("/people", "people-empty"),
        ("/companies", "companies-empty"),
        ("/tasks", "tasks-empty"),
        ("/connections", "connections-empty"),
        ("/log", "log-empty"),
    ):
        visitor.open(path)
        visitor.judge(name)


def test_what_is_left_unticked_at_google_is_explained_and_nothing_else_is_affected(visitor: Visitor) -> None:
    steps.sign_in(visitor, "untick@lanternworks.example")
    visitor.open("/connections/connect/contacts")
    visitor.sees("What is read")
    visitor.judge("disclosure")
    visitor.press("I agree: connect Contacts")
    steps.choose(visitor)
    visitor.judge("google-consent")
    visitor.page.get_by_role("checkbox").first.uncheck()
    visitor.press("Continue")
    visitor.sees("You left Contacts unticked at Google")
    visitor.judge("unticked")
    panel = visitor.page.get_by_role("region", name="Contacts")
    expect(panel.get_by_text("not connected")).to_be_visible()
    visitor.follow("Connect Contacts")
    visitor.press("I agree: connect Contacts")
    steps.choose(visitor)
    visitor.press("Cancel")
    visitor.sees("You turned back at Google")


def test_turning_back_while_signing_in_stores_nothing(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.press("Sign in with Google")
    visitor.page.get_by_label("Use another account").fill("turns.back@lanternworks.example")
    visitor.press("Next")
    visitor.press("Cancel")
    visitor.sees("you are not signed in")
    expect(visitor.page).to_have_url(re.compile(re.escape(visitor.place.url)))
