"""Sealing anew, where they stand, values whose key has a newer version: the part of a rotation that touches the data.

Every mapped table with sealed columns is gone through by its ids, a bounded batch a transaction. Rows that somebody
else is writing are passed over, not waited for, and seen again in the next pass. A value is replaced only if it still
is what was read, so no write is lost. Values under destroyed keys, and such as do not open in their place or are under
a damaged key, are left as they are. Plaintext lives here for the moment between the two keys and goes nowhere.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from cryptography.exceptions import InvalidTag
from sqlalchemy import ColumnElement, LargeBinary, Table, any_, bindparam, func, literal, select, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Uuid

from kernel.database import Base
from limited_use.cipher import HEAD_SIZE, NONCE_END, WIRE_VERSION, Sealer
from limited_use.columns import sealed_formats
from limited_use.key_cache import OpenKey
from limited_use.key_tree import KeyDestroyed, KeyUnknown, newest
from limited_use.keys import Vault
from limited_use.sealing import Sealed, field_of

BATCH = 1_000
_told = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A mapped table with sealed columns: their names and formats."""

    table: Table
    formats: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """A batch of rows, the keys of each, and what is to be found out of these keys."""

    rows: Mapping[uuid.UUID, tuple[int, ...]]
    alive: set[int]
    unknown: set[int]
    is_last: bool


@dataclass(frozen=True, slots=True)
class Did:
    """What became of the values of a batch that were under an old version."""

    resealed: int
    missed: int
    """Rows that others were writing: they are seen again in the next pass."""
    damaged: int
    """Values that do not open, or whose key does not."""


def sealed_tables() -> list[SealedTable]:
    """Return every mapped table with sealed columns, by name."""
    found = {}
    for mapper in Base.registry.mappers:
        formats = sealed_formats(mapper)
        if formats and isinstance(mapper.local_table, Table):
            found[mapper.local_table.name] = SealedTable(mapper.local_table, formats)
    return [found[name] for name in sorted(found)]


def keys_in_use(session: Session, key_ids: Collection[int]) -> set[int]:
    """Return those of the keys under which any row is sealed. Reads every sealed column once."""
    if not key_ids:
        return set()
    heads = literal([key_id.to_bytes(4, "big") for key_id in sorted(key_ids)], ARRAY(LargeBinary))
    used: set[int] = set()
    for sealed in sealed_tables():
        for name in sealed.formats:
            head = func.substring(type_coerce(sealed.table.c[name], LargeBinary), 2, 4, type_=LargeBinary)
            found = session.scalars(select(head).where(head == any_(heads)).distinct())
            used.update(int.from_bytes(one, "big") for one in found)
    return used


@dataclass
class Resealer:
    """Goes through tables for one slice of work; what it knows of keys is as old as it is."""

    vault: Vault
    organisation_id: uuid.UUID | None
    """Whose rows; None: everybody's."""
    _sealers: dict[int, Sealer | None] = field(default_factory=dict)
    _old: dict[int, OpenKey] = field(default_factory=dict)
    _damaged: set[int] = field(default_factory=set)

    def look(self, session: Session, sealed: SealedTable, after: uuid.UUID | None) -> Look:
        """Return the next batch of rows, and which of their keys are alive."""
        found = session.execute(self._heads(sealed, after)).all()
        ids = {row[0]: tuple(key_id for head in row[1:] if (key_id := _id_in(head)) is not None) for row in found}
        unknown = {key_id for row in ids.values() for key_id in row} - self._sealers.keys()
        return Look(ids, self.vault.alive(session, unknown), unknown, is_last=len(found) < BATCH)

    def learn(self, look: Look) -> None:
        """Know of each key under which version its values belong: None where they are right or cannot be read."""
        facts, store = self.vault.facts(look.unknown), self.vault.store
        for key_id in look.unknown:
            self._sealers[key_id] = None
            if key_id not in facts or key_id not in look.alive:
                continue
            with store.sessions() as session:
                row = newest(session, facts[key_id].name)
            if row is None or row.id <= key_id:
                continue
            try:
                self._old[key_id] = store.opening([key_id])[key_id]
                new = store.open([row])[0]
            except KeyDestroyed:  # with its grant, since we looked
                continue
            except KeyUnknown:
                self._damaged.add(key_id)
                continue
            self._sealers[key_id] = Sealer(new.cipher, row.id, row.organisation_id, store.uses.of(row.id))

    def reseal(self, session: Session, sealed: SealedTable, look: Look) -> Did:
        """Seal anew what needs it, within the caller's transaction; return what became of it."""
        table = sealed.table
        wanted = [row_id for row_id, key_ids in look.rows.items() if any(self._sealers.get(one) for one in key_ids)]
        damaged = sum(key_id in self._damaged for key_ids in look.rows.values() for key_id in key_ids)
        locked = session.execute(_locking(sealed, wanted)).all() if wanted else []
        changes: dict[str, list[dict[str, object]]] = {name: [] for name in sealed.formats}
        for row_id, organisation_id, *values in locked:
            for (name, value_format), value in zip(sealed.formats.items(), values, strict=True):
                try:
                    fresh = self._anew(value, organisation_id, table.name, name, row_id, value_format)
                except (InvalidTag, UnicodeDecodeError):
                    _told.error("sealed_value_damaged", table=table.name, column=name, row=str(row_id))
                    damaged += 1
                    continue
                if fresh is not None:
                    changes[name].append({"row": row_id, "was": value, "now": fresh})
        for name, changed in changes.items():
            if changed:
                session.execute(_replacing(table, name), changed)
        return Did(sum(map(len, changes.values())), len(wanted) - len(locked), damaged)

    def _heads(self, sealed: SealedTable, after: uuid.UUID | None) -> Any:
        table = sealed.table
        heads = [
            func.substring(type_coerce(table.c[name], LargeBinary), 1, HEAD_SIZE, type_=LargeBinary)
            for name in sealed.formats
        ]
        rows = select(table.c.id, *heads).order_by(table.c.id).limit(BATCH)
        if self.organisation_id is not None:
            rows = rows.where(table.c.organisation_id == self.organisation_id)
        return rows if after is None else rows.where(table.c.id > after)

    def _anew(
        self,
        value: Sealed | None,
        organisation_id: uuid.UUID,
        table: str,
        column: str,
        row_id: uuid.UUID,
        value_format: str,
    ) -> Sealed | None:
        """Return the value under the newest version of its key, None where it needs none.

        Raises:
            InvalidTag, UnicodeDecodeError: if it does not open in its place.
        """
        wire = None if value is None else value._wire  # noqa: SLF001 -- the guard's own
        key_id = _id_in(wire)
        sealer = self._sealers.get(key_id or 0)
        if wire is None or key_id is None or sealer is None:
            return None
        place = field_of(organisation_id, table, column, value_format).associated_data(row_id)
        text = self._old[key_id].cipher.decrypt(wire[HEAD_SIZE:NONCE_END], wire[NONCE_END:], place).decode()
        return sealer.seal(table, column, row_id, text, value_format)


def _locking(sealed: SealedTable, row_ids: Sequence[uuid.UUID]) -> Any:
    """Return the statement that reads these rows' sealed values and locks them, but for rows that others hold."""
    table = sealed.table
    return (
        select(table.c.id, table.c.organisation_id, *(table.c[name] for name in sealed.formats))
        .where(table.c.id == any_(literal(list(row_ids), ARRAY(Uuid))))
        .order_by(table.c.id)
        .with_for_update(skip_locked=True, key_share=True)
    )


def _replacing(table: Table, name: str) -> Any:
    """Return the statement that replaces a value which is still what was read."""
    column: ColumnElement[Any] = table.c[name]
    same = (table.c.id == bindparam("row"), column == bindparam("was", type_=column.type))
    return update(table).where(*same).values({name: bindparam("now", type_=column.type)})


def _id_in(wire: bytes | None) -> int | None:
    """Return the key's id in a ciphertext or in its head; None where there is none."""
    if wire is None or len(wire) < HEAD_SIZE or wire[0] != WIRE_VERSION:
        return None
    return int.from_bytes(wire[1:HEAD_SIZE], "big")
