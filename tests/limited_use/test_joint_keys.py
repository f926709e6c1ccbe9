"""Joint keys: what derives from several grants carries all of them, and ends with the first that ends."""

import threading

import pytest
from sqlalchemy import select, update

from kernel.ids import new_id
from limited_use.asking import GrantEnded, Tampered
from limited_use.derive import LabelsWouldShrink, Target, derive, reseal, same
from limited_use.key_tree import GRANT_PURPOSES
from limited_use.keys import KeyDestroyed, KeyPurpose, KeyUnknown, vault
from limited_use.labels import Origin, Source
from limited_use.models import DestroyedKey, Key

CANARY = "canary-7713bc"


@pytest.fixture
def second(tenant):
    """A second grant of the same owner, with its keys."""
    return tenant.another_grant(tenant.owner_id)


def joint(tenant, *grants, runtime=None):
    return vault(runtime or tenant.runtime).joint_sealer(tenant.organisation_id, grants)


def destroy(tenant, grant_id):
    with tenant.runtime.sessions.begin() as session:
        return vault(tenant.runtime).destroy_grant(session, grant_id)


def test_a_set_of_grants_has_one_key_in_whatever_order_and_process(tenant, second, another_runtime):
    one = joint(tenant, tenant.grant_id, second)
    other = joint(tenant, second, tenant.grant_id, second, runtime=another_runtime())
    assert one.key_id == other.key_id
    alone = joint(tenant, second)
    assert alone.key_id == vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.DERIVED, second).key_id


def test_two_of_three_grants_have_a_key_of_their_own(tenant, second):
    third = tenant.another_grant()
    assert len({joint(tenant, *some).key_id for some in ((tenant.grant_id, second), (second, third))}) == 2
    with pytest.raises(KeyUnknown):
        joint(tenant, second, new_id())


def test_its_label_is_all_its_grants(tenant, second):
    value = joint(tenant, tenant.grant_id, second).seal("facts", "value", new_id(), CANARY)
    labels = vault(tenant.runtime).labels(value)
    assert labels == {Origin(Source.DERIVED, tenant.grant_id), Origin(Source.DERIVED, second)}
    assert tenant.read(value) == f'["{CANARY}"]'.encode()


def test_what_derives_from_two_grants_goes_under_their_joint_key_alone(tenant, second):
    keys = vault(tenant.runtime)
    theirs = keys.sealer(tenant.organisation_id, KeyPurpose.CALENDAR, second).seal("facts", "value", new_id(), "b")
    mine = tenant.sealed("a")
    into = joint(tenant, tenant.grant_id, second)
    for value in (mine, theirs):
        copied = derive(keys, same, [value], Target(into, "facts", "value", new_id()))
        assert keys.labels(copied) == keys.labels(into.seal("facts", "value", new_id(), "x"))
    with pytest.raises(LabelsWouldShrink):
        reseal(keys, copied, joint(tenant, second), "facts", "value", new_id())
    with pytest.raises(LabelsWouldShrink):
        reseal(keys, copied, keys.sealer(tenant.organisation_id, KeyPurpose.CONTENT), "notes", "body", new_id())


@pytest.mark.parametrize("ended", ["first", "second"])
def test_it_ends_with_the_first_of_its_grants_that_ends(tenant, second, another_runtime, ended):
    value = joint(tenant, tenant.grant_id, second).seal("facts", "value", new_id(), CANARY)
    other = another_runtime()
    assert tenant.read(value, other) == f'["{CANARY}"]'.encode()
    gone = destroy(tenant, tenant.grant_id if ended == "first" else second)
    assert len(gone) == len(GRANT_PURPOSES)  # the joint key, and all but that of log details
    for runtime in (tenant.runtime, other, another_runtime()):
        with pytest.raises(GrantEnded):
            tenant.read(value, runtime)
    assert tenant.leaves()[-1].reason == "key_destroyed"
    with pytest.raises(KeyDestroyed):
        joint(tenant, tenant.grant_id, second)
    with tenant.runtime.key_sessions() as session:
        assert session.scalars(select(Key.wrapped).where(Key.joint.is_not(None))).all() == [None]


def test_no_restore_brings_it_back(tenant, second, another_runtime):
    value = joint(tenant, tenant.grant_id, second).seal("facts", "value", new_id(), CANARY)
    with tenant.runtime.key_sessions() as session:
        saved = {key.id: key.wrapped for key in session.scalars(select(Key))}
    destroy(tenant, second)
    with tenant.runtime.key_sessions.begin() as session:
        for key_id, wrapped in saved.items():
            session.execute(update(Key).where(Key.id == key_id).values(wrapped=wrapped, destroyed_at=None))
    with pytest.raises(GrantEnded):
        tenant.read(value, another_runtime())
    with tenant.runtime.key_sessions() as session:
        assert session.scalars(select(Key.wrapped).where(Key.joint.is_not(None))).all() == [None]
    with tenant.runtime.sessions() as session:
        assert len(session.scalars(select(DestroyedKey)).all()) == len(GRANT_PURPOSES)


def test_a_label_that_was_cut_down_in_the_database_does_not_open(tenant, second, another_runtime):
    value = joint(tenant, tenant.grant_id, second).seal("facts", "value", new_id(), CANARY)
    with tenant.runtime.key_sessions.begin() as session:
        joints = update(Key).where(Key.joint.is_not(None))
        session.execute(joints.values(joint_grants=[tenant.grant_id]))
    with pytest.raises(Tampered):
        tenant.read(value, another_runtime())


def test_only_grants_of_the_organisation_have_joint_keys(tenant, another_tenant, second):
    keys = vault(tenant.runtime)
    for grants in ((tenant.grant_id, another_tenant.grant_id), (tenant.grant_id, new_id()), ()):
        with pytest.raises(KeyUnknown):
            keys.joint_sealer(tenant.organisation_id, grants)
    with pytest.raises(KeyUnknown):
        keys.joint_sealer(tenant.organisation_id, (tenant.grant_id, second), KeyPurpose.MAIL)


def test_it_is_made_once_and_never_after_an_ending(tenant, second, another_runtime):
    vaults = [vault(tenant.runtime), vault(another_runtime()), vault(another_runtime())]
    made = set()
    barrier = threading.Barrier(4)

    def ask(keys):
        barrier.wait()
        try:
            made.add(keys.joint_sealer(tenant.organisation_id, (tenant.grant_id, second)).key_id)
        except KeyDestroyed:
            made.add(None)

    threads = [threading.Thread(target=ask, args=(keys,)) for keys in vaults]
    threads.append(threading.Thread(target=lambda: (barrier.wait(), destroy(tenant, second))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant.runtime.key_sessions() as session:
        alive = session.scalars(select(Key.id).where(Key.joint.is_not(None), Key.wrapped.is_not(None))).all()
        there = session.scalars(select(Key.id).where(Key.joint.is_not(None))).all()
    assert alive == []
    assert len(there) <= 1
    assert made <= {*there, None}
