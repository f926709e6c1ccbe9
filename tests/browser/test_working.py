"""A day's work on a mailbox in step: people, mail, notes, tasks, companies, deals, and what follows Google."""

import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor


def _open_person(visitor: Visitor, beginning: str, name: str) -> None:
    """The page of the person was found by the beginning of their name."""
    visitor.open("/people")
    visitor.fill("Search people and companies", beginning)
    visitor.page.keyboard.press("Enter")
    visitor.page.locator("main").get_by_role("link", name=name).click()
    expect(visitor.page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_the_pages_of_a_connected_person_are_fit_for_every_screen(maya: Visitor) -> None:
    for path, name in (("/", "home"), ("/connections", "connections"), ("/people", "people"), ("/tasks", "tasks")):
        maya.open(path)
        maya.judge(name)
    maya.open("/companies")
    maya.judge("companies")
    maya.page.locator("main li a").first.click()
    maya.sees("Timeline")
    maya.judge("company")


def test_the_progress_follows_google_without_a_reload(maya: Visitor) -> None:
    maya.open("/connections")
    gmail = maya.page.get_by_role("region", name="Gmail")
    before = steps.number_in(gmail.locator("dd").first.inner_text())
    maya.page.evaluate("window.sameDocument = true")
    google = maya.context.new_page()
    steps.receive(google, maya.place.google, "Nils Aber <nils@aber-metering.example>", "Prices for the spring")
    google.close()
    expect(gmail.get_by_text(f"{before + 1:,} messages")).to_be_visible(timeout=45_000)
    assert maya.page.evaluate("window.sameDocument") is True, "the page was loaded anew"


def test_a_person_is_found_by_a_prefix_and_shows_the_whole_history(maya: Visitor) -> None:
    _open_person(maya, "elea", "Eleanor Pryce")
    timeline = maya.page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_role("listitem").first).to_be_visible()
    maya.sees("You wrote to this address")
    maya.judge("person")
    timeline.get_by_role("link").first.click()
    body = maya.page.get_by_label("Text of the mail")
    expect(body).to_be_visible()
    assert len(body.inner_text()) > 40
    maya.sees("The text is not stored here")
    maya.judge("mail")


def test_what_nobody_is_called_is_not_found_and_the_page_says_what_to_do(maya: Visitor) -> None:
    maya.open("/search?q=zzzz")
    maya.sees("Nothing found")
    maya.judge("search-nothing")
    maya.open("/search?q=pry")
    maya.sees("Eleanor Pryce")
    maya.judge("search")


def test_a_note_and_a_task_are_kept_with_the_person(maya: Visitor) -> None:
    _open_person(maya, "fran", "François Lefèvre")
    maya.fill("Write a note", "Asked for the spring price list.\nCall after the fair.")
    maya.press("Save the note")
    maya.sees("Noted.")
    maya.sees("Call after the fair.")
    maya.page.get_by_text("Add a task").click()
    maya.page.locator("#task-title").fill("Send the price list")
    maya.page.locator("#task-due").fill("2026-11-20")
    maya.press("Add")
    maya.sees("The task was added.")
    maya.page.get_by_text("Add a deal").click()
    maya.page.get_by_label("What is it about").fill("Spring order")
    maya.page.get_by_label("Worth").fill("12500")
    maya.page.locator("details[open]").get_by_role("button", name="Add").click()
    maya.sees("The deal was added.")
    maya.judge("person-worked-with")
    maya.open("/tasks")
    maya.sees("Send the price list")
    maya.judge("tasks-some")
    maya.press("Mark as done")
    expect(maya.page.get_by_role("heading", name="Done")).to_be_visible()
    maya.open("/deals")
    maya.sees("Spring order")
    maya.judge("deals")


def test_a_mail_is_quoted_in_a_note_and_made_a_task(maya: Visitor) -> None:
    _open_person(maya, "fran", "François Lefèvre")
    maya.page.get_by_role("region", name="Timeline").locator("li:has(.mark-message) a.title").first.click()
    maya.fill("Your own words", "Wants it before the fair.")
    maya.press("Save the note")
    maya.sees("the quoted mail stays yours")
    expect(maya.page.locator("blockquote.quoted").first).to_be_visible()
    maya.judge("person-quoted")
    maya.page.locator("blockquote.quoted a").first.click()
    maya.press("Add the task")
    expect(maya.page.locator("li.task").filter(has_text="Answer").locator("blockquote.quoted")).to_be_visible()
    maya.page.locator("li.task").filter(has_text="Answer").get_by_role("link", name="Edit").click()
    maya.judge("task-edit")
    maya.press("Save")
    maya.sees("Nothing was changed")


def test_the_lists_are_read_by_name(maya: Visitor) -> None:
    for path in ("/people", "/companies"):
        maya.open(path)
        maya.follow("by name")
        maya.sees("By name")
        maya.judge(f"{path.strip('/')}-by-name")


def test_people_are_added_and_changed_by_hand(maya: Visitor) -> None:
    maya.open("/people/new")
    maya.judge("person-new")
    maya.fill("Name", "Ines Quintero")
    maya.fill("Email", "ines@quintero-labs.example")
    maya.press("Save")
    maya.sees("Saved.")
    expect(maya.page.get_by_role("heading", level=1, name="Ines Quintero")).to_be_visible()
    maya.follow("Edit")
    maya.judge("person-edit")
    maya.fill("Title", "Head of Laboratory")
    maya.press("Save")
    maya.sees("Head of Laboratory")
    maya.follow("Edit")
    maya.press("Save")
    maya.sees("Nothing was changed")


def test_who_was_left_out_stands_there_with_the_reason(maya: Visitor) -> None:
    maya.open("/people")
    maya.follow("Not imported")
    maya.sees("Sent by a machine")
    maya.sees("A mailing list")
    maya.sees("A colleague: your organisation's domain")
    maya.judge("left-out")
    row = maya.page.locator("li.row-line").filter(has_text="posei@voltaaqua.example")
    row.get_by_role("button", name="Add").click()
    maya.sees("Added to the CRM.")
    expect(maya.page).to_have_url(re.compile(r"/people/[0-9a-f-]{36}$"))


def test_the_sidebar_beside_a_mail_adds_a_person_and_takes_a_note(maya: Visitor) -> None:
    maya.page.goto(maya.place.google)
    maya.judge("google-mail")
    maya.page.get_by_role("link").filter(has_text="Wendell Price").first.click()
    sidebar = maya.page.get_by_role("complementary", name="Add-on")
    expect(sidebar.get_by_role("heading", name="Wendell Price")).to_be_visible()
    maya.judge("sidebar")
    steps.receive(maya.page, maya.place.google, "Petra Novak <petra@novak-pumps.example>", "Pumps for the docks")
    maya.page.goto(maya.place.google)
    maya.page.get_by_role("link").filter(has_text="Petra Novak").first.click()
    add = sidebar.get_by_role("button", name="Add to CRM")
    for _ in range(30):  # the card says so while the message has not been read yet
        if add.is_visible():
            break
        maya.page.wait_for_timeout(1000)
        sidebar.get_by_role("button", name="Refresh").first.click()
    add.click()
    expect(sidebar.get_by_role("heading", name="Petra Novak")).to_be_visible()
    maya.judge("sidebar-added")
    sidebar.get_by_role("button", name="Add note").click()
    maya.judge("sidebar-note")
    sidebar.get_by_role("textbox").first.fill("Met at the harbour, wants two weeks.")
    sidebar.get_by_role("button", name=re.compile("Save")).click()
    expect(sidebar.get_by_role("status")).to_be_visible()
    _open_person(maya, "petr", "Petra Novak")
    maya.sees("Met at the harbour, wants two weeks.")
    for tab in ("Calendar", "Contacts"):
        maya.page.goto(maya.place.google)
        maya.page.get_by_role("link", name=tab, exact=True).click()
        maya.judge(f"google-{tab.lower()}")
