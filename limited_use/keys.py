"""The key tree: key-encryption key → each organisation's wrap key → content, index and each grant's keys.

Content is sealed under the key of its origin: what users write under the organisation's content key, what Google gave
under the grant's key of that source. A label is therefore read from a key and cannot be lost or forged. Destroying a
grant's keys ends all reading of its data, in every copy.

Destruction is noticed at once in every process, whatever it has cached: keys are unwrapped into a small cache for at
most a minute, but an opening also asks, in the transaction that holds the grants' locks, whether any of its keys is
listed in `destroyed_keys` of the main database (one look-up by primary key; a message bus could be late, this cannot).
The same list is replayed over the keys' database before a process uses its first key, so that no restored backup of
the keys revives one; it also pushes the sequence of ids past every id on the list. `limited_use.key_watch` follows the
list, so that memory holds no key, and nothing else of an ended grant, for longer than a moment.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import any_, bindparam, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

from kernel.clock import Clock
from kernel.database import Sessions
from kernel.ids import new_id
from limited_use.cipher import BlindIndex, Sealer, key_id_of
from limited_use.decoys import DecoyOpened, sound
from limited_use.key_cache import OpenKey
from limited_use.key_store import KeyStore
from limited_use.key_tree import (
    GRANT_PURPOSES,
    NOT_SEALING,
    ORGANISATION_PURPOSES,
    KeyDestroyed,
    KeyFacts,
    KeyName,
    KeyPurpose,
    KeyUnknown,
)
from limited_use.keyring import KeyProvider
from limited_use.labels import NATIVE, Labels
from limited_use.models import DestroyedKey, Key
from limited_use.roots import key_provider
from limited_use.sealing import Labelled, Sealed, Value

if TYPE_CHECKING:
    from kernel.runtime import Runtime

__all__ = ["BlindIndex", "KeyDestroyed", "KeyPurpose", "KeyUnknown", "Sealer", "Vault", "vault"]
_DEAD = select(DestroyedKey.key_id).where(DestroyedKey.key_id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
"""Made once: building it anew costs as much as running it."""
_REPLAYED_AT_ONCE = 10_000
_PAST = text(
    """
    WITH needed AS (
        SELECT greatest(max(id), :least) AS last, pg_get_serial_sequence('keys', 'id') AS sequence FROM keys
    )
    SELECT setval(sequence, last) FROM needed WHERE last > coalesce(pg_sequence_last_value(sequence::regclass), 0)
    """
)
"""Leaves the sequence of ids past all that were ever used; one that is past them, others are drawing from."""


class Vault:
    """Holds the keys of this process. Anyone may seal and index; only release, derive and the log open."""

    def __init__(self, provider: KeyProvider, key_sessions: Sessions, sessions: Sessions, clock: Clock) -> None:
        self.store = KeyStore(provider, key_sessions, clock)
        self._sessions = sessions

    def __repr__(self) -> str:
        """Return a constant."""
        return "<vault>"

    def create_organisation(self, organisation_id: uuid.UUID) -> None:
        """Leave the organisation with all keys of its own; calling it again changes nothing."""
        self.store.complete([KeyName(organisation_id, (), purpose) for purpose in ORGANISATION_PURPOSES])

    def create_grant(self, organisation_id: uuid.UUID, grant_id: uuid.UUID) -> None:
        """Leave the grant with all its keys; calling it again changes nothing, and destroyed keys stay so."""
        self.create_organisation(organisation_id)
        self.store.complete([KeyName(organisation_id, (grant_id,), purpose) for purpose in GRANT_PURPOSES])

    def create_decoy(self, organisation_id: uuid.UUID) -> uuid.UUID:
        """Return the organisation's grant of decoys, with its keys; calling it again gives the same."""
        mine = select(Key.grant_id).where(Key.organisation_id == organisation_id, Key.is_decoy)
        with self.store.sessions() as session:
            grant_id = session.scalar(mine.order_by(Key.id).limit(1)) or new_id()
        self.create_organisation(organisation_id)
        names = [KeyName(organisation_id, (grant_id,), purpose) for purpose in GRANT_PURPOSES]
        self.store.complete(names, is_decoy=True)
        return grant_id

    def sealer(self, organisation_id: uuid.UUID, purpose: KeyPurpose, grant_id: uuid.UUID | None = None) -> Sealer:
        """Return a sealer under the newest key of that purpose.

        Raises:
            KeyUnknown: if no such key was made, or keys of that purpose seal nothing.
            KeyDestroyed: if it was destroyed.
        """
        if purpose in NOT_SEALING:
            raise KeyUnknown
        return self._sealer(KeyName(organisation_id, (grant_id,) if grant_id else (), purpose))

    def joint_sealer(
        self, organisation_id: uuid.UUID, grant_ids: Collection[uuid.UUID], purpose: KeyPurpose = KeyPurpose.DERIVED
    ) -> Sealer:
        """Return a sealer for what derives from all these grants, in whatever order; of one grant its own.

        Its label is all of them, and its key ends with the first of them that ends.

        Raises:
            KeyUnknown: if a grant has no keys here, none is named, or values of that purpose never derive from several.
            KeyDestroyed: if a grant was ended.
        """
        grants = tuple(sorted(set(grant_ids)))
        if not grants or purpose is not KeyPurpose.DERIVED:
            raise KeyUnknown
        name = KeyName(organisation_id, grants, purpose)
        if name.joint is not None and self.store.cache.current(name) is None:
            self.store.complete_joint(name)
        return self._sealer(name)

    def indexer(self, organisation_id: uuid.UUID) -> BlindIndex:
        """Return the organisation's blind index."""
        return self.store.current(KeyName(organisation_id, (), KeyPurpose.INDEX)).index

    def print_index(self, organisation_id: uuid.UUID, grant_id: uuid.UUID) -> BlindIndex:
        """Return the index that a grant's fingerprints are bound to: it ends with the grant's other keys.

        Raises:
            KeyUnknown: if the grant has no keys.
            KeyDestroyed: if it was ended.
        """
        name = KeyName(organisation_id, (grant_id,), KeyPurpose.PRINTS)
        try:
            return self.store.current(name).index
        except KeyUnknown:  # a grant from before there were such keys; one that was ended is given none
            self.store.current(KeyName(organisation_id, (grant_id,), KeyPurpose.DERIVED))
            self.create_grant(organisation_id, grant_id)
            return self.store.current(name).index

    def pseudonym(self, organisation_id: uuid.UUID, kind: str, subject_id: uuid.UUID) -> str:
        """Return 32 hex digits that stand for a member, grant or organisation in the log."""
        key = self.store.current(KeyName(organisation_id, (), KeyPurpose.PSEUDONYM))
        return key.index.digest(kind, subject_id.bytes).hex()

    def labels(self, value: Value) -> Labels:
        """Return what the value derives from.

        Raises:
            KeyUnknown: if its key is none of ours.
        """
        if type(value) is Sealed:
            key_id = key_id_of(value._wire)  # noqa: SLF001 -- the guard reads the key's id
            found = self.facts({key_id}).get(key_id)
            if found is None:
                raise KeyUnknown
            return found.labels
        if type(value) is Labelled:
            inner = value._value  # noqa: SLF001 -- as above
            return value._labels | (self.labels(inner) if type(inner) is Sealed else NATIVE)  # noqa: SLF001 -- as above
        return NATIVE

    def facts(self, key_ids: Collection[int]) -> dict[int, KeyFacts]:
        """Return what each key is for, destroyed or not; ids that are none of ours are absent."""
        return self.store.facts(key_ids)

    def opening(self, key_ids: Collection[int]) -> dict[int, OpenKey]:
        """Return these keys, unwrapped. Only for the guard, after `check_alive` and a durable leaf.

        Raises:
            KeyUnknown: if one is none of ours.
            KeyDestroyed: if one was destroyed.
        """
        return self.store.opening(key_ids)

    def check_alive(self, session: Session, key_ids: Collection[int]) -> None:
        """Accept keys that were not destroyed, as the main database knows it now, and that are no decoys'.

        Raises:
            DecoyOpened: if one is a decoy's; the alarm has gone.
            KeyDestroyed: if one was destroyed.
        """
        if not key_ids:
            return
        decoys = {known.organisation_id for known in self.facts(key_ids).values() if known.is_decoy}
        if decoys:
            with self._sessions.begin() as own:  # its own transaction: the caller's may be undone
                for organisation_id in decoys:
                    sound(own, self, self.store.clock, organisation_id)
            raise DecoyOpened
        dead = session.scalars(_DEAD, {"ids": list(key_ids)}).all()
        if dead:
            self.store.cache.drop(dead)
            raise KeyDestroyed

    def alive(self, session: Session, key_ids: Collection[int]) -> set[int]:
        """Return those of the keys that were not destroyed, as the main database knows it now."""
        return set(key_ids) - set(session.scalars(_DEAD, {"ids": list(key_ids)}).all())

    def begin(self) -> Session:
        """Return a session on the main database, for a check of keys outside a release."""
        return self._sessions()

    def destroy_grant(self, session: Session, grant_id: uuid.UUID) -> list[int]:
        """Leave the grant without keys but those of its log details, for ever; return the ids of what was destroyed.

        The keys' own database is changed and committed here; the record of it stands in `session`, whose commit
        tells every process. Repeating it after a crash completes the record.
        """
        return self._destroy(session, grant_id, [p for p in GRANT_PURPOSES if p is not KeyPurpose.DETAIL])

    def destroy_details(self, session: Session, grant_id: uuid.UUID) -> list[int]:
        """Leave the grant's log details unreadable for ever: on erasure, or at the end of their retention."""
        return self._destroy(session, grant_id, [KeyPurpose.DETAIL])

    def replay_destroyed(self) -> int:
        """Destroy again whatever a restored copy of the keys brought back; return how many keys that were."""
        count = after = 0
        while listed := self._listed(after):
            after = max(listed)
            count += self._destroy_again(listed)
        if after:
            with self.store.sessions.begin() as session:
                session.execute(_PAST, {"least": after})
        return count

    def close(self) -> None:
        """Have told how often this process used its keys."""
        self.store.flush()

    def _listed(self, after: int) -> dict[int, bytes]:
        """Return the next of the listed keys, by id, with their commitments: over the years there are very many."""
        query = select(DestroyedKey.key_id, DestroyedKey.commitment).where(DestroyedKey.key_id > after)
        with self._sessions() as session:
            found = session.execute(query.order_by(DestroyedKey.key_id).limit(_REPLAYED_AT_ONCE)).all()
        return {row.key_id: row.commitment for row in found}

    def _destroy_again(self, listed: dict[int, bytes]) -> int:
        """Destroy those of the listed keys that are there; return how many they were."""
        ids = literal(sorted(listed), ARRAY(BigInteger))
        alive = select(Key).where(Key.id == any_(ids), Key.wrapped.is_not(None)).with_for_update()
        with self.store.sessions.begin() as session:
            revived = [key for key in session.scalars(alive) if key.commitment == listed[key.id]]
            for key in revived:
                key.wrapped, key.destroyed_at = None, self.store.clock.now()
            ids_gone = [key.id for key in revived]
        self.store.cache.drop(ids_gone)
        return len(ids_gone)

    def _sealer(self, name: KeyName) -> Sealer:
        if self.store.uses.is_due():
            self.store.flush()
        key = self.store.current(name)
        return Sealer(key.cipher, key.facts.id, name.organisation_id, self.store.uses.of(key.facts.id))

    def _destroy(self, session: Session, grant_id: uuid.UUID, purposes: Collection[KeyPurpose]) -> list[int]:
        now = self.store.clock.now()
        with self.store.sessions.begin() as keys_session:
            any_of_it = or_(Key.grant_id == grant_id, Key.joint_grants.contains([grant_id]))
            mine = (any_of_it, Key.purpose.in_([purpose.value for purpose in purposes]))
            # First the lock: what is being made of these keys at this moment is there once it is had, and goes, too.
            keys_session.execute(select(Key.id).where(*mine).order_by(Key.id).with_for_update())
            gone = update(Key).where(*mine, Key.destroyed_at.is_(None)).values(wrapped=None, destroyed_at=now)
            keys_session.execute(gone)
            rows = keys_session.scalars(select(Key).where(*mine).order_by(Key.id)).all()
        record_destroyed(session, rows)
        ids = [row.id for row in rows]
        self.store.cache.drop(ids)
        return ids


def record_destroyed(session: Session, rows: Sequence[Key]) -> None:
    """Leave it recorded beside the data that these keys may never come back."""
    records = [
        {
            "key_id": row.id,
            "commitment": row.commitment,
            "organisation_id": row.organisation_id,
            "grant_id": row.grant_id,
            "destroyed_at": row.destroyed_at,
        }
        for row in rows
    ]
    if records:
        session.execute(insert(DestroyedKey).values(records).on_conflict_do_nothing())


def vault(runtime: "Runtime") -> Vault:
    """Return this runtime's vault; on its first use the list of destroyed keys has been replayed."""

    def make() -> Vault:
        root = key_provider(runtime)
        with runtime.key_sessions() as session:
            is_first = session.scalar(text("SELECT NOT EXISTS (SELECT FROM keys)"))
        if is_first:
            root.create()
        made = Vault(root, runtime.key_sessions, runtime.sessions, runtime.clock)
        made.replay_destroyed()
        return made

    return runtime.part("limited_use.vault", make)
