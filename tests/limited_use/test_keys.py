"""The key tree: what is sealed opens in its place alone, and never again once its key is destroyed."""

import stat
import threading
import uuid

import pytest
from sqlalchemy import delete, func, select, text, update

from accounts.models import GrantStatus
from kernel.ids import new_id
from limited_use.asking import GrantEnded, Tampered
from limited_use.derive import Target, derive_many, same
from limited_use.key_tree import GRANT_PURPOSES, ORGANISATION_PURPOSES, KeyName
from limited_use.keyring import FileKeyring, KeyringError
from limited_use.keys import KeyDestroyed, KeyPurpose, KeyUnknown, vault
from limited_use.labels import NATIVE, label
from limited_use.models import DestroyedKey, Key
from limited_use.release import guard
from limited_use.sealing import Place, Sealed, System
from limited_use.sinks import api

CANARY = "canary-55aa01"


def read(tenant, value, runtime=None):
    """Return what the owner's own program reads of the value."""
    return api.json(guard(runtime or tenant.runtime), tenant.asking("api", "api", actor="token"), [value])


@pytest.mark.parametrize("purpose", ["mail", "calendar", "contacts", "derived", "content"])
def test_what_was_sealed_opens_in_its_place(tenant, purpose):
    assert read(tenant, tenant.sealed(CANARY, purpose)) == f'["{CANARY}"]'.encode()


@pytest.mark.parametrize("written", ["", "\x00", "é𝄞", "a" * 100_000, "\ud800 half", "\u202e", "\r\n"])
def test_any_text_comes_back(tenant, written):
    value = tenant.sealed(written)
    made = tenant.guard.release(tenant.asking("api", "api"), [value], list)
    assert made == [written.replace("\ud800", "\ufffd")]


def test_the_label_follows_from_the_key(tenant):
    keys = vault(tenant.runtime)
    assert keys.labels(tenant.sealed("x")) == label("gmail", tenant.grant_id)
    assert keys.labels(tenant.sealed("x", "calendar")) == label("calendar", tenant.grant_id)
    assert keys.labels(tenant.sealed("x", "content")) == NATIVE
    assert keys.labels(tenant.labelled(1)) == label("gmail", tenant.grant_id)
    assert keys.labels(System(1)) == NATIVE
    with pytest.raises(KeyUnknown):
        keys.labels(Sealed(b"\x01" + b"\xff" * 40, None))


@pytest.fixture
def late_tenant(runtime, tenant, make_tenant):  # noqa: ARG001 -- made after that one, for its numbers
    """A tenant with keys whose numbers are those of `tenant` but for their highest byte."""
    set_next = text("SELECT setval(pg_get_serial_sequence('keys', 'id'), :next, false)")
    with runtime.key_sessions.begin() as session:
        first = session.scalar(select(func.min(Key.id)))
        after = session.scalar(select(func.max(Key.id))) + 1
        session.execute(set_next, {"next": 2**24 + first})
    yield make_tenant(runtime)
    with runtime.key_sessions.begin() as session:
        session.execute(set_next, {"next": after})


def test_keys_are_told_apart_by_the_whole_of_their_numbers(tenant, late_tenant):
    for purpose in ("mail", "calendar", "contacts", "content"):
        early, late = tenant.sealed(CANARY, purpose), late_tenant.sealed(CANARY, purpose)
        assert (early._wire[1], late._wire[1]) == (0, 1)
        assert early._wire[2:5] == late._wire[2:5]
        assert read(tenant, early) == read(late_tenant, late) == f'["{CANARY}"]'.encode()
    keys = vault(late_tenant.runtime)
    into = keys.sealer(late_tenant.organisation_id, KeyPurpose.DERIVED, late_tenant.grant_id)
    (copied,) = derive_many(keys, same, [([late_tenant.sealed(CANARY)], Target(into, "facts", "value", new_id()))])
    assert read(late_tenant, copied) == f'["{CANARY}"]'.encode()


_OTHERS = {
    "organisation": lambda place: place._replace(organisation_id=new_id()),
    "table": lambda place: place._replace(table="notes"),
    "column": lambda place: place._replace(column="snippet"),
    "row": lambda place: place._replace(row_id=new_id()),
    "format": lambda place: place._replace(format="json"),
}


@pytest.mark.parametrize("part", _OTHERS)
def test_a_ciphertext_moved_to_another_place_is_refused_and_logged(tenant, part):
    value = tenant.sealed(CANARY)
    moved = Sealed(value._wire, _OTHERS[part](value._place))
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- two errors, told apart below
        read(tenant, moved)
    expected = "limited_use_refused" if part == "organisation" else "tampered"
    assert caught.value.code == expected
    assert tenant.leaves()[-1].decision == "refuse"
    assert tenant.leaves()[-1].reason == ("other_organisation" if part == "organisation" else "tampered")


def test_a_ciphertext_of_another_key_of_the_grant_is_refused(tenant):
    value, other = tenant.sealed(CANARY), tenant.sealed("x", "calendar")
    swapped = Sealed(other._wire[:5] + value._wire[5:], value._place)
    with pytest.raises(Tampered):
        read(tenant, swapped)


def test_a_ciphertext_of_another_tenant_is_refused(tenant, another_tenant):
    row = new_id()
    theirs = another_tenant.sealed(CANARY, row_id=row)
    mine = Place(tenant.organisation_id, "messages", "subject", row)
    with pytest.raises(Exception, match="limited_use_refused"):
        read(tenant, Sealed(theirs._wire, mine))
    assert tenant.leaves()[-1].reason == "other_organisation"
    with pytest.raises(Exception, match="limited_use_refused"):
        read(tenant, theirs)


def test_a_ciphertext_of_a_key_that_never_was_is_refused_as_such(tenant):
    value = tenant.sealed(CANARY)
    with pytest.raises(Tampered):
        read(tenant, Sealed(b"\x01\xff\xff\xff\xf0" + value._wire[5:], value._place))
    assert tenant.leaves()[-1].reason == "key_unknown"


def test_a_ciphertext_that_was_cut_is_refused_also_beside_a_whole_one_of_its_key(tenant):
    whole, cut = tenant.sealed(CANARY), tenant.sealed(CANARY)
    for length in (0, 4, 5, 16, 17, 32):
        with pytest.raises(Tampered):
            tenant.guard.release(tenant.asking(), [whole, Sealed(cut._wire[:length], cut._place)], list)
        assert tenant.leaves()[-1].reason == "tampered"


@pytest.mark.parametrize("index", [0, 1, 4, 5, 16, 17, -17, -1])
def test_a_changed_byte_is_refused(tenant, index):
    value = tenant.sealed(CANARY)
    wire = bytearray(value._wire)
    wire[index] ^= 1
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- any refusal of ours
        read(tenant, Sealed(bytes(wire), value._place))
    assert caught.value.code in {"tampered", "limited_use_refused"}
    assert tenant.leaves()[-1].decision == "refuse"


@pytest.mark.parametrize("wire", [b"", b"\x01", b"\x01" + b"\x00" * 31, b"\x02" + b"\x00" * 60])
def test_a_damaged_wire_is_refused(tenant, wire):
    with pytest.raises(Tampered):
        read(tenant, Sealed(wire, tenant.sealed("x")._place))


def test_an_unplaced_value_is_refused(tenant):
    with pytest.raises(Exception, match="limited_use_refused"):
        read(tenant, Sealed(tenant.sealed(CANARY)._wire, None))
    assert tenant.leaves()[-1].reason == "unplaced"


def test_the_same_text_never_seals_alike(tenant):
    row = new_id()
    assert tenant.sealed("x", row_id=row)._wire != tenant.sealed("x", row_id=row)._wire


def test_keys_that_seal_nothing_give_no_sealer(tenant):
    for purpose in (KeyPurpose.WRAP, KeyPurpose.INDEX, KeyPurpose.PSEUDONYM):
        with pytest.raises(KeyUnknown):
            vault(tenant.runtime).sealer(tenant.organisation_id, purpose)


def test_a_destroyed_key_denies_at_once_in_every_process(tenant, another_runtime):
    other = another_runtime()
    value = tenant.sealed(CANARY)
    assert read(tenant, value, other) == f'["{CANARY}"]'.encode()
    with tenant.runtime.sessions.begin() as session:
        ids = vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    assert len(ids) == len(GRANT_PURPOSES) - 1  # all but that of log details
    for runtime in (tenant.runtime, other, another_runtime()):
        with pytest.raises(GrantEnded):
            read(tenant, value, runtime)
    assert tenant.leaves()[-1].reason == "key_destroyed"


def test_destroying_leaves_no_wrapped_bytes_but_those_of_log_details(tenant):
    with tenant.runtime.sessions.begin() as session:
        first = vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
        assert vault(tenant.runtime).destroy_grant(session, tenant.grant_id) == first
    with tenant.runtime.key_sessions() as session:
        kept = session.scalars(select(Key).where(Key.grant_id == tenant.grant_id, Key.wrapped.is_not(None))).all()
    assert [key.purpose for key in kept] == ["detail"]
    with tenant.runtime.sessions.begin() as session:
        assert vault(tenant.runtime).destroy_details(session, tenant.grant_id) == [kept[0].id]
        assert len(session.scalars(select(DestroyedKey)).all()) == len(GRANT_PURPOSES)
    with tenant.runtime.key_sessions() as session:
        assert session.get_one(Key, kept[0].id).wrapped is None


def test_a_destroyed_grant_gets_no_new_keys(tenant):
    keys = vault(tenant.runtime)
    with tenant.runtime.sessions.begin() as session:
        keys.destroy_grant(session, tenant.grant_id)
    keys.create_grant(tenant.organisation_id, tenant.grant_id)
    with pytest.raises(KeyDestroyed):
        keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, tenant.grant_id)


def test_destruction_that_was_not_recorded_is_completed_by_repeating_it(tenant):
    value = tenant.sealed(CANARY)
    session = tenant.runtime.sessions()
    vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    session.rollback()
    with pytest.raises(GrantEnded):
        read(tenant, value)
    with tenant.runtime.sessions.begin() as session:
        ids = vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
        assert sorted(session.scalars(select(DestroyedKey.key_id))) == ids


def test_no_restore_of_the_keys_brings_one_back(tenant, another_runtime, monkeypatch):
    monkeypatch.setattr("limited_use.keys._REPLAYED_AT_ONCE", 2)  # fewer than there are
    value = tenant.sealed(CANARY)
    with tenant.runtime.key_sessions() as session:
        saved = {key.id: key.wrapped for key in session.scalars(select(Key))}
    with tenant.runtime.sessions.begin() as session:
        vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    with tenant.runtime.key_sessions.begin() as session:
        for key_id, wrapped in saved.items():
            session.execute(update(Key).where(Key.id == key_id).values(wrapped=wrapped, destroyed_at=None))
    later = another_runtime()
    with pytest.raises(GrantEnded):
        read(tenant, value, later)
    with later.key_sessions() as session:
        assert session.scalars(
            select(Key.wrapped).where(Key.grant_id == tenant.grant_id, Key.purpose == "mail")
        ).all() == [None]
    assert vault(later).replay_destroyed() == 0, "what is gone is not counted again"


def test_after_a_restore_no_id_is_used_twice(tenant, another_runtime):
    with tenant.runtime.sessions.begin() as session:
        ids = vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    with tenant.runtime.key_sessions.begin() as session:
        session.execute(delete(Key).where(Key.grant_id == tenant.grant_id))
        session.execute(text("SELECT setval(pg_get_serial_sequence('keys', 'id'), 6)"))
    later = another_runtime()
    grant_id = uuid.uuid4()
    vault(later).create_grant(tenant.organisation_id, grant_id)
    with later.key_sessions() as session:
        made = session.scalars(select(Key.id).where(Key.grant_id == grant_id)).all()
    assert min(made) > max(ids)
    assert vault(another_runtime()).replay_destroyed() == 0


def test_a_wrapped_key_cannot_stand_in_for_another(tenant, another_runtime):
    value = tenant.sealed(CANARY)
    with tenant.runtime.key_sessions.begin() as session:
        wrapped = session.scalar(select(Key.wrapped).where(Key.grant_id == tenant.grant_id, Key.purpose == "calendar"))
        mine = (Key.grant_id == tenant.grant_id, Key.purpose == "mail")
        session.execute(update(Key).where(*mine).values(wrapped=wrapped))
    with pytest.raises(Tampered):
        read(tenant, value, another_runtime())


def test_a_key_that_breaks_its_commitment_is_refused(tenant, another_runtime):
    value = tenant.sealed(CANARY)
    with tenant.runtime.key_sessions.begin() as session:
        session.execute(update(Key).where(Key.purpose == "mail").values(commitment=bytes(32)))
    with pytest.raises(Tampered):
        read(tenant, value, another_runtime())


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


def test_blind_indexes_are_apart_by_organisation_and_kind(tenant, another_tenant):
    one, other = (vault(tenant.runtime).indexer(t.organisation_id) for t in (tenant, another_tenant))
    assert one.digest("address", "a") == one.digest("address", b"a")
    assert len({one.digest("address", "a"), one.digest("domain", "a"), other.digest("address", "a")}) == 3
    assert len(one.digest("address", "a")) == 16
    with pytest.raises(ValueError, match="name"):
        one.digest("a\x00b", "x")


def test_pseudonyms_are_apart_by_organisation_and_kind(tenant, another_tenant):
    keys, subject = vault(tenant.runtime), new_id()
    made = {
        keys.pseudonym(tenant.organisation_id, "member", subject),
        keys.pseudonym(tenant.organisation_id, "grant", subject),
        keys.pseudonym(another_tenant.organisation_id, "member", subject),
    }
    assert len(made) == 3
    assert all(len(name) == 32 for name in made)


def test_nothing_of_a_key_shows(tenant):
    keys = vault(tenant.runtime)
    sealer = keys.sealer(tenant.organisation_id, KeyPurpose.CONTENT)
    index = keys.indexer(tenant.organisation_id)
    shown = [repr(keys), repr(index), repr(sealer), repr(tenant.guard)]
    assert shown == ["<vault>", "<blind index>", f"<sealer of key {sealer.key_id}>", "<guard>"]


def test_the_key_file_is_private_and_made_once(tmp_path):
    path = tmp_path / "deep" / "keyring.json"
    FileKeyring(path).create()
    first = path.read_text()
    FileKeyring(path).create()
    assert path.read_text() == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "keyring.json"
    FileKeyring(path).create()
    path.chmod(0o640)
    with pytest.raises(KeyringError, match="chmod 600"):
        FileKeyring(path).wrap(b"x" * 32, b"c")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"1": "x"}', '{"1": "AAAA"}', '{"a": "AAAA"}', "null"])
def test_a_damaged_key_file_is_told(tmp_path, content):
    path = tmp_path / "keyring.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyringError):
        FileKeyring(path).wrap(b"x" * 32, b"c")


def test_the_key_file_binds_what_it_wraps(tmp_path):
    FileKeyring(tmp_path / "one").create()
    FileKeyring(tmp_path / "two").create()
    one, two = FileKeyring(tmp_path / "one"), FileKeyring(tmp_path / "two")
    wrapped = one.wrap(b"k" * 32, b"here")
    assert one.unwrap(wrapped, b"here") == b"k" * 32
    for ring, what, context in ((one, wrapped, b"there"), (two, wrapped, b"here"), (one, wrapped[:10], b"here")):
        with pytest.raises(KeyringError):
            ring.unwrap(what, context)


def test_a_lost_key_file_is_not_made_anew_beside_keys(tenant, migrated, another_runtime, tmp_path):
    path = migrated.keyring_path
    kept = path.rename(tmp_path / "kept")
    try:
        with pytest.raises(KeyringError):
            vault(another_runtime()).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
        assert not path.exists()
    finally:
        kept.rename(path)


def test_a_suspended_grant_is_withheld_on_pages_until_it_is_back(tenant):
    value = tenant.sealed(CANARY)
    tenant.set_status(GrantStatus.SUSPENDED)
    assert read(tenant, value) == b'[{"withheld":"suspended","source":"gmail"}]'
    tenant.set_status(GrantStatus.ACTIVE)
    assert read(tenant, value) == f'["{CANARY}"]'.encode()


def test_a_key_is_looked_up_by_its_grant_however_many_keys_its_organisation_has(tenant):
    seen = []
    name = KeyName(tenant.organisation_id, (tenant.grant_id,), KeyPurpose.MAIL)
    with tenant.runtime.key_sessions() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        for known in (name, KeyName(tenant.organisation_id, (), KeyPurpose.CONTENT)):
            query = select(Key.id).where(*known.rows()).compile(session.connection())
            plan = session.connection().exec_driver_sql(f"EXPLAIN {query}", query.params).scalars().all()
            seen.append(next(line for line in plan if "Index Cond" in line))
    assert all("grant_id" in line for line in seen), seen
