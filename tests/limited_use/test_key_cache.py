"""The cache of unwrapped keys: for a minute, never too many, and what is dropped is gone under every name."""

import secrets

import pytest

from kernel.ids import new_id
from limited_use import key_cache
from limited_use.key_cache import LIFETIME_S, KeyCache, OpenKey
from limited_use.key_tree import KeyFacts, KeyName, KeyPurpose
from limited_use.labels import NATIVE


@pytest.fixture
def now(monkeypatch):
    """The time that the cache goes by, to be moved."""
    at = [1_000.0]
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: at[0])
    return at


def key(key_id):
    facts = KeyFacts(key_id, new_id(), KeyPurpose.CONTENT, NATIVE, is_decoy=False)
    return OpenKey(facts, secrets.token_bytes(32))


def name():
    return KeyName(new_id(), (), KeyPurpose.CONTENT)


def test_what_is_kept_is_there_for_its_lifetime_by_id_and_by_name(now):
    cache, named, kept = KeyCache(), name(), key(7)
    assert cache.keep(kept) is kept
    cache.make_current(named, kept)
    now[0] += LIFETIME_S - 1
    assert cache.keys([7, 8]) == {7: kept}
    assert cache.current(named) is kept
    assert cache.current(name()) is None
    now[0] += 1
    assert (cache.keys([7]), cache.current(named)) == ({}, None)
    assert cache.facts([7, 8]) == {7: kept.facts}, "what a key is for never changes"


def test_what_is_dropped_is_gone_under_every_name():
    cache, names, keys = KeyCache(), [name(), name()], [key(1), key(2)]
    for named, kept in zip(names, keys, strict=True):
        cache.keep(kept)
        cache.make_current(named, kept)
    cache.drop([1, 3])
    assert cache.keys([1, 2]) == {2: keys[1]}
    assert [cache.current(named) for named in names] == [None, keys[1]]
    cache.forget_current(names[1])
    assert (cache.current(names[1]), cache.keys([2])) == (None, {2: keys[1]})


def test_there_are_never_too_many_and_the_oldest_go(now, monkeypatch):
    monkeypatch.setattr(key_cache, "MOST_KEYS", 6)
    cache, names = KeyCache(), [name() for _ in range(7)]
    for number, named in enumerate(names):
        now[0] += 1
        made = cache.keep(key(number))
        cache.make_current(named, made)
    assert set(cache.keys(range(7))) == {3, 4, 5, 6}
    assert [cache.current(named) is not None for named in names] == [False] * 3 + [True] * 4


def test_what_has_expired_makes_room_first(now, monkeypatch):
    monkeypatch.setattr(key_cache, "MOST_KEYS", 6)
    cache = KeyCache()
    for number in range(4):
        cache.keep(key(number))
    now[0] += LIFETIME_S
    for number in range(4, 7):
        cache.keep(key(number))
    assert set(cache.keys(range(7))) == {4, 5, 6}
    assert len(cache._keys) == 3


def test_facts_are_never_too_many(monkeypatch):
    monkeypatch.setattr(key_cache, "MOST_FACTS", 3)
    cache = KeyCache()
    for number in range(4):
        cache.learn(key(number).facts)
    assert set(cache.facts(range(4))) == {3}


def test_nothing_unwrapped_outlives_its_lifetime_in_memory(now):
    cache = KeyCache()
    cache.make_current(name(), cache.keep(key(1)))
    now[0] += LIFETIME_S / 2
    later = cache.keep(key(2))
    cache.make_current(name(), later)
    now[0] += LIFETIME_S / 2
    cache.expire()
    assert list(cache._keys) == [2]
    assert [kept for _, kept in cache._current.values()] == [later]
