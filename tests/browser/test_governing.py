"""Who governs: the log and its verification, settings, members, and what a colleague gets to see."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor

COLLEAGUE = "teammate@brightwater-sensors.example"


def test_the_log_is_read_filtered_and_verified(maya: Visitor) -> None:
    maya.open("/people")
    maya.open("/log")
    maya.judge("log")
    maya.page.get_by_label("Where to").select_option("browser")
    maya.press("Filter")
    rows = maya.page.locator("tbody tr")
    expect(rows.first).to_contain_text("browser")
    assert rows.count() == rows.filter(has_text="browser").count()
    maya.press("Verify the log")
    maya.sees("The log holds.")
    maya.judge("log-verified")


def test_settings_allow_ai_tools_and_make_tokens(maya: Visitor) -> None:
    maya.open("/settings")
    maya.judge("settings")
    maya.press("I agree: allow AI tools what users wrote")
    maya.sees("allowed for what users wrote")
    maya.fill("Where it is", "our office")
    maya.page.locator("#place-name").fill("Our warehouse")
    maya.press("Register")
    maya.page.locator("#token-name").fill("nightly copy")
    maya.press("Make a token")
    maya.sees("Copy it now")
    maya.judge("settings-token")
    maya.press("Turn AI tools off")
    maya.sees("off")


def test_a_colleague_joins_and_sees_nothing_of_anothers_google(
    maya: Visitor, open_browser: Callable[[], Visitor]
) -> None:
    maya.open("/members")
    maya.fill("Address", COLLEAGUE)
    maya.press("Invite")
    maya.sees("Invited")
    maya.judge("members")
    maya.open("/people")
    theirs = maya.page.locator("main li .name").all_inner_texts()
    assert len(theirs) > 20
    colleague = open_browser()
    steps.sign_in(colleague, COLLEAGUE)
    for path in ("/people", "/companies", "/people/skipped", "/search?q=eleanor", "/search?q=kestrel", "/connections"):
        colleague.open(path)
        text = colleague.text()
        assert "Pryce" not in text
        assert "Kestrel" not in text
        assert not any(name in text for name in theirs[:5])
    colleague.open("/people")
    colleague.judge("people-of-a-colleague")
    for path in ("/log", "/settings"):
        with colleague.expecting(403):
            answer = colleague.page.goto(colleague.place.url + path)
            assert answer is not None
            assert answer.status == 403, path
            colleague.sees("That did not work")
    colleague.judge("error-forbidden")
    maya.open("/members")
    maya.judge("members-two")
    maya.page.locator("summary", has_text="Remove").click()
    maya.judge("members-removing")
    maya.press("Remove Teammate")
    maya.sees("Removed")
    colleague.open("/")
    colleague.sees("Sign in with Google")
    colleague.leave()
