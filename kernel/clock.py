"""The time, asked of one object so that a test in the same process can hold it still."""

import datetime as dt
import time
from typing import Protocol

UTC = dt.UTC


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> dt.datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> dt.datetime:
        """Return the machine's present moment, aware, in UTC."""
        return dt.datetime.fromtimestamp(time.time(), tz=UTC)


class HeldClock:
    """A clock that stands where it was put, for tests in this process."""

    def __init__(self, at: dt.datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> dt.datetime:
        """Return the moment the clock was last put at."""
        return self._at

    def advance(self, seconds: float) -> None:
        """Move the clock forward by that many seconds."""
        self._at += dt.timedelta(seconds=seconds)
