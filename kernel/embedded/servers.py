"""Starting both servers, waiting until they answer, and holding the pipe that keeps them alive."""

import os
import select
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from kernel.embedded import binaries, place, postgres, wakes
from kernel.embedded.errors import EmbeddedError, EmbeddedFailedError, explained
from kernel.embedded.kept import Kept, Program, keep
from kernel.embedded.place import Home

_READY_S = 300.0  # recovery after a crash takes as long as there is to replay
_OLD_LOG_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Servers:
    """Running servers, by their addresses. They end with `close`, or when this process ends in whatever way."""

    database_url: str
    keys_database_url: str
    redis_url: str
    home: Path
    _kept: Kept | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """End both servers and return when they are gone; a second call does nothing."""
        if self._kept is not None:
            self._kept.close()

    def are_alive(self) -> bool:
        """Tell whether both servers still run."""
        return self._kept is None or self._kept.is_alive()

    def __enter__(self) -> Self:
        """Return the running servers."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End both servers."""
        self.close()


@dataclass(frozen=True)
class _Launch:
    """One start in the making."""

    home: Home
    postgres_data: Path
    redis_data: Path
    sockets: Path
    log_sizes: dict[str, int]

    def log(self, name: str) -> Path:
        return self.home.path / f"{name}.log"


def start(folder: Path, *, fast: bool = False) -> Servers:
    """Return running servers whose data are kept for `folder`; data of an earlier start are reused.

    `fast` gives up durability (no fsync) and suits only data that may be lost.

    Raises:
        EmbeddedError: with one sentence that says what to do; nothing is deleted.
    """
    with explained(folder):
        return _start(place.home_of(folder), fast=fast, remove_home=False)


def throwaway() -> Servers:
    """Return fast, empty servers whose data are removed when they end, however that comes."""
    with explained(Path("/tmp")):  # noqa: S108 -- named in the sentence only
        home = place.throwaway_home()
        try:
            return _start(home, fast=True, remove_home=True)
        except BaseException:
            shutil.rmtree(home.path, ignore_errors=True)
            raise


def running(folder: Path) -> Servers | None:
    """Return the addresses of servers that another process started for `folder`; None when none run."""
    if not folder.is_dir():
        return None
    with explained(folder):
        home = place.home_of(folder)
        if not place.is_locked(home):
            return None
        sockets = place.read_state(home).get("sockets")
        return _servers(home, Path(sockets), None) if sockets else None


def _servers(home: Home, sockets: Path, kept: Kept | None) -> Servers:
    main, keys = (postgres.url(sockets, name) for name in postgres.DATABASES)
    return Servers(main, keys, wakes.url(sockets), home.path, kept)


def _start(home: Home, *, fast: bool, remove_home: bool) -> Servers:
    lock = place.take_lock(home)
    try:
        place.remove_left_sockets(home)
        place.write_state(home, None)
        programs = binaries.find(home)
        launch = _prepare(home, programs, fast=fast)
        commands = {
            "postgres": postgres.command(launch.postgres_data, programs, launch.sockets, fast=fast),
            "redis": wakes.command(launch.redis_data, programs, launch.sockets, fast=fast),
        }
        remove = [launch.sockets, *([home.path] if remove_home else [])]
        kept = _watch(launch, commands, remove, lock)
    finally:
        os.close(lock)  # the watchdog holds its own copy
    servers = _servers(home, launch.sockets, kept)
    with _closed_on_error(servers):
        _wait_until_ready(launch, kept)
        postgres.make_databases(launch.sockets)
        place.write_state(home, launch.sockets)
    return servers


def _prepare(home: Home, programs: binaries.Binaries, *, fast: bool) -> _Launch:
    """Return everything the servers need to start."""
    postgres_data = postgres.prepare(home, programs, fast=fast)
    redis_data = wakes.prepare(home, programs)
    sizes = {}
    for name in ("postgres", "redis"):
        log = home.path / f"{name}.log"
        if log.exists() and log.stat().st_size > _OLD_LOG_BYTES:
            log.replace(log.with_suffix(".log.old"))
        sizes[name] = log.stat().st_size if log.exists() else 0
    return _Launch(home, postgres_data, redis_data, place.socket_folder(home), sizes)


def _watch(launch: _Launch, commands: dict[str, list[str]], remove: list[Path], lock: int) -> Kept:
    """Return both servers, running under a watchdog that holds the lock."""
    signals = {"postgres": postgres.SIGNALS, "redis": wakes.SIGNALS}
    programs = [
        Program(name, command, launch.log(name), signals[name], place.plain_environment())
        for name, command in commands.items()
    ]
    return keep(programs, launch.home.account, remove, lock)


@contextmanager
def _closed_on_error(servers: Servers) -> Iterator[None]:
    try:
        yield
    except BaseException:
        servers.close()
        raise


def _wait_until_ready(launch: _Launch, kept: Kept) -> None:
    """Both servers answer; raises what kept one of them from it."""
    until = time.monotonic() + _READY_S
    while not (postgres.is_ready(launch.postgres_data) and wakes.is_ready(launch.sockets)):
        if select.select([kept], [], [], 0.02)[0]:
            raise _explain(launch, kept.ended())
        if time.monotonic() > until:
            raise EmbeddedFailedError(
                f"The servers did not answer within {_READY_S:.0f} seconds: {launch.log('postgres')} says why."
            )


def _explain(launch: _Launch, ended: str) -> EmbeddedError:
    if ended == "postgres":
        return postgres.explain(launch.log(ended), launch.log_sizes[ended], launch.postgres_data)
    if ended == "redis":
        return wakes.explain(launch.log(ended), launch.log_sizes[ended], launch.redis_data)
    return EmbeddedFailedError("The watchdog of the servers was stopped: start again.")
