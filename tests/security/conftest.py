"""Two members of one organisation, the application, and the local Google."""

import pytest

from tests.addon.conftest import World
from tests.signing_in import anna, app, google, migrated
from tests.web.test_api import Api

__all__ = ["anna", "app", "google", "migrated"]


@pytest.fixture
def world(runtime):
    return World(runtime)


@pytest.fixture
def ann(world):
    return world.member("Ann")


@pytest.fixture
def bob(world):
    return world.member("Bob")


@pytest.fixture
def api(runtime, app, world):
    return Api(runtime, app.test_client(), world)
