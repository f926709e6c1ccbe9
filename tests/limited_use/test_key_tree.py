"""Keys in their tree: each opens in its own place alone, is made and renewed once, and unwrapped once a minute."""

import threading

import pytest
from sqlalchemy import select, update

from kernel.ids import new_id
from limited_use.asking import Tampered
from limited_use.key_tree import GRANT_PURPOSES, ORGANISATION_PURPOSES, KeyName
from limited_use.keys import KeyPurpose, KeyUnknown, vault
from limited_use.models import Key

CANARY = "canary-55aa01"


def test_a_wrapped_key_cannot_stand_in_for_another(tenant, another_runtime):
    value = tenant.sealed(CANARY)
    with tenant.runtime.key_sessions.begin() as session:
        wrapped = session.scalar(select(Key.wrapped).where(Key.grant_id == tenant.grant_id, Key.purpose == "calendar"))
        mine = (Key.grant_id == tenant.grant_id, Key.purpose == "mail")
        session.execute(update(Key).where(*mine).values(wrapped=wrapped))
    with pytest.raises(Tampered):
        tenant.read(value, another_runtime())


@pytest.mark.parametrize("from_where", ["grant", "purpose", "version"])
def test_a_key_and_its_commitment_in_anothers_place_are_refused(tenant, another_runtime, from_where):
    keys = vault(tenant.runtime)
    mail = KeyName(tenant.organisation_id, (tenant.grant_id,), KeyPurpose.MAIL)
    if from_where == "grant":
        source = KeyName(tenant.organisation_id, (tenant.another_grant(),), KeyPurpose.MAIL)
    elif from_where == "purpose":
        source = KeyName(tenant.organisation_id, (tenant.grant_id,), KeyPurpose.CALENDAR)
    else:
        source = mail
        assert keys.store.renew(mail)
    with tenant.runtime.key_sessions.begin() as session:
        taken = session.scalars(select(Key).where(*source.rows()).order_by(Key.version)).first()
        place = session.scalars(select(Key).where(*mail.rows()).order_by(Key.version.desc())).first()
        assert taken.id != place.id
        place.wrapped, place.commitment = taken.wrapped, taken.commitment
        key_id = place.id
    with pytest.raises(KeyUnknown):
        vault(another_runtime()).opening([key_id])


def test_what_is_cached_is_not_unwrapped_again_and_comes_with_the_rest(tenant, another_runtime):
    store = vault(another_runtime()).store
    with tenant.runtime.key_sessions() as session:
        first, second = session.scalars(select(Key.id).where(Key.purpose.in_(["mail", "calendar"])).order_by(Key.id))
    (opened,) = store.opening([first]).values()
    assert store.opening([first])[first] is opened
    assert store.opening([first, second]).keys() == {first, second}
    assert store.uses.of(first).unwraps == 1


def test_a_key_that_breaks_its_commitment_is_refused(tenant, another_runtime):
    value = tenant.sealed(CANARY)
    with tenant.runtime.key_sessions.begin() as session:
        session.execute(update(Key).where(Key.purpose == "mail").values(commitment=bytes(32)))
    with pytest.raises(Tampered):
        tenant.read(value, another_runtime())


def test_keys_are_made_once_however_many_ask_at_once(runtime, another_runtime):
    organisation_id, grant_id = new_id(), new_id()
    vaults = [vault(runtime), vault(another_runtime()), vault(another_runtime())]
    faults = []

    def create(keys):
        try:
            keys.create_grant(organisation_id, grant_id)
            keys.create_grant(organisation_id, grant_id)
        except Exception as error:  # noqa: BLE001 -- told to the test
            faults.append(error)

    threads = [threading.Thread(target=create, args=(keys,)) for keys in vaults * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    digests = {keys.indexer(organisation_id).digest("address", "a@b") for keys in vaults}
    assert len(digests) == 1
    with runtime.key_sessions() as session:
        made = session.execute(select(Key.grant_id, Key.purpose, Key.version)).all()
    assert len(made) == len(set(made)) == len(ORGANISATION_PURPOSES) + len(GRANT_PURPOSES)


def test_a_rotation_renews_a_key_once_and_nothing_where_there_is_none(tenant):
    store, name = vault(tenant.runtime).store, KeyName(tenant.organisation_id, (tenant.grant_id,), KeyPurpose.MAIL)
    first, second = new_id(), new_id()
    assert [store.renew(name, made_by) for made_by in (first, first, second, first, None, None)] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    with tenant.runtime.key_sessions() as session:
        made = session.execute(select(Key.version, Key.made_by).where(*name.rows()).order_by(Key.version)).all()
    assert [tuple(row) for row in made] == [(1, None), (2, first), (3, second), (4, None), (5, None)]
    assert not store.renew(name, after=4), "somebody has followed it"
    assert store.renew(name, after=5)
    assert not store.renew(KeyName(tenant.organisation_id, (new_id(),), KeyPurpose.MAIL))
    with tenant.runtime.sessions.begin() as session:
        vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    assert not store.renew(name)
