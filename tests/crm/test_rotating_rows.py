"""Rotation, row by row: values of every format, rows that are half done, keys of large numbers, and what is told."""

import pytest
from sqlalchemy import func, select, text, update

from crm.models import Meeting, Message
from crm.models import Note as NoteRow
from limited_use import key_versions, rotation
from limited_use.asking import Asking
from limited_use.cipher import key_id_of
from limited_use.keys import KeyPurpose, vault
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from limited_use.models import Key
from limited_use.release import guard
from limited_use.rotation import Phase
from tests.crm.test_rotation import begin, carry_on, clock, desk, key_ids, newest_ids, opened, rotate, stored
from tests.crm.world import World

__all__ = ["clock", "desk"]

RULES = '["RRULE:FREQ=WEEKLY"]'


def read(desk, value):
    asking = Asking(desk.organisation_id, desk.ann.member_id, "token", "api", "user_feature", "api")
    return guard(desk.runtime).release(asking, [value], list)


def of_meeting(desk):
    with desk.runtime.sessions() as session:
        return session.scalars(select(Meeting)).one()


def test_what_is_no_text_stays_what_it_is(desk):
    row = of_meeting(desk)
    sealer = vault(desk.runtime).sealer(desk.organisation_id, KeyPurpose.CALENDAR, desk.mine)
    rules = sealer.seal("meetings", "recurrence", row.id, RULES, "json")
    with desk.runtime.sessions.begin() as session:
        session.execute(update(Meeting).values(recurrence=rules))
    before = read(desk, of_meeting(desk).recurrence)
    rotate(desk)
    assert key_id_of(of_meeting(desk).recurrence._wire) in newest_ids(desk) - {sealer.key_id}
    assert read(desk, of_meeting(desk).recurrence) == before


def test_a_row_of_which_one_value_is_new_already_is_done_whole(desk):
    before = opened(desk)
    with desk.runtime.sessions() as session:
        old = session.scalars(select(Message).order_by(Message.id)).first()
    begin(desk)
    assert carry_on(desk).phase == Phase.SETTLE
    with desk.runtime.sessions.begin() as session:
        session.execute(update(Message).where(Message.id == old.id).values(subject=old.subject))
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    row = carry_on(desk)
    assert (row.phase, row.damaged_values) == (Phase.DONE, 0)
    assert key_ids(desk) <= newest_ids(desk)
    assert opened(desk) == before


@pytest.fixture
def late(runtime):
    """Keys made from now on have numbers of more than three bytes."""
    set_next = text("SELECT setval(pg_get_serial_sequence('keys', 'id'), :next, false)")
    with runtime.key_sessions.begin() as session:
        session.execute(set_next, {"next": 2**24 + 5})
    yield
    with runtime.key_sessions.begin() as session:
        session.execute(set_next, {"next": 1})


@pytest.mark.usefixtures("late")
def test_keys_with_large_numbers_are_renewed_like_others(desk):
    before, old = opened(desk), key_ids(desk)
    assert min(old) > 2**24
    rotate(desk)
    assert opened(desk) == before
    assert key_ids(desk) <= newest_ids(desk) - old
    with desk.runtime.key_sessions() as session:
        emptied = session.scalars(select(Key.id).where(Key.emptied_at.is_not(None))).all()
    assert old <= set(emptied)


def told(desk, reason):
    with desk.runtime.sessions() as session:
        rows = session.scalars(select(LogLeaf).where(LogLeaf.reason == reason).order_by(LogLeaf.id)).all()
    return [(row.organisation_id, read_leaf(row.body)) for row in rows]


def test_the_log_tells_whose_versions_were_made_and_retired(desk):
    row = rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    gone = rotation.retire(desk.runtime)
    mine = desk.vault.pseudonym(desk.organisation_id, "organisation", desk.organisation_id)
    ((_, begun),), ((_, finished),), retired = told(desk, "begun"), told(desk, "finished"), told(desk, "retired")
    with desk.runtime.key_sessions() as session:
        assert begun.records == session.scalar(select(func.count()).select_from(Key).where(Key.made_by == row.id))
    assert finished.records == row.resealed
    assert len(retired) == gone
    for organisation_id, leaf in [*told(desk, "begun"), *told(desk, "finished"), *retired]:
        assert organisation_id == desk.organisation_id
        assert (leaf.kind, leaf.decision, leaf.actor_class, leaf.org) == ("key_rotated", "event", "worker", mine)
    assert {(leaf.records, leaf.at) for _, leaf in retired} == {(1, desk.runtime.clock.now())}


def test_a_version_in_use_again_is_told_of_and_only_that(desk, capsys):
    (note,) = (value for value in stored(desk) if value._place.table == "notes")
    rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    with desk.runtime.sessions.begin() as session:
        session.execute(update(NoteRow).values(body=note))
    rotation.retire(desk.runtime)
    lines = [line for line in capsys.readouterr().out.splitlines() if "old_key_versions_in_use" in line]
    assert len(lines) == 1
    assert f"[{key_id_of(note._wire)}]" in lines[0]
    desk.runtime.clock.advance(1)
    assert rotation.retire(desk.runtime) == 0, "it is not asked about again before another rotation"
    assert "old_key_versions_in_use" not in capsys.readouterr().out


def test_one_organisations_rotation_leaves_the_others_as_they_are(desk):
    other = World(desk.runtime)
    eve = other.member("Eve")
    theirs = other.grant(eve)
    joe = other.hear(theirs, "joe@else.example", name="Joe", written_to=1)
    other.message(theirs, joe, "another's subject")

    def of_others():
        with desk.runtime.sessions() as session:
            kept = session.scalars(select(Message).where(Message.organisation_id == other.organisation_id)).one()
        with desk.runtime.key_sessions() as session:
            keys = session.scalars(select(Key).where(Key.organisation_id == other.organisation_id).order_by(Key.id))
            return kept.subject._wire, [(row.id, row.wrapped, row.emptied_at) for row in keys]

    before = of_others()
    rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    rotation.retire(desk.runtime)
    assert of_others() == before


def emptied_and_newer(desk):
    """Return the keys that are noted as used by nothing, and those of which there is a newer version."""
    with desk.runtime.key_sessions() as session:
        rows = session.scalars(select(Key).order_by(Key.version)).all()
    newest = {(row.organisation_id, row.grant_id, row.joint, row.purpose): row.id for row in rows}
    return {row.id for row in rows if row.emptied_at}, {row.id for row in rows} - set(newest.values())


def test_no_version_counts_as_emptied_that_has_no_newer_one(desk):
    """Keys that seal nothing yet are many: of grants that were just connected, of what derives from two of them."""
    second, third = (desk.grant(desk.member(name)) for name in ("Bob", "Cid"))
    vault(desk.runtime).joint_sealer(desk.organisation_id, [desk.mine, second])
    rotate(desk)
    vault(desk.runtime).joint_sealer(desk.organisation_id, [second, third])
    desk.grant(desk.member("Dan"))
    desk.runtime.clock.advance(1)
    rotate(desk)
    emptied, followed = emptied_and_newer(desk)
    assert emptied == followed


def test_a_value_that_came_under_an_old_version_after_its_table_was_seen_is_found(desk, monkeypatch):
    (note,) = (value for value in stored(desk) if value._place.table == "notes")
    before, looked = opened(desk), []

    def late(store, rotation_id):
        if not looked:
            with desk.runtime.sessions.begin() as session:
                session.execute(update(NoteRow).values(body=note))
        looked.append(rotation_id)
        return superseded(store, rotation_id)

    superseded = key_versions.superseded
    monkeypatch.setattr(key_versions, "superseded", late)
    begin(desk)
    carry_on(desk)
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    assert carry_on(desk).phase == Phase.RESEAL
    desk.runtime.clock.advance(rotation.AGAIN_S + 1)
    row = carry_on(desk)
    assert (row.phase, row.passes) == (Phase.DONE, 3)
    assert key_ids(desk) <= newest_ids(desk)
    assert opened(desk) == before
