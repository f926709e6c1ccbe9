"""Reports: what the tripwire stopped, written into the Limited Use log.

The tripwire acts in the middle of whatever its thread was doing, perhaps inside a transaction. So the entry is written
by a thread of its own, started by the first report, in a transaction of its own, and tried again while the database is
away. Many reports of one kind within a moment become one entry that counts them.
"""

import atexit
import logging
import os
import queue
import threading
import time
from collections import Counter

from kernel.runtime import Runtime
from limited_use.egress import tripwire
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind

REASON = "egress_bypassed"
_GATHER_S = 0.2
_AGAIN_S = 2.0
_LAST_WAIT_S = 3.0
_MOST_WAITING = 10_000
_log = logging.getLogger(__name__)


class Reports:
    """Takes reports from any thread and writes them soon."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._process = os.getpid()
        self._waiting: queue.Queue[str] = queue.Queue(_MOST_WAITING)
        self._idle = threading.Event()
        self._idle.set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def take(self, event: str) -> None:
        """The event will be in the log; this neither waits nor touches the database.

        A forked child leaves it at the diagnostics: the database connections that it holds are its parent's.
        """
        if os.getpid() != self._process:
            return
        self._idle.clear()
        try:
            self._waiting.put_nowait(event)
        except queue.Full:  # thousands are on record by then; the diagnostics tell of each
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="egress-reports", daemon=True)
                self._thread.start()

    def flush(self, within_s: float = _LAST_WAIT_S) -> bool:
        """Wait until everything taken is written, so long at most; tell whether it is."""
        return self._idle.wait(within_s)

    def close(self) -> None:
        """What waits is written, if the database lets it be."""
        self.flush()

    def _run(self) -> None:
        while True:
            gathered = Counter([self._waiting.get()])
            time.sleep(_GATHER_S)
            while not self._waiting.empty():
                gathered[self._waiting.get()] += 1
            while not self._write(gathered):
                time.sleep(_AGAIN_S)
            if self._waiting.empty():
                self._idle.set()

    def _write(self, gathered: Counter[str]) -> bool:
        try:
            with self._runtime.begin() as work:
                for event, count in sorted(gathered.items()):
                    leaf = Leaf(
                        at=self._runtime.clock.now(),
                        kind=Kind.SECURITY_EVENT,
                        decision=Decision.REFUSE,
                        actor_class=ActorClass.SYSTEM,
                        reason=REASON,
                        destination=event.lower(),
                        records=count,
                    )
                    record.append(work.session, leaf, organisation_id=None)
        except Exception as error:  # noqa: BLE001 -- whatever hinders it, it is tried again
            _log.warning("a stopped connection waits for the log", extra={"error": type(error).__name__})
            return False
        return True


def begin(runtime: Runtime) -> Reports:
    """What the tripwire stops in this process is in the runtime's log from now on, what waits at its end included."""
    made = runtime.part("limited_use.egress.reports", lambda: Reports(runtime))
    tripwire.report_to(made.take)
    atexit.register(made.flush)
    return made
