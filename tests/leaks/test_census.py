"""There are enough attempts and flows, of every group, and the result line counts them as it says."""

from types import SimpleNamespace

import pytest

from tests.leaks import attempts, flows
from tests.leaks.registry import ATTEMPTS, FLOWS, GROUPS, ways
from tests.leaks.result import ATTEMPT, FLOW, LEAKED, result_line

attempts.load()
flows.load()
LEAST_ATTEMPTS, LEAST_FLOWS = 150, 50


def test_there_are_enough_attempts_told_apart_by_sink_and_technique() -> None:
    distinct = set(ways())
    assert len(distinct) >= LEAST_ATTEMPTS
    twice = [made.name for made in ATTEMPTS.values() if list(ways()).count((made.sink, made.technique)) > 1]
    assert twice == [], "two attempts are the same way out: name what tells them apart"


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_tried(group: str) -> None:
    assert len({made.technique for made in ATTEMPTS.values() if made.group == group}) >= 5


def test_every_way_of_the_corpus_is_tried() -> None:
    tried = {number for made in ATTEMPTS.values() for number in made.corpus}
    assert sorted(set(range(1, 75)) - tried) == []


def test_enough_flows_must_pass() -> None:
    assert len(FLOWS) >= LEAST_FLOWS


def _report(outcome: str, *said: tuple[str, str]) -> SimpleNamespace:
    return SimpleNamespace(outcome=outcome, user_properties=list(said))


def test_the_result_line_counts_leaks_and_flows() -> None:
    assert result_line([]) is None
    good = [_report("passed", (ATTEMPT, "a")), _report("passed", (ATTEMPT, "b")), _report("passed", (FLOW, "f"))]
    assert result_line(good) == "leaks 0 of 2 · legitimate 1 of 1"
    bad = [_report("failed", (ATTEMPT, "c"), (LEAKED, "c")), _report("failed", (FLOW, "g"))]
    assert result_line(good + bad) == "leaks 1 of 3 · legitimate 1 of 2"
    other = [_report("failed", (ATTEMPT, "d"))]
    assert result_line(other) == "leaks 0 of 1 · legitimate 0 of 0 · 1 refused otherwise than they should"
