"""Decoys: nothing of the product shows or counts them; whatever opens them is refused, and told of."""

import pytest
from sqlalchemy import func, select

from accounts.models import Grant, GrantStatus, Member, Role
from accounts.notices import Notice
from crm import decoys, holdings, people, timeline
from crm.jobs import keep_decoys
from crm.models import Fact, Meeting, Message
from crm.paging import Page
from kernel import jobs
from kernel.ids import new_id
from kernel.jobs import lease
from limited_use import rotation
from limited_use.asking import Asking, Refused
from limited_use.cipher import key_id_of
from limited_use.decoys import DecoyOpened
from limited_use.derive import Target, derive_many, same
from limited_use.keys import KeyPurpose, vault
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from limited_use.models import Key
from limited_use.release import guard
from oauth import purge
from privacy.notices import told
from tests.crm.world import World
from tests.signing_in import work_off

KINDS = (Message, Meeting, Fact)


@pytest.fixture
def desk(world):
    """Ann has mail; Bob looks after the organisation; decoys are planted."""
    world.ann, world.bob = world.member("Ann"), world.member("Bob")
    with world.runtime.begin() as work:
        work.session.get_one(Member, world.bob.member_id).role = Role.ADMIN
        gone = work.session.get_one(Member, world.member("Gone").member_id)
        gone.role, gone.left_at = Role.ADMIN, world.now
    elsewhere = World(world.runtime)
    with world.runtime.begin() as work:
        work.session.get_one(Member, elsewhere.member("Eve").member_id).role = Role.OWNER
    world.mine = world.grant(world.ann)
    world.jane = world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    world.message(world.mine, world.jane, "a real subject")
    world.before = counted(world)
    assert decoys.plant(world.runtime, world.organisation_id, Held()) == len(KINDS) * decoys.EACH
    return world


def counted(desk):
    with desk.runtime.begin() as work:
        viewer = desk.ann
        entries = timeline.of_person(work.session, viewer, desk.decisions()[desk.jane][2], Page(), desk.now).rows
        held = holdings.count_of_grants(work.session, [desk.mine])
        seen = people.count(work.session, viewer)
    return desk.opened(viewer, seen, *held.values()), len(entries)


def ghost(desk):
    with desk.runtime.key_sessions() as session:
        return session.scalars(select(Key.grant_id).where(Key.is_decoy).distinct()).one()


def subjects(desk):
    """Return every subject in the table, as something that reads all rows would have them."""
    with desk.runtime.sessions() as session:
        return list(session.scalars(select(Message).where(Message.organisation_id == desk.organisation_id)))


def asking(desk, sink="api"):
    return Asking(desk.organisation_id, desk.ann.member_id, "token", "api", "user_feature", sink)


def leaves(desk):
    with desk.runtime.sessions() as session:
        return [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]


def notices(desk):
    with desk.runtime.sessions() as session:
        return list(session.scalars(select(Notice).where(Notice.kind == "decoy_opened")))


def test_each_large_table_has_a_few_and_nothing_shows_or_counts_them(desk):
    with desk.runtime.sessions() as session:
        for kind in KINDS:
            there = session.scalar(select(func.count()).select_from(kind).where(kind.grant_id == ghost(desk)))
            assert there == decoys.EACH
        assert session.get_one(Grant, ghost(desk)).status == GrantStatus.REVOKED
    assert counted(desk) == desk.before
    assert decoys.plant(desk.runtime, desk.organisation_id, Held()) == 0


def test_whose_run_was_taken_over_plants_nothing(world):
    world.member("Ann")
    with world.runtime.begin() as work:
        run = work.later(decoys.JOB, world.organisation_id)
    _, organisation_id, first = lease.take(world.runtime, run.id, run.lease)
    with world.runtime.begin() as work:
        work.session.get_one(jobs.Run, run.id).leased_until = None  # as after a pause of this worker
    _, _, second = lease.take(world.runtime, run.id, first.number)
    assert decoys.plant(world.runtime, organisation_id, second) == len(KINDS) * decoys.EACH
    with pytest.raises(jobs.LeaseLost):
        decoys.plant(world.runtime, organisation_id, first)
    assert len(subjects(world)) == decoys.EACH


@pytest.mark.parametrize("sink", ["api", "browser", "export"])
def test_opening_all_rows_at_once_is_refused_and_told_of(desk, sink):
    given = []
    with pytest.raises(Refused):
        guard(desk.runtime).release(asking(desk, sink), [row.subject for row in subjects(desk)], given.extend)
    assert given == []
    assert [(leaf.kind, leaf.decision, leaf.reason) for leaf in leaves(desk)[-2:]] == [
        ("security_event", "event", "decoy_opened"),
        ("release", "refuse", "decoy_opened"),
    ]
    with desk.runtime.sessions() as session:
        alarm = session.scalars(select(LogLeaf).where(LogLeaf.kind == "security_event")).one()
    assert alarm.organisation_id == desk.organisation_id
    assert read_leaf(alarm.body).org == desk.vault.pseudonym(desk.organisation_id, "organisation", desk.organisation_id)
    (notice,) = notices(desk)
    assert notice.member_id == desk.bob.member_id, "not who left, nor whoever looks after another organisation"
    with desk.runtime.sessions() as session:
        assert "nobody is ever shown" in "".join(map(str, told(session, notice).parts))


def test_deriving_from_all_rows_is_refused_and_told_of(desk):
    keys = vault(desk.runtime)
    into = keys.joint_sealer(desk.organisation_id, [ghost(desk), desk.mine])
    work = [([row.subject], Target(into, "facts", "value", new_id())) for row in subjects(desk)]
    with pytest.raises(DecoyOpened):
        derive_many(keys, same, work)
    assert leaves(desk)[-1].reason == "decoy_opened"
    assert len(notices(desk)) == 1


def test_what_is_not_a_decoy_opens_as_ever(desk):
    mine = [row.subject for row in subjects(desk) if row.grant_id == desk.mine]
    assert guard(desk.runtime).release(asking(desk), mine, list) == ["a real subject"]
    assert notices(desk) == []


def test_they_outlive_the_end_of_a_grant_and_are_planted_again_where_some_are_gone(desk):
    with desk.runtime.sessions.begin() as session:
        for table in purge.tables():
            purge.purge_batch(session, table, desk.mine)
    assert len(subjects(desk)) == decoys.EACH
    with desk.runtime.sessions.begin() as session:
        session.delete(session.scalars(select(Message)).first())
    keep_decoys(desk.runtime, new_id(), Held())
    work_off(desk.runtime, decoys.JOB)
    assert len(subjects(desk)) == decoys.EACH
    with desk.runtime.sessions() as session:
        ours = select(func.count()).select_from(Grant).where(Grant.organisation_id == desk.organisation_id)
        assert session.scalar(ours) == 2


class Held(jobs.Lease):
    """A lease that always holds."""

    def __init__(self):
        self.attempts = 0

    def check(self, session):
        """Hold."""


def test_a_rotation_seals_them_anew_without_an_alarm(desk):
    old = {key_id_of(row.subject._wire) for row in subjects(desk)}
    with desk.runtime.begin() as work:
        rotation_id = rotation.begin(work, desk.runtime.clock.now(), desk.organisation_id).id
    rotation.advance(desk.runtime, rotation_id, Held())
    assert old.isdisjoint(key_id_of(row.subject._wire) for row in subjects(desk))
    assert notices(desk) == []
    with pytest.raises(Refused):
        guard(desk.runtime).release(asking(desk), [row.subject for row in subjects(desk)], list)
    assert len(notices(desk)) == 1


def test_an_organisation_has_one_grant_of_decoys_of_its_own(desk):
    keys = vault(desk.runtime)
    mine = ghost(desk)
    assert keys.create_decoy(World(desk.runtime).organisation_id) != mine
    assert keys.create_decoy(desk.organisation_id) == mine
    facts = keys.facts({key_id_of(row.subject._wire) for row in subjects(desk)})
    assert sorted(known.is_decoy for known in facts.values()) == [False, True]
    assert not keys.facts([keys.sealer(desk.organisation_id, KeyPurpose.CONTENT).key_id]).popitem()[1].is_decoy
