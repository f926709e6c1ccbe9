"""F and E: what a colleague, an outsider or an AI tool can learn by asking: search, counts, order, headers, paths."""

import re
import secrets
import uuid
from collections.abc import Callable
from typing import Any

from demo.hunt import ALPHABET
from tests.leaks.registry import attempt

WRONG = {"ai_tool": ("export", "api"), "": ("export", "api"), "export": ("api",), "webhook": ("api",)}
TRICKS = {
    "a sink in the query": {"query_string": {"sink": "browser"}},
    "a purpose in the query": {"query_string": {"purpose": "write_back", "feature": "api"}},
    "a destination in the query": {"query_string": {"destination": "google", "destination_id": "1"}},
    "a class in a header": {"headers": {"X-Sink": "api", "X-Destination-Class": "api"}},
    "a purpose in a header": {"headers": {"X-Purpose": "subject_right", "Purpose": "user_feature"}},
    "another user in a header": {"headers": {"X-Forwarded-User": "maya@northlight.example", "X-User-Id": "1"}},
    "another method in a header": {"headers": {"X-HTTP-Method-Override": "GET", "X-Original-URL": "/api/v1/people"}},
    "another type to accept": {"headers": {"Accept": "text/html,application/xhtml+xml"}},
    "a form's body": {"query_string": {"limit": "1"}, "headers": {"Content-Type": "application/json"}},
}


def tricked(number: int, trick: str) -> None:
    """Register an AI tool's token asking for people, with something about it that names another sink."""

    def act(house: Any) -> None:
        answer = house.program("maya", "ai_tool", "/api/v1/people", **TRICKS[trick])
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_sink")

    leaf = ("refuse", "ai_tool", "wrong_sink")
    attempt(f"E61-trick-{number}", sink="ai_tool", technique=f"choosing by {trick}", corpus=(60, 61), leaf=leaf)(act)


for _number, _trick in enumerate(TRICKS):
    tricked(_number, _trick)


def wrong_class(sink: str) -> None:
    """Register a token of another class asking the API for people."""

    def act(house: Any) -> None:
        for path in ("/api/v1/people", f"/api/v1/people/{house.person_id}", "/api/v1/people?q=offer"):
            answer = house.program("maya", sink, path)
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "wrong_sink")

    said = sink or "none"
    leaf = ("refuse", sink or "ai_tool", "wrong_sink")
    attempt(f"E57-token-{said}", sink="api", technique=f"a token of class {said}", corpus=57, leaf=leaf)(act)


for _sink in WRONG:
    wrong_class(_sink)


def sly_path(number: int, path: str) -> None:
    """Register a spelling of an address that routes or proxies might read otherwise."""

    def act(house: Any) -> None:
        answer = house.program("maya", "ai_tool", path)
        assert answer.status_code in (301, 303, 308, 401, 403, 404, 405, 422)

    attempt(f"E61-path-{number}", sink="ai_tool", technique=f"the path {path}", corpus=61)(act)


for _number, _path in enumerate(
    (
        "/api/v1/ai/../people",
        "//api/v1/people",
        "/api/v1/people/",
        "/api/v1/ai/people.jsonl/../../people",
        "/API/V1/people",
        "/api/v1/people;x=ai/people.jsonl",
        "/api/v1/people%2f",
        "/people",
        "/people/export",
        "/search?q=offer",
    )
):
    sly_path(_number, _path)


@attempt(
    "E57-ai-filters", sink="ai_tool", technique="the AI export with every parameter one can think of", corpus=(57, 61)
)
def ai_filters(house):
    """No parameter adds to what an AI tool is given."""
    path = "/api/v1/ai/people.jsonl"
    plain = house.program("maya", "ai_tool", path).text
    for query in ("include=all", "fields=*", "withheld=false", "raw=1", "sink=browser", "label=native", "member=owner"):
        assert len(house.program("maya", "ai_tool", f"{path}?{query}").text.splitlines()) == len(plain.splitlines())
    assert str(house.hidden_id) not in plain


@attempt("E61-existence", sink="ai_tool", technique="the existence of people whom only Google knows", corpus=(48, 57))
def existence(house):
    """They are absent, not listed as withheld: no line, no id, no count."""
    text = house.program("maya", "ai_tool", "/api/v1/ai/people.jsonl").text
    assert str(house.hidden_id) not in text
    assert str(house.person_id) in text


def _same(house: Any, ask: Callable[[str], Any], guess: str) -> None:
    """Accept that an answer to a right guess cannot be told from one to a guess that nobody has."""
    wrong = "".join(secrets.choice(ALPHABET) if one.isalpha() else one for one in guess)
    ask(wrong)  # a page that says what was done just before says it once
    answers = [ask(guess), ask(wrong)]
    assert house
    said = [re.sub(r'lu[0-9a-f]{32}|name="csrf_token" value="[^"]*"', "", answer.text) for answer in answers]
    lines = [
        one.lower().replace(asked.lower(), "?").split("\n") for one, asked in zip(said, (guess, wrong), strict=True)
    ]
    assert [pair for pair in zip(*lines, strict=True) if pair[0] != pair[1]] == []
    assert answers[0].status_code == answers[1].status_code


ORACLES: dict[str, tuple[str, Callable[[Any], Callable[[str], Any]]]] = {
    "search": ("the search page", lambda house: lambda text: house.bert.get("/search", query_string={"q": text})),
    "api-search": (
        "the API's search",
        lambda house: lambda text: house.program("bert", "api", f"/api/v1/people?q={text}"),
    ),
    "outsider": (
        "the search of another organisation",
        lambda house: lambda text: house.carla.get("/search", query_string={"q": text}),
    ),
    "ended": (
        "the search of a member whose connection ended",
        lambda house: lambda text: house.dora.get("/search", query_string={"q": text}),
    ),
    "suspended": (
        "a teammate with a suspended connection",
        lambda house: lambda text: house.emil.get("/search", query_string={"q": text}),
    ),
}


def oracle(name: str) -> None:
    """Register a search that could tell a right guess from a wrong one."""
    technique, make = ORACLES[name]

    def act(house: Any) -> None:
        for what in ("mail.from.name", "mail.from.address", "contact.family", "contact.organisation", "mail.subject"):
            _same(house, make(house), house.maya.planting.texts[what])
        texts = house.maya.planting.texts
        _same(house, make(house), f"{texts['contact.email']}@{texts['contact.email.domain']}.example")

    # The answer repeats the question, so the guess itself stands in it; what is compared is all the rest.
    attempt(f"F11-oracle-{name}", sink="search", technique=technique, corpus=(11, 72), shown_in=("http",))(act)


for _name in ORACLES:
    oracle(_name)


@attempt("F48-count", sink="browser", technique="counts before and after a colleague's contact", corpus=(48, 50))
def counted(house):
    """How many people Bert sees does not tell how many Maya knows."""
    assert house.dora.get("/people").status_code == 200
    assert len(house.program("dora", "api", "/api/v1/people").json["people"]) <= 5


@attempt("F49-order", sink="api", technique="the order of a list, by a colleague's last contact", corpus=49)
def ordered(house):
    """A shared person whom only Maya's mail knows stands in Dora's list without a time, after her own."""
    people = house.program("dora", "api", "/api/v1/people").json["people"]
    assert all(person.get("last_contact_at") is None for person in people)


@attempt("F55-probing", sink="browser", technique="asking for ids by the thousand: all answers are alike", corpus=55)
def probing(house):
    """A hidden id and one that nobody has give the same answer, headers and all."""
    house.bert.get("/privacy")  # takes along what the page before had to tell
    answers = [house.bert.get(f"/people/{one}") for one in (house.hidden_id, uuid.uuid4())]
    assert {answer.status_code for answer in answers} == {404}
    bodies = [re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text) for answer in answers]
    assert bodies[0] == bodies[1]


@attempt("E60-addon-tools", sink="sidebar", technique="the add-on called without Google's token", corpus=60)
def not_google(house):
    for path in ("/addon/gmail/message", "/addon/home"):
        answer = house.app.test_client().post(path, base_url="http://localhost:8080", json={"x": 1})
        assert answer.status_code == 401


@attempt("E74-colleagues-mail", sink="sidebar", technique="the sidebar at a colleague's message", corpus=74)
def colleagues_message(house):
    """Bert's sidebar, opened with the id of Maya's message, knows nothing of it."""
    host = house.host(house.bert)
    answer = host.post("/addon/gmail/message", host.event(house.mail().gmail_id))
    assert answer.status_code == 200


@attempt("E67-formula", sink="export", technique="a formula in a name", corpus=67, opens=True)
def formula(house, trap):
    """A cell that a spreadsheet would run is text there."""
    from limited_use.sinks import export

    value = house.sealed_for(house.maya, '=HYPERLINK("https://evil.example","x")')
    made = b"".join(export.csv(house.guard, house.asking("export", "export"), ["v"], [[value]]))
    assert made.splitlines()[1].startswith((b"'=", b"\"'="))
    trap.keep(made)


@attempt("E67-teammates-file", sink="export", technique="a teammate's files", corpus=67, opens=True, shown_in=("http",))
def teammates_file(house):
    """Bert's files hold what he sees: nothing of Maya's Google."""
    for what in ("people", "notes", "tasks", "deals"):
        for form in ("csv", "json", "jsonl"):
            answer = house.bert.post("/people/export", {"what": what, "format": form}, "/people/export")
            assert answer.status_code == 200, answer.text[-400:]
            assert [text for text in house.maya.planting.texts.values() if text in answer.text.lower()] == []


@attempt(
    "F74-bert-pages",
    sink="browser",
    technique="every page of a teammate's, beside his own",
    corpus=74,
    opens=True,
    shown_in=("http",),
)
def teammates_pages(house):
    for path in ("/", "/people", "/companies", "/people/skipped", f"/people/{house.person_id}", "/connections/counts"):
        answer = house.bert.get(path)
        assert answer.status_code == 200
        assert [text for text in house.maya.planting.texts.values() if text in answer.text.lower()] == []
