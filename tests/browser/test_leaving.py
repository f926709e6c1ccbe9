"""What leaves: a file that a member takes along, and messages to a program of the organisation's own."""

import csv
import io
import re

from playwright.sync_api import expect

from tests.browser import steps
from tests.browser.visitor import Visitor
from tests.web.webhooks.receiver import receiving


def test_a_member_takes_along_what_they_see(visitor: Visitor) -> None:
    steps.sign_in(visitor, "takes.along@elsewhere.example")
    visitor.open("/people/new")
    visitor.fill("Name", "=Formula Fred")
    visitor.press("Save")
    visitor.open("/people")
    visitor.follow("Export")
    visitor.sees("What you see, as a file")
    visitor.judge("export")
    with visitor.page.expect_download() as waiting:
        visitor.press("Export")
    file = waiting.value
    assert re.fullmatch(r"crm-people-\d{4}-\d\d-\d\d\.csv", file.suggested_filename)
    rows = list(csv.DictReader(io.StringIO(file.path().read_text(encoding="utf-8-sig"), newline="")))
    assert "'=Formula Fred" in {row["name"] for row in rows}


def test_an_admin_makes_a_webhook_proves_it_and_sees_it_told(visitor: Visitor) -> None:
    steps.sign_in(visitor, "makes.webhooks@elsewhere.example")
    visitor.open("/settings")
    visitor.page.locator("main").get_by_role("link", name="Webhooks", exact=True).click()
    visitor.judge("webhooks")
    with receiving() as there:
        visitor.fill("Name", "Our warehouse")
        visitor.fill("Address", there.url)
        visitor.page.get_by_label("Somebody adds a person").check()
        visitor.page.get_by_label("I agree, for my organisation").check()
        visitor.press("Make the webhook")
        visitor.sees("Copy it now")
        secret = visitor.page.get_by_text("whsec_").inner_text()
        visitor.judge("webhook-made")
        there.wait_for("webhook.challenge")
        assert there.came[0].is_signed_by(secret)
        visitor.fill("Code", there.came[0].said["data"]["code"])
        visitor.press("Prove the address")
        visitor.sees("so the webhook is on")
        page = visitor.page.url
        visitor.open("/people/new")
        visitor.fill("Name", "Told Tom")
        visitor.press("Save")
        assert there.wait_for("person.added").said["data"]["person"]["name"] == ["Told Tom"]
        told = visitor.page.get_by_role("row", name="Somebody adds a person")
        for _ in range(60):  # it came before the product had noted that it came, and the page stands still
            visitor.page.goto(page)
            if "on its way" not in told.inner_text():
                break
            visitor.page.wait_for_timeout(500)
        expect(told).to_contain_text("delivered")
        visitor.judge("webhook")
        visitor.press("Turn off")
        visitor.sees("Nothing is sent any more")
        visitor.judge("webhook-off")
