"""What is left of somebody who was removed, and of a grant whose ending met trouble."""

import pytest
from sqlalchemy import select

from accounts import invitations, members
from accounts.members import Identity, Viewer
from accounts.models import Grant, GrantStatus, Member, Role
from kernel.errors import NotSignedIn
from kernel.jobs.runs import Run
from kernel.runtime import Runtime
from limited_use import destinations
from oauth import jobs, revocation
from oauth.models import Receipt, RefreshToken, Revocation
from tests.signing_in import ANNA, Person, work_off
from tests.web.test_members import BERT, join, member


def test_a_token_does_not_come_back_with_the_member_it_acted_for(anna: Person, app, runtime: Runtime) -> None:
    bert = Person(app, BERT)
    join(anna, bert, Role.ADMIN)
    with runtime.begin() as work:
        owner = member(runtime, ANNA)
        row = work.session.get_one(Member, member(runtime, BERT).id)
        _, secret = destinations.create_token(work.session, row, "t", ("people.read",), runtime.clock.now())
    anna.post(f"/members/{row.id}/remove", page="/members")
    with runtime.begin() as work:
        now = runtime.clock.now()
        invitations.invite(
            work.session, owner.organisation_id, invited_by=owner.id, email=BERT, role=Role.MEMBER, now=now
        )
        assert members.enter(work.session, Identity(row.google_sub, BERT, "Bert"), now).left_at is None
        with pytest.raises(NotSignedIn):
            destinations.authenticate(work.session, secret)


def test_a_connection_that_outlived_its_owners_removal_is_ended_within_the_minute(
    anna: Person, app, runtime: Runtime
) -> None:
    bert = Person(app, BERT)
    join(anna, bert)
    bert.connect("gmail")
    with runtime.begin() as work:  # and then the process died, before it ended the connection
        owner = member(runtime, ANNA)
        boss = Viewer(owner.organisation_id, owner.id, Role.OWNER)
        members.remove(work.session, boss, member(runtime, BERT).id, runtime.clock.now())
    jobs.end_removed(runtime, owner.id, _Idle())
    with runtime.sessions() as session:
        assert session.scalars(select(Grant)).one().status == GrantStatus.REVOKED
        assert session.scalars(select(Revocation)).one().keys_destroyed_at is not None


class _Idle:
    """A lease that nobody asks back."""

    stopping = False

    def check(self, _session: object) -> None:
        """It holds."""


def test_a_kept_token_that_does_not_open_holds_up_no_purge(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    with runtime.sessions() as session:
        sub = session.scalars(select(Grant)).one().google_sub
    revocation.end_account(runtime, sub, revocation.Ending("owner"))
    with runtime.begin() as work:  # as after a restore that does not fit: the value is another's
        ended = work.session.scalars(select(Revocation)).one()
        ended.refresh_token = work.session.scalars(select(RefreshToken)).one().refresh_token
    work_off(runtime, revocation.JOB, rounds=2)
    with runtime.sessions() as session:
        ended = session.scalars(select(Revocation)).one()
        assert ended.purged_at is not None
        assert ended.google_answer is None, "Google was not told, so it is tried again"


def test_an_ending_that_failed_for_too_long_is_begun_again(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    with runtime.sessions() as session:
        sub = session.scalars(select(Grant)).one().google_sub
    revocation.end_account(runtime, sub, revocation.Ending("owner"))
    with runtime.begin() as work:
        run = work.session.scalars(select(Run).where(Run.kind == revocation.JOB)).one()
        run.state, run.last_error = "failed", "internal"
    jobs.resume_endings(runtime, run.id, _Idle())
    work_off(runtime, revocation.JOB)
    with runtime.sessions() as session:
        assert session.scalars(select(Receipt)).one().google_answer == "revoked"
    jobs.resume_endings(runtime, run.id, _Idle())
    with runtime.sessions() as session:
        assert not session.scalars(select(Run).where(Run.kind == revocation.JOB, Run.state == "due")).all()
