"""The house, built once a process on databases of its own, and the trap around each attempt."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.config import Config
from emulator.server import running
from kernel import jobs
from kernel.clock import SystemClock
from kernel.database import connect
from kernel.runtime import build
from kernel.settings import GoogleEndpoints, Settings
from migrations import models
from tests.conftest import Addresses, _fresh_database, _own_redis_database
from tests.leaks.building import MAYA, build_house, write_takeout
from tests.leaks.forms import Hunt
from tests.leaks.house import House, Recording
from tests.leaks.resting import Resting
from tests.leaks.trap import Trap
from tests.signing_in import PUBLIC
from web.app import create_app


@pytest.fixture(scope="session")
def own(servers: Addresses, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings on databases that no other test empties, all tables made."""
    folder = tmp_path_factory.mktemp("leaks")
    with ExitStack() as stack:
        made = replace(
            settings,
            database_url=stack.enter_context(_fresh_database(servers.database_url, "leaks")),
            keys_database_url=stack.enter_context(_fresh_database(servers.keys_database_url, "leak_keys")),
            redis_url=stack.enter_context(_own_redis_database(servers.redis_url)),
            data_folder=folder,
            keyring_path=folder / "keyring.json",
            log_key_path=folder / "log-key.pem",
        )
        models.load()
        for database, address in (("main", made.database_url), ("keys", made.keys_database_url)):
            engine = connect(address)
            models.METADATA[database].create_all(engine)
            engine.dispose()
        yield made


@pytest.fixture(scope="session")
def resting(own: Settings) -> Iterator[Resting]:
    made = Resting(own)
    yield made
    made.close()


@pytest.fixture(scope="session")
def house(own: Settings, resting: Resting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    assert resting
    jobs.load()
    folder = tmp_path_factory.mktemp("google")
    config = Config(
        state=folder / "state",
        client_id=own.google_client_id,
        client_secret=own.google_client_secret,
        redirect_uris=(f"{PUBLIC}/oauth/callback",),
        takeout=write_takeout(folder / "takeout"),
        owner=MAYA,
    )
    with running(config) as google:
        runtime = build(replace(own, google=GoogleEndpoints.under(google.url)), SystemClock())
        app = create_app(runtime)
        app.testing = False
        try:
            yield build_house(runtime, google, app)
        finally:
            runtime.close()


@pytest.fixture(autouse=True)
def _no_rate_used_up(house: House) -> None:
    """A quick machine makes more attempts within a minute than one address is allowed: each starts with none made."""
    for limiter in house.app.extensions["limiter"]:
        limiter.reset()


@pytest.fixture(scope="session")
def hunt(house: House) -> Hunt:
    return Hunt(*house.planted())


@pytest.fixture
def trap(house: House, hunt: Hunt, resting: Resting, tmp_path: Path, capfd: Any) -> Iterator[Trap]:
    """The trap; a test sets it by entering it: only then no handler of pytest's own is in the way."""
    assert house
    resting.start()
    Recording.trap = Trap(hunt, resting.gather, tmp_path, capfd)
    try:
        yield Recording.trap
    finally:
        Recording.trap = None


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Tell the run's result line of something."""

    def say(name: str, value: str) -> None:
        request.node.user_properties.append((name, value))

    return say
