"""Sharing and asking: what colleagues see, the button beside what they do not, its answer, cases, and why."""

import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor

NUMBERS = itertools.count(1)


@pytest.fixture
def asker(maya: Visitor, open_browser: Callable[[], Visitor]) -> Iterator[Visitor]:
    """A colleague of Maya's, who manages too; afterwards Maya shares nothing and is alone again."""
    colleague = join(maya, open_browser)
    yield colleague
    share(maya, "Only me")
    maya.open("/members")
    while maya.page.locator("summary", has_text="Remove").count():
        maya.page.locator("summary", has_text="Remove").first.click()
        maya.page.get_by_role("button", name="Remove ").first.click()
        maya.sees("removed")
    colleague.leave()


def join(maya: Visitor, open_browser: Callable[[], Visitor]) -> Visitor:
    """Return somebody new to Google and to us, who manages with Maya."""
    address = f"colleague{next(NUMBERS)}@brightwater-sensors.example"
    maya.open("/members")
    maya.fill("Address", address)
    maya.page.locator("#invite-role").select_option("admin")
    maya.press("Invite")
    maya.sees("Invited")
    colleague = open_browser()
    steps.sign_in(colleague, address)
    return colleague


def share(maya: Visitor, level: str) -> None:
    maya.open("/connections")
    maya.follow("Sharing", exact=False)
    maya.page.get_by_role("radio", name=level).check()
    maya.press("Save")
    maya.sees("hared ")


def open_somebody_with_mail(asker: Visitor) -> None:
    """The page of a person is open with whom a colleague exchanged mail, as far as that is shared."""
    asker.open("/people")
    found = asker.page.locator("main li a.row-line")
    for path in [found.nth(place).get_attribute("href") for place in range(found.count())]:
        asker.open(str(path))
        if asker.page.locator("li:has(.mark-message)").count():
            asker.sees("shared by")
            return
    pytest.fail("nobody among them exchanged mail")


def test_a_colleague_asks_and_is_let_in_for_a_while(maya: Visitor, asker: Visitor) -> None:
    share(maya, "People and times")
    maya.fill("Address", "doctor@practice.example")
    maya.press("Protect")
    maya.sees("doctor@practice.example")
    maya.judge("sharing")
    open_somebody_with_mail(asker)
    asker.judge("person-with-questions")
    asker.page.locator("li:has(.mark-message)").get_by_role("button", name="Ask to see").first.click()
    asker.sees("Asked; its owner has not answered yet")
    asker.open("/requests")
    asker.judge("requests-of-an-asker")
    expect(asker.page.locator("main .withheld").first).to_be_visible()
    maya.open("/tasks")
    expect(maya.page.get_by_role("link", name="Requests waiting: 1")).to_be_visible()
    maya.open("/requests")
    maya.judge("requests")
    reached = maya.tab_through()
    assert reached.index("Allow") < reached.index("Refuse")
    maya.page.get_by_label("For how long").select_option("for an hour")
    maya.press("Allow")
    maya.sees("It ends by itself")
    maya.judge("requests-allowed")
    asker.open("/requests")
    expect(asker.page.locator("article.request .withheld")).to_have_count(0)
    asker.page.locator("article.request a").first.click()
    expect(asker.page.get_by_role("article", name="Text of the mail")).to_be_visible()
    asker.judge("message-let-in")
    maya.open("/requests")
    maya.press("End it now")
    maya.sees("Ended.")
    asker.open("/requests")
    expect(asker.page.locator("article.request .withheld").first).to_be_visible()


def test_a_case_needs_a_second_person_and_shows_once(
    maya: Visitor, asker: Visitor, open_browser: Callable[[], Visitor]
) -> None:
    share(maya, "People and times")
    open_somebody_with_mail(asker)
    asker.page.locator(".line a.title").first.click()
    expect(asker.page.get_by_text("shared by").first).to_be_visible()
    link = asker.page.url
    asker.open("/cases")
    asker.judge("cases-none")
    asker.fill("Address of the mail, meeting or person", link)
    asker.page.get_by_role("radio", name="Security case").check()
    asker.fill("Reason", "A customer says that we promised something else in this mail.")
    asker.press("Send it")
    asker.sees("The case waits for a second person.")
    second = join(maya, open_browser)
    second.open("/requests")
    second.follow("Look at it")
    second.judge("cases-second")
    second.press("Approve")
    asker.open("/cases")
    asker.judge("cases-approved")
    asker.press("Show it, once")
    expect(asker.page.get_by_role("heading", name="Shown once")).to_be_visible()
    asker.judge("case-shown")
    asker.open("/cases")
    expect(asker.page.get_by_role("button", name="Show it, once")).to_have_count(0)
    maya.open("/requests")
    maya.sees("opened a security case on")
    second.leave()


def test_the_log_and_the_policy_say_why(maya: Visitor) -> None:
    maya.open("/people")
    maya.open("/log?sink=browser")
    maya.page.get_by_text("Why?").first.click()
    maya.sees("Who asked owns the account it came from.")
    maya.judge("log-why")
    maya.follow("Policy", exact=False)
    maya.page.get_by_label("to go to").select_option("an AI tool")
    maya.page.get_by_label("asked for by").select_option("owner")
    maya.press("Ask")
    maya.sees("No configuration can open a value from Google for ai_tool")
    maya.judge("policy-asked")
