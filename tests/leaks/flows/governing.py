"""What owners, admins, auditors and members do about data: the log, requests, sharing, endings, following Google."""

import re
import uuid
from typing import Any

from sqlalchemy import func, select

from accounts.models import Grant, GrantStatus
from crm.models import Message
from demo import canaries
from limited_use.derive import Target, derive, same
from limited_use.keys import KeyPurpose, vault
from limited_use.log.integrator import log_signer
from limited_use.log.models import LogLeaf
from limited_use.log.record import integrate
from limited_use.sinks import google
from oauth.models import Receipt
from tests.journeys.world import World
from tests.leaks.pages import browser_page
from tests.leaks.registry import legitimate


@legitimate("log-page")
def log_page(house):
    answer = house.maya.get("/log")
    assert answer.status_code == 200
    assert "browser" in answer.text


@legitimate("log-refused-to-members")
def log_of_members(house):
    assert house.emil.get("/log").status_code == 403


@legitimate("log-verified")
def log_verified(house):
    integrate(house.runtime.sessions, log_signer(house.runtime), house.runtime.clock)
    answer = house.maya.post("/log/verify", page="/log")
    assert answer.status_code == 200
    assert "verif" in answer.text.lower()


@legitimate("log-public")
def log_public(house):
    """Anyone may read the signed head and the key: they hold no content."""
    client = house.app.test_client()
    integrate(house.runtime.sessions, log_signer(house.runtime), house.runtime.clock)
    answer = client.get("/log/checkpoint", base_url="http://localhost:8080")
    assert answer.status_code == 200
    with house.runtime.sessions() as session:
        assert str(session.scalar(select(func.count()).select_from(LogLeaf))) in answer.text


@legitimate("settings-page")
def settings(house):
    page = house.maya.get("/settings").text
    assert "maya api" in page


@legitimate("members-page")
def members(house):
    assert house.bert.planting.owner in house.maya.get("/members").text


@legitimate("ai-switched-off-and-on")
def ai_switch(house):
    path = "/api/v1/ai/people.jsonl"
    house.maya.post("/settings/ai", {"ai": "forbid"}, "/settings")
    try:
        assert house.program("maya", "ai_tool", path).status_code == 403
    finally:
        house.maya.post("/settings/ai", {"ai": "allow"}, "/settings")
    assert house.program("maya", "ai_tool", path).status_code == 200


@legitimate("privacy-page")
def privacy(house):
    assert "Limited Use" in house.maya.get("/privacy").text


@legitimate("disconnect-explained")
def disconnect(house):
    answer = house.maya.get(f"/connections/{house.maya.grant_id}/disconnect")
    assert answer.status_code == 200


@legitimate("receipt")
def receipt(house):
    """Dora has the receipt of her ending, with what was deleted."""
    with house.runtime.sessions() as session:
        found = session.scalars(select(Receipt)).first()
    answer = house.dora.get(f"/connections/receipts/{found.id}")
    assert answer.status_code == 200
    assert str(sum(found.counts.values())) in answer.text.replace(",", "")


@legitimate("token-for-google")
def for_google(house):
    """The refresh token goes back to Google, under its own grant."""
    asking = house.asking("google", "connections", actor="worker", destination=str(house.maya.grant_id))
    assert google.open_secret(house.guard, asking, house.values()["token"]) == house.secrets["refresh token"]


@legitimate("derived-copy")
def derived(house):
    """A copy of a subject is its owner's to see, and keeps its label."""
    keys, mail, row = vault(house.runtime), house.mail(), uuid.uuid4()
    sealer = keys.sealer(house.maya.viewer.organisation_id, KeyPurpose.DERIVED, house.maya.grant_id)
    copy = derive(keys, same, [mail.subject], Target(sealer, "tasks", "title", row))
    assert {origin.grant_id for origin in keys.labels(copy)} == {house.maya.grant_id}
    assert house.maya.planting.texts["mail.subject"] in browser_page(house, copy)


@legitimate("page-of-values")
def composed(house):
    """A page of an own template, in several presentations."""
    mail = house.mail()
    page = browser_page(house, mail.subject, "<p title='{{ w|show('excerpt', 80) }}'>{{ v }}</p>", mail.snippet)
    texts = house.maya.planting.texts
    assert texts["mail.subject"] in page
    assert texts["mail.snippet"] in page


@legitimate("ask-to-see")
def ask_to_see(house):
    """Bert asks what Maya's Google knows of somebody; she allows it, and he sees it; she ends it, and he does not."""
    page, address = f"/people/{house.person_id}", house.maya.planting.texts["mail.from.address"]
    asked = {"kind": "person", "item": str(house.person_id), "reason": "for the offer"}
    assert house.bert.post("/requests", asked, "/requests").status_code == 303
    found = re.search(r"/requests/([0-9a-f-]{36})/allow", house.maya.get("/requests").text)
    assert found, "Maya was not asked"
    assert house.maya.post(f"/requests/{found[1]}/allow", {"hours": "1"}, "/requests").status_code == 303
    seen = address in house.bert.get(page).text
    assert house.maya.post(f"/requests/{found[1]}/end", page="/requests").status_code == 303
    assert seen
    assert address not in house.bert.get(page).text


@legitimate("sharing-subjects")
def sharing(house):
    """Maya shares subjects with her team for a while."""
    _share(house, "subjects")
    try:
        assert house.maya.planting.texts["mail.subject"] in house.bert.get(f"/people/{house.person_id}").text
    finally:
        _share(house, "only_me")
    assert house.maya.planting.texts["mail.subject"] not in house.bert.get(f"/people/{house.person_id}").text


def _share(house: Any, level: str) -> None:
    path = f"/connections/{house.maya.grant_id}/sharing"
    choices = re.findall(r'name="sharing"\s+value="([^"]+)"|name="level"\s+value="([^"]+)"', house.maya.get(path).text)
    values = [one or other for one, other in choices]
    chosen = next(value for value in values if level in value)
    name = "sharing" if any(one for one, _ in choices) else "level"
    assert house.maya.post(path, {name: chosen}, path).status_code == 303


@legitimate("follow-google")
def follow(house):
    """A mail that arrives at Google arrives here; deleted there, it is gone here."""
    world = World(house.runtime, house.google, house.maya.browser)
    before = len(house.rows(Message))
    body = canaries.messages(house.maya.planting)[0]
    arrived = world.control("POST", "messages", account=house.maya.planting.owner, planted=True, **body)["id"]
    world.follow()
    assert len(house.rows(Message)) == before + 1
    world.control("DELETE", f"messages/{arrived}")
    world.follow()
    assert len(house.rows(Message)) == before


@legitimate("reconnect")
def reconnect(house):
    """Emil allows it again, and sees his own again."""
    house.set_status(house.emil, GrantStatus.SUSPENDED)
    assert house.emil.browser.connect("gmail").status_code == 303
    with house.runtime.sessions() as session:
        assert session.get_one(Grant, house.emil.grant_id).status == "active"
    assert house.emil.planting.texts["mail.from.name"] in house.emil.get("/people").text.lower()
