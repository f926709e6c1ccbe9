"""The key tree: what is sealed opens in its place alone, and never again once its key is destroyed."""

import uuid

import pytest
from sqlalchemy import delete, func, select, text, update

from accounts.models import GrantStatus
from kernel.ids import new_id
from limited_use.asking import GrantEnded, Tampered
from limited_use.derive import Target, derive_many, same
from limited_use.key_tree import GRANT_PURPOSES, KeyName
from limited_use.keys import KeyDestroyed, KeyPurpose, KeyUnknown, vault
from limited_use.labels import NATIVE, label
from limited_use.models import DestroyedKey, Key
from limited_use.sealing import Place, Sealed, System

CANARY = "canary-55aa01"


@pytest.mark.parametrize("purpose", ["mail", "calendar", "contacts", "derived", "content"])
def test_what_was_sealed_opens_in_its_place(tenant, purpose):
    assert tenant.read(tenant.sealed(CANARY, purpose)) == f'["{CANARY}"]'.encode()


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
        assert tenant.read(early) == late_tenant.read(late) == f'["{CANARY}"]'.encode()
    keys = vault(late_tenant.runtime)
    into = keys.sealer(late_tenant.organisation_id, KeyPurpose.DERIVED, late_tenant.grant_id)
    (copied,) = derive_many(keys, same, [([late_tenant.sealed(CANARY)], Target(into, "facts", "value", new_id()))])
    assert late_tenant.read(copied) == f'["{CANARY}"]'.encode()


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
        tenant.read(moved)
    expected = "limited_use_refused" if part == "organisation" else "tampered"
    assert caught.value.code == expected
    assert tenant.leaves()[-1].decision == "refuse"
    assert tenant.leaves()[-1].reason == ("other_organisation" if part == "organisation" else "tampered")


def test_a_ciphertext_of_another_key_of_the_grant_is_refused(tenant):
    value, other = tenant.sealed(CANARY), tenant.sealed("x", "calendar")
    swapped = Sealed(other._wire[:5] + value._wire[5:], value._place)
    with pytest.raises(Tampered):
        tenant.read(swapped)


def test_a_ciphertext_of_another_tenant_is_refused(tenant, another_tenant):
    row = new_id()
    theirs = another_tenant.sealed(CANARY, row_id=row)
    mine = Place(tenant.organisation_id, "messages", "subject", row)
    with pytest.raises(Exception, match="limited_use_refused"):
        tenant.read(Sealed(theirs._wire, mine))
    assert tenant.leaves()[-1].reason == "other_organisation"
    with pytest.raises(Exception, match="limited_use_refused"):
        tenant.read(theirs)


def test_a_ciphertext_of_a_key_that_never_was_is_refused_as_such(tenant):
    value = tenant.sealed(CANARY)
    with pytest.raises(Tampered):
        tenant.read(Sealed(b"\x01\xff\xff\xff\xf0" + value._wire[5:], value._place))
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
        tenant.read(Sealed(bytes(wire), value._place))
    assert caught.value.code in {"tampered", "limited_use_refused"}
    assert tenant.leaves()[-1].decision == "refuse"


@pytest.mark.parametrize("wire", [b"", b"\x01", b"\x01" + b"\x00" * 31, b"\x02" + b"\x00" * 60])
def test_a_damaged_wire_is_refused(tenant, wire):
    with pytest.raises(Tampered):
        tenant.read(Sealed(wire, tenant.sealed("x")._place))


def test_an_unplaced_value_is_refused(tenant):
    with pytest.raises(Exception, match="limited_use_refused"):
        tenant.read(Sealed(tenant.sealed(CANARY)._wire, None))
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
    assert tenant.read(value, other) == f'["{CANARY}"]'.encode()
    with tenant.runtime.sessions.begin() as session:
        ids = vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    assert len(ids) == len(GRANT_PURPOSES) - 1  # all but that of log details
    for runtime in (tenant.runtime, other, another_runtime()):
        with pytest.raises(GrantEnded):
            tenant.read(value, runtime)
    assert tenant.leaves()[-1].reason == "key_destroyed"


def test_keys_that_are_destroyed_again_ended_when_they_first_did(tenant):
    moments = []
    for _ in range(2):
        with tenant.runtime.sessions.begin() as session:
            vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
        with tenant.runtime.key_sessions() as session:
            moments.append(set(session.scalars(select(Key.destroyed_at).where(Key.grant_id == tenant.grant_id))))
    assert moments[0] == moments[1]


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
        tenant.read(value)
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
        tenant.read(value, later)
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


def test_a_suspended_grant_is_withheld_on_pages_until_it_is_back(tenant):
    value = tenant.sealed(CANARY)
    tenant.set_status(GrantStatus.SUSPENDED)
    assert tenant.read(value) == b'[{"withheld":"suspended","source":"gmail"}]'
    tenant.set_status(GrantStatus.ACTIVE)
    assert tenant.read(value) == f'["{CANARY}"]'.encode()


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
