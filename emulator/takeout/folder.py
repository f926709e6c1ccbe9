"""Which folder is loaded, for whom, and when: once, into an empty state.

Without a Takeout folder, sample data are written as one and loaded like any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from emulator import accounts
from emulator.gmail import mailbox
from emulator.takeout import calendars as _calendars
from emulator.takeout import contacts as _contacts
from emulator.takeout import mbox, sample

if TYPE_CHECKING:
    from emulator.accounts import Account
    from emulator.state import State

_LOADED = "takeout.loaded"
_ORIGIN = "takeout.origin"
_FALLBACK_OWNER = "owner@example.com"
_KINDS = (".mbox", ".vcf", ".ics")


class NothingToLoad(Exception):  # noqa: N818 -- the name says it
    """The Takeout folder is missing, holds nothing that can be loaded, or is no longer where it was."""


def load(state: State) -> None:
    """Have the owner's account, with all the folder holds, and an empty one for a teammate.

    Raises:
        NothingToLoad: with a sentence for the person who named the folder.
    """
    if state.store.setting(_LOADED) is None:
        folder = _folder(state)
        try:
            _load(state, folder)
        except OSError as error:
            raise NothingToLoad(f"{error.filename or folder} cannot be read: {error.strerror}.") from error
        state.store.set_setting(_ORIGIN, str(folder.resolve()))
    _check_origin(state)
    _check_sources(state)


def unreadable(state: State) -> dict[str, int]:
    """Give how many items of the folder could not be read, kind by kind."""
    counts: dict[str, int] = orjson.loads(state.store.setting(_LOADED) or '{"messages":0,"events":0,"contacts":0}')
    return counts


def _folder(state: State) -> Path:
    folder = state.config.takeout
    if folder is None:
        folder = state.config.state / "sample"
        sample.write(folder)
    elif not folder.is_dir():
        raise NothingToLoad(f"There is no folder {folder}: name one that holds a Google Takeout.")
    elif not any(path.suffix.lower() in _KINDS for path in folder.rglob("*") if path.is_file()):
        raise NothingToLoad(f"The folder {folder} holds no mail (.mbox), contacts (.vcf) or calendars (.ics) to load.")
    return folder


def _load(state: State, folder: Path) -> None:
    given = state.config.owner
    if given is not None and not accounts.may_be_address(given.strip()):
        raise NothingToLoad(f"The owner of a mailbox is named by an e-mail address; {given} is none.")
    _empty(state)
    with state.store.write() as db:
        _, unread = mbox.scan(db, sorted(path for path in folder.rglob("*") if _is_mbox(path)))
        address = given or mbox.likely_owner(db) or _FALLBACK_OWNER
        owner = accounts.insert(db, address, mbox.name_of(db, address.strip().lower()))
        mbox.file_all(db, owner)
        teammate = accounts.insert(db, _teammate_of(owner), None)
        mailbox.ensure(db, teammate.sub)
    _, lost_contacts = _contacts.load(state.store, owner, folder)
    _, lost_events = _calendars.load(state.store, owner, folder)
    counts = {"messages": unread, "events": lost_events, "contacts": lost_contacts}
    with state.store.write() as db:
        # Let SQLite see how few messages share a Message-ID, or it looks through all of a large mailbox.
        db.execute("PRAGMA analysis_limit = 1000")
        db.execute("ANALYZE")
    state.store.set_setting(_LOADED, orjson.dumps(counts).decode())


def _is_mbox(path: Path) -> bool:
    return path.suffix.lower() == ".mbox" and path.is_file()


def _empty(state: State) -> None:
    """Drop what a first start that was cut off left behind."""
    with state.store.write() as db:
        tables = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'setting' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
        for table in tables:
            db.execute(f"DELETE FROM {table['name']}")  # noqa: S608 -- the emulator's own tables


def _teammate_of(owner: Account) -> str:
    domain = owner.hd or "example.com"
    return f"teammate@{domain}" if owner.email != f"teammate@{domain}" else f"colleague@{domain}"


def _check_origin(state: State) -> None:
    origin, asked = state.store.setting(_ORIGIN), state.config.takeout
    if asked is not None and origin is not None and str(asked.resolve()) != origin:
        raise NothingToLoad(
            f"The state folder {state.config.state} already holds the data of {origin}."
            f" Name another state folder to load {asked}."
        )


def _check_sources(state: State) -> None:
    with state.store.read() as db:
        rows = db.execute("SELECT path, size FROM source").fetchall()
    for row in rows:
        path = Path(row["path"])
        if not path.is_file() or path.stat().st_size != row["size"]:
            raise NothingToLoad(
                f"{path} is not what it was when it was loaded: put it back, or start with an empty state folder."
            )
