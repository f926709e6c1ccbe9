"""The keys' database as one process uses it: reads, unwraps, caches and makes keys.

No transaction is open while the provider is asked: a key service is a network call away. So a key is read first and
unwrapped after, and a new key is wrapped first and stored after, under locks that show whether what it was made from
still stands. Wrap keys are cached like the others, so the provider is asked once a minute and organisation at most.
"""

import secrets
import threading
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Uuid, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from kernel.clock import Clock
from kernel.database import Sessions
from limited_use.key_cache import KeyCache, OpenKey
from limited_use.key_tree import (
    KeyDestroyed,
    KeyFacts,
    KeyName,
    KeyPurpose,
    KeyUnknown,
    checked,
    commitment_of,
    newest,
    read_keys,
    unwrap_below,
    wrap_below,
    wrapped_by,
)
from limited_use.key_uses import KeyUses
from limited_use.keyring import KEY_SIZE, KeyProvider
from limited_use.models import Key

_told = structlog.get_logger(__name__)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class _New:
    """A version to be stored, and the newest version that it follows (0: none)."""

    name: KeyName
    after: int
    made_by: uuid.UUID | None = None
    is_decoy: bool = False


class KeyStore:
    """The keys of this process."""

    def __init__(self, provider: KeyProvider, sessions: Sessions, clock: Clock) -> None:
        self.provider = provider
        self.sessions = sessions
        self.clock = clock
        self.cache = KeyCache()
        self.uses = KeyUses(sessions)
        self._flushing = threading.Lock()

    def __repr__(self) -> str:
        """Return a constant."""
        return "<key store>"

    # --- reading

    def facts(self, key_ids: Collection[int]) -> dict[int, KeyFacts]:
        """Return what each key is for, destroyed or not; ids that are none of ours are absent."""
        known = self.cache.facts(key_ids)
        missing = [key_id for key_id in key_ids if key_id not in known]
        if missing:
            with self.sessions() as session:
                rows = read_keys(session, missing)
            for row in rows:
                known[row.id] = self.cache.learn(KeyFacts.of(row))
        return known

    def opening(self, key_ids: Collection[int]) -> dict[int, OpenKey]:
        """Return these keys, unwrapped.

        Raises:
            KeyUnknown: if one is none of ours.
            KeyDestroyed: if one was destroyed.
        """
        found = self.cache.keys(key_ids)
        missing = [key_id for key_id in key_ids if key_id not in found]
        if missing:
            with self.sessions() as session:
                rows = {row.id: row for row in read_keys(session, missing)}
            if len(rows) < len(set(missing)):
                raise KeyUnknown
            found |= {key.facts.id: key for key in self.open(list(rows.values()))}
        return found

    def current(self, name: KeyName) -> OpenKey:
        """Return the newest version of the key.

        Raises:
            KeyUnknown: if it was never made.
            KeyDestroyed: if it was destroyed.
        """
        found = self.cache.current(name)
        if found is None:
            with self.sessions() as session:
                row = newest(session, name)
            if row is None:
                raise KeyUnknown
            found = self.open([row])[0]
            self.cache.make_current(name, found)
        return found

    def open(self, rows: Sequence[Key]) -> list[OpenKey]:
        """Return what these rows hold, unwrapped, and kept for its lifetime.

        Raises:
            KeyDestroyed: if one, or the key that wraps it, was destroyed.
            KeyUnknown: if what is stored is not that key.
        """
        if any(row.wrapped is None for row in rows):
            raise KeyDestroyed
        below = {wrapped_by(row.wrapped or b"") for row in rows if row.purpose != KeyPurpose.WRAP}
        wraps = self.opening(below) if below else {}
        opened = []
        for row in rows:
            if row.purpose == KeyPurpose.WRAP:
                key = checked(self.provider.unwrap(row.wrapped or b"", KeyName.of(row).context(row.version)), row)
            else:
                above = wraps[wrapped_by(row.wrapped or b"")]
                if above.facts.purpose != KeyPurpose.WRAP or above.facts.organisation_id != row.organisation_id:
                    raise KeyUnknown
                key = unwrap_below(above.cipher, row)
            self.uses.of(row.id).unwraps += 1
            opened.append(self.cache.keep(OpenKey(KeyFacts.of(row), key)))
        return opened

    # --- making

    def complete(self, names: Sequence[KeyName], *, is_decoy: bool = False) -> None:
        """Make the first version of each of these keys that was never made; they are of one owner, wrap key first.

        What another process makes first stands.
        """
        owner = names[0]
        mine = (
            Key.organisation_id == owner.organisation_id,
            Key.grant_id == owner.grant_id,
            Key.joint == owner.joint,
        )
        with self.sessions() as session:
            there = set(session.scalars(select(Key.purpose).where(*mine)))
        missing = [_New(name, 0, is_decoy=is_decoy) for name in names if name.purpose not in there]
        if missing and missing[0].name.purpose is KeyPurpose.WRAP:
            self._store_wrap(missing.pop(0))
        if missing:
            self._store(missing, lambda _: None)

    def complete_joint(self, name: KeyName) -> None:
        """Make the first version of a joint key if it was never made; no grant of it can be ended meanwhile.

        Raises:
            KeyUnknown: if a grant has no keys in this organisation.
            KeyDestroyed: if one was ended.
        """

        def check(session: Session) -> None:
            one_of_each = (
                Key.organisation_id == name.organisation_id,
                Key.grant_id == any_(literal(list(name.grant_ids), ARRAY(Uuid))),
                Key.purpose == name.purpose.value,
            )
            found = session.scalars(select(Key).where(*one_of_each).order_by(Key.id).with_for_update(read=True)).all()
            if {row.grant_id for row in found} != set(name.grant_ids):
                raise KeyUnknown
            alive = {row.grant_id for row in found if row.destroyed_at is None}
            if alive != set(name.grant_ids):
                raise KeyDestroyed

        with self.sessions() as session:
            if newest(session, name) is not None:
                return
        self._store([_New(name, 0)], check)

    def renew(self, name: KeyName, made_by: uuid.UUID | None = None, *, after: int | None = None) -> bool:
        """Make a further version, which seals from now on; return whether one was made.

        None is made where the key was destroyed meanwhile, where the rotation `made_by` has made its version already,
        or where `after` is not the newest version any more.
        """
        with self.sessions() as session:
            row = newest(session, name)
            mine = select(Key.id).where(*name.rows(), Key.made_by == made_by).limit(1)
            if row is None or row.destroyed_at or (made_by and session.scalar(mine)):
                return False
        if after is not None and row.version != after:
            return False
        new = _New(name, row.version, made_by, row.is_decoy)
        made = self._store_wrap(new) if name.purpose is KeyPurpose.WRAP else self._store([new], lambda _: None)
        self.cache.forget_current(name)
        return made

    def flush(self) -> None:
        """Have told how often keys were used; those that were used too often have a new version."""
        if not self._flushing.acquire(blocking=False):
            return
        try:
            worn = self.uses.flush()
            with self.sessions() as session:
                rows = list(read_keys(session, worn)) if worn else []
            for row in rows:
                if self.renew(KeyName.of(row), after=row.version):
                    _told.info("key_renewed", key=row.id, reason="worn")
        except SQLAlchemyError as error:  # counted on, and told the next time
            _told.warning("key_uses_not_told", error=type(error).__name__)
        finally:
            self._flushing.release()

    def _store_wrap(self, new: _New) -> bool:
        key = secrets.token_bytes(KEY_SIZE)
        wrapped = self.provider.wrap(key, new.name.context(new.after + 1))
        with self.sessions.begin() as session:
            return self._insert(session, new, key, wrapped)

    def _store(self, new: Sequence[_New], check: Callable[[Session], None]) -> bool:
        """Wrap new keys and store them, if the wrap key is the newest still and `check` accepts; tell if all were."""
        wrap_name = KeyName(new[0].name.organisation_id, (), KeyPurpose.WRAP)
        for _ in range(_TRIES):
            above = self.current(wrap_name)
            with self.sessions.begin() as session:
                check(session)
                if self._is_newest(session, above):
                    made = [self._insert_below(session, one, above.facts.id, above.cipher) for one in new]
                    return all(made)
            self.cache.forget_current(wrap_name)
        raise KeyUnknown

    def _is_newest(self, session: Session, above: OpenKey) -> bool:
        """Tell whether this wrap key is the newest; it cannot be retired before the transaction ends."""
        session.execute(select(Key.id).where(Key.id == above.facts.id).with_for_update(read=True))
        found = newest(session, KeyName(above.facts.organisation_id, (), KeyPurpose.WRAP))
        return found is not None and found.id == above.facts.id

    def _insert_below(self, session: Session, new: _New, above_id: int, above: AESGCM) -> bool:
        key = secrets.token_bytes(KEY_SIZE)
        return self._insert(session, new, key, wrap_below(above_id, above, key, new.name.context(new.after + 1)))

    def _insert(self, session: Session, new: _New, key: bytes, wrapped: bytes) -> bool:
        """Store a version unless the one before it was destroyed or followed meanwhile; tell whether it was stored."""
        if new.after:
            last = newest(session, new.name, lock=True)
            if last is None or last.destroyed_at or last.version != new.after:
                return False
        name = new.name
        row = {
            "organisation_id": name.organisation_id,
            "grant_id": name.grant_id,
            "joint": name.joint,
            "joint_grants": list(name.grant_ids) if name.joint else None,
            "purpose": name.purpose.value,
            "version": new.after + 1,
            "wrapped": wrapped,
            "commitment": commitment_of(key),
            "created_at": self.clock.now(),
            "made_by": new.made_by,
            "is_decoy": new.is_decoy,
        }
        added = insert(Key).values(row).on_conflict_do_nothing().returning(Key.id)
        return session.scalar(added) is not None
