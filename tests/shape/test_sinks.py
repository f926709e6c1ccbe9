"""Every class of place that data may go to has an adaptor, rules, tests and a line in the guide, or none of them."""

import ast
import re
from pathlib import Path

import pytest

from limited_use.log.words import Sink
from limited_use.policy import shipped_policy

ROOT = Path(__file__).parents[2]
ADAPTORS = ROOT / "limited_use" / "sinks"
WITHOUT = {Sink.TRAINING, Sink.ANALYTICS, Sink.ADS, Sink.BROKER, Sink.CREDIT}
"""Classes that nothing may ever go to: they have a word, so that a refusal can be logged, and no adaptor."""
NOT_ADAPTORS = {"__init__", "presentations", "trees", "batches"}
"""What adaptors share."""
SINKS = [sink for sink in Sink if sink is not Sink.UNKNOWN and sink not in WITHOUT]
RULED = {cell[2] for cell in shipped_policy().cells}


def words_of(path: Path) -> set[str]:
    """Return every name and attribute that the module uses."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute)} | {
        node.id for node in nodes if isinstance(node, ast.Name)
    }


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_has_an_adaptor_that_asks_the_guard(sink: Sink) -> None:
    path = ADAPTORS / f"{sink}.py"
    assert path.exists(), (
        f"sink {sink} has no adaptor: write limited_use/sinks/{sink}.py, which composes sealed and has the guard open, "
        "or add it to WITHOUT, if nothing may ever go there"
    )
    assert words_of(path) & {"release", "_release", "refuse"}, f"{sink}.py does not let the guard decide"


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_has_a_rule(sink: Sink) -> None:
    assert sink in RULED, (
        f"no rule names sink {sink}, so that everything is refused there: write rules into limited_use/policy.toml"
    )


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_stands_in_the_guide(sink: Sink) -> None:
    said = (ROOT / "docs" / "limited-use.md").read_text()
    assert re.search(rf"[`\s]{sink}[`,\s]", said), (
        f"docs/limited-use.md does not speak of sink {sink}: add it to the table"
    )


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_has_tests_of_its_own(sink: Sink) -> None:
    tests = [path.read_text() for path in (ROOT / "tests" / "limited_use").rglob("test_*.py")]
    named = re.compile(rf"sinks\.{sink}\b|from limited_use\.sinks import .*\b{sink}\b")
    assert any(named.search(text) for text in tests), (
        f"nothing in tests/limited_use uses the adaptor of sink {sink}: "
        "test what it opens, withholds, refuses and escapes"
    )


@pytest.mark.parametrize("sink", sorted(WITHOUT))
def test_what_nothing_may_go_to_has_no_adaptor_and_no_rule_that_opens(sink: Sink) -> None:
    assert not (ADAPTORS / f"{sink}.py").exists()
    assert sink not in RULED


def test_a_module_of_the_sinks_is_an_adaptor_or_shared_by_them() -> None:
    modules = {path.stem for path in ADAPTORS.glob("*.py")}
    strays = modules - NOT_ADAPTORS - {str(sink) for sink in Sink}
    assert not strays, (
        f"limited_use/sinks/{'.py, '.join(sorted(strays))}.py is no sink: give it a word in limited_use/log/words.py, "
        "by which the log will name it"
    )
