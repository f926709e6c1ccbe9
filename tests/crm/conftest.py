"""An organisation to fill, for every test here."""

import pytest

from kernel.runtime import Runtime
from tests.crm.world import World


@pytest.fixture
def world(runtime: Runtime) -> World:
    return World(runtime)
