"""What one process runs on: its settings, clock, databases, Redis and queue, made once and handed down.

Higher packages keep their long-lived parts (vault, log, transport) here by `part`, so that there is one of each a
runtime and no global state: two runtimes in one process never meet.
"""

import threading
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from kernel import jobs, work
from kernel.clock import Clock, SystemClock
from kernel.database import Sessions, connect, reading_on, sessions_on
from kernel.settings import Settings

T = TypeVar("T")

# A request must not stand still for long when Redis does not answer: the sweep makes up for a lost wake.
_SHORT_RETRY = Retry(ExponentialBackoff(cap=0.2, base=0.02), 2)


@dataclass(frozen=True)
class Runtime:
    """The parts of one process; `build` makes it, `close` gives its connections back."""

    settings: Settings
    clock: Clock
    sessions: Sessions = field(repr=False)
    reading: Sessions = field(repr=False)
    """Sessions on the main database that only read: `kernel.database.reading_on`."""
    key_sessions: Sessions = field(repr=False)
    redis: "redis.Redis" = field(repr=False)
    queue: jobs.Queue = field(repr=False)
    _engines: tuple[Engine, Engine] = field(repr=False)
    _parts: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def begin(self) -> AbstractContextManager[work.Work]:
        """Return a unit of work on the main database: committed when its block ends, its runs woken after."""
        return work.begin(self.sessions, self.queue, self.clock)

    def part(self, key: Hashable, factory: Callable[[], T]) -> T:
        """Return this runtime's part of that key, made by `factory` on first use, once."""
        if key not in self._parts:
            with self._lock:  # re-entrant: a part may be made of other parts
                if key not in self._parts:
                    self._parts[key] = factory()
        made: T = self._parts[key]
        return made

    def close(self) -> None:
        """Close the parts that can be closed, newest first, then every connection."""
        with self._lock:
            for made in reversed(list(self._parts.values())):
                if callable(close := getattr(made, "close", None)):
                    close()
            self._parts.clear()
        for engine in self._engines:
            engine.dispose()
        self.redis.close()


def build(settings: Settings, clock: Clock | None = None) -> Runtime:
    """Return a runtime on these settings; connections are opened on first use."""
    engines = (connect(settings.database_url), connect(settings.keys_database_url))
    client = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=2, retry=_SHORT_RETRY)
    return Runtime(
        settings=settings,
        clock=clock or SystemClock(),
        sessions=sessions_on(engines[0]),
        reading=reading_on(engines[0]),
        key_sessions=sessions_on(engines[1]),
        redis=client,
        queue=jobs.open_queue(client),
        _engines=engines,
    )
