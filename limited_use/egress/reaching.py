"""Leave to reach one host and port, held by the very piece of code that connects, for as long as it does.

The leave belongs to the context (thread or task), not to the process: while one thread connects to Google, another
that reaches elsewhere is still stopped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Place = tuple[str, int]

_open_to: ContextVar[Place | None] = ContextVar("egress_open_to", default=None)


@contextmanager
def reaching(host: str, port: int) -> Iterator[None]:
    """Hold leave to look up and connect to this host and port, and to nothing else, while the block runs."""
    token = _open_to.set((host, port))
    try:
        yield
    finally:
        _open_to.reset(token)


def open_to() -> Place | None:
    """Return what this context may reach at this moment; a port of 0 beside a path of a unix socket."""
    return _open_to.get()
