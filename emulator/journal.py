"""The request log: which method was called for whom, how it ended and what it cost.

It holds no content and no tokens. Tests ask it "how many units did this sync cost, and was anything refused?".
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `account` is an address, or empty when nobody was identified; `at` is emulator time."""

    at: float
    method: str
    account: str
    status: int
    units: int
    batched: bool


class Journal:
    """The latest requests, oldest first; the totals count also those that are no longer kept."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._requests = 0
        self._units = 0
        self._refused = 0

    def record(self, entry: Entry) -> None:
        """Add one request."""
        with self._lock:
            self._entries.append(entry)
            self._requests += 1
            self._units += entry.units
            self._refused += entry.status in {403, 429}

    def clear(self) -> None:
        """Forget all requests and start the totals at nought."""
        with self._lock:
            self._entries.clear()
            self._requests = self._units = self._refused = 0

    def summary(self) -> dict[str, Any]:
        """Give the totals, and requests and units by method."""
        with self._lock:
            methods: dict[str, dict[str, int]] = {}
            for entry in self._entries:
                line = methods.setdefault(entry.method, {"requests": 0, "units": 0})
                line["requests"] += 1
                line["units"] += entry.units
            totals = {"requests": self._requests, "units": self._units, "refused": self._refused}
            return {"totals": totals, "methods": methods}

    def entries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Give the latest requests, or all that are kept, oldest first."""
        with self._lock:
            kept = list(self._entries)
        return [asdict(entry) for entry in (kept if limit is None else kept[max(0, len(kept) - limit) :])]
