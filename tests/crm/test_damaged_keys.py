"""A rotation goes past a damaged key: everything else is renewed, and what was left is counted and told."""

import uuid

import pytest
from sqlalchemy import LargeBinary, func, select, type_coerce, update

from accounts.models import Organisation
from crm.models import Message
from limited_use import resealing, rotation
from limited_use.keyring import KeyringError
from limited_use.keys import vault
from limited_use.models import Key
from limited_use.rotation import Phase
from limited_use.sealing import Sealed
from tests.crm.test_rotation import (
    START,
    Untaken,
    begin,
    carry_on,
    clock,
    desk,
    key_ids,
    newest_ids,
    opened,
    rotate,
    row_of,
    stored,
)

__all__ = ["clock", "desk"]


def turn(wire, at):
    """Return the bytes with one bit of one of them turned."""
    return wire[: at % len(wire)] + bytes([wire[at] ^ 1]) + wire[at % len(wire) + 1 :]


def damage(desk, grant_id, purpose, at):
    """Turn a bit of a wrapped key; return the key's id and what was there."""
    with desk.runtime.key_sessions.begin() as session:
        row = session.scalars(select(Key).where(Key.grant_id == grant_id, Key.purpose == purpose)).one()
        kept, row.wrapped = row.wrapped, turn(row.wrapped, at)
    vault(desk.runtime).store.cache.drop([row.id])
    return row.id, kept


def rotate_past_damage(desk):
    begin(desk)
    assert carry_on(desk).phase == Phase.SETTLE
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    while carry_on(desk).phase != Phase.DONE:
        desk.runtime.clock.advance(rotation.AGAIN_S + 1)
    return row_of(desk)


@pytest.mark.parametrize("at", [-1, 20, 4, 0], ids=["tag", "key", "id-of-wrap-key", "version"])
def test_a_damaged_key_is_counted_and_told_and_stops_no_other(desk, at, capsys):
    bobs = desk.grant(desk.member("Bob"))
    before, old = opened(desk), newest_ids(desk)
    damaged, _ = damage(desk, bobs, "calendar", at)
    row = rotate(desk)
    assert (row.damaged_keys, row.damaged_values) == (1, 0)
    assert opened(desk) == before
    assert row.resealed >= len(before)
    assert newest_ids(desk).isdisjoint(old)
    assert len(newest_ids(desk)) == len(old) == 12
    told = [line for line in capsys.readouterr().out.splitlines() if "wrapped_key_damaged" in line]
    assert len(told) == 1
    assert str(damaged) in told[0]
    desk.meeting(bobs, desk.hear(bobs, "joe@else.example"), "what comes in is sealed by the new version", START)


def test_values_under_a_damaged_key_stay_until_it_is_mended(desk, capsys):
    before = opened(desk)
    mails = {value._wire for value in stored(desk) if value._place.table == "messages"}
    damaged, kept = damage(desk, desk.mine, "mail", -1)
    row = rotate_past_damage(desk)
    assert (row.damaged_keys, row.damaged_values) == (1, row_count(desk, damaged))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "old_key_versions_in_use" in line)
    assert f"[{damaged}]" in line
    assert mails <= {value._wire for value in stored(desk)}
    assert key_ids(desk) - newest_ids(desk) == {damaged}
    with desk.runtime.key_sessions() as session:
        waiting = session.scalars(select(Key.purpose).where(Key.version == 1, Key.emptied_at.is_(None))).all()
    # The key, what it is wrapped by, and those that keep their version.
    assert set(waiting) == {"detail", "index", "mail", "prints", "pseudonym", "wrap"}
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    assert rotation.retire(desk.runtime) > 1
    with desk.runtime.key_sessions.begin() as session:  # from a backup
        session.get_one(Key, damaged).wrapped = kept
    assert opened(desk) == before
    row = rotate(desk)
    assert (row.damaged_keys, row.damaged_values) == (0, 0)
    assert key_ids(desk) <= newest_ids(desk)
    assert opened(desk) == before


def row_count(desk, key_id):
    """Return how many values in the database are under the key."""
    head = b"\x01" + key_id.to_bytes(4, "big")
    counts = [
        select(func.count()).where(func.substring(type_coerce(one.table.c[name], LargeBinary), 1, 5) == head)
        for one in resealing.sealed_tables()
        for name in one.formats
    ]
    with desk.runtime.sessions() as session:
        return sum(session.scalar(count) for count in counts)


def test_a_value_under_a_key_that_nobody_has_stops_no_rotation(desk):
    """As after a restore of one database alone: the row names a key of later than the other's backup."""
    with desk.runtime.sessions.begin() as session:
        first = session.scalar(select(Message.id).order_by(Message.id).limit(1))
        wire = Sealed(b"\x01" + (2**31 - 1).to_bytes(4, "big") + bytes(40), None)
        session.execute(update(Message).where(Message.id == first).values(subject=wire))
    others = {value._wire for value in stored(desk)} - {wire._wire}
    row = rotate(desk)
    assert (row.phase, row.damaged_values) == (Phase.DONE, 0)
    left = {value._wire for value in stored(desk)}
    assert wire._wire in left
    assert left.isdisjoint(others)


def test_each_value_is_sealed_anew_once(desk):
    old = newest_ids(desk)
    expected = sum(row_count(desk, key_id) for key_id in old)
    assert rotate(desk).resealed == expected > len(stored(desk))
    assert sum(row_count(desk, key_id) for key_id in old) == 0
    assert sum(row_count(desk, key_id) for key_id in newest_ids(desk)) == expected


def test_an_organisation_without_keys_stops_no_rotation(desk):
    with desk.runtime.begin() as work:
        for number in (0, 2**128 - 1):
            work.session.add(Organisation(id=uuid.UUID(int=number), name="New", created_at=START))
    begin(desk, None)
    carry_on(desk)
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    row = carry_on(desk)
    assert (row.phase, row.damaged_keys) == (Phase.DONE, 0)
    assert key_ids(desk) <= newest_ids(desk)


def test_a_wrap_key_that_does_not_unwrap_ends_no_rotation_in_silence(desk):
    with desk.runtime.key_sessions.begin() as session:
        row = session.scalars(select(Key).where(Key.purpose == "wrap")).one()
        row.wrapped = turn(row.wrapped, -1)
    desk.vault.store.cache.drop([row.id])
    rotation_id = begin(desk)
    with pytest.raises(KeyringError):
        rotation.advance(desk.runtime, rotation_id, Untaken())
    assert row_of(desk).phase == Phase.KEYS
