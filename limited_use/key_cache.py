"""Unwrapped keys of one process: few, for a short time, dropped on destruction.

The cache is for speed alone. Whether a key may be used is never decided here (see `limited_use.keys`).
"""

import threading
import time
from collections.abc import Collection, Hashable, Iterable
from functools import cached_property
from typing import TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from limited_use.cipher import BlindIndex
from limited_use.key_tree import KeyFacts, KeyName

LIFETIME_S = 60.0
MOST_KEYS = 4_096
MOST_FACTS = 65_536

K = TypeVar("K", bound=Hashable)


class OpenKey:
    """An unwrapped key, as a cipher or as a blind index."""

    def __init__(self, facts: KeyFacts, key: bytes) -> None:
        self.facts = facts
        self._key = key

    def __repr__(self) -> str:
        """Return the key's id alone."""
        return f"<key {self.facts.id}>"

    @cached_property
    def cipher(self) -> AESGCM:
        """The key as AES-256-GCM."""
        return AESGCM(self._key)

    @cached_property
    def index(self) -> BlindIndex:
        """The key as a blind index."""
        return BlindIndex(self._key)


class KeyCache:
    """Keys by id, the newest by name, and the facts of keys, which never change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[int, tuple[float, OpenKey]] = {}
        self._current: dict[KeyName, tuple[float, OpenKey]] = {}
        self._facts: dict[int, KeyFacts] = {}

    def keys(self, key_ids: Collection[int]) -> dict[int, OpenKey]:
        """Return those of the keys that are here and fresh."""
        now = time.monotonic()
        found = {}
        for key_id in key_ids:
            kept = self._keys.get(key_id)
            if kept is not None and kept[0] > now:
                found[key_id] = kept[1]
        return found

    def facts(self, key_ids: Collection[int]) -> dict[int, KeyFacts]:
        """Return the facts that are known."""
        facts = self._facts
        return {key_id: facts[key_id] for key_id in key_ids if key_id in facts}

    def current(self, name: KeyName) -> OpenKey | None:
        """Return the newest key of that name, if it is here and fresh."""
        kept = self._current.get(name)
        return kept[1] if kept is not None and kept[0] > time.monotonic() else None

    def keep(self, key: OpenKey) -> OpenKey:
        """Keep a key for its lifetime."""
        with self._lock:
            _make_room(self._keys, MOST_KEYS)
            self._keys[key.facts.id] = (time.monotonic() + LIFETIME_S, key)
        self.learn(key.facts)
        return key

    def make_current(self, name: KeyName, key: OpenKey) -> None:
        """Keep a key as the newest of its name."""
        with self._lock:
            _make_room(self._current, MOST_KEYS)
            self._current[name] = (time.monotonic() + LIFETIME_S, key)

    def forget_current(self, name: KeyName) -> None:
        """Know no more which key is the newest of that name."""
        with self._lock:
            self._current.pop(name, None)

    def expire(self) -> None:
        """Hold no key beyond its lifetime."""
        now = time.monotonic()
        with self._lock:
            _drop_old(self._keys, now)
            _drop_old(self._current, now)

    def learn(self, facts: KeyFacts) -> KeyFacts:
        """Keep what a key is for."""
        with self._lock:
            if len(self._facts) >= MOST_FACTS:
                self._facts.clear()
            self._facts[facts.id] = facts
        return facts

    def drop(self, key_ids: Iterable[int]) -> None:
        """Forget these keys."""
        gone = set(key_ids)
        with self._lock:
            for key_id in gone:
                self._keys.pop(key_id, None)
            for name in [name for name, (_, key) in self._current.items() if key.facts.id in gone]:
                del self._current[name]


def _make_room(kept: dict[K, tuple[float, OpenKey]], most: int) -> None:
    """Drop what has expired, and the oldest half if that is not enough, when there are too many."""
    if len(kept) < most:
        return
    _drop_old(kept, time.monotonic())
    for name in list(kept)[: max(0, len(kept) - most // 2)]:
        del kept[name]


def _drop_old(kept: dict[K, tuple[float, OpenKey]], now: float) -> None:
    for name in [name for name, (until, _) in kept.items() if until <= now]:
        del kept[name]
