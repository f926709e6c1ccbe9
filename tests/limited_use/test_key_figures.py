"""What operators are told of the keys: how many live, are old, unused, gone, and how often they were used."""

import datetime as dt

from sqlalchemy import func, select, update

from kernel.ids import new_id
from limited_use.key_figures import figures, last_done, under_way
from limited_use.key_tree import GRANT_PURPOSES, ORGANISATION_PURPOSES, ROTATED, KeyName
from limited_use.keys import KeyPurpose, vault
from limited_use.models import Key, KeyRotation
from limited_use.rotation import Phase


def test_nothing_is_counted_where_there_are_no_keys(runtime):
    told = figures(vault(runtime).store)
    assert (told.alive, told.old, told.emptied, told.destroyed) == (0, 0, 0, 0)
    assert (told.seals, told.unwraps, told.most_used, told.wraps_by_root_version) == (0, 0, 0, {})


def test_each_key_is_counted_for_what_it_is(tenant, another_tenant, runtime):
    keys, root = vault(runtime), vault(runtime).store.provider
    one_set = len(ORGANISATION_PURPOSES) + len(GRANT_PURPOSES)
    first = root.newest()
    told = figures(keys.store)
    assert (told.alive, told.old, told.emptied, told.destroyed) == (2 * one_set, 0, 0, 0)
    assert (told.root_version, told.wraps_by_root_version) == (first, {first: 2})

    root.renew()
    wrap = KeyName(tenant.organisation_id, (), KeyPurpose.WRAP)
    content = KeyName(tenant.organisation_id, (), KeyPurpose.CONTENT)
    for name in (wrap, content, content):
        assert keys.store.renew(name)
    told = figures(keys.store)
    assert (told.alive, told.old) == (2 * one_set + 3, 3), "the two older content keys, and the older wrap key"
    assert (told.root_version, told.wraps_by_root_version) == (first + 1, {first: 2, first + 1: 1})

    with runtime.key_sessions.begin() as session:
        oldest = session.scalar(select(func.min(Key.id)).where(*content.rows()))
        session.execute(update(Key).where(Key.id == oldest).values(emptied_at=runtime.clock.now()))
    with runtime.sessions.begin() as session:
        keys.destroy_grant(session, another_tenant.grant_id)
    gone = len(GRANT_PURPOSES) - 1  # the key of log details outlives its grant
    told = figures(keys.store)
    assert (told.alive, told.old, told.emptied, told.destroyed) == (2 * one_set + 3 - gone, 3, 1, gone)
    with runtime.key_sessions.begin() as session:  # emptied once, destroyed since: it is kept for nothing any more
        session.execute(update(Key).where(Key.id == oldest).values(wrapped=None, destroyed_at=runtime.clock.now()))
        session.execute(update(Key).where(*wrap.rows(), Key.version == 1).values(wrapped=None))
    told = figures(keys.store)
    assert (told.alive, told.old, told.emptied, told.destroyed) == (2 * one_set + 1 - gone, 1, 0, gone + 2)
    assert told.wraps_by_root_version == {first: 1, first + 1: 1}


def test_uses_are_added_up_and_the_most_used_is_one_that_wears(tenant, another_tenant, runtime):
    keys = vault(runtime)
    before = figures(keys.store)
    for many, tenant_ in ((3, tenant), (5, another_tenant)):
        sealer = keys.sealer(tenant_.organisation_id, KeyPurpose.MAIL, tenant_.grant_id)
        for _ in range(many):
            sealer.seal("messages", "subject", new_id(), "x")
    told = figures(keys.store)
    assert (told.seals - before.seals, told.most_used) == (8, 5)
    assert told.unwraps > before.unwraps
    with runtime.key_sessions() as session:
        assert session.scalar(select(func.sum(Key.unwraps))) == told.unwraps
    with runtime.key_sessions.begin() as session:
        assert KeyPurpose.INDEX not in ROTATED
        session.execute(update(Key).where(Key.purpose == KeyPurpose.INDEX.value).values(seals=100))
    assert figures(keys.store).most_used == 5, "an index key makes no nonces"
    with runtime.sessions.begin() as session:
        keys.destroy_grant(session, another_tenant.grant_id)
    assert figures(keys.store).most_used == 3


def test_rotations_are_told_in_order(tenant, runtime):
    now = runtime.clock.now()
    begun = {}
    with runtime.sessions.begin() as session:
        for hours, phase in ((4, Phase.DONE), (1, Phase.RESEAL), (2, Phase.KEYS), (3, Phase.DONE), (5, Phase.DONE)):
            at = now - dt.timedelta(hours=hours)
            rotation = KeyRotation(
                id=new_id(), organisation_id=tenant.organisation_id, phase=phase, started_at=at, passes=0, missed=0
            )
            rotation.walked = rotation.resealed = rotation.damaged_keys = rotation.damaged_values = 0
            rotation.finished_at = at if phase is Phase.DONE else None
            session.add(rotation)
            begun[hours] = rotation.id
    with runtime.sessions() as session:
        assert [one.id for one in under_way(session)] == [begun[2], begun[1]]
        assert last_done(session).id == begun[3]
