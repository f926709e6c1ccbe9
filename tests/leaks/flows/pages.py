"""What members see of their own account and of what users wrote, in the browser."""

import re
import uuid
from typing import Any

from accounts.models import GrantStatus
from crm.models import Deal, Meeting, Message, Note, Task
from demo.hunt import fresh
from tests.leaks.registry import Act, legitimate


def shows(name: str, what: str, path: Act, whose: str = "maya") -> None:
    """Register a page on which the resident's own text of that name is read."""

    def act(house: Any) -> None:
        resident = getattr(house, whose)
        answer = resident.get(path(house))
        assert answer.status_code == 200
        assert resident.planting.texts[what] in answer.text.lower()

    legitimate(name)(act)


def _person(house: Any) -> str:
    return f"/people/{house.person_id}"


def _message(house: Any) -> str:
    return f"/messages/{house.mail().id}"


def found_person(resident: Any, what: str) -> str:
    """Return the page of the person whom a search for a text of the resident's finds."""
    page = resident.get(f"/search?q={resident.planting.texts[what]}")
    found = re.search(r'href="(/people/[0-9a-f-]{36})"', page.text)
    assert found, "the search found nobody"
    return found[1]


shows("people-list", "mail.from.name", lambda _house: "/people")
shows("person-name", "mail.from.name", _person)
shows("person-address", "mail.from.address", _person)
shows("person-timeline-subject", "mail.subject", _person)
shows("person-timeline-snippet", "mail.snippet", _person)
shows("message-subject", "mail.subject", _message)
shows("message-body-live", "mail.body", _message)
shows("message-sender", "mail.from.name", _message)
shows("message-body-address", "mail.body", lambda house: f"{_message(house)}/body")
shows("edit-form", "mail.from.name", lambda house: f"{_person(house)}/edit")
shows("search-by-name", "mail.from.name", lambda house: f"/search?q={house.maya.planting.texts['mail.from.name'][:12]}")
shows("contact-name", "contact.family", lambda house: found_person(house.maya, "contact.family"))
shows("contact-phone", "contact.title", lambda house: found_person(house.maya, "contact.family"))
shows("contact-address", "contact.email", lambda house: found_person(house.maya, "contact.family"))
shows("meeting-title", "event.summary", lambda house: found_person(house.maya, "event.attendee.name"))
shows("meeting-place", "event.location", lambda house: found_person(house.maya, "event.attendee.name"))
shows("companies-list", "mail.from.address.domain", lambda _house: "/companies")
shows("teammates-own-page", "mail.from.name", lambda _house: "/people", "bert")
shows("teammates-own-mail", "mail.body", lambda house: f"/messages/{house.mail(house.bert.grant_id).id}", "bert")
shows("other-organisations-own-page", "mail.from.name", lambda _house: "/people", "carla")
shows(
    "other-organisations-own-mail",
    "mail.body",
    lambda house: f"/messages/{house.mail(house.carla.grant_id).id}",
    "carla",
)


def reads(name: str, what: str, path: Act, whose: str = "maya") -> None:
    """Register a page on which what users wrote is read."""

    def act(house: Any) -> None:
        answer = getattr(house, whose).get(path(house))
        assert answer.status_code == 200
        assert house.native[what] in answer.text.lower()

    legitimate(name)(act)


reads("note-on-page", "note", _person)
reads("note-to-teammate", "note", _person, "bert")
reads("task-on-page", "task", _person)
reads("task-list", "task", lambda _house: "/tasks")
reads("deal-on-page", "deal", _person)
reads("deal-board", "deal", lambda _house: "/deals")
reads("deal-to-teammate", "deal", lambda house: f"/deals/{house.record(Deal).id}", "bert")
reads("typed-person", "person", lambda house: f"/search?q={house.native['person'][:12]}")
reads("typed-company", "company", lambda _house: "/companies")
reads("typed-person-to-teammate", "person", lambda house: f"/search?q={house.native['person'][:12]}", "bert")


@legitimate("search-by-address")
def search_by_address(house):
    texts = house.maya.planting.texts
    asked = f"{texts['contact.email']}@{texts['contact.email.domain']}.example"
    assert texts["contact.family"] in house.maya.get(f"/search?q={asked}").text.lower()


@legitimate("company-page")
def company(house):
    page = house.maya.get("/companies").text
    domain = house.maya.planting.texts["mail.from.address.domain"]
    paths = dict.fromkeys(re.findall(r'href="(/companies/[0-9a-f-]{36})"', page))
    assert any(domain in house.maya.get(path).text.lower() for path in paths)


@legitimate("skipped-addresses")
def skipped(house):
    """Who stood only in copy is not made a person, and the page says so, with the address."""
    assert house.maya.planting.texts["mail.cc.address"] in house.maya.get("/people/skipped").text.lower()


@legitimate("add-a-skipped-address")
def add_skipped(house):
    page = house.maya.get("/people/skipped").text
    form = re.search(r'action="(/people/skipped/[0-9a-f-]{36}/add)"', page)
    assert form
    answer = house.maya.post(form[1], page="/people/skipped")
    assert answer.status_code == 303
    assert house.maya.get(answer.headers["Location"]).status_code == 200


@legitimate("write-a-note")
def write_note(house):
    said = "native" + fresh()
    assert house.maya.post(f"{_person(house)}/notes", {"body": said}, _person(house)).status_code == 303
    assert said in house.bert.get(_person(house)).text


@legitimate("change-a-note")
def change_note(house):
    said = "native" + fresh()
    house.maya.post(f"{_person(house)}/notes", {"body": "to be changed"}, _person(house))
    with house.runtime.sessions() as session:
        note = session.query(Note).order_by(Note.id.desc()).first()
    assert house.maya.post(f"/notes/{note.id}", {"body": said}, f"/notes/{note.id}").status_code == 303
    assert said in house.maya.get(_person(house)).text


@legitimate("do-a-task")
def do_task(house):
    said = "native" + fresh()
    house.maya.post("/tasks", {"title": said}, "/tasks")
    with house.runtime.sessions() as session:
        task = session.query(Task).order_by(Task.id.desc()).first()
    assert said in house.maya.get("/tasks").text
    assert house.maya.post(f"/tasks/{task.id}/done", {"done": "1"}, "/tasks").status_code == 303


@legitimate("move-a-deal")
def move_deal(house):
    deal = house.record(Deal)
    assert house.maya.post(f"/deals/{deal.id}/move", {"stage": "won"}, "/deals").status_code == 303
    assert house.record(Deal).stage == "won"


@legitimate("edit-a-person")
def edit(house):
    """What a user typed stands beside what Google gave, and is theirs."""
    said = "Native" + fresh()
    answer = house.maya.post(f"{_person(house)}/edit", {"title": said}, f"{_person(house)}/edit")
    assert answer.status_code == 303
    assert said in house.bert.get(_person(house)).text


@legitimate("type-a-person")
def type_person(house):
    said = "Native" + fresh()
    answer = house.maya.post("/people", {"name": said}, "/people/new")
    assert said in house.maya.get(answer.headers["Location"]).text


@legitimate("type-a-company")
def type_company(house):
    said = "Native" + fresh()
    answer = house.maya.post("/companies", {"company_name": said, "domain": f"{said.lower()}.example"}, "/companies")
    assert answer.status_code == 303
    assert said in house.maya.get(answer.headers["Location"]).text


@legitimate("counts-add-up")
def counts(house):
    """The counts are of what Maya has: her mail, her meetings, her contacts."""
    counted = house.maya.get("/connections/counts").json["crm"]
    assert counted["messages"] == len(house.rows(Message))
    assert counted["events"] == len(house.rows(Meeting))


@legitimate("start-page")
def start(house):
    for resident in (house.maya, house.bert, house.carla):
        assert resident.get("/").status_code == 200


@legitimate("signed-out-start-page")
def signed_out(house):
    answer = house.app.test_client().get("/", base_url="http://localhost:8080")
    assert "Sign in with Google" in answer.text


@legitimate("a-suspended-members-page")
def suspended(house):
    """Emil's connection is paused: his pages are there, with marks in the place of values."""
    house.set_status(house.emil, GrantStatus.SUSPENDED)
    answer = house.emil.get("/people")
    assert answer.status_code == 200
    assert "withheld" in answer.text
    assert house.emil.planting.texts["mail.from.name"] not in answer.text.lower()


@legitimate("nobody-is-not-found")
def not_found(house):
    assert house.maya.get(f"/people/{uuid.uuid4()}").status_code == 404
