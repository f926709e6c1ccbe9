"""Everything one running emulator holds, and how a request finds it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import current_app

from emulator.clock import Clock
from emulator.faults import Faults
from emulator.journal import Journal
from emulator.oauth.keys import Keys
from emulator.quota import Quota
from emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.config import Config

_NAME = "emulator"


@dataclass(frozen=True)
class State:
    """The parts of one emulator; `numbers` gives each value once, for ids that only need to differ."""

    config: Config
    store: Store
    clock: Clock
    keys: Keys
    faults: Faults
    quota: Quota
    journal: Journal
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


def open_state(config: Config) -> State:
    """Open the state folder, with everything it remembers from before."""
    store = Store(config.state)
    clock = Clock(store)
    return State(
        config=config,
        store=store,
        clock=clock,
        keys=Keys(config.state, clock),
        faults=Faults(),
        quota=Quota(clock, config.quota_per_minute),
        journal=Journal(),
    )


def current() -> State:
    """Give the state of the emulator that serves this request."""
    state: State = current_app.extensions[_NAME]
    return state
