"""What users are meant to do works, with the real content where it belongs, and in no other channel."""

from typing import Any

import pytest

from tests.leaks import flows
from tests.leaks.registry import FLOWS, Flow
from tests.leaks.result import FLOW

flows.load()


@pytest.mark.parametrize("flow", FLOWS.values(), ids=str)
def test_it_works(flow: Flow, house: Any, trap: Any, tell: Any) -> None:
    tell(FLOW, flow.name)
    with trap:
        flow.act(house)
        finds = trap.finds(without=flow.shown_in)
    assert finds == [], "what was rightly shown was found in another channel, too"
