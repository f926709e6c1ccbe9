"""Identifiers: UUID version 7 (RFC 9562 §5.7), so that new rows stand together in an index."""

import secrets
import threading
import time
import uuid
from collections.abc import Callable

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62

_lock = threading.Lock()
_last = 0


def _milliseconds_and_counter() -> int:
    """Return 60 bits of time (48 of milliseconds, 12 of a fraction) that rise with every call of this process."""
    global _last  # noqa: PLW0603 -- one counter a process is what makes ids of one process rise
    ns = time.time_ns()
    stamp = (ns // 1_000_000 << 12) | (ns % 1_000_000 * 4096 // 1_000_000)
    with _lock:
        _last = max(stamp, _last + 1)
        return _last


def random_id() -> uuid.UUID:
    """Return a fresh UUIDv7; later calls in one process give greater ids."""
    stamp = _milliseconds_and_counter()
    value = (stamp >> 12) << 80 | _VERSION | (stamp & 0xFFF) << 64 | _VARIANT | secrets.randbits(62)
    return uuid.UUID(int=value)


_source: Callable[[], uuid.UUID] = random_id


def opaque_id() -> uuid.UUID:
    """Return a fresh id that does not tell when it was made: for records that several members may meet.

    By a time in it one could see that somebody, or a company, was known to a colleague before oneself.
    """
    return uuid.uuid4() if _source is random_id else _source()


def new_id() -> uuid.UUID:
    """Return a fresh id from the present source (random unless a test has put another)."""
    return _source()


def counting_ids(start: int = 1) -> Callable[[], uuid.UUID]:
    """Return a source that counts up from `start`, for tests that compare whole documents."""
    count = start - 1

    def count_up() -> uuid.UUID:
        nonlocal count
        count += 1
        return uuid.UUID(int=_VERSION | _VARIANT | count)

    return count_up


def use_source(source: Callable[[], uuid.UUID]) -> None:
    """Make `new_id` ask `source` from now on, in this process."""
    global _source  # noqa: PLW0603 -- the seam by which a test holds ids still
    _source = source
