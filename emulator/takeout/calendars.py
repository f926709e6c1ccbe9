"""Calendar files of a Takeout folder, put into the calendars of its account.

Every `.ics` below the folder is read. A file that names its calendar otherwise than after its owner becomes a
calendar of that name; all others make up the primary one. Loaded and unreadable events add up to the VEVENTs of the
folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.calendars import state
from emulator.calendars.changes import KEPT_WHEN_CANCELLED
from emulator.clock import Clock
from emulator.takeout.calendars_file import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.accounts import Account
    from emulator.store import Store


def load(store: Store, account: Account, folder: Path) -> tuple[int, int]:
    """Have every event of the folder in the account's calendars; give how many were loaded and how many not."""
    loaded = unreadable = 0
    now = state.timestamp(Clock(store).now())
    with store.write() as db:
        state.open_primary(db, account)
        for path in sorted(folder.rglob("*")):
            if path.suffix.lower() != ".ics" or not path.is_file():
                continue
            found = read_file(path.relative_to(folder).as_posix(), path.read_bytes(), account.email)
            unreadable += found.unreadable
            for name, resource in found.events:
                resource.setdefault("created", now)
                resource.setdefault("updated", resource["created"])
                if resource["status"] == "cancelled":
                    kept = (*KEPT_WHEN_CANCELLED, "status", "updated")
                    resource = {key: resource[key] for key in kept if key in resource}  # noqa: PLW2901 -- as Google keeps it
                own = not name or name.lower() in {account.email, account.name.lower()}
                calendar = state.open_calendar(db, account, None if own else name, found.time_zone)
                state.write(db, calendar, resource)
                loaded += 1
    return loaded, unreadable
