"""Operators list what members allowed, end it, and have it read again."""

import pytest
from sqlalchemy import select

from accounts.models import Grant, GrantStatus
from kernel.jobs.runs import due_runs
from kernel.runtime import Runtime
from sync.models import CollectionState
from tests.addon.conftest import World


@pytest.fixture
def world(runtime: Runtime) -> World:
    return World(runtime)


@pytest.fixture
def grant(world):
    return world.grant(world.member("Ann"))


def test_grants_are_listed_without_addresses(app, world, grant):
    ended = world.grant(world.member("Bea"))
    world.set_status(ended, GrantStatus.REVOKED)
    told = app.test_cli_runner().invoke(args=["grants", "list"]).output
    assert str(grant) in told
    assert str(ended) not in told
    assert "@" not in told
    assert str(ended) in app.test_cli_runner().invoke(args=["grants", "list", "--all"]).output


def test_a_grant_is_ended_as_by_its_owner(app, world, grant):
    done = app.test_cli_runner().invoke(args=["grants", "revoke", str(grant)])
    assert (done.exit_code, done.output.split(":")[0]) == (0, "Ended")
    with world.runtime.sessions() as session:
        assert session.scalars(select(Grant.status)).all() == [GrantStatus.REVOKED]
    again = app.test_cli_runner().invoke(args=["grants", "revoke", str(grant)])
    assert again.exit_code == 1


def test_lists_of_active_grants_are_made_due(app, world, grant):
    due = world.mailbox(grant)
    other = world.grant(world.member("Bea"))
    world.mailbox(other, state=CollectionState.STOPPED)
    done = app.test_cli_runner().invoke(args=["sync", "run"])
    assert done.output.startswith("1 lists")
    with world.runtime.sessions() as session:
        found = due_runs(session, world.runtime.clock.now(), 10)
        assert [(run.kind, run.subject_id) for run, _ in found] == [("sync.mail", due)]
