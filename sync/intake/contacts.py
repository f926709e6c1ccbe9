"""Contacts: their fields as facts, sealed."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crm.addresses import normalise
from crm.names import person_name
from sync.intake.heard import Gathering
from sync.intake.sealing import Desk, SealedFact
from sync.intake.text import clean
from sync.plan import Item
from workspace.people import Card

_MOST = 50
_LONGEST = {"name": 200, "email": 320, "phone": 64, "title": 200, "organisation": 200, "url": 2000, "address": 1000}
_SHORT = 40


@dataclass(slots=True)
class ContactPage:
    """A page of contacts, still readable: items to plan with, then their facts, sealed."""

    desk: Desk
    gathering: Gathering
    now: dt.datetime
    items: dict[str, Item] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    _cards: dict[str, Card] = field(default_factory=dict, repr=False)

    def columns(self, key: str) -> dict[str, object]:
        """Return what a contact's row holds beside its ids."""
        card = self._cards[key]
        return {
            "resource_name": card.resource_name,
            "etag": card.etag[:255],
            "updated_at": card.updated_at,
            "digest": self.items[key].digest,
        }

    def facts(self, key: str) -> Iterator[tuple[SealedFact, bytes | None]]:
        """Yield the contact's facts, and for each address its blind index."""
        card = self._cards[key]
        at = card.updated_at or self.now
        positions: dict[str, int] = {}
        for name, text in _told(card):
            position = positions[name] = positions.get(name, -1) + 1
            index = None
            if name == "email" and (address := normalise(text)):
                index = self.gathering.hear(address, None, at).address_index
            yield self.desk.fact(name, text, at, position=position, index=index), index

    def hear_addresses(self, keys: Iterable[str]) -> None:
        """The addresses of these contacts are gathered."""
        for key in keys:
            card = self._cards[key]
            for spelled in card.addresses[:_MOST]:
                if (address := normalise(spelled)) is not None:
                    self.gathering.hear(address, None, card.updated_at or self.now)


def read(cards: Iterable[Card], desk: Desk, now: dt.datetime) -> ContactPage:
    """Return the page; tombstones and the former names of merged contacts are among what is gone."""
    page = ContactPage(desk, Gathering(desk), now)
    for card in cards:
        if card.is_deleted:
            page.gone.append(card.resource_name)
            continue
        page.gone += [name for name in card.previous if name != card.resource_name]
        page.items[card.resource_name] = Item(card.resource_name, _digest(card, desk))
        page._cards[card.resource_name] = card  # noqa: SLF001 -- the page is made here
    return page


def _told(card: Card) -> Iterator[tuple[str, str]]:
    """Yield the fields and texts of a contact, bounded."""
    fields = (
        ("name", tuple(filter(None, (person_name(name) or name for name in card.names)))),
        ("email", card.addresses),
        ("phone", card.phones),
        ("title", card.titles),
        ("organisation", card.organisations),
        ("url", card.urls),
        ("address", card.places),
        ("birthday", card.birthdays),
    )
    for name, texts in fields:
        for text in texts[:_MOST]:
            if bounded := clean(text, _LONGEST.get(name, _SHORT)):
                yield name, bounded


def _digest(card: Card, desk: Desk) -> bytes:
    """Return the digest of all that is kept of a contact, its etag too, which write-back will need."""
    lines = [card.etag]
    for name, text in _told(card):
        lines += (name, text)
    return desk.indexer.digest("digest", "\x00".join(lines))
