"""The stack of cards that one person has open beside one message or event.

The last card is the one that is seen. Navigations change the stack as Gmail does: push, update the last one, pop, pop
to a named card or to the first. Stacks live in memory: a restart closes the sidebar, as reloading Gmail does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

_KEPT = 200


@dataclass
class Stack:
    """Cards from the first to the one that is seen, and what the person is told besides.

    `ms` is how long the add-on took; `absent` says that it is not made for this place at all.
    """

    cards: list[dict[str, Any]] = field(default_factory=list)
    notification: str | None = None
    link: str | None = None
    problems: list[str] = field(default_factory=list)
    scopes_wanted: list[str] | None = None
    ms: float = 0.0
    absent: bool = False

    @property
    def seen(self) -> dict[str, Any] | None:
        """The card that is seen."""
        return self.cards[-1] if self.cards else None


def navigate(cards: list[dict[str, Any]], navigations: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Give the stack after some navigations; what cannot be done is left undone."""
    after = list(cards)
    for name, value in navigations:
        if name == "pushCard" and isinstance(value, dict):
            after.append(value)
        elif name == "updateCard" and isinstance(value, dict):
            after[-1:] = [value]
        elif name == "pop" and len(after) > 1:
            after.pop()
        elif name == "popToRoot":
            after = after[:1]
        elif name == "popToCard":
            places = [place for place, card in enumerate(after) if card.get("name") == value]
            after = after[: places[-1] + 1] if places else after
    return after


class Stacks:
    """The open stacks by (account, host, id of what is open); the ones not looked at for longest are closed."""

    def __init__(self) -> None:
        self._stacks: OrderedDict[tuple[str, str, str], Stack] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: tuple[str, str, str]) -> Stack | None:
        """Give the stack of a key, if it is open."""
        with self._lock:
            return self._stacks.get(key)

    def keep(self, key: tuple[str, str, str], stack: Stack) -> None:
        """Have the stack of a key be this one."""
        with self._lock:
            self._stacks[key] = stack
            self._stacks.move_to_end(key)
            while len(self._stacks) > _KEPT:
                self._stacks.popitem(last=False)

    def close_others(self, key: tuple[str, str, str]) -> None:
        """Have only this stack of its account: the add-on said that what the others show is out of date."""
        with self._lock:
            for other in [other for other in self._stacks if other[0] == key[0] and other != key]:
                del self._stacks[other]

    def close(self, key: tuple[str, str, str]) -> None:
        """Have no stack for a key."""
        with self._lock:
            self._stacks.pop(key, None)
