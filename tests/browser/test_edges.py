"""Where things go wrong, and those who use no mouse."""

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nowhere", 404), ("/people/00000000-0000-0000-0000-000000000000", 404), ("/people?after=broken", 422)],
)
def test_a_wrong_address_gets_a_page_that_helps(maya: Visitor, path: str, status: int) -> None:
    with maya.expecting(status):
        answer = maya.page.goto(maya.place.url + path)
        assert answer is not None
        assert answer.status == status
        maya.sees("Back to the start")
    maya.judge(f"error-{status}")


def test_bad_input_is_refused_with_a_sentence(maya: Visitor) -> None:
    maya.open("/people/new")
    with maya.expecting(422):
        maya.press("Save")
        maya.sees("That did not work")
    maya.judge("error-input")


def test_a_callback_that_nobody_asked_for_is_refused(visitor: Visitor) -> None:
    with visitor.expecting(400):
        answer = visitor.page.goto(visitor.place.url + "/oauth/callback?state=forged&code=forged")
        assert answer is not None
        assert answer.status == 400
    visitor.judge("error-callback")


def test_the_first_tab_skips_to_the_content(maya: Visitor) -> None:
    maya.open("/people")
    maya.page.keyboard.press("Tab")
    skip = maya.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    maya.page.keyboard.press("Enter")
    expect(maya.page.locator("main")).to_be_focused()
    maya.page.keyboard.press("Tab")
    expect(maya.page.get_by_role("link", name="Not imported")).to_be_focused()


@pytest.mark.parametrize(
    ("path", "controls"),
    [
        ("/people", {"Search people and companies", "Your account", "Companies", "Not imported", "Add a person"}),
        ("/connections", {"Sync now", "Connect Contacts", "Disconnect and delete"}),
        ("/log", {"Verify the log", "Decision", "Filter"}),
        ("/tasks", {"What", "By", "Add"}),
    ],
)
def test_everything_is_reached_by_the_tab_key_and_shows_that_it_is(
    maya: Visitor, path: str, controls: set[str]
) -> None:
    maya.open(path)
    assert controls <= set(maya.tab_through())


def test_a_visitor_signs_in_by_keyboard_alone(visitor: Visitor) -> None:
    visitor.open("/")
    assert "Sign in with Google" in visitor.tab_through()
    visitor.page.get_by_role("button", name="Sign in with Google").focus()
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_label("Use another account").focus()
    visitor.page.keyboard.type("keys@lanternworks.example")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("button", name="Continue").focus()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_label("Your account")).to_be_visible()
    assert steps.MAYA not in visitor.text()
