"""The log says why of each entry, and the page Policy what happens to a value anywhere."""

import ast
import datetime as dt
import html
import re
import uuid
from pathlib import Path

import pytest

from accounts.models import Role, Sharing
from limited_use import repeats
from limited_use.decoys import DecoyOpened
from limited_use.egress import reports
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink
from limited_use.policy import Viewer, shipped_policy
from limited_use.why import EVENTS, PURPOSES, REASONS, SINKS, relations_of, why
from tests.signing_in import Person
from tests.web.office import Office

ROOT = Path(__file__).parents[2]
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
ME, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
MINE, THEIRS = "a" * 32, "b" * 32
OWNERS = {MINE: ME, THEIRS: OTHER}


def leaf(**more: object) -> Leaf:
    said = {
        "at": NOW,
        "kind": Kind.RELEASE,
        "decision": Decision.OPEN,
        "actor_class": ActorClass.MEMBER,
        "sink": Sink.BROWSER,
        "purpose": Purpose.USER_FEATURE,
        "feature": "people",
        "labels": ("gmail",),
        "policy": shipped_policy().digest,
        "opened": 3,
    }
    return Leaf(**(said | more))


def sentences(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


@pytest.mark.parametrize(
    ("more", "viewers"),
    [
        ({"grants": (MINE,)}, (Viewer.OWNER,)),
        ({"grants": (THEIRS,)}, (Viewer.SHARED,)),
        ({"grants": (THEIRS,), "opened": 0, "withheld": 2}, (Viewer.TEAMMATE,)),
        ({"grants": (MINE, THEIRS)}, (Viewer.OWNER, Viewer.SHARED)),
        ({"grants": (MINE, THEIRS), "withheld": 1}, (Viewer.OWNER, Viewer.TEAMMATE)),
        ({"grants": (THEIRS,), "consent": str(ME)}, (Viewer.CONSENTED,)),
        ({"grants": (THEIRS,), "ticket": str(ME)}, (Viewer.CASE,)),
        ({"grants": ("c" * 32,)}, ()),
        ({"grants": ()}, (Viewer.MEMBER,)),
        ({"grants": (MINE,), "sink": Sink.GOOGLE, "destination": MINE}, (Viewer.SAME_GRANT,)),
        ({"grants": (MINE,), "sink": Sink.GOOGLE, "destination": THEIRS}, (Viewer.OTHER_GRANT,)),
        ({"grants": (), "sink": Sink.GOOGLE}, (Viewer.NO_GRANT,)),
    ],
    ids=["own", "shared", "kept", "both", "both-kept", "consent", "case", "gone", "none", "same", "other", "no-grant"],
)
def test_an_entry_tells_how_who_asked_stood_to_the_owners(more: dict, viewers: tuple[Viewer, ...]) -> None:
    assert relations_of(leaf(**more), ME, OWNERS) == viewers


def test_without_a_member_nobody_asked() -> None:
    assert relations_of(leaf(grants=(MINE,)), None, OWNERS) == (Viewer.NOBODY,)


def test_each_word_of_the_log_has_its_sentence() -> None:
    assert set(EVENTS) == set(Kind) - {Kind.RELEASE}
    for kind in EVENTS:
        told = why(leaf(kind=kind, decision=Decision.EVENT, labels=(), opened=0), ())
        assert told[0] == EVENTS[kind]
    for reason, sentence in REASONS.items():
        if reason != "limited_use":
            assert sentence in why(leaf(decision=Decision.REFUSE, reason=reason, opened=0), (Viewer.OWNER,))
    assert "“some new word”" in " ".join(why(leaf(decision=Decision.REFUSE, reason="some_new_word", opened=0), ()))


def test_it_names_the_rule_the_place_and_the_feature() -> None:
    told = " ".join(why(leaf(grants=(MINE,)), (Viewer.OWNER,)))
    assert told.startswith("Opened: 3 values. A member asked for it for a feature that people see (People: the list")
    assert "a page in the browser" in told
    assert "from Gmail." in told
    assert re.search(r"Rule \d+: The owner sees their own", told)
    refused = " ".join(why(leaf(sink=Sink.AI_TOOL, decision=Decision.REFUSE, opened=0, withheld=2), (Viewer.OWNER,)))
    assert "No configuration can open a value from Google for ai_tool" in refused
    assert "earlier policy" in " ".join(why(leaf(policy="0" * 64), (Viewer.OWNER,)))
    stopped = leaf(kind=Kind.SECURITY_EVENT, decision=Decision.REFUSE, sink=None, purpose=None, policy="0" * 64)
    assert "earlier policy" not in " ".join(why(stopped, ()))


def test_every_word_of_places_purposes_and_who_asked_has_its_name() -> None:
    assert set(SINKS) == set(Sink)
    assert set(PURPOSES) == set(Purpose)
    for actor in ActorClass:
        assert why(leaf(actor_class=actor), ())[1].endswith(ASKED.removeprefix("A member"))


def test_every_reason_that_the_guard_gives_has_its_sentence() -> None:
    given = {DecoyOpened.code, reports.REASON, repeats.REASON}
    for folder in ("limited_use", "web", "addon"):
        for path in (ROOT / folder).rglob("*.py"):
            for call in filter(_gives_a_reason, ast.walk(ast.parse(path.read_text()))):
                given |= {one.value for one in call.args if isinstance(one, ast.Constant)}
    assert {"wrong_sink", "no_address", "key_destroyed"} <= given
    assert given - set(REASONS) == set()


def _gives_a_reason(node: ast.AST) -> bool:
    called = getattr(node, "func", None)
    return getattr(called, "attr", getattr(called, "id", "")) in {"refuse", "_refusal"}


ASKED = (
    "A member asked for it for a feature that people see (People: the list, its search, and each person's page), "
    "to go to a page in the browser."
)
NOTHING = {"labels": (), "sink": None, "purpose": None, "feature": None, "opened": 0}
EXPLAINED: list[tuple[dict, list[str]]] = [
    (
        {"opened": 0, "withheld": 1, "reason": "grant_suspended", "labels": ()},
        [
            "Withheld: 1 value stayed closed, and a mark stood in its place.",
            ASKED,
            REASONS["grant_suspended"],
        ],
    ),
    (
        {
            "opened": 1,
            "withheld": 1_200,
            "labels": ("calendar", "contacts", "gmail"),
            "feature": "no_more",
            "reason": "x",
        },
        [
            "Opened: 1 value; 1,200 values stayed closed.",
            "A member asked for it for a feature that people see, to go to a page in the browser.",
            "The values came from Google Calendar, Google Contacts and Gmail.",
            "The connection it came from has ended since, so the log does not tell whose it was.",
            "The reason is recorded as “x”.",
        ],
    ),
    (
        {"opened": 0, "withheld": 2_000, "reason": "limited_use", "labels": ()},
        [
            "Withheld: 2,000 values stayed closed, and a mark stood in their place.",
            ASKED,
        ],
    ),
    (
        NOTHING | {"kind": Kind.SECURITY_EVENT, "decision": Decision.REFUSE, "reason": "egress_bypassed"},
        [
            "Refused: nothing of the answer was given.",
            "A connection that did not take the product's one way out was stopped.",
        ],
    ),
    (
        NOTHING | {"kind": Kind.SECURITY_EVENT, "decision": Decision.EVENT, "reason": "decoy_opened"},
        [REASONS["decoy_opened"], "Nothing was opened by it."],
    ),
    (
        NOTHING | {"kind": Kind.SECURITY_EVENT, "decision": Decision.EVENT, "reason": "tokens-revoked"},
        [EVENTS[Kind.SECURITY_EVENT], "Nothing was opened by it."],
    ),
    (
        NOTHING | {"kind": Kind.STAFF_CASE, "decision": Decision.EVENT, "reason": "opened", "ticket": str(ME)},
        [
            EVENTS[Kind.STAFF_CASE],
            f"The case is {ME}.",
            "Under it something was opened, together with more: the entry before it tells how much.",
        ],
    ),
    (
        NOTHING | {"kind": Kind.CONSENT, "decision": Decision.EVENT, "consent": str(OTHER)},
        [EVENTS[Kind.CONSENT], f"The record of the consent is {OTHER}.", "Nothing was opened by it."],
    ),
]


@pytest.mark.parametrize(("said", "told"), EXPLAINED)
def test_an_entry_is_explained_in_these_words(said: dict, told: list[str]) -> None:
    assert why(leaf(**said), ()) == told


def test_each_entry_names_the_policy_that_was_in_force(office: Office) -> None:
    office.share(Sharing.AND_SUBJECTS)
    office.bert.get(f"/people/{office.person_id}")
    told = office.leaves(*Kind)
    assert {Kind.SIGN_IN, Kind.MEMBERSHIP, Kind.GRANT, Kind.CONSENT, Kind.RELEASE} <= {one.kind for one in told}
    assert {one.policy for one in told} == {shipped_policy().digest}


def test_auditors_read_why_beside_each_entry(office: Office) -> None:
    office.share(Sharing.AND_SUBJECTS)
    office.bert.get(f"/people/{office.person_id}")
    office.role(office.bert, Role.AUDITOR)
    text = sentences(office.bert.get("/log?sink=browser").text)
    assert "Why?" in text
    assert "It came from a colleague's account, and who asked sees no more of it than its owner shares." in text
    office.anna.get(f"/people/{office.person_id}")
    assert "Who asked owns the account it came from." in sentences(office.anna.get("/log").text)


def test_auditors_ask_what_happens_to_a_value(office: Office) -> None:
    assert office.carl.get("/policy").status_code == 403
    office.role(office.carl, Role.AUDITOR)
    page = sentences(office.carl.get("/policy").text)
    assert "What no rule can allow" in page
    assert shipped_policy().digest in page
    assert all(rule.said in page for rule in shipped_policy().rules)
    asked = "/policy?label=gmail&viewer=teammate&purpose=user_feature&feature=timeline"
    ai = sentences(office.carl.get(f"{asked}&sink=ai_tool").text)
    assert "No configuration can open a value from Google for ai_tool" in ai
    shown = sentences(office.carl.get(f"{asked}&sink=browser&sharing=and_subjects&aspect=subjects").text)
    assert "It is shown." in shown
    assert "which shows teammates subjects" in shown
    kept = sentences(office.carl.get(f"{asked}&sink=browser&sharing=and_subjects&aspect=content").text)
    assert "It is kept back, with a mark." in kept


@pytest.mark.parametrize("word", ["label", "viewer", "sink", "purpose", "feature", "sharing", "aspect"])
def test_a_word_that_the_policy_has_not_is_told(anna: Person, word: str) -> None:
    anna.sign_in()
    said = {
        "label": "gmail", "viewer": "owner", "sink": "browser", "purpose": "user_feature", "feature": "people"
    }  # fmt: skip
    answer = anna.client.get("/policy", query_string=said | {word: "nonsense"}, base_url="http://localhost:8080")
    assert answer.status_code == 422
