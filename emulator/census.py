"""How much of everything the owner has at this Google, and what of the Takeout folder could not be read.

Items that a test planted are counted apart, so that what came from the folder can be accounted for exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator import accounts, calendars, people
from emulator.takeout import folder

if TYPE_CHECKING:
    from emulator.state import State


def take(state: State) -> dict[str, Any]:
    """Count."""
    owner = accounts.owner(state.store)
    with state.store.read() as db:
        row = db.execute(
            "SELECT COALESCE(SUM(planted = 0), 0) AS own, COALESCE(SUM(planted), 0) AS planted,"
            " COUNT(DISTINCT CASE WHEN planted = 0 THEN thread END) AS threads FROM message WHERE account = ?",
            (owner.sub,),
        ).fetchone()
    events, contacts = calendars.count(state.store, owner), people.count(state.store, owner)
    return {
        "google": {
            "messages": row["own"],
            "threads": row["threads"],
            "events": events["events"],
            "contacts": contacts["contacts"],
        },
        "unreadable": folder.unreadable(state),
        "planted": {
            "messages": row["planted"],
            "events": events["planted_events"],
            "contacts": contacts["planted_contacts"],
        },
        "account": {"sub": owner.sub, "email": owner.email, "name": owner.name},
        "accounts": [
            {"sub": account.sub, "email": account.email, "name": account.name}
            for account in accounts.list_accounts(state.store)
        ],
        "quota_per_minute": state.config.quota_per_minute,
    }
