"""The lists of attempts and of legitimate flows, each with a name, and what has to come of it.

An attempt is counted by its (sink, technique): trying it on another field is no other attempt.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

GROUPS = {
    "A": "in the language itself",
    "B": "logs, errors, metrics, traces",
    "C": "databases and storage",
    "D": "deriving and merging",
    "E": "outbound channels of the application",
    "F": "background work, caches, staff, endings",
}


class LeafSays(NamedTuple):
    """What the leaf of a refusal or withholding says."""

    decision: str
    sink: str
    reason: str | None


@dataclass(frozen=True)
class Attempt:
    """One way in which data could get out, which has to fail, and why it fails."""

    name: str
    group: str
    sink: str
    technique: str
    corpus: tuple[int, ...]
    act: Callable[..., Any]
    refused: tuple[type[BaseException], ...]
    leaf: LeafSays | None
    opens: bool
    shown_in: frozenset[str]

    @property
    def per_value(self) -> str | None:
        """Return `value` if it is tried on each guarded value by itself, `sealed` on each sealed one, else None."""
        return self.takes[0] if self.takes[0] in ("value", "sealed") else None

    @property
    def takes(self) -> tuple[str, ...]:
        """Return what it is to be given: a value; or the house, and the trap."""
        return tuple(inspect.signature(self.act).parameters)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Flow:
    """Something that users are meant to do, which has to work."""

    name: str
    act: Callable[..., Any]
    shown_in: frozenset[str]

    def __str__(self) -> str:
        return self.name


ATTEMPTS: dict[str, Attempt] = {}
FLOWS: dict[str, Flow] = {}

Act = Callable[..., Any]


def attempt(
    name: str,
    *,
    sink: str,
    technique: str,
    corpus: int | tuple[int, ...] = (),
    refused: type[BaseException] | tuple[type[BaseException], ...] = (),
    leaf: tuple[str, str, str | None] | None = None,
    opens: bool = False,
    shown_in: tuple[str, ...] = (),
) -> Callable[[Act], Act]:
    """Return a decorator that registers an attempt; the name begins with its group: `E57-requests`.

    `corpus` are the numbers that it has in the corpus of ways out. `refused`: the errors of which one must come
    up to the caller; without any, the attempt runs through and all it got hold of is hunted through. `leaf`: what an
    entry of the log must say. `opens`: an entry may tell of an opening, because the asker may see something on the way,
    or because what was allowed to open did not (it was tampered with). `shown_in` names the channels in which the asker
    rightly sees something; there the attempt itself asserts what must not be.
    """

    def keep(act: Act) -> Act:
        refusals = refused if isinstance(refused, tuple) else (refused,)
        numbers = corpus if isinstance(corpus, tuple) else (corpus,)
        says = LeafSays(*leaf) if leaf else None
        made = Attempt(name, name[0], sink, technique, numbers, act, refusals, says, opens, frozenset(shown_in))
        assert made.group in GROUPS, name
        assert ATTEMPTS.setdefault(name, made) is made, f"two attempts are called {name}"
        return act

    return keep


def legitimate(name: str, *, shown_in: tuple[str, ...] = ("http", "attempt")) -> Callable[[Act], Act]:
    """Return a decorator that registers a flow; `shown_in` are the channels where content is meant to arrive."""

    def keep(act: Act) -> Act:
        made = Flow(name, act, frozenset(shown_in))
        assert FLOWS.setdefault(name, made) is made, f"two flows are called {name}"
        return act

    return keep


def ways() -> Iterator[tuple[str, str]]:
    """Yield each attempt's sink and technique: what is counted."""
    for made in ATTEMPTS.values():
        yield made.sink, made.technique
