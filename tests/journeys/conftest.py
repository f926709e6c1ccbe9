"""A small Google with things in it, the application on it, and its owner with a browser."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.config import Config
from emulator.server import running
from kernel import jobs
from kernel.runtime import Runtime, build
from kernel.settings import GoogleEndpoints, Settings
from tests.journeys.takeouts import OWNER
from tests.journeys.world import World
from tests.signing_in import PUBLIC, Person
from tests.sync.conftest import google_keys
from web.app import create_app

__all__ = ["google_keys", "world"]

jobs.load()


@pytest.fixture
def world(tmp_path: Path, migrated: Settings, runtime: Runtime, google_keys: Path) -> Iterator[Callable[[Path], World]]:
    """Return the maker of a world around a Takeout folder."""
    with ExitStack() as stack:

        def make(takeout: Path) -> World:
            state = tmp_path / "state"
            shutil.copytree(google_keys, state / "keys")
            config = Config(
                state=state,
                client_id=migrated.google_client_id,
                client_secret=migrated.google_client_secret,
                redirect_uris=(f"{PUBLIC}/oauth/callback",),
                takeout=takeout,
                owner=OWNER,
            )
            google = stack.enter_context(running(config))
            here = build(replace(migrated, google=GoogleEndpoints.under(google.url)), runtime.clock)
            stack.callback(here.close)
            app = create_app(here)
            app.testing = False
            return World(here, google, Person(app, OWNER))

        yield make
