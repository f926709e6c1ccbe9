"""What the benchmarks print: budgets met or missed, peers with their ratio; and a mailbox that is the same twice."""

import contextlib
import mailbox as standard_mailbox

import pytest

from bench import mailbox
from bench.cases import BENCHMARKS
from bench.figures import Figure, percentile, shown
from bench.person import BenchError, Person


def test_a_figure_over_its_budget_says_missed():
    assert Figure("x", 2.1, "s", most=2).verdict == "MISSED"
    assert Figure("x", 2.0, "s", most=2).verdict == "met"


def test_a_figure_under_what_was_asked_says_missed():
    assert Figure("x", 94.9, "%", least=95).verdict == "MISSED"
    assert Figure("x", 95.0, "%", least=95).verdict == "met"


def test_a_figure_without_a_budget_judges_nothing():
    figure = Figure("x", 1e9, "s")
    assert (figure.verdict, figure.budget) == ("", "")


def test_a_peer_stands_below_its_figure_with_the_ratio():
    ours, peer = Figure("ours", 3.0, "ms", most=4, peer="theirs", peer_value=2.0).lines()
    assert "at most 4" in ours
    assert ours.endswith("met")
    assert "theirs" in peer
    assert peer.endswith("1.50 times that")


def test_a_peer_of_nought_gives_no_ratio():
    assert "times" not in Figure("ours", 3.0, "ms", peer="theirs", peer_value=0.0).lines()[1]


@pytest.mark.parametrize(("value", "text"), [(12345.6, "12,346"), (99.96, "100"), (0.16213, "0.162"), (0, "0")])
def test_numbers_are_shown_with_what_matters_of_them(value, text):
    assert shown(value) == text


def test_a_percentile_is_one_of_the_values():
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7


def test_the_mailbox_is_the_same_every_time_and_as_large_as_asked(tmp_path):
    first, second = (mailbox.write(tmp_path / name, 60) for name in ("one", "two"))
    (one,), (two,) = first.rglob("*.mbox"), second.rglob("*.mbox")
    assert one.read_bytes() == two.read_bytes()
    with contextlib.closing(standard_mailbox.mbox(one)) as opened:
        read = list(opened)
    assert len(read) == 60
    assert {message["Message-ID"] for message in read} >= {message["References"] for message in read} - {None}


def test_the_benchmarks_that_the_makefile_names_exist():
    assert {"import", "quota", "guard", "log", "card", "disconnect"} <= set(BENCHMARKS)


def test_a_product_that_does_not_answer_as_expected_is_not_measured(monkeypatch):
    person = Person("http://127.0.0.1:1", "someone@example.test")
    monkeypatch.setattr(person, "counts", lambda: {"collections": [{"kind": "mail", "state": "failed"}]})
    with pytest.raises(BenchError, match="did not come in step"):
        person.wait_for("mail")
