"""Rotation: everything is sealed anew while the product is used, from wherever a killed worker left it."""

import datetime as dt
import random
import threading

import pytest
from sqlalchemy import event, func, select, text, update

from crm import notes
from crm.models import Fact, Meeting, Message, Note
from crm.pen import pen
from kernel import jobs
from kernel.clock import HeldClock
from kernel.jobs.attempt import execute_on
from kernel.jobs.runs import Run
from limited_use import resealing, rotation
from limited_use.asking import Asking, GrantEnded
from limited_use.cipher import key_id_of
from limited_use.jobs import rewrap_root
from limited_use.key_tree import ROTATED
from limited_use.keys import KeyPurpose, vault
from limited_use.log.models import LogLeaf
from limited_use.models import DestroyedKey, Key, KeyRotation
from limited_use.release import guard
from limited_use.rotation import Phase

assert rewrap_root  # registers the guard's kinds of work
START = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
COLUMNS = ((Message, "subject"), (Message, "snippet"), (Fact, "value"), (Meeting, "title"), (Note, "body"))


@pytest.fixture
def clock():
    return HeldClock(START)


@pytest.fixture
def desk(world, monkeypatch):
    """Ann has mail, a meeting and a note; batches are of a few rows, so that there are many."""
    monkeypatch.setattr(resealing, "BATCH", 4)
    world.ann = world.member("Ann")
    world.mine = world.grant(world.ann)
    world.jane = world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    world.person_id = world.decisions()[world.jane][2]
    for number in range(9):
        world.message(world.mine, world.jane, f"subject {number}")
    world.meeting(world.mine, world.jane, "a meeting", START)
    write(world, world.runtime, "a note")
    return world


def write(desk, runtime, body):
    with runtime.begin() as work:
        notes.write_about_person(
            work.session, pen(runtime, desk.organisation_id), desk.ann, desk.person_id, body, desk.now
        )


def stored(desk):
    """Return every sealed value that the test knows of."""
    with desk.runtime.sessions() as session:
        return [getattr(row, name) for kind, name in COLUMNS for row in session.scalars(select(kind))]


def opened(desk, runtime=None):
    """Return every text, as the owner's own program reads it."""
    asking = Asking(desk.organisation_id, desk.ann.member_id, "token", "api", "user_feature", "api")
    return sorted(guard(runtime or desk.runtime).release(asking, stored(desk), list))


def key_ids(desk):
    return {key_id_of(value._wire) for value in stored(desk)}


def newest_ids(desk):
    with desk.runtime.key_sessions() as session:
        rows = session.scalars(select(Key).where(Key.purpose.in_(ROTATED)).order_by(Key.version))
        return set({(row.grant_id, row.purpose): row.id for row in rows}.values())


def begin(desk, organisation_id="this"):
    with desk.runtime.begin() as work:
        mine = desk.organisation_id if organisation_id == "this" else organisation_id
        return rotation.begin(work, desk.runtime.clock.now(), mine).id


def carry_on(desk, kind=rotation.JOB):
    """Do the rotation's run as a worker does; return its row."""
    with desk.runtime.sessions() as session:
        run = session.scalars(select(Run).where(Run.kind == kind, Run.state == "due")).one()
    execute_on(desk.runtime, run.id, run.lease)
    return row_of(desk)


def row_of(desk):
    with desk.runtime.sessions() as session:
        return session.scalars(select(KeyRotation).order_by(KeyRotation.started_at.desc())).first()


def rotate(desk):
    begin(desk)
    assert carry_on(desk).phase == Phase.SETTLE
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    row = carry_on(desk)
    assert row.phase == Phase.DONE
    return row


def test_everything_is_under_new_keys_and_reads_as_before(desk):
    before, old = opened(desk), key_ids(desk)
    row = rotate(desk)
    assert opened(desk) == before
    assert key_ids(desk).isdisjoint(old)
    assert key_ids(desk) <= newest_ids(desk)
    assert row.resealed >= len(before)
    assert row.passes == 2


def test_two_who_ask_at_one_instant_get_one_rotation(desk):
    second = []
    other = threading.Thread(target=lambda: second.append(begin(desk)))
    with desk.runtime.begin() as work:
        first = rotation.begin(work, desk.runtime.clock.now(), desk.organisation_id).id
        other.start()
        other.join(0.3)
        assert second == [], "the second waits until the first is stored"
    other.join(10)
    assert second == [first]
    with desk.runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(KeyRotation)) == 1


def test_the_log_tells_of_it_before_anything_is_opened(desk):
    rotate(desk)
    with desk.runtime.sessions() as session:
        told = session.scalars(select(LogLeaf.reason).where(LogLeaf.kind == "key_rotated").order_by(LogLeaf.id)).all()
    assert told == ["begun", "finished"]


def test_labels_stay(desk):
    before = {vault(desk.runtime).labels(value) for value in stored(desk)}
    rotate(desk)
    assert {vault(desk.runtime).labels(value) for value in stored(desk)} == before


class Bomb:
    """Kills whatever runs on these databases at their n-th statement from now."""

    def __init__(self, runtime):
        self.left = None
        for sessions in (runtime.sessions, runtime.key_sessions):
            event.listen(sessions.kw["bind"], "before_cursor_execute", self._tick)

    def remove(self, runtime):
        for sessions in (runtime.sessions, runtime.key_sessions):
            event.remove(sessions.kw["bind"], "before_cursor_execute", self._tick)

    def _tick(self, *_):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt


def test_a_worker_that_is_killed_at_any_statement_loses_nothing(desk):
    before, old = opened(desk), key_ids(desk)
    rotation_id, bomb, kills, chance = begin(desk), Bomb(desk.runtime), 0, random.Random(7)  # noqa: S311 -- chance that can be repeated
    lease = Untaken()
    while row_of(desk).phase != Phase.DONE:
        bomb.left = chance.randint(3, 40)
        try:
            rotation.advance(desk.runtime, rotation_id, lease)
        except KeyboardInterrupt:
            kills += 1
        bomb.left = None
        assert opened(desk) == before
        if row_of(desk).phase == Phase.SETTLE:
            desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    bomb.remove(desk.runtime)
    assert kills > 8
    assert key_ids(desk).isdisjoint(old)
    assert key_ids(desk) <= newest_ids(desk)
    with desk.runtime.key_sessions() as session:
        versions = session.scalars(select(Key.version).where(Key.purpose.in_(ROTATED))).all()
    assert set(versions) == {1, 2}


class Untaken(jobs.Lease):
    """A lease that always holds, for a test that is the only worker."""

    def __init__(self):
        self.attempts = 0

    def check(self, session):
        """Hold."""


def test_another_process_reads_and_writes_all_the_while(desk, another_runtime):
    other = another_runtime()
    before = opened(desk, other)
    begin(desk)
    ended, faults, written = threading.Event(), [], []

    def live():
        try:
            while not ended.is_set():
                write(desk, other, f"note {len(written)}")
                written.append(f"note {len(written)}")
                assert set(before) <= set(opened(desk, other))
        except Exception as error:  # noqa: BLE001 -- told to the test
            faults.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert carry_on(desk).phase == Phase.SETTLE
    finally:
        ended.set()
        thread.join()
    write(desk, other, "a note by a sealer of before")  # the other process has cached the old key
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    assert carry_on(desk).phase == Phase.DONE
    assert faults == []
    assert opened(desk) == sorted([*before, *written, "a note by a sealer of before"])
    assert key_ids(desk) <= newest_ids(desk)


def test_a_row_that_somebody_is_writing_is_seen_again(desk):
    rotation_id = begin(desk)
    with desk.runtime.sessions.begin() as session:
        session.scalars(select(Note).with_for_update()).one()
        carry_on(desk)
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    assert carry_on(desk).phase == Phase.DONE
    assert key_ids(desk) <= newest_ids(desk)
    assert rotation_id == row_of(desk).id


def test_old_versions_are_kept_for_thirty_days_and_then_retired_for_ever(desk, another_runtime):
    old_values, old = stored(desk), key_ids(desk)
    with desk.runtime.key_sessions() as session:
        saved = {key.id: key.wrapped for key in session.scalars(select(Key))}
    rotate(desk)
    assert rotation.retire(desk.runtime) == 0
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    retired = rotation.retire(desk.runtime)
    assert retired > len(old)  # the wrap key, too
    assert rotation.retire(desk.runtime) == 0
    asking = Asking(desk.organisation_id, desk.ann.member_id, "token", "api", "user_feature", "api")
    assert len(opened(desk)) == len(old_values)
    for value in old_values:
        with pytest.raises(GrantEnded):
            guard(desk.runtime).release(asking, [value], list)
    with desk.runtime.sessions() as session:
        assert old <= set(session.scalars(select(DestroyedKey.key_id)))
    # A restored copy of the keys revives none of them, and opens nothing that was sealed since.
    with desk.runtime.key_sessions.begin() as session:
        for key_id, wrapped in saved.items():
            gone = update(Key).where(Key.id == key_id, Key.wrapped.is_(None))
            session.execute(gone.values(wrapped=wrapped, destroyed_at=None))
    later = another_runtime()
    assert opened(desk, later) == opened(desk)
    with later.key_sessions() as session:
        assert set(session.scalars(select(Key.wrapped).where(Key.id.in_(old)))) == {None}


def test_a_version_that_a_restored_backup_uses_again_is_not_retired(desk):
    (note,) = (value for value in stored(desk) if value._place.table == "notes")
    rotate(desk)
    with desk.runtime.sessions.begin() as session:
        session.execute(update(Note).values(body=note))
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    rotation.retire(desk.runtime)
    assert "a note" in opened(desk)
    rotate(desk)
    assert key_ids(desk) <= newest_ids(desk)


def test_a_wrap_key_that_a_restored_backup_uses_again_is_not_retired(desk, another_runtime):
    with desk.runtime.key_sessions() as session:
        wrap_id = session.scalar(select(Key.id).where(Key.purpose == KeyPurpose.WRAP))
        index_id, wrapped = session.execute(select(Key.id, Key.wrapped).where(Key.purpose == KeyPurpose.INDEX)).one()
    digest = vault(desk.runtime).indexer(desk.organisation_id).digest("a", "b")
    rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    with desk.runtime.key_sessions.begin() as session:
        session.execute(update(Key).where(Key.id == index_id).values(wrapped=wrapped))
    assert rotation.retire(desk.runtime) > 1, "the others"
    assert vault(another_runtime()).indexer(desk.organisation_id).digest("a", "b") == digest
    rotate(desk)
    assert rotation.retire(desk.runtime) == 1, "nothing is wrapped by it any more"
    with desk.runtime.key_sessions() as session:
        gone = session.get_one(Key, wrap_id)
        assert (gone.wrapped, gone.destroyed_at) == (None, desk.runtime.clock.now())
    assert vault(another_runtime()).indexer(desk.organisation_id).digest("a", "b") == digest


def test_rotations_in_quick_succession_keep_no_version_for_longer(desk):
    first = key_ids(desk)
    rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() / 2)
    rotate(desk)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() / 2 + 1)
    assert rotation.retire(desk.runtime) > len(first)
    with desk.runtime.key_sessions() as session:
        assert set(session.scalars(select(Key.wrapped).where(Key.id.in_(first)))) == {None}


def test_a_damaged_value_ends_no_rotation_and_is_left_with_its_key(desk):
    (note,) = (value for value in stored(desk) if value._place.table == "notes")
    damaged = note._wire[:-1] + bytes([note._wire[-1] ^ 1])
    with desk.runtime.sessions.begin() as session:
        session.execute(text("UPDATE notes SET body = :body"), {"body": damaged})
    old = key_id_of(damaged)
    begin(desk)
    carry_on(desk)
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    for _ in range(rotation.MOST_PASSES):
        if carry_on(desk).phase == Phase.DONE:
            break
        desk.runtime.clock.advance(rotation.AGAIN_S + 1)
    assert row_of(desk).phase == Phase.DONE
    assert key_ids(desk) - newest_ids(desk) == {old}
    assert (row_of(desk).damaged_keys, row_of(desk).damaged_values) == (0, 1)
    desk.runtime.clock.advance(rotation.KEPT.total_seconds() + 1)
    assert rotation.retire(desk.runtime) > 1
    with desk.runtime.key_sessions() as session:
        assert session.get_one(Key, old).wrapped is not None


def test_a_grant_that_ends_meanwhile_stays_ended(desk):
    begin(desk)
    with desk.runtime.sessions.begin() as session:
        vault(desk.runtime).destroy_grant(session, desk.mine)
    assert carry_on(desk).phase == Phase.SETTLE
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    assert carry_on(desk).phase == Phase.DONE
    with desk.runtime.key_sessions() as session:
        theirs = select(Key).where(Key.grant_id == desk.mine, Key.purpose.in_(ROTATED))
        assert [(row.version, row.wrapped) for row in session.scalars(theirs)] == [(1, None)] * 5
    with pytest.raises(GrantEnded):
        opened(desk)


def test_the_keys_of_every_organisation_are_renewed_together(desk):
    begin(desk, None)
    again = begin(desk, None)
    assert carry_on(desk).id == again
    desk.runtime.clock.advance(rotation.SETTLE.total_seconds() + 1)
    assert carry_on(desk).phase == Phase.DONE
    assert key_ids(desk) <= newest_ids(desk)


def test_the_index_is_not_renewed_so_that_equality_holds(desk):
    before = vault(desk.runtime).indexer(desk.organisation_id).digest("email", "a@b")
    rotate(desk)
    with desk.runtime.key_sessions() as session:
        kept = session.scalars(select(Key.version).where(Key.purpose.in_([KeyPurpose.INDEX, KeyPurpose.PSEUDONYM])))
        assert set(kept) == {1}
    assert vault(desk.runtime).indexer(desk.organisation_id).digest("email", "a@b") == before
