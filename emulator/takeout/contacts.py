"""Card files of a Takeout folder, put into the address book of its account.

A file is cut into its cards first, so that one bad card never spoils others; a card that lacks its end runs to the
next one. Takeout writes a card once for each group its contact is in, one file a group: a card that was met in
another file already is the same contact and is not counted again. Loaded and unreadable cards add up to the others.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from emulator.clock import Clock
from emulator.people import state
from emulator.people.changes import membership
from emulator.takeout.contacts_card import read_card

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.accounts import Account
    from emulator.store import Store

_BEGIN, _END = b"BEGIN:VCARD", b"END:VCARD"


def load(store: Store, account: Account, folder: Path) -> tuple[int, int]:
    """Have every card of the folder in the account's address book; give how many were loaded and how many not."""
    loaded = unreadable = 0
    now = Clock(store).now()
    met: set[tuple[str, int]] = set()
    with store.write() as db:
        book = state.open_book(db, account)
        for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".vcf" and path.is_file()):
            times: Counter[str] = Counter()
            for card in split_cards(path.read_bytes()):
                said = hashlib.sha256(card).hexdigest()
                times[said] += 1
                if (said, times[said]) in met:
                    continue
                met.add((said, times[said]))
                try:
                    resource = read_card(card)
                except ValueError:
                    unreadable += 1
                    continue
                number = state.number_of(account.sub, said, str(times[said]))
                state.write(db, book, number, {**resource, "memberships": [membership()]}, now)
                loaded += 1
    return loaded, unreadable


def split_cards(content: bytes) -> Iterator[bytes]:
    """Give the cards of a file one by one, as many as it has lines that begin one."""
    card: list[bytes] | None = None
    for line in _utf8(content).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        mark = line.strip().upper()
        if mark == _BEGIN:
            if card is not None:
                yield b"\n".join(card)
            card = []
        if card is not None:
            card.append(line)
            if mark == _END:
                yield b"\n".join(card)
                card = None
    if card is not None:
        yield b"\n".join(card)


def _utf8(content: bytes) -> bytes:
    """Give a file that was written in UTF-16 as UTF-8; any other as it is, without a byte-order mark."""
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"} and b"\x00" in content:  # else a stray mark before plain text
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(b"\xef\xbb\xbf")
