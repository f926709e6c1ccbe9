"""Every attempt fails, for its own reason, and leaves no trace of what it was after in any channel."""

from typing import Any

import pytest

from limited_use.log.leaf import Leaf
from limited_use.sealing import Labelled, Sealed
from tests.leaks import attempts
from tests.leaks.registry import ATTEMPTS, Attempt, LeafSays
from tests.leaks.result import ATTEMPT, LEAKED

attempts.load()


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=str)
def test_nothing_leaves(attempt: Attempt, house: Any, trap: Any, tell: Any) -> None:
    tell(ATTEMPT, attempt.name)
    before = 0 if attempt.per_value else house.last_leaf()
    with trap:
        try:
            _make(attempt, house, trap)
        finally:
            # What is done to a value in memory reaches no database by itself; what all of it left is hunted at the end.
            finds = trap.finds(without=attempt.shown_in, resting=not attempt.per_value)
            if finds:
                tell(LEAKED, attempt.name)
    assert finds == [], "a planted text was found"
    if not attempt.per_value:
        _check_leaves(attempt, house.leaves(before))


def test_nothing_of_all_that_rests_anywhere(trap: Any) -> None:
    """After all attempts: both databases, the queue, the server's log and everything the process says."""
    with trap:
        assert trap.finds() == []


def _make(attempt: Attempt, house: Any, trap: Any) -> None:
    """Make the attempt, on each value that it is for."""
    given = {"house": house, "trap": trap}
    if not attempt.per_value:
        _try(attempt, trap, *(given[name] for name in attempt.takes))
        return
    for value in house.loaded.values():
        if attempt.per_value == "value" or type(value) is Sealed:
            _try(attempt, trap, value)


def _try(attempt: Attempt, trap: Any, *given: Any) -> None:
    """Make the attempt; it comes up against the error it should, or runs through."""
    try:
        got = attempt.act(*given)
    except AssertionError:
        raise
    except Exception as error:
        trap.fail(error)
        if not isinstance(error, attempt.refused):
            raise
        return
    if attempt.refused:
        pytest.fail(f"it was not refused, and gave a {type(got).__name__}")
    if got is not None and type(got) not in (Sealed, Labelled):
        trap.keep(got)


def _check_leaves(attempt: Attempt, leaves: list[Leaf]) -> None:
    """The log says what it should, and of no opening that should not have been."""
    said = [LeafSays(leaf.decision, leaf.sink or "", leaf.reason) for leaf in leaves]
    if attempt.leaf is not None:
        assert attempt.leaf in said, f"the log says {said}"
    if not attempt.opens:
        assert [leaf.opened for leaf in leaves if leaf.opened] == [], f"something was opened: {said}"
