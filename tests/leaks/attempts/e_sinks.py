"""E: the guard asked for the wrong sink, purpose, feature, person or organisation; adaptors given another's asking."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import GrantStatus
from crm.models import Meeting
from limited_use.asking import AiNotAllowed, Asking, Purpose, Refused, Sink, WrongSink
from limited_use.destinations import Credential
from limited_use.policy import PolicyError, read_policy
from limited_use.policy_file import FILE as POLICY
from limited_use.sealing import Labelled, Native, Sealed, SealedError, System
from limited_use.sinks import ai_tool, api, browser, export, google, sidebar
from tests.leaks.pages import environment
from tests.leaks.registry import attempt

REASON = "limited_use"
FORBIDDEN = {"training": 62, "analytics": 64, "ads": 64, "broker": 65, "credit": 65}


def _handed_over(house: Any, trap: Any, asking: Asking, value: Any = None) -> None:
    """Ask the gate, and keep all that it hands over."""
    house.guard.release(asking, [house.mail().subject if value is None else value], trap.keep)


def asked(
    name: str, technique: str, sink: str, reason: str, corpus: Any = (), error: Any = Refused, **said: Any
) -> None:
    """Register an asking that the gate refuses."""

    def act(house: Any, trap: Any) -> None:
        whole = {key: make(house) if callable(make) else make for key, make in said.items()}
        feature = whole.pop("feature", "people")
        _handed_over(house, trap, house.asking(sink, feature, **whole))

    leaf = ("refuse", "unknown" if sink == "nowhere" else sink, reason)
    attempt(name, sink=sink, technique=technique, corpus=corpus, refused=error, leaf=leaf)(act)


for _sink, _corpus in FORBIDDEN.items():
    asked(f"E{_corpus}-{_sink}", "a release to it", _sink, REASON, _corpus)
    asked(f"E{_corpus}-{_sink}-legal", "a release to it for a legal reason", _sink, REASON, _corpus, purpose="legal")
asked(
    "E57-ai-inference",
    "a purpose of its own for AI",
    "ai_tool",
    REASON,
    (57, 61),
    purpose="ai_inference",
    feature="ai_export",
)
asked("E57-ai-other-feature", "an AI tool for a feature that opens", "ai_tool", REASON, 57, feature="people")
asked("E-unknown-sink", "a sink that is none", "nowhere", REASON)
asked("E-unknown-purpose", "a purpose that is none", "browser", "unknown_purpose", purpose="curiosity")
asked("E-unknown-feature", "a feature that is none", "browser", "unknown_feature", feature="export_all")
asked("E-hidden-feature", "a feature that opens nothing of the kind", "browser", REASON, feature="settings")
asked("E-training-purpose", "a purpose that opens nothing", "browser", REASON, purpose="feature_transfer")
asked(
    "E-other-organisation",
    "in the name of another organisation",
    "browser",
    "other_organisation",
    organisation_id=lambda house: house.carla.viewer.organisation_id,
)
asked(
    "E69-other-grant",
    "Google, under a teammate's grant",
    "google",
    REASON,
    69,
    feature="sync",
    destination=lambda house: str(house.bert.grant_id),
)
asked("E69-no-grant", "Google, under no grant", "google", REASON, 69, feature="sync")
asked("E69-invented-grant", "Google, under an invented grant", "google", REASON, 69, feature="sync", destination="x")


def withheld(name: str, technique: str, sink: str, feature: str, corpus: Any = (), **said: Any) -> None:
    """Register an asking that is answered with marks in the place of values."""

    def act(house: Any, trap: Any) -> None:
        whole = {key: make(house) if callable(make) else make for key, make in said.items()}
        values = [value for key, value in house.values().items() if key != "token"]
        marks = house.guard.release(house.asking(sink, feature, **whole), values, list)
        assert {type(mark).__name__ for mark in marks} == {"Withheld"}
        trap.keep(marks)

    leaf = ("withhold", sink, REASON)
    attempt(name, sink=sink, technique=technique, corpus=corpus, leaf=leaf)(act)


def _bert(house: Any) -> Any:
    return house.bert.viewer.member_id


withheld("E57-withheld", "values among what users wrote", "ai_tool", "ai_export", (57, 59))
withheld("E57-teammate", "a teammate's AI tool", "ai_tool", "ai_export", 57, member_id=_bert)
withheld("E57-nobody", "an AI tool of nobody's", "ai_tool", "ai_export", 57, member_id=None)
withheld("E66-webhook", "the payload of a webhook", "webhook", "webhooks", 66)
withheld("E68-mail", "a letter that we send", "mail", "notices", (68, 70, 73))
withheld("E67-teammate-export", "a teammate's export", "export", "export", 67, member_id=_bert)
withheld("E74-staff", "staff, without consent or case", "staff", "openings", 74, member_id=_bert, actor="staff")
withheld("F74-view-as", "a teammate's page", "browser", "people", 74, member_id=_bert)
withheld("F74-api", "a teammate's program", "api", "api", 74, member_id=_bert)
withheld("F74-sidebar", "a teammate's sidebar", "sidebar", "sidebar", 74, member_id=_bert)
withheld("F74-nobody", "a page for nobody in particular", "browser", "people", 74, member_id=None)

ADAPTORS: dict[str, Callable[[Any, Asking, Any], Any]] = {
    "browser": lambda house, asking, value: browser.page(
        house.guard, asking, environment().from_string("<p>{{ v }}</p>"), {"v": value}
    ),
    "api": lambda house, asking, value: api.json(house.guard, asking, {"v": value}),
    "export": lambda house, asking, value: list(export.csv(house.guard, asking, ["v"], [[value]])),
    "export jsonl": lambda house, asking, value: list(export.jsonl(house.guard, asking, [{"v": value}])),
    "ai_tool": lambda house, asking, value: list(ai_tool.jsonl(house.guard, asking, [{"v": value}])),
    "sidebar": lambda house, asking, value: sidebar.card(house.guard, asking, {"header": {"title": value}}),
    "google": lambda house, asking, value: google.open_secret(house.guard, asking, value),
}


def mistaken(adaptor: str, sink: str) -> None:
    """Register an adaptor that is handed the asking of another sink."""

    def act(house: Any) -> None:
        ADAPTORS[adaptor](house, house.asking(sink), house.mail().subject)

    named = adaptor.replace(" ", "-")
    leaf = ("refuse", sink, "wrong_sink")
    attempt(
        f"E-{named}-for-{sink}", sink=sink, technique=f"through the {adaptor} adaptor", refused=WrongSink, leaf=leaf
    )(act)


for _adaptor in ADAPTORS:
    for _sink in ("ai_tool", "browser"):
        if not _adaptor.startswith(_sink):
            mistaken(_adaptor, _sink)


def bare(name: str, technique: str, sink: str, feature: str, make: Callable[[Any], Any], adaptor: str) -> None:
    """Register a document with something in it of which nobody knows where it came from."""

    def act(house: Any) -> None:
        ADAPTORS[adaptor](house, house.asking(sink, feature), make(house))

    leaf = ("refuse", sink, "unknown_origin")
    attempt(name, sink=sink, technique=technique, corpus=(55, 63), refused=Refused, leaf=leaf)(act)


bare("E63-bare-api", "a bare text", "api", "api", lambda _house: "bare", "api")
bare("E63-bare-number", "a bare number", "api", "api", lambda _house: 3, "api")
bare("E63-bare-ai", "a bare text", "ai_tool", "ai_export", lambda _house: "bare", "ai_tool")
bare("E63-bare-export", "a bare cell", "export", "export", lambda _house: b"bare", "export")
bare("E63-key", "a value's text as a key", "api", "api", lambda house: {house.mail().id: System(1)}, "api")
bare("E43-labels", "Gmail's labels of a message as they are", "api", "api", lambda house: house.mail().label_ids, "api")
bare("E47-moment", "a moment as SQL gives it", "ai_tool", "ai_export", lambda house: house.mail().sent_at, "ai_tool")
bare("E63-object", "a row of the ORM", "export", "export", lambda house: house.mail(), "export")
bare("E63-generator", "a generator", "api", "api", lambda house: (v for v in [house.mail().subject]), "api")


@attempt(
    "E57-ai-off",
    sink="ai_tool",
    technique="before an admin allowed AI tools",
    corpus=57,
    refused=AiNotAllowed,
    leaf=("refuse", "ai_tool", "ai_not_allowed"),
)
def ai_off(house, trap):
    """Not even what users wrote: Dora's organisation is Maya's, so an organisation of nobody's is asked for."""
    asking = dataclasses.replace(house.asking("ai_tool", "ai_export"), organisation_id=house.maya.viewer.member_id)
    house.guard.release(asking, [Native("x")], trap.keep)


@attempt(
    "E-suspended", sink="browser", technique="under a suspended grant", leaf=("withhold", "browser", "grant_suspended")
)
def suspended(house, trap):
    mail = house.mail()
    with house.status(GrantStatus.SUSPENDED):
        marks = house.guard.release(house.asking(), [mail.subject], list)
    assert marks[0].reason == "grant_suspended"
    trap.keep(marks)


@attempt(
    "E-revoked",
    sink="browser",
    technique="under a revoked grant, keys still cached",
    refused=Refused,
    leaf=("refuse", "browser", "grant_revoked"),
)
def revoked(house, trap):
    mail = house.mail()
    with house.status(GrantStatus.REVOKED):
        _handed_over(house, trap, house.asking(), mail.subject)


@attempt(
    "E-suspended-google",
    sink="google",
    technique="sync under a suspended grant",
    corpus=69,
    refused=Refused,
    leaf=("refuse", "google", "grant_suspended"),
)
def suspended_sync(house, trap):
    value = house.rows(Meeting)[0].event_id
    with house.status(GrantStatus.SUSPENDED):
        asking = house.asking("google", "sync", actor="worker", destination=str(house.maya.grant_id))
        _handed_over(house, trap, asking, value)


@attempt(
    "E-mixed",
    sink="google",
    technique="a secret of one grant among another's",
    refused=Refused,
    leaf=("refuse", "google", REASON),
)
def mixed(house, trap):
    asking = house.asking("google", "sync", actor="worker", destination=str(house.maya.grant_id))
    values = [house.rows(Meeting)[0].event_id, house.rows(Meeting, house.bert.grant_id)[0].event_id]
    trap.keep(google.open_many(house.guard, asking, values))


@attempt(
    "E-half-bad",
    sink="browser",
    technique="one bad value in a page of good ones",
    refused=Refused,
    leaf=("refuse", "browser", "unplaced"),
)
def half_bad(house, trap):
    """The whole answer is refused: nothing of it is opened."""
    mail = house.mail()
    house.guard.release(house.asking(), [mail.snippet, Sealed(mail.subject._wire, None)], trap.keep)


@attempt(
    "E14-forged-asking",
    sink="browser",
    technique="an asking changed after it was made",
    corpus=14,
    refused=(AttributeError, TypeError),
)
def changed_asking(house):
    house.asking("ai_tool").sink = Sink.BROWSER


@attempt("E-credential", sink="api", technique="a credential asked for another sink", refused=TypeError)
def chosen_sink(house):
    """What a credential asks for is its own class; its asking takes a feature and a purpose and nothing else."""
    viewer = house.maya.viewer
    made = Credential(viewer.member_id, viewer.organisation_id, viewer.member_id, None, Sink.AI_TOOL, frozenset())
    assert made.asking("api").sink is Sink.AI_TOOL
    made.asking("api", Purpose.USER_FEATURE, Sink.API)


@attempt("E14-label-forged", sink="ai_tool", technique="Google's moment relabelled as native", corpus=(14, 47))
def relabelled(house, trap):
    """A labelled value cannot be unwrapped into a native one: there is nothing to take out of it."""
    value = house.values()["labelled"]
    with pytest.raises(AttributeError):
        Native(value.value)
    trap.keep(list(ai_tool.jsonl(house.guard, house.asking("ai_tool", "ai_export"), [{"v": value}])))


@attempt(
    "E-native-around",
    sink="ai_tool",
    technique="a sealed value wrapped as native",
    refused=(TypeError, SealedError, Refused),
)
def native_around(house):
    list(ai_tool.jsonl(house.guard, house.asking("ai_tool", "ai_export"), [{"v": Native(house.mail().subject)}]))


@attempt(
    "E-labelled-nested",
    sink="api",
    technique="a labelled value inside another",
    refused=(TypeError, SealedError, Refused),
    opens=True,
)
def nested(house):
    inner = house.values()["labelled"]
    api.json(house.guard, house.asking("api", "api"), {"v": Labelled(inner, inner._labels)})


@attempt(
    "E57-policy-file",
    sink="policy",
    technique="a policy file that opens Google's data to AI and the like",
    corpus=(57, 62),
)
def edited_policy(house):
    """No such file loads, whatever else it says."""
    assert house
    rule = '[[rules]]\nlabel = ["gmail"]\npurpose = ["user_feature"]\nsink = ["{}"]\nviewer = ["owner"]\n'
    rule += 'features = "all"\nthen = "open"\n'
    for sink in ("ai_tool", "training", "ads", "broker", "credit"):
        with pytest.raises(PolicyError):
            read_policy(POLICY.read_bytes() + rule.format(sink).encode())


def placed_in_card(name: str, technique: str, make: Callable[[Any], dict[str, Any]]) -> None:
    """Register a card with a value where it would do something other than be read."""

    def act(house: Any) -> None:
        sidebar.card(house.guard, house.asking("sidebar", "sidebar"), make(house.mail().subject))

    leaf = ("refuse", "sidebar", "wrong_place")
    attempt(name, sink="sidebar", technique=technique, corpus=71, refused=Refused, leaf=leaf)(act)


placed_in_card("E71-card-link", "a link's address", lambda v: {"onClick": {"openLink": {"url": v}}})
placed_in_card(
    "E71-card-parameter", "a button's parameter", lambda v: {"action": {"parameters": [{"key": "k", "value": v}]}}
)
placed_in_card("E71-card-image", "an image's address", lambda v: {"image": {"imageUrl": v}})
placed_in_card("E71-card-function", "a function's name", lambda v: {"action": {"function": v}})
placed_in_card("E71-card-name", "an input's name", lambda v: {"textInput": {"name": v}})
placed_in_card("E71-card-object", "an object of another kind", lambda v: {"header": {"title": {v._wire}}})
