"""The emulator's own time: the real time plus an offset that a test may move.

The offset moves what Google decides by its own clock: expiry of tokens and codes, quota windows, how far
history reaches back, when a watch ends. It never moves `iat` and `exp` inside signed tokens: their reader
compares them with a clock that the emulator does not own, so they take `real()`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.store import Store

_OFFSET = "clock.offset_s"


class Clock:
    """Answers "what time is it at this Google?"; the offset survives a restart."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._offset_s = float(store.setting(_OFFSET) or 0.0)

    @property
    def offset_s(self) -> float:
        """Seconds by which this Google is ahead of the real time."""
        return self._offset_s

    def now(self) -> float:
        """Seconds since 1970 at this Google."""
        return time.time() + self._offset_s

    def now_ms(self) -> int:
        """Milliseconds since 1970 at this Google, the unit of Gmail's `internalDate`."""
        return int(self.now() * 1000)

    def real(self) -> float:
        """Seconds since 1970 in the world outside, for signed tokens only."""
        return time.time()

    def move_to(self, offset_s: float) -> None:
        """Set how far this Google's time is ahead of the real one."""
        self._store.set_setting(_OFFSET, repr(float(offset_s)))
        self._offset_s = float(offset_s)
