"""What every test may stand on: servers, settings, a clock and a runtime that is empty at the start of each test.

Servers are embedded and thrown away, one set a test run, or outside ones named by DATABASE_URL, KEYS_DATABASE_URL and
REDIS_URL: there too each test process makes databases of its own and drops them in the end.
"""

import functools
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import Engine, MetaData, make_url, text
from xdist.scheduler import LoadScopeScheduling

from kernel import embedded
from kernel.clock import Clock, SystemClock
from kernel.database import Base, KeysBase, Sessions, connect
from kernel.runtime import Runtime, build
from kernel.settings import Settings
from migrations import models
from tests.leaks.result import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]  # the result line of the leak tests: told by the process that gathers reports

_ADDRESSES = ("DATABASE_URL", "KEYS_DATABASE_URL", "REDIS_URL")
_REDIS_DATABASES = 16


@dataclass(frozen=True)
class Addresses:
    """Databases of this test process alone, empty of tables at first."""

    database_url: str
    keys_database_url: str
    redis_url: str


# --- one set of servers for all processes of a run, and tests that share what is dear in one process

_TOGETHER = ("tests/browser/", "tests/leaks/", "tests/shape/test_newcomers.py", "tests/journeys/test_bad_input.py")


class _Grouped(LoadScopeScheduling):
    """Hands out tests one by one, but for those of `_TOGETHER`; the large groups first, so that none is last."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in _TOGETHER if nodeid.startswith(group)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Grouped:
    """Schedule by groups (called in the controller)."""
    return _Grouped(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the addresses of one set of servers to each xdist worker (called in the controller, once a worker)."""
    config = node.config
    if not hasattr(config, "crm_servers"):
        config.crm_servers = ExitStack()
        config.crm_addresses = config.crm_servers.enter_context(_some_servers())
    node.workerinput["crm_addresses"] = config.crm_addresses


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the controller started."""
    if hasattr(config, "crm_servers"):
        config.crm_servers.close()


@contextmanager
def _some_servers() -> Iterator[dict[str, str]]:
    """Yield the addresses of outside servers if they are set, else of embedded ones that end with the block."""
    outside = {name: os.environ[name] for name in _ADDRESSES if os.environ.get(name)}  # noqa: TID251 -- as `make test` documents
    if "DATABASE_URL" in outside and "REDIS_URL" in outside:
        yield {"KEYS_DATABASE_URL": outside["DATABASE_URL"], **outside}
        return
    with embedded.throwaway() as started:
        ours = (started.database_url, started.keys_database_url, started.redis_url)
        yield {**dict(zip(_ADDRESSES, ours, strict=True)), **outside}


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Addresses]:
    """Fresh databases for this process, dropped in the end."""
    with ExitStack() as stack:
        handed = getattr(request.config, "workerinput", {}).get("crm_addresses")
        found = handed or stack.enter_context(_some_servers())
        yield Addresses(
            stack.enter_context(_fresh_database(found["DATABASE_URL"], "main")),
            stack.enter_context(_fresh_database(found["KEYS_DATABASE_URL"], "keys")),
            stack.enter_context(_own_redis_database(found["REDIS_URL"])),
        )


@contextmanager
def _fresh_database(address: str, what: str) -> Iterator[str]:
    url = make_url(address).set(drivername="postgresql+psycopg")
    name = sql.Identifier(f"crm_test_{secrets.token_hex(6)}_{what}")
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(name))
    try:
        yield url.set(database=name.as_string().strip('"')).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@contextmanager
def _own_redis_database(address: str) -> Iterator[str]:
    """Yield the address of an empty Redis database that no other test process uses."""
    mark = "crm-tests-own-this-database"
    base = re.sub(r"[?&]db=\d+|(?<=\d)/\d+$", "", address)
    for number in range(1, _REDIS_DATABASES):
        url = f"{base}?db={number}" if base.startswith("unix:") else f"{base.rstrip('/')}/{number}"
        with redis.Redis.from_url(url) as client:
            if client.dbsize() == 0 and client.set(mark, "1", nx=True):
                try:
                    yield url
                finally:
                    client.flushdb()
                return
    pytest.exit("no empty Redis database is left for the tests on that server", returncode=2)


# --- a runtime


@pytest.fixture(scope="session")
def settings(servers: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings on this process's databases; Google is nowhere unless a test starts it."""
    folder = tmp_path_factory.mktemp("settings")
    return Settings.from_environment(
        {
            "CRM_ENVIRONMENT": "embedded",
            "CRM_DATA_FOLDER": str(folder),
            "DATABASE_URL": servers.database_url,
            "KEYS_DATABASE_URL": servers.keys_database_url,
            "REDIS_URL": servers.redis_url,
            "PUBLIC_URL": "http://localhost:8080",
            "SECRET_KEY": secrets.token_hex(32),
            "KEYRING_PATH": str(folder / "keyring.json"),
            "LOG_KEY_PATH": str(folder / "log-key.pem"),
            "GOOGLE_ROOT": "http://127.0.0.1:9",
            "GOOGLE_CLIENT_ID": "crm-test.apps.example.test",
            "GOOGLE_CLIENT_SECRET": secrets.token_hex(16),
            "ADDON_SERVICE_ACCOUNT": "addon@crm-test.example.test",
        }
    )


@pytest.fixture(scope="session")
def migrated(settings: Settings) -> Settings:
    """The settings, once every table exists in both databases."""
    models.load()  # from the models, not by the steps: that both agree is a test of its own
    for database, address in (("main", settings.database_url), ("keys", settings.keys_database_url)):
        engine = connect(address)
        models.METADATA[database].create_all(engine)
        engine.dispose()
    return settings


@pytest.fixture
def clock() -> Clock:
    """The machine's clock; a test module that holds time still overrides this fixture with a `HeldClock`."""
    return SystemClock()


@pytest.fixture(scope="session")
def engines() -> Callable[[str], Engine]:
    """Engines by address, which remember the statements they have compiled: a third of a short test's time."""
    return functools.cache(connect)


@pytest.fixture
def runtime(
    migrated: Settings, clock: Clock, engines: Callable[[str], Engine], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """A runtime on empty tables and an empty queue, with connections of its own."""
    with monkeypatch.context() as patch:
        patch.setattr("kernel.runtime.connect", engines)
        made = build(migrated, clock)
    try:
        _empty(made)  # first, not last: whatever left rows, the test that has this runtime does not find them
        yield made
    finally:
        made.close()


@pytest.fixture
def another_runtime(runtime: Runtime, migrated: Settings) -> Iterator[Callable[[], Runtime]]:
    """A maker of further runtimes on the same data, as other processes have them."""
    with ExitStack() as stack:

        def make() -> Runtime:
            made = build(migrated, runtime.clock)
            stack.callback(made.close)
            return made

        yield make


def _empty(runtime: Runtime) -> None:
    """Every table and the queue are empty."""
    for sessions, metadata in ((runtime.sessions, Base.metadata), (runtime.key_sessions, KeysBase.metadata)):
        _empty_tables(sessions, metadata)
    runtime.redis.flushdb()
    runtime.redis.set("crm-tests-own-this-database", "1")


def _empty_tables(sessions: Sessions, metadata: MetaData) -> None:
    """No table holds a row. Asking first, and deleting a few rows, is far cheaper than truncating: no new files."""
    names = [table.fullname for table in metadata.sorted_tables]
    if not names:
        return
    asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names)  # noqa: S608 -- names of our own tables
    with sessions.begin() as session:
        filled = set(session.scalars(text(asked)))
        for table in reversed(metadata.sorted_tables):
            if table.fullname in filled:
                session.execute(table.delete())


# --- no network


@pytest.fixture(autouse=True, scope="session")
def _no_network_beyond_loopback() -> Iterator[None]:
    """A test that reaches for the outside fails, saying where it reached."""
    outside = {urlhost for name in _ADDRESSES if (urlhost := make_url(os.environ.get(name) or "x://").host)}  # noqa: TID251 -- servers the caller named
    reach = socket.socket.connect

    def connect_near(self: socket.socket, address: Any) -> Any:
        near = not isinstance(address, tuple) or re.match(r"127\.|::1$|localhost$", str(address[0]))
        if not near and str(address[0]) not in outside:
            pytest.fail(f"a test reached for the network: {address[0]}")
        return reach(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_near)
        yield
