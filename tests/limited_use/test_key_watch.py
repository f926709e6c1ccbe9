"""What is cached of a grant goes in every process once it ended in one; uses are counted, and worn keys renewed."""

import datetime as dt
import threading
import time
import uuid

import pytest
from sqlalchemy import select, update

from kernel import jobs
from limited_use import cipher, key_cache, key_uses, key_watch
from limited_use.asking import Refused
from limited_use.cipher import KeyWorn, key_id_of
from limited_use.jobs import count_uses
from limited_use.keys import KeyPurpose, vault
from limited_use.models import Key
from oauth.custody import custody
from workspace.transport import Transports


def destroy(tenant):
    with tenant.runtime.sessions.begin() as session:
        return vault(tenant.runtime).destroy_grant(session, tenant.grant_id)


def held(runtime):
    """Return the ids of the keys in this process's memory."""
    cache = vault(runtime).store.cache
    return set(cache._keys) | {key.facts.id for _, key in cache._current.values()}


def test_keys_and_access_tokens_of_an_ended_grant_go_in_every_process(tenant, another_runtime):
    other = another_runtime()
    vault(other).sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    vault(other).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
    custody(other).remember(tenant.grant_id, "an access token", tenant.runtime.clock.now() + dt.timedelta(hours=1))
    watch = key_watch.key_watch(other)
    watch.look()
    before = held(other)
    gone = set(destroy(tenant))
    assert gone & before
    watch.look()
    assert held(other) == before - gone != set()
    assert custody(other)._entries == {}


def test_a_key_that_was_being_unwrapped_while_its_grant_ended_goes_too(tenant, another_runtime, monkeypatch):
    other, forgotten = another_runtime(), []
    store, watch = vault(other).store, key_watch.key_watch(other)
    watch.on_ended(forgotten.append)
    unwrap, gone = store.open, []

    def unwrap_slowly(rows):
        if not gone and any(row.purpose == KeyPurpose.MAIL for row in rows):
            gone.extend(destroy(tenant))
            watch.look()
        return unwrap(rows)

    monkeypatch.setattr(store, "open", unwrap_slowly)
    vault(other).sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    assert set(gone) & held(other)
    watch.look()
    assert held(other).isdisjoint(gone)
    watch.look()
    assert forgotten == [tenant.grant_id]


def test_the_watch_runs_beside_the_work(tenant, another_runtime):
    other, forgotten = another_runtime(), threading.Event()
    key_watch.key_watch(other).on_ended(lambda grant_id: forgotten.set() if grant_id == tenant.grant_id else None)
    key_watch.start(other)
    destroy(tenant)
    assert forgotten.wait(30)


def test_the_watch_outlives_a_fault(tenant, another_runtime, monkeypatch):
    other, forgotten = another_runtime(), threading.Event()
    faults = iter([KeyWorn(), KeyWorn()])
    monkeypatch.setattr(key_watch, "PAUSE_AFTER_FAULT_S", 0.01)
    monkeypatch.setattr(key_watch, "EVERY_S", 0.01)
    watch, look = key_watch.key_watch(other), key_watch.KeyWatch.look

    def look_badly(self):
        for fault in faults:
            raise fault
        look(self)

    monkeypatch.setattr(key_watch.KeyWatch, "look", look_badly)
    watch.on_ended(lambda _: forgotten.set())
    watch.start()
    destroy(tenant)
    assert forgotten.wait(30)


def test_a_late_record_is_still_found(tenant, another_runtime):
    """The keys' database was changed long before the record was committed: a crash lay between."""
    other = another_runtime()
    vault(other).sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    destroyed_long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    with tenant.runtime.key_sessions.begin() as session:
        mine = update(Key).where(Key.grant_id == tenant.grant_id)
        session.execute(mine.values(wrapped=None, destroyed_at=destroyed_long_ago))
    gone = set(destroy(tenant))
    key_watch.key_watch(other).look()
    assert held(other).isdisjoint(gone)


def test_no_key_is_held_beyond_its_lifetime(tenant, monkeypatch):
    vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
    assert held(tenant.runtime)
    later = time.monotonic() + key_cache.LIFETIME_S + 1
    monkeypatch.setattr(key_cache.time, "monotonic", lambda: later)
    key_watch.key_watch(tenant.runtime).look()
    assert held(tenant.runtime) == set()


def test_connections_to_google_of_a_key_that_is_over_go_in_every_thread():
    class Line:
        def close(self):
            """Close nothing."""

    lines, made, go = Transports(), [], threading.Barrier(2)

    def use():
        made.append(lines.of(("a", 1), Line))
        made.append(lines.of(("b", 1), Line))
        go.wait()
        go.wait()
        made.extend([lines.of(("a", 1), Line), lines.of(("b", 1), Line)])

    thread = threading.Thread(target=use)
    thread.start()
    go.wait()
    lines.end(lambda key: key[0] == "a")
    go.wait()
    thread.join()
    assert made[0] is not made[2]
    assert made[1] is made[3]


# --- counted uses


def counted(tenant):
    with tenant.runtime.key_sessions() as session:
        return {row.id: (row.seals, row.unwraps) for row in session.scalars(select(Key))}


def test_uses_are_counted_by_key_over_all_processes(tenant, another_runtime):
    ids = set()
    for runtime in (tenant.runtime, another_runtime()):
        sealer = vault(runtime).sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
        for _ in range(7):
            ids.add(key_id_of(sealer.seal("messages", "subject", tenant.grant_id, "x")._wire))
        vault(runtime).close()
        vault(runtime).close()
    (key_id,) = ids
    assert counted(tenant)[key_id] == (14, 2)


def test_a_worn_key_gets_a_successor_by_itself(tenant, monkeypatch):
    keys = vault(tenant.runtime)
    monkeypatch.setattr(key_uses, "RENEW_AT", 10)
    first = keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    values = [first.seal("messages", "subject", tenant.owner_id, "x") for _ in range(11)]
    keys.store.flush()
    second = keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    assert second.key_id > first.key_id
    assert tenant.guard.release(tenant.asking("api", "api"), values[:1], list) == ["x"]
    values = [first.seal("messages", "subject", tenant.owner_id, "x") for _ in range(11)]  # one successor is enough
    keys.store.flush()
    assert keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id).key_id == second.key_id


def test_nothing_is_sealed_beyond_what_may_be(tenant, monkeypatch):
    keys = vault(tenant.runtime)
    monkeypatch.setattr(key_uses, "LAST_SEAL", 10)
    sealer = keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    for _ in range(11):
        sealer.seal("messages", "subject", tenant.owner_id, "x")
    for _ in range(2):  # telling again gives nothing back, and tells nothing twice
        keys.store.flush()
        with pytest.raises(KeyWorn):
            sealer.seal("messages", "subject", tenant.owner_id, "x")
        assert counted(tenant)[sealer.key_id][0] == 11


def test_a_process_that_cannot_tell_its_uses_stops_sealing(tenant, another_runtime, monkeypatch):
    monkeypatch.setattr(cipher, "ALLOWANCE", 5)
    sealer = vault(another_runtime()).sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)
    for _ in range(5):
        sealer.seal("messages", "subject", tenant.owner_id, "x")
    with pytest.raises(KeyWorn):
        sealer.seal("messages", "subject", tenant.owner_id, "x")


def test_the_log_tells_every_hour_what_keys_and_releases_came_to(tenant):
    value = tenant.sealed("x")
    for _ in range(3):
        tenant.guard.release(tenant.asking("api", "api"), [value], list)
    with pytest.raises(Refused):
        tenant.guard.release(tenant.asking("api", "no_such_feature"), [value], list)

    def tell():
        count_uses(tenant.runtime, uuid.uuid4(), Held())
        return tenant.leaves()[-1]

    first, second = tell(), tell()
    assert (first.kind, first.opened, first.withheld) == ("counter", 3, 1)
    assert (second.opened, second.withheld) == (0, 0)
    assert 0 < first.records <= second.records


class Held(jobs.Lease):
    """A lease that always holds."""

    def __init__(self):
        self.attempts = 0

    def check(self, session):
        """Hold."""
