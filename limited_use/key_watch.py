"""What every process does about its keys on the side: follows endings elsewhere, tells uses, holds nothing too long.

Whether something may be opened is decided by the database at each opening, whatever is cached where. This thread makes
sure that the memory of every process follows: a second after a grant was ended in any process, no key of it is left
here, nor what others keep of it and registered (`on_ended`): access tokens, connections to Google.
"""

import threading
import uuid
from collections.abc import Callable

import structlog
from sqlalchemy import Interval, cast, func, literal, select
from sqlalchemy.exc import SQLAlchemyError

from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.keys import vault
from limited_use.models import DestroyedKey

EVERY_S = 1.0
PAUSE_AFTER_FAULT_S = 5.0
OVERLAP = "5 minutes"
"""How far back each look goes: beyond any transaction that was still open at the last one, and the life of any key."""
_told = structlog.get_logger(__name__)


class KeyWatch:
    """Follows the list of destroyed keys; a daemon thread, once started."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ended: list[Callable[[uuid.UUID], object]] = []
        self._seen: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="key-watch", daemon=True)
        self._fault = False

    def on_ended(self, forget: Callable[[uuid.UUID], object]) -> None:
        """Have `forget` called with each grant that was ended, in whatever process."""
        self._ended.append(forget)

    def look(self) -> None:
        """Hold nothing of grants that were ended, no key beyond its lifetime, and have told what is due."""
        since = func.now() - cast(literal(OVERLAP), Interval)
        with self._runtime.sessions() as session:
            query = select(DestroyedKey.key_id, DestroyedKey.grant_id).where(DestroyedKey.recorded_at > since)
            found = session.execute(query).all()
        new = [row for row in found if row.key_id not in self._seen]
        self._seen = {row.key_id for row in found}
        store = vault(self._runtime).store
        # All of them at each look: a key that was being unwrapped while its grant ended is cached after the first.
        store.cache.drop([row.key_id for row in found])
        for grant_id in {row.grant_id for row in new} - {None}:
            for forget in self._ended:
                forget(grant_id)
        store.cache.expire()
        if store.uses.is_due():
            store.flush()

    def start(self) -> None:
        """Begin; the thread runs after this."""
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_AFTER_FAULT_S if self._fault else EVERY_S):
            try:
                self.look()
                self._fault = False
            except (AppError, SQLAlchemyError) as error:  # a database that restarts must not end the watch
                self._fault = True
                _told.warning("key_watch_failed", error=type(error).__name__)


def key_watch(runtime: Runtime) -> KeyWatch:
    """Return this runtime's watch, started or not."""
    return runtime.part("limited_use.key_watch", lambda: KeyWatch(runtime))


def start(runtime: Runtime) -> None:
    """Have the watch run until the runtime is closed; after a server has forked, for threads do not survive a fork."""
    key_watch(runtime).start()
