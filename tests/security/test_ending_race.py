"""A page of a sync that is being stored while its grant is ended: nothing comes back after the purge."""

import threading
import uuid

import pytest
from sqlalchemy import select

from accounts.models import Grant
from kernel import jobs
from kernel.jobs import lease
from kernel.jobs.runs import Run
from oauth import purge, revocation
from oauth.jobs import revoke
from sync.apply.page import applying
from sync.errors import GrantNotActive
from sync.models import Skip
from sync.running import read_place


@pytest.fixture
def page(world, ann):
    """A mailbox, and the right to store a page of it."""
    grant_id = world.grant(ann)
    mailbox = world.mailbox(grant_id)
    runtime = world.runtime
    with runtime.begin() as work:
        jobs.plan(work.session, "sync.mail", mailbox, runtime.clock.now())
    with runtime.sessions() as session:
        run = session.scalars(select(Run).where(Run.subject_id == mailbox)).one()
        sub = session.get_one(Grant, grant_id).google_sub
    _, _, held = lease.take(runtime, run.id, run.lease)
    return runtime, sub, held, read_place(runtime, mailbox)


def test_an_ending_waits_for_the_page_that_is_being_stored_and_none_is_stored_after_it(page):
    runtime, sub, held, place = page
    ended = threading.Event()

    def end() -> None:
        revocation.end_account(runtime, sub, revocation.Ending("owner"))
        ended.set()

    ending = threading.Thread(target=end)
    with applying(runtime, held, place) as at:
        ending.start()
        assert not ended.wait(0.7), "the page holds the grant"
        at.session.add(_left_out(place))
    ending.join(20)
    assert ended.is_set()
    with pytest.raises(GrantNotActive), applying(runtime, held, place) as at:
        at.session.add(_left_out(place))
    with runtime.sessions() as session:
        row = session.scalars(select(revocation.Revocation)).one()
        (run,) = session.scalars(select(Run).where(Run.subject_id == row.id))
    _, _, mine = lease.take(runtime, run.id, run.lease)
    revoke(runtime, row.id, mine)
    with runtime.sessions() as session:
        assert not list(purge.left(session, place.grant_id))
        assert session.get_one(revocation.Revocation, row.id).counts["skips"] == 1
    with pytest.raises(GrantNotActive), applying(runtime, held, place):
        pass


def _left_out(place) -> Skip:
    return Skip(
        id=uuid.uuid4(),
        organisation_id=place.organisation_id,
        grant_id=place.grant_id,
        collection_id=place.id,
        item_index=bytes(16),
        reason="spam",
        generation=0,
    )
