"""What each call costs, and how much of it one person may spend in a minute.

Gmail counts units by method (the table of May 2026), Calendar and People count requests. The limits below
are Google's for a new project; `Config.quota_per_minute` sets Gmail's, and the others grow in proportion,
so that one number makes a whole emulator faster or as strict as the real thing. A window is one minute of
the emulator's clock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.clock import Clock

GMAIL_UNITS = {
    "users.getProfile": 1,
    "users.labels.get": 1,
    "users.labels.list": 1,
    "users.history.list": 2,
    "users.messages.list": 5,
    "users.messages.modify": 5,
    "users.messages.untrash": 5,
    "users.drafts.list": 5,
    "users.messages.delete": 10,
    "users.threads.list": 10,
    "users.threads.modify": 10,
    "users.messages.get": 20,
    "users.messages.attachments.get": 20,
    "users.messages.trash": 20,
    "users.drafts.get": 20,
    "users.messages.batchModify": 50,
    "users.messages.insert": 25,
    "users.messages.import": 25,
    "users.threads.get": 40,
    "users.stop": 50,
    "users.messages.send": 100,
    "users.watch": 100,
    "users.settings.sendAs.list": 1,
}
"""Units per call. sendAs.list is not in Google's table; reads of its kind cost 1."""

PER_MINUTE = {"gmail": 6_000, "calendar": 600, "people": 90}
"""Google's limits per user and project: units for Gmail, requests for the others (People's is reported)."""


def units_of(method_id: str) -> int:
    """Give what one call of `gmail.users.messages.get` costs."""
    api, _, name = method_id.partition(".")
    return GMAIL_UNITS[name] if api == "gmail" else 1


class Quota:
    """Counts what every account spent in the current minute, API by API."""

    def __init__(self, clock: Clock, gmail_per_minute: int) -> None:
        self._clock = clock
        self._limits = {
            api: max(1, limit * gmail_per_minute // PER_MINUTE["gmail"]) for api, limit in PER_MINUTE.items()
        }
        self._minute = -1
        self._spent: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def spend(self, account: str, api: str, units: int) -> bool:
        """Count a call and say True, or say False and count nothing when it would pass the limit."""
        minute = int(self._clock.now() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._spent = minute, {}
            spent = self._spent.get((account, api), 0) + units
            if spent > self._limits[api]:
                return False
            self._spent[account, api] = spent
            return True
