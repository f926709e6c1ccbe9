"""Fingerprints: by them a text that a user typed is found to repeat what Google gave, with none of that text kept.

Of everything that comes in two numbers are kept for each anchor (`limited_use.passages` says which those are). The
*print* is a digest under a key of the organisation, so that one look-up serves all grants. The *tag* is the anchor's
neighbourhood, masked by a digest under a key of the grant and bound to the item: without that key, which is destroyed
with the grant's others, nothing is found, not even with a restored copy of the table. Short lines that are a whole
subject or title are printed as they are, without a neighbourhood.

What stands in several conversations of one grant is *common*: a signature, a disclaimer, a phrase. It is no finding,
or everybody's notes would be full of them. What a member sent is printed like what they received: it came from Google.
"""

import hashlib
import struct
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row, any_, delete, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from kernel.errors import TooLarge
from limited_use.fingerprint_models import Fingerprint
from limited_use.key_tree import KeyDestroyed, KeyUnknown
from limited_use.keys import BlindIndex, Vault
from limited_use.labels import Source
from limited_use.passages import GRAM, MOST_PREFIXES, SHORTEST, Passage, passage, whole_lines

COMMON = 5
"""In so many conversations of one grant a passage is common."""
LONGEST_ASKED = 250_000
"""Characters of the longest text that can be asked about."""
_AT_ONCE = 1_000
_HELD = 20_000
"""Grams that are asked about together, in statements of _AT_ONCE each."""
_MOST_ROWS = 4_000
"""Of a print that is in more rows, so many are looked at, and none if it is common under any grant."""
_MOST_COUNTED = 50_000
"""Rows among which it is found out whether such a print is common."""
_LINE = b"\n"
"""Begins what is printed as a whole line: no gram holds it."""
_ALONE = bytes(8)
_ORDER = tuple(Source)


@dataclass(frozen=True, slots=True)
class Finding:
    """A text repeats what came in under these grants; nothing of the text."""

    source: Source
    grant_ids: frozenset[uuid.UUID]


class Printer:
    """Prints what comes in from one source under one grant."""

    __slots__ = ("_grant_id", "_marks", "_organisation_id", "_prints", "_source", "_threads")

    def __init__(self, vault: Vault, organisation_id: uuid.UUID, grant_id: uuid.UUID, source: Source) -> None:
        self._organisation_id, self._grant_id, self._source = organisation_id, grant_id, source
        indexer = vault.indexer(organisation_id)
        self._prints = _digests(indexer)
        self._threads = indexer
        self._marks = _key(vault.print_index(organisation_id, grant_id))

    def __repr__(self) -> str:
        """Return a constant."""
        return "<printer>"

    def row(self, item_id: uuid.UUID, part: str, thread: str, texts: Iterable[str]) -> dict[str, Any]:
        """Return the row of one part of an item, in the conversation that `thread` names at Google."""
        masks = _masks(self._marks, item_id)
        kept = [pair for text in texts for pair in _kept(text)]
        prints = b"".join([_digest(self._prints, printed) for printed, _ in kept])
        masked = b"".join([_digest(masks, printed) for printed, _ in kept])
        around = b"".join([neighbours for _, neighbours in kept])
        tags = (int.from_bytes(masked) ^ int.from_bytes(around)).to_bytes(len(masked))
        pairs = dict.fromkeys(zip(_numbers(prints), _numbers(tags), strict=True))
        return {
            "item_id": item_id,
            "part": part,
            "organisation_id": self._organisation_id,
            "grant_id": self._grant_id,
            "source": self._source.value,
            "thread": _numbers(self._threads.digest("thread", thread)[:8])[0],
            "prints": [pair[0] for pair in pairs],
            "tags": [pair[1] for pair in pairs],
        }


def keep(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows stand in the table, in place of what was there of the same parts of the same items."""
    if rows:
        new = insert(Fingerprint).values([dict(row) for row in rows])
        changed = {name: new.excluded[name] for name in ("thread", "prints", "tags")}
        session.execute(new.on_conflict_do_update(index_elements=["item_id", "part"], set_=changed))


def forget(session: Session, item_ids: Collection[uuid.UUID]) -> None:
    """Nothing is kept of these items any more."""
    if item_ids:
        ids = literal(list(item_ids), ARRAY(Uuid))
        session.execute(delete(Fingerprint).where(Fingerprint.item_id == any_(ids)))


def findings(
    session: Session,
    vault: Vault,
    organisation_id: uuid.UUID,
    texts: Sequence[str],
    grant_ids: Collection[uuid.UUID] | None = None,
) -> list[Finding | None]:
    """Return for each text whether it repeats eight words of what came in, or a whole short subject or title.

    Asks about all grants of the organisation, or about these alone. Whoever may not see a grant's data may not be told
    of a finding in it either.

    Raises:
        TooLarge: if a text is too long to be asked about.
    """
    if any(len(text) > LONGEST_ASKED for text in texts):
        raise _too_long()
    search = _Search(session, vault, organisation_id, grant_ids)
    held = _Asked(_digests(vault.indexer(organisation_id)))
    for number, text in enumerate(texts):
        held.add(number, text)
        if len(held.places) >= _HELD:
            search.look(held)
            held = _Asked(held.prints)
    search.look(held)
    return [search.finding(number) for number in range(len(texts))]


class _Place(NamedTuple):
    """Where a print stands in what is asked about: the text, and the word; no word for a whole line."""

    number: int
    passage: Passage
    at: int | None
    printed: bytes

    def goes_on(self, neighbours: bytes) -> bool:
        return neighbours == _ALONE if self.at is None else self.passage.goes_on(self.at, neighbours)


@dataclass(slots=True)
class _Asked:
    """Texts that are asked about together, by their prints."""

    prints: "hashlib.blake2b"
    places: defaultdict[int, list[_Place]] = field(default_factory=lambda: defaultdict(list))

    def add(self, number: int, text: str) -> None:
        """The text is among them."""
        words = passage(text, most=LONGEST_ASKED + 1)
        if len(words.words) > LONGEST_ASKED:  # one character may stand for several words
            raise _too_long()
        for at in range(len(words.words) - GRAM + 1):
            self._note(_Place(number, words, at, words.gram(at)))
        for line in whole_lines(text):
            self._note(_Place(number, words, None, _LINE + line))

    def _note(self, place: _Place) -> None:
        self.places[_numbers(_digest(self.prints, place.printed))[0]].append(place)


class _Search:
    """What was found so far. A passage counts where it stands in few conversations of every grant that has it."""

    def __init__(
        self,
        session: Session,
        vault: Vault,
        organisation_id: uuid.UUID,
        grant_ids: Collection[uuid.UUID] | None,
    ) -> None:
        self._session, self._vault, self._organisation_id = session, vault, organisation_id
        self._grant_ids = grant_ids
        self._keys: dict[uuid.UUID, bytes | None] = {}
        self._found: defaultdict[int, set[tuple[Source, uuid.UUID]]] = defaultdict(set)

    def finding(self, number: int) -> Finding | None:
        """Return what was found of a text."""
        found = self._found.get(number)
        if not found:
            return None
        source = min((source for source, _ in found), key=_ORDER.index)
        return Finding(source, frozenset(grant_id for _, grant_id in found))

    def look(self, asked: _Asked) -> None:
        """What is kept of these texts is found."""
        if not asked.places or (self._grant_ids is not None and not self._grant_ids):
            return
        # A list of many prints makes the planner expect many rows; there are few, and the index finds them.
        self._session.execute(select(func.set_config("enable_seqscan", "off", True)))  # noqa: FBT003 -- as SQL has it
        prints = list(asked.places)
        rows = {
            (row.item_id, row.part): row
            for at in range(0, len(prints), _AT_ONCE)
            for row in self._rows(prints[at : at + _AT_ONCE])
        }
        self._session.execute(select(func.set_config("enable_seqscan", "on", True)))  # noqa: FBT003 -- as above
        threads: defaultdict[tuple[int, int | bytes], defaultdict[tuple[Source, uuid.UUID], set[int]]]
        threads = defaultdict(lambda: defaultdict(set))
        for row in rows.values():
            for printed, tag in zip(row.prints, row.tags, strict=True):
                for place in asked.places.get(printed, ()):
                    where = (place.number, place.printed if place.at is None else place.at)
                    if self._is_there(place, row, tag):
                        threads[where][Source(row.source), row.grant_id].add(row.thread)
        for (number, _), by_grant in threads.items():
            if all(len(seen) < COMMON for seen in by_grant.values()):
                self._found[number].update(by_grant)

    def _rows(self, prints: list[int]) -> Iterator[Row[*tuple[Any, ...]]]:
        """Yield who has any of these prints; of one that very many have and that is common, nobody.

        Which prints of a row those are is found out here: a join on them in the database is at times planned so that it
        takes minutes.
        """
        asked = literal(prints, ARRAY(BigInteger))
        query = (
            select(
                Fingerprint.item_id,
                Fingerprint.part,
                Fingerprint.grant_id,
                Fingerprint.source,
                Fingerprint.thread,
                Fingerprint.prints,
                Fingerprint.tags,
            )
            .where(Fingerprint.prints.overlap(asked), Fingerprint.organisation_id == self._organisation_id)
            .limit(_MOST_ROWS + 1)
        )
        if self._grant_ids is not None:
            query = query.where(Fingerprint.grant_id == any_(literal(list(self._grant_ids), ARRAY(Uuid))))
        rows = self._session.execute(query).all()
        if len(rows) <= _MOST_ROWS:
            yield from rows
        elif len(prints) > 1:
            middle = len(prints) // 2
            yield from self._rows(prints[:middle])
            yield from self._rows(prints[middle:])
        elif not _is_common_among(rows) and not self._is_common(prints[0]):  # a mail to all of a large organisation
            yield from rows

    def _is_common(self, printed: int) -> bool:
        """Tell whether the print is in many conversations of any grant, as far as so many rows tell."""
        having = select(Fingerprint.grant_id, Fingerprint.thread).where(
            Fingerprint.prints.overlap(literal([printed], ARRAY(BigInteger))),
            Fingerprint.organisation_id == self._organisation_id,
        )
        if self._grant_ids is not None:
            having = having.where(Fingerprint.grant_id == any_(literal(list(self._grant_ids), ARRAY(Uuid))))
        some = having.limit(_MOST_COUNTED).subquery()
        many = func.count(some.c.thread.distinct()) >= COMMON
        return self._session.scalar(select(some.c.grant_id).group_by(some.c.grant_id).having(many).limit(1)) is not None

    def _is_there(self, place: _Place, row: Row[*tuple[Any, ...]], tag: int) -> bool:
        """Tell whether what stands around the place is what was kept with the print."""
        key = self._key_of(row.grant_id)
        if key is None:
            return False
        mask = _digest(_masks(key, row.item_id), place.printed)
        return place.goes_on((tag ^ _numbers(mask)[0]).to_bytes(8, signed=True))

    def _key_of(self, grant_id: uuid.UUID) -> bytes | None:
        """Return the key of a grant's tags; None once it was ended."""
        if grant_id not in self._keys:
            try:
                self._keys[grant_id] = _key(self._vault.print_index(self._organisation_id, grant_id))
            except (KeyDestroyed, KeyUnknown):
                self._keys[grant_id] = None
        return self._keys[grant_id]


def _is_common_among(rows: Sequence[Row[*tuple[Any, ...]]]) -> bool:
    """Tell whether these rows, which have a print in common, are of many conversations of any grant."""
    threads: defaultdict[uuid.UUID, set[int]] = defaultdict(set)
    for row in rows:
        threads[row.grant_id].add(row.thread)
    return any(len(seen) >= COMMON for seen in threads.values())


def _too_long() -> TooLarge:
    return TooLarge(f"A text of more than {LONGEST_ASKED:,} characters cannot be checked, so it is not passed on.")


def _kept(text: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield what is printed of a text, and its neighbourhood."""
    words = passage(text)
    for at in words.anchors():
        yield words.gram(at), words.neighbours(at)
    if "\n" in text or len(words.words) < SHORTEST + MOST_PREFIXES:
        for line in whole_lines(text):
            yield _LINE + line, _ALONE


def _key(index: BlindIndex) -> bytes:
    return index.full_digest("fingerprints", b"")


def _digests(index: BlindIndex) -> "hashlib.blake2b":
    return hashlib.blake2b(key=_key(index), digest_size=8)


def _masks(key: bytes, item_id: uuid.UUID) -> "hashlib.blake2b":
    return hashlib.blake2b(item_id.bytes, key=key, digest_size=8)


def _digest(begun: "hashlib.blake2b", printed: bytes) -> bytes:
    made = begun.copy()
    made.update(printed)
    return made.digest()


def _numbers(digests: bytes) -> tuple[int, ...]:
    """Return digests of eight bytes as PostgreSQL holds them: signed numbers."""
    return struct.unpack(f">{len(digests) // 8}q", digests)
