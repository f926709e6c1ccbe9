"""The policy: deny by default, refuse wins, and some denials that no file can lift."""

import itertools
import tomllib

import pytest

import worker
from accounts.models import Sharing
from accounts.sharing import RANK, opens
from kernel.database import Aspect
from limited_use import policy_file
from limited_use.log.words import Decision, Purpose, Sink
from limited_use.policy import (
    FROM_SOURCES,
    NEVER_NAMED,
    NEVER_OPEN,
    OURS,
    Kind,
    PolicyError,
    Question,
    Viewer,
    explain,
    read_policy,
    shipped_policy,
    strictest,
)
from limited_use.policy_file import FILE
from web.app import create_app

FROM_GOOGLE = [kind for kind in Kind if kind not in OURS]
MAY_SEE = {
    Sink.BROWSER: {Viewer.OWNER, Viewer.SHARED, Viewer.CONSENTED},
    Sink.SIDEBAR: {Viewer.OWNER, Viewer.SHARED},
    Sink.API: {Viewer.OWNER, Viewer.SHARED},
    Sink.EXPORT: {Viewer.OWNER, Viewer.SHARED},
    Sink.STAFF: {Viewer.CONSENTED, Viewer.CASE},
    Sink.GOOGLE: {Viewer.SAME_GRANT, Viewer.NO_GRANT},
    Sink.AI_TOOL: set(),
    Sink.WEBHOOK: set(),
    Sink.MAIL: set(),
}
"""Who may see anything from Google where: what no rule may widen without a change here."""


def every_question():
    features = [*shipped_policy().features, "no_such_feature"]
    return itertools.product(Kind, Purpose, Sink, Viewer, features)


def decide(kind, purpose, sink, viewer, feature):
    return shipped_policy().decide([kind], purpose, sink, viewer, feature)


def rule(**said):
    whole = {
        "label": ["gmail"],
        "purpose": ["user_feature"],
        "sink": ["browser"],
        "viewer": ["owner"],
        "features": ["people"],
        "then": "open",
        **said,
    }
    lines = [f"{key} = {value!r}".replace("'", '"') for key, value in whole.items() if value is not None]
    return "\n".join(["[[rules]]", *lines])


def policy(*rules):
    return read_policy("\n".join(['[features]\npeople = "People"\nlog = "Log"', *rules]).encode())


def test_nothing_from_google_is_ever_opened_for_ai_training_ads_brokers_or_credit():
    checked = 0
    for kind, purpose, sink, viewer, feature in every_question():
        if kind in FROM_GOOGLE and sink in NEVER_OPEN:
            checked += 1
            assert decide(kind, purpose, sink, viewer, feature) is not Decision.OPEN
    assert checked == len(FROM_GOOGLE) * len(Purpose) * len(NEVER_OPEN) * len(Viewer) * (
        len(shipped_policy().features) + 1
    )


def test_the_whole_finite_domain_keeps_the_invariants():
    opened = set()
    for kind, purpose, sink, viewer, feature in every_question():
        if decide(kind, purpose, sink, viewer, feature) is not Decision.OPEN:
            continue
        opened.add((kind, purpose, sink, viewer))
        assert feature in shipped_policy().features
        assert purpose is not Purpose.UNKNOWN
        assert purpose is not Purpose.AI_INFERENCE
        assert sink in MAY_SEE, (
            f"a rule opens something at sink {sink}: say in MAY_SEE who may see what is Google's there"
        )
        if kind in FROM_SOURCES:
            assert viewer in MAY_SEE[sink]
        if kind is Kind.TOKENS:
            assert sink is Sink.GOOGLE
        if kind is Kind.DETAIL:
            assert (sink, feature) == (Sink.BROWSER, "log")
        if sink is Sink.GOOGLE:
            assert kind in FROM_GOOGLE
            assert viewer is Viewer.SAME_GRANT or (kind, purpose) == (Kind.TOKENS, Purpose.SECURITY)
        if sink is Sink.AI_TOOL:
            assert (kind in OURS, feature) == (True, "ai_export")
    assert len(opened) > 20


def test_figures_over_many_people_are_shown_on_the_page_of_the_team_alone():
    for purpose, sink, viewer, feature in itertools.product(Purpose, Sink, Viewer, shipped_policy().features):
        if decide(Kind.AGGREGATE, purpose, sink, viewer, feature) is Decision.OPEN:
            assert (sink, feature, purpose) == (Sink.BROWSER, "team", Purpose.USER_FEATURE)


def test_staff_see_what_its_owner_or_a_case_opened_and_nothing_else():
    for kind, purpose, viewer, feature in itertools.product(FROM_GOOGLE, Purpose, Viewer, shipped_policy().features):
        if decide(kind, purpose, Sink.STAFF, viewer, feature) is Decision.OPEN:
            assert (viewer in {Viewer.CONSENTED, Viewer.CASE}, feature) == (True, "openings")


STRICTNESS = [Decision.OPEN, Decision.WITHHOLD, Decision.REFUSE]


def every_sharing():
    features = [*shipped_policy().features, "no_such_feature"]
    return itertools.product(Kind, Purpose, Sink, features, Aspect)


def shown(kind, purpose, sink, feature, aspect, level):
    viewer = Viewer.SHARED if opens(RANK[level], aspect) else Viewer.TEAMMATE
    return decide(kind, purpose, sink, viewer, feature)


def test_a_higher_level_never_shows_less_and_each_aspect_opens_at_one_level():
    for aspect in Aspect:
        seen = [opens(RANK[level], aspect) for level in Sharing]
        assert seen == sorted(seen)
        assert seen[0] is False
        assert seen[-1] is (aspect is not Aspect.NONE)
    assert not opens(RANK[Sharing.EVERYTHING], None)
    checked = 0
    for asked in every_sharing():
        grows = [STRICTNESS.index(shown(*asked, level)) for level in Sharing]
        assert grows == sorted(grows, reverse=True), asked
        checked += 1
    assert checked == len(Kind) * len(Purpose) * len(Sink) * (len(shipped_policy().features) + 1) * len(Aspect)


def test_what_users_wrote_never_depends_on_sharing():
    for kind, purpose, sink, feature, aspect in every_sharing():
        if kind in OURS:
            assert len({shown(kind, purpose, sink, feature, aspect, level) for level in Sharing}) == 1


def test_a_teammate_is_shown_nothing_that_is_not_shared_and_never_more_than_its_owner():
    for kind, purpose, sink, feature in itertools.product(
        FROM_SOURCES, Purpose, Sink, [*shipped_policy().features, "none"]
    ):
        for viewer in (Viewer.TEAMMATE, Viewer.NOBODY, Viewer.MEMBER, Viewer.OTHER_GRANT, Viewer.NO_GRANT):
            assert decide(kind, purpose, sink, viewer, feature) is not Decision.OPEN
        if decide(kind, purpose, sink, Viewer.SHARED, feature) is Decision.OPEN:
            assert decide(kind, purpose, sink, Viewer.OWNER, feature) is Decision.OPEN
            assert purpose is Purpose.USER_FEATURE
        for opened in (Viewer.SHARED, Viewer.CONSENTED, Viewer.CASE):
            one = STRICTNESS.index(decide(kind, purpose, sink, opened, feature))
            assert one <= STRICTNESS.index(decide(kind, purpose, sink, Viewer.TEAMMATE, feature))


@pytest.mark.parametrize("viewer", ["teammate", "nobody", "member", "other_grant", "no_grant"])
@pytest.mark.parametrize("kind", sorted(FROM_SOURCES))
def test_no_file_opens_what_accounts_hold_to_somebody_to_whom_the_owner_did_not(viewer, kind):
    with pytest.raises(PolicyError, match="to whom its owner did not"):
        policy(rule(label=["native", str(kind)], viewer=["owner", viewer]))


def test_the_table_is_what_the_file_says_rule_by_rule():
    """The same file, read once more by the plainest means."""
    said = tomllib.loads(FILE.read_text())
    told = {}
    for number, one in enumerate(said["rules"], 1):
        named = said["features"] if one["features"] == "all" else one["features"]
        for cell in itertools.product(one["label"], one["purpose"], one["sink"], one["viewer"], named):
            told.setdefault(cell, []).append((STRICTNESS.index(Decision(one["then"])), number))
    table = shipped_policy()
    assert set(table.cells) == set(told)
    for cell, rules in told.items():
        assert table.cells[cell] is STRICTNESS[max(rules)[0]]
        assert (STRICTNESS.index(table.cells[cell]), table.deciding[cell]) in rules
    assert len(table.rules) == len(said["rules"])


def test_each_rule_says_what_it_is_for():
    assert all(len(one.said) > 20 for one in shipped_policy().rules)


def test_an_explanation_is_the_decision_and_the_rule_behind_it():
    for kind, purpose, sink, viewer, feature in every_question():
        told = explain(Question(kind, purpose, sink, viewer, feature))
        assert told.decision is decide(kind, purpose, sink, viewer, feature)
        if told.decision is not Decision.REFUSE:
            assert told.rule is not None
            assert told.why


@pytest.mark.parametrize(
    ("asked", "decision", "words"),
    [
        ({"sink": Sink.AI_TOOL, "feature": "ai_export"}, "withhold", "No configuration can open"),
        ({"sink": Sink.TRAINING}, "refuse", "No configuration can open"),
        ({"purpose": Purpose.LEGAL}, "refuse", "No rule speaks of it"),
        ({}, "open", "The owner sees their own"),
        ({"viewer": Viewer.TEAMMATE}, "withhold", "they see that something is there"),
    ],
)
def test_explanations_name_what_decided(asked, decision, words):
    told = explain(question(**asked))
    assert (str(told.decision), told.sharing, told.policy) == (decision, None, shipped_policy().digest)
    assert words in told.why


def test_an_explanation_says_what_sharing_has_to_do_with_it():
    asked = {"viewer": Viewer.TEAMMATE, "shared": Sharing.AND_SUBJECTS}
    subjects, content = (explain(question(**asked, aspect=one)) for one in (Aspect.SUBJECTS, Aspect.CONTENT))
    assert (str(subjects.decision), subjects.viewer) == ("open", Viewer.SHARED)
    assert (str(content.decision), content.viewer) == ("withhold", Viewer.TEAMMATE)
    assert "shows teammates subjects" in subjects.sharing
    assert "does not show teammates content" in content.sharing
    assert explain(question(viewer=Viewer.OWNER, shared=Sharing.ONLY_ME)).sharing is None
    assert str(explain(question(**asked)).decision) == "withhold", "of a value that declares no aspect"


def question(**said):
    whole = {
        "kind": Kind.GMAIL,
        "purpose": Purpose.USER_FEATURE,
        "sink": Sink.BROWSER,
        "viewer": Viewer.OWNER,
        "feature": "people",
        **said,
    }
    return Question(**whole)


def test_uniting_labels_never_loosens_a_decision():
    table = shipped_policy()
    for sink, viewer in itertools.product(Sink, Viewer):
        for one, other in itertools.product(Kind, Kind):
            asked = (Purpose.USER_FEATURE, sink, viewer, "people")
            both = table.decide([one, other], *asked)
            assert both is strictest([table.decide([one], *asked), table.decide([other], *asked)])


def test_a_value_of_no_origin_is_refused():
    assert shipped_policy().decide([], Purpose.USER_FEATURE, Sink.BROWSER, Viewer.OWNER, "people") is Decision.REFUSE


@pytest.mark.parametrize("sink", sorted(NEVER_OPEN))
@pytest.mark.parametrize("kind", FROM_GOOGLE)
@pytest.mark.parametrize("beside", [[], ["browser"], ["api", "export"]])
@pytest.mark.parametrize("native", [[], ["native"]])
def test_a_rule_that_opens_for_such_a_sink_keeps_the_product_from_starting(sink, kind, beside, native):
    with pytest.raises(PolicyError, match="No configuration can allow that"):
        policy(rule(label=[*native, str(kind)], sink=[*beside, str(sink)]))


@pytest.mark.parametrize("sink", sorted(NEVER_NAMED))
def test_a_rule_may_not_even_withhold_for_most_of_them(sink):
    with pytest.raises(PolicyError):
        policy(rule(sink=[str(sink)], then="withhold"))


def test_the_decision_does_not_obey_a_table_that_was_changed_in_memory():
    cell = (Kind.GMAIL, Purpose.USER_FEATURE, Sink.AI_TOOL, Viewer.OWNER, "people")
    table = policy(rule())
    changed = type(table)(table.digest, table.features, {**table.cells, cell: Decision.OPEN})
    assert changed.decide([Kind.GMAIL], *cell[1:]) is Decision.REFUSE


@pytest.mark.parametrize(
    ("rules", "deciding"),
    [
        ([rule(), rule(then="refuse")], 2),
        ([rule(then="refuse"), rule()], 1),
        ([rule(), rule(then="withhold"), rule(then="refuse"), rule(), rule(then="refuse")], 3),
    ],
)
def test_refuse_wins_in_any_order_by_the_first_rule_that_says_so(rules, deciding):
    table = policy(*rules)
    asked = (Purpose.USER_FEATURE, Sink.BROWSER, Viewer.OWNER, "people")
    assert table.decide([Kind.GMAIL], *asked) is Decision.REFUSE
    assert set(table.deciding.values()) == {deciding}
    assert policy(rule(), rule(then="withhold")).decide([Kind.GMAIL], *asked) is Decision.WITHHOLD


_SHAPE = "The policy file holds features and rules, and nothing else."
_WHERE = "Each feature of the policy file says where people see it."
_DENIED = "Rule 2 of the policy would send data from Google to AI, training, ads, brokers or credit. No"
_UNREGISTERED = "Rule 2 of the policy names a feature that is not registered."


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff", "The policy file is not TOML."),
        (b"x =", "The policy file is not TOML."),
        (b"", _SHAPE),
        (b"rules = []", _SHAPE),
        (b'[features]\npeople = ""\n[[rules]]', _WHERE),
        *((f"[features]\npeople = {where}\n{rule()}".encode(), _WHERE) for where in ('""', "5", "[]", "{}", "true")),
        *(
            (f'[features]\npeople = "People"\n{rule()}\n{said}'.encode(), sentence)
            for said, sentence in (
                (rule(label=["gmial"]), "Rule 2 of the policy uses a word that is no kind."),
                (rule(label=[]), "Rule 2 of the policy lacks a kind."),
                (rule(label="gmail"), "Rule 2 of the policy lacks a kind."),
                (rule(sink=["no_such"]), "Rule 2 of the policy uses a word that is no sink."),
                (rule(purpose=["no_such"]), "Rule 2 of the policy uses a word that is no purpose."),
                (rule(sink=["unknown"]), "Rule 2 of the policy decides something that cannot be asked."),
                (rule(purpose=["unknown"]), "Rule 2 of the policy decides something that cannot be asked."),
                (rule(then="event"), "Rule 2 of the policy decides something that cannot be asked."),
                (rule(viewer=["everyone"]), "Rule 2 of the policy uses a word that is no viewer."),
                (rule(then="allow"), "Rule 2 of the policy uses a word that is no decision."),
                (rule(then=None), "Rule 2 of the policy needs exactly: features, label, purpose, sink, then, viewer."),
                (rule(extra="x"), "Rule 2 of the policy needs exactly: features, label, purpose, sink, then, viewer."),
                (rule(features=["nobody_sees_it"]), _UNREGISTERED),
                (rule(features=[]), _UNREGISTERED),
                (rule(features="some"), _UNREGISTERED),
                (
                    rule(sink=["ads"]),
                    _DENIED,
                ),
            )
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused_naming_the_rule(content, sentence):
    with pytest.raises(PolicyError) as refused:
        read_policy(content)
    assert sentence in str(refused.value)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """A policy file that would give mail to an AI tool, in the place of the shipped one."""
    path = tmp_path / "policy.toml"
    path.write_text(FILE.read_text() + rule(sink=["ai_tool"], features=["ai_export"]))
    monkeypatch.setattr(policy_file, "FILE", path)
    for read_once in (policy_file.content, policy_file.digest, shipped_policy):
        read_once.cache_clear()
    yield
    for read_once in (policy_file.content, policy_file.digest, shipped_policy):
        read_once.cache_clear()


@pytest.mark.usefixtures("broken")
def test_neither_web_nor_worker_starts_with_such_a_file(settings, runtime, monkeypatch, capsys):
    with pytest.raises(PolicyError):
        create_app(runtime)
    monkeypatch.setattr(worker.Settings, "from_environment", lambda: settings)
    monkeypatch.setattr(worker.egress, "confine", lambda _: None)  # what it would do to this very process
    monkeypatch.setattr(worker.egress, "watch", lambda _: None)
    assert worker.main() == 2
    assert "No configuration can allow that" in capsys.readouterr().err


def test_features_all_means_those_that_are_registered():
    table = policy(rule(features="all"))
    assert {cell[-1] for cell in table.cells} == {"people", "log"}


def test_the_hash_is_that_of_the_file():
    assert shipped_policy().digest == read_policy(FILE.read_bytes()).digest
    assert shipped_policy().digest != read_policy(FILE.read_bytes() + b"\n").digest


def test_each_feature_says_where_people_see_it():
    assert all(where.strip() for where in shipped_policy().features.values())
