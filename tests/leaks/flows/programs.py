"""What programs, files and the sidebar are rightly given."""

import csv
import io
import json
from typing import Any

from demo.hunt import fresh
from tests.addon.calls import texts
from tests.leaks.registry import legitimate

PEOPLE = "/api/v1/people"


def _api(house: Any, path: str = PEOPLE, whose: str = "maya", sink: str = "api") -> Any:
    answer = house.program(whose, sink, path)
    assert answer.status_code == 200, answer.text
    return answer


@legitimate("api-list")
def listed(house):
    answer = _api(house)
    assert house.maya.planting.texts["mail.from.name"] in answer.text.lower()
    assert str(house.person_id) in {person["id"] for person in answer.json["people"]}


@legitimate("api-person")
def person(house):
    answer = _api(house, f"{PEOPLE}/{house.person_id}")
    assert house.maya.planting.texts["mail.from.address"] in answer.text
    assert house.native["note"] in {note["body"] for note in answer.json["notes"]}


@legitimate("api-search")
def searched(house):
    asked = house.maya.planting.texts["contact.family"]
    (found,) = _api(house, f"{PEOPLE}?q={asked[:14]}").json["people"]
    assert asked in found["name"].lower()


@legitimate("api-pages")
def paged(house):
    seen, path = [], f"{PEOPLE}?limit=1"
    for _ in range(20):
        answer = _api(house, path).json
        seen += [found["id"] for found in answer["people"]]
        if not answer["next_cursor"]:
            break
        path = f"{PEOPLE}?limit=1&cursor={answer['next_cursor']}"
    assert len(seen) == len(set(seen)) > 2


@legitimate("api-teammate-reads-notes")
def teammate(house):
    """Bert's program reads the shared record: what users wrote, and marks or nothing of Maya's Google."""
    answer = _api(house, f"{PEOPLE}/{house.person_id}", "bert")
    assert house.native["note"] in answer.text
    assert house.maya.planting.texts["mail.from.address"] not in answer.text


@legitimate("api-own-of-teammate")
def own_of_teammate(house):
    assert house.bert.planting.texts["mail.from.name"] in _api(house, whose="bert").text.lower()


@legitimate("api-other-organisation")
def other_organisation(house):
    assert house.carla.planting.texts["mail.from.name"] in _api(house, whose="carla").text.lower()


@legitimate("api-described")
def described(house):
    answer = house.app.test_client().get("/api/v1/openapi.json", base_url="http://localhost:8080")
    assert answer.json["openapi"].startswith("3.")


@legitimate("ai-export-native")
def ai_export(house):
    """An AI tool gets what users wrote, and marks for the rest."""
    answer = _api(house, "/api/v1/ai/people.jsonl", sink="ai_tool")
    records = [json.loads(line) for line in answer.text.splitlines()]
    assert house.native["note"] in answer.text
    assert house.native["deal"] in answer.text
    assert house.native["person"] in answer.text.lower()
    mine = next(record for record in records if record["id"] == str(house.person_id))
    assert '"withheld"' in json.dumps(mine)


@legitimate("ai-export-for-a-token-without-a-place")
def ai_export_undeclared(house):
    assert house.native["note"] in _api(house, "/api/v1/ai/people.jsonl", sink="").text


def taken_along(what: str, form: str, native: str | None) -> None:
    """Register a file of the member's own: what Google gave them, and what users wrote."""

    @legitimate(f"export-{what}-{form}")
    def act(house: Any) -> None:
        answer = house.maya.post("/people/export", {"what": what, "format": form}, "/people/export")
        assert answer.status_code == 200
        assert f".{form}" in answer.headers["Content-Disposition"]
        wanted = house.native[native] if native else house.maya.planting.texts["mail.from.name"]
        assert wanted in answer.text.lower()
        _read(form, answer.text)


def _read(form: str, text: str) -> None:
    """The file is what it says it is."""
    if form == "csv":
        assert len(list(csv.reader(io.StringIO(text)))) > 1
    elif form == "json":
        assert json.loads(text)
    else:
        assert all(json.loads(line) for line in text.splitlines())


for _form in ("csv", "json", "jsonl"):
    taken_along("people", _form, None)
    taken_along("notes", _form, "note")
    taken_along("tasks", _form, "task")
    taken_along("deals", _form, "deal")


@legitimate("sidebar-message")
def sidebar_message(house):
    host = house.host(house.maya)
    card = host.message(house.mail().gmail_id)
    assert house.maya.planting.texts["mail.from.name"] in texts(card).lower()


@legitimate("sidebar-home")
def sidebar_home(house):
    answer = house.host(house.maya).call("/addon/home")
    assert answer.navigations


@legitimate("sidebar-of-teammate")
def sidebar_teammate(house):
    card = house.host(house.bert).message(house.mail(house.bert.grant_id).gmail_id)
    assert house.bert.planting.texts["mail.from.name"] in texts(card).lower()


@legitimate("token-made-and-ended")
def token(house):
    """A new token works at once, is shown once, and is over when it is ended."""
    page = house.maya.get("/settings").text
    assert house.tokens["maya", "api"] not in page
    name = fresh()
    answer = house.maya.post("/settings/tokens", {"name": name, "destination": ""}, "/settings")
    assert "crm_" in answer.text
