"""The team in figures: told over many people and accounts to who manages, and of no one."""

import datetime as dt
import re

import pytest
from sqlalchemy import select

from accounts.members import Viewer, viewer_of
from accounts.models import Grant, GrantStatus, Member, Role
from crm.models import Correspondent, ProtectedAddress
from crm.team import Week, last_week
from kernel.ids import new_id
from limited_use.aggregate_models import AggregatePart
from limited_use.keys import KeyPurpose
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from oauth import purge
from tests.crm.world import World
from tests.web.test_records import said


class Team(World):
    """An organisation with colleagues, each with a mailbox."""

    def mails(self, grant_id, address, threads, at):
        heard = self.hear(grant_id, address, written_to=1, last_at=at)
        for n in range(threads):
            for _ in range(2):
                self.message(grant_id, heard, f"Canary {address}", at, thread_id=f"t{n}{address}"[:32])
        return heard


@pytest.fixture
def at(runtime):
    """A moment of the last full week."""
    return dt.datetime.combine(last_week(runtime.clock.now()).begin, dt.time(12), dt.UTC) + dt.timedelta(days=2)


@pytest.fixture
def team(anna, runtime, at):
    """Anna owns an organisation of four mailboxes, of which each knows three people."""
    anna.sign_in()
    with runtime.begin() as work:
        viewer = viewer_of(work.session.scalars(select(Member)).one())
    made = Team(runtime, viewer.organisation_id)
    made.viewer, made.grants = viewer, [made.grant(viewer)]
    for name in ("Bea", "Cid", "Dan"):
        made.grants.append(made.grant(made.member(name)))
    for n, grant_id in enumerate(made.grants):
        for m in range(3):
            made.mails(grant_id, f"p{n}{m}@client{n}{m}.example", 1 + (m == 2) * 2, at)
        made.match_all(grant_id)
    return made


@pytest.mark.usefixtures("team")
def test_figures_of_many_are_told_and_logged(anna, runtime):
    words = said(anna.get("/team"))
    assert re.search(r"Conversations\s+20\b", words)
    assert re.search(r"People written with\s+12\b", words)
    assert re.search(r"One conversation\s+too few people to tell", words)
    with runtime.sessions() as session:
        leaf = read_leaf(session.scalars(select(LogLeaf.body).order_by(LogLeaf.id.desc()).limit(1)).one())
    assert (leaf.feature, leaf.labels, leaf.decision) == ("team", ("aggregate",), "open")
    assert "The team in figures" in said(anna.get("/members"))


def test_one_mailbox_more_or_less_is_not_told(anna, team, runtime, at):
    first = said(anna.get("/team"))
    team.mails(team.grants[0], "late@late.example", 5, at)
    team.match_all(team.grants[0])
    assert said(anna.get("/team")) == first
    with runtime.begin() as work:
        work.session.get_one(Grant, team.grants[3]).status = GrantStatus.REVOKED
        team.vault.destroy_grant(work.session, team.grants[3])
    assert "Nothing can be told yet" in said(anna.get("/team"))
    with runtime.begin() as work:
        for table in purge.tables():
            purge.purge_batch(work.session, table, team.grants[3])
    with runtime.sessions() as session:
        assert team.grants[3] not in set(session.scalars(select(AggregatePart.grant_id)))
    assert "was disconnected" in said(anna.get("/team"))


def test_a_small_team_is_told_nothing(anna):
    anna.sign_in()
    words = said(anna.get("/team"))
    assert "Nothing can be told yet" in words
    assert "fewer than 5 people, or fewer than 3" in words


def test_what_is_protected_and_what_is_no_conversation_is_not_counted(anna, team, runtime, at):
    heard = team.mails(team.grants[1], "secret@secret.example", 7, at)
    team.match_all(team.grants[1])
    with runtime.begin() as work:
        index = work.session.get_one(Correspondent, heard).address_index
        row_id = new_id()
        sealer = team.vault.sealer(team.organisation_id, KeyPurpose.MAIL, team.grants[1])
        work.session.add(
            ProtectedAddress(
                id=row_id,
                organisation_id=team.organisation_id,
                grant_id=team.grants[1],
                address_index=index,
                address=sealer.seal("protected_addresses", "address", row_id, "secret@secret.example"),
                created_at=at,
            )
        )
    team.mails(team.grants[2], "early@early.example", 7, at - dt.timedelta(days=7))
    team.mails(team.grants[2], "later@later.example", 7, at + dt.timedelta(days=7))
    team.match_all(team.grants[2])
    assert re.search(r"Conversations\s+20\b", said(anna.get("/team")))


def test_only_who_manages_reads_them(anna, team, runtime):
    with runtime.begin() as work:
        work.session.get_one(Member, team.viewer.member_id).role = Role.MEMBER
    assert anna.get("/team").status_code == 403
    assert "The team in figures" not in said(anna.get("/members"))
    assert not Viewer(team.organisation_id, team.viewer.member_id, Role.AUDITOR).manages


@pytest.mark.parametrize(
    ("now", "begin", "name"),
    [
        ("2026-11-23T00:00:00+00:00", "2026-11-16", "2026-W47"),
        ("2026-11-22T23:59:59+00:00", "2026-11-09", "2026-W46"),
        ("2027-01-05T10:00:00+00:00", "2026-12-28", "2026-W53"),
        ("2026-11-23T01:00:00+02:00", "2026-11-09", "2026-W46"),
    ],
)
def test_a_week_is_one_that_has_ended(now, begin, name):
    week = last_week(dt.datetime.fromisoformat(now))
    assert week == Week(dt.date.fromisoformat(begin))
    assert week.name == name
