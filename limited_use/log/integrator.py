"""The thread that keeps the signed head at most a second behind the leaves.

Any number of processes may run one: whoever holds the database lock does the work, the others pass. Start it
after a server has forked, for threads do not survive a fork.
"""

import threading

import structlog
from sqlalchemy.exc import SQLAlchemyError

from kernel.clock import Clock
from kernel.database import Sessions
from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.log.record import integrate
from limited_use.log.signer import Signer, open_signer

INTERVAL_S = 0.25
PAUSE_AFTER_FAULT_S = 2.0

_told = structlog.get_logger(__name__)


class Integrator:
    """A daemon thread that integrates every quarter of a second, until it is closed."""

    def __init__(self, sessions: Sessions, signer: Signer, clock: Clock) -> None:
        self._sessions = sessions
        self._signer = signer
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-integrator", daemon=True)
        self.fault: str | None = None
        """The code of the latest fault, None while all is well: for health pages."""

    def start(self) -> None:
        """Begin; the thread runs after this."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the batch at hand."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(PAUSE_AFTER_FAULT_S if self.fault else INTERVAL_S):
            try:
                integrate(self._sessions, self._signer, self._clock, wait=False)
                self.fault = None
            except (AppError, SQLAlchemyError) as error:
                # A database that restarts must not end the log; a broken log must not be retried in silence.
                self.fault = error.code if isinstance(error, AppError) else "database"
                _told.error("log_not_integrated", code=self.fault)


def log_signer(runtime: Runtime) -> Signer:
    """Return the signer of this runtime's log; its key is made on first use."""
    settings = runtime.settings
    return runtime.part("limited_use.log.signer", lambda: open_signer(settings.log_key_path, settings.log_origin))


def start(runtime: Runtime) -> Integrator:
    """Return the running integrator of this runtime, one in each process; closing the runtime ends it."""

    def begin() -> Integrator:
        made = Integrator(runtime.sessions, log_signer(runtime), runtime.clock)
        made.start()
        return made

    return runtime.part("limited_use.log.integrator", begin)
