"""PostgreSQL and Redis of our own, for trying the product, developing and testing: nothing to install but Python.

The *home* is the folder that holds both servers' data, their logs and the lock. The *watchdog* is the one process
that starts both servers and ends them when the pipe from its starter closes, so that they never outlive it, however
it died. Invariants: no TCP; sockets stand in a private folder; data that exist are never deleted and no existing
permission is changed; as root the servers run as `nobody`, in a home that this account can reach.
"""

from kernel.embedded.errors import (
    EmbeddedCorruptError,
    EmbeddedError,
    EmbeddedFailedError,
    EmbeddedFolderError,
    EmbeddedFullError,
    EmbeddedMissingError,
    EmbeddedRunningError,
)
from kernel.embedded.kept import Kept, Program, keep
from kernel.embedded.servers import Servers, running, start, throwaway
from kernel.embedded.supervised import READY_S, Supervised

__all__ = [
    "READY_S",
    "EmbeddedCorruptError",
    "EmbeddedError",
    "EmbeddedFailedError",
    "EmbeddedFolderError",
    "EmbeddedFullError",
    "EmbeddedMissingError",
    "EmbeddedRunningError",
    "Kept",
    "Program",
    "Servers",
    "Supervised",
    "keep",
    "running",
    "start",
    "throwaway",
]
