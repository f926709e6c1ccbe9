"""The data of a local Google that was given none: one quarter of a small sales team, the same every time.

About 600 messages in threads (deals, deliveries, invoices, support, colleagues, newsletters, machines, spam, drafts),
60 contacts and 120 events, written as a Takeout folder and then loaded like any other. The quarter ends on the day that
`sample_mail.REFERENCE` names, whatever today is.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from emulator.takeout.sample_bulk import bulk_mails
from emulator.takeout.sample_calendar import calendars
from emulator.takeout.sample_cards import address_book
from emulator.takeout.sample_invites import invitations
from emulator.takeout.sample_mbox import mbox
from emulator.takeout.sample_people import MAYA, OWNER
from emulator.takeout.sample_talks import conversations

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["OWNER", "OWNER_NAME", "write"]

OWNER_NAME = MAYA.name
_SEED = 20261120


def write(folder: Path) -> None:
    """Put a Takeout folder of sample data below `folder`, its bytes the same every time."""
    rng = random.Random(_SEED)  # noqa: S311 -- invented data, no secret
    files, meetings = calendars(rng)
    mails = [*conversations(rng), *bulk_mails(rng), *invitations(rng, meetings)]
    _put(folder, "Mail/All mail Including Spam and Trash.mbox", mbox(mails))
    _put(folder, "Contacts/All Contacts/All Contacts.vcf", address_book())
    for name, content in files.items():
        _put(folder, f"Calendar/{name}", content)


def _put(folder: Path, name: str, content: bytes) -> None:
    path = folder / "Takeout" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
