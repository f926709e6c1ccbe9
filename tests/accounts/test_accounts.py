"""Members, invitations, sign-ins, grants and consents, below any page."""

import datetime as dt
import threading
import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import consents, grants, invitations, members, sign_ins
from accounts.consents import Disclosure
from accounts.members import Identity, LastOwner, MemberLeft, Viewer, viewer_of
from accounts.models import Consent, Grant, GrantStatus, Member, Role, SignIn
from kernel.clock import HeldClock, SystemClock
from kernel.errors import Forbidden, NotFound
from kernel.runtime import Runtime

ANNA = Identity("sub-anna", "Anna@Northwind.example", "Anna Berg")
BERT = Identity("sub-bert", "bert@northwind.example", "")


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(SystemClock().now())


def enter(runtime: Runtime, identity: Identity) -> Member:
    with runtime.begin() as work:
        return members.enter(work.session, identity, runtime.clock.now())


def invite(runtime: Runtime, anna: Member, role: Role = Role.MEMBER, email: str = BERT.email) -> None:
    with runtime.begin() as work:
        invitations.invite(
            work.session,
            anna.organisation_id,
            invited_by=anna.id,
            email=email,
            role=role,
            now=runtime.clock.now(),
        )


def test_people_are_known_by_sub_and_never_by_address(runtime: Runtime) -> None:
    first = enter(runtime, ANNA)
    moved = enter(runtime, Identity(ANNA.sub, "anna.berg@southwind.example", "Anna Berg-Ek"))
    assert moved.id == first.id
    assert moved.email == "anna.berg@southwind.example"
    heir = enter(runtime, Identity("sub-of-someone-else", ANNA.email, "Anna Berg"))
    assert heir.id != first.id
    assert heir.organisation_id != first.organisation_id


def test_an_identity_shows_nothing_of_itself() -> None:
    assert repr(ANNA) == "<identity>"


def test_inviting_again_renews_and_keeps_one(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    invite(runtime, anna)
    clock.advance(6 * 86_400)
    invite(runtime, anna, Role.ADMIN, BERT.email.upper())
    with runtime.sessions() as session:
        (found,) = invitations.list_open(session, anna.organisation_id)
    assert (found.role, found.expires_at) == (Role.ADMIN, clock.now() + invitations.LIFETIME)


def test_the_newest_of_several_invitations_is_taken(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    other = enter(runtime, Identity("sub-carl", "carl@southwind.example", "Carl"))
    invite(runtime, anna)
    clock.advance(60)
    invite(runtime, other)
    assert enter(runtime, BERT).organisation_id == other.organisation_id


def test_an_invitation_is_taken_once(runtime: Runtime) -> None:
    anna = enter(runtime, ANNA)
    invite(runtime, anna)
    assert enter(runtime, BERT).organisation_id == anna.organisation_id
    other = enter(runtime, Identity("sub-bert-2", BERT.email, "Bert"))
    assert other.organisation_id != anna.organisation_id


def test_who_was_removed_stays_out_until_that_organisation_invites_again(runtime: Runtime) -> None:
    anna = enter(runtime, ANNA)
    carl = enter(runtime, Identity("sub-carl", "carl@southwind.example", "Carl"))
    invite(runtime, anna)
    bert = enter(runtime, BERT)
    with runtime.begin() as work:
        members.remove(work.session, viewer_of(anna), bert.id, runtime.clock.now())
    invite(runtime, carl)
    with pytest.raises(MemberLeft):
        enter(runtime, BERT)
    invite(runtime, anna, Role.AUDITOR)
    assert enter(runtime, BERT).role == Role.AUDITOR


def test_two_owners_who_demote_each_other_at_once_leave_one(runtime: Runtime) -> None:
    anna = enter(runtime, ANNA)
    invite(runtime, anna)
    bert = enter(runtime, BERT)
    with runtime.begin() as work:
        members.change_role(work.session, viewer_of(anna), bert.id, Role.OWNER)
    bert.role = Role.OWNER
    failures: list[str] = []
    ready = threading.Barrier(2)

    def demote(who: Member, whom: Member) -> None:
        ready.wait()
        try:
            with runtime.begin() as work:
                members.change_role(work.session, viewer_of(who), whom.id, Role.MEMBER)
        except LastOwner as error:
            failures.append(error.code)

    pair = [threading.Thread(target=demote, args=args) for args in ((anna, bert), (bert, anna))]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    with runtime.sessions() as session:
        owners = session.scalars(select(Member).where(Member.role == Role.OWNER)).all()
    assert len(owners) == 1
    assert failures == ["last_owner"]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.AUDITOR])
def test_who_does_not_manage_changes_nobody(runtime: Runtime, role: Role) -> None:
    anna = enter(runtime, ANNA)
    viewer = Viewer(anna.organisation_id, uuid.uuid4(), role)
    with runtime.begin() as work:
        for act in (
            lambda: members.change_role(work.session, viewer, anna.id, Role.MEMBER),
            lambda: members.remove(work.session, viewer, anna.id, runtime.clock.now()),
            lambda: members.rename_organisation(work.session, viewer, "x"),
        ):
            with pytest.raises(Forbidden):
                act()


def test_a_member_of_another_organisation_is_not_found(runtime: Runtime) -> None:
    anna = enter(runtime, ANNA)
    bert = enter(runtime, BERT)
    with runtime.begin() as work, pytest.raises(NotFound):
        members.get(work.session, anna.organisation_id, bert.id)


def test_a_sign_in_keeps_a_hash_alone_and_ends(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    with runtime.begin() as work:
        secret = sign_ins.start(work.session, anna.id, clock.now())
    with runtime.begin() as work:
        assert sign_ins.find(work.session, secret, clock.now()).id == anna.id
        assert sign_ins.find(work.session, secret + "x", clock.now()) is None
        assert work.session.scalars(select(SignIn)).one().secret_hash == sign_ins.hash_of(secret)
        sign_ins.end(work.session, secret, clock.now())
        assert sign_ins.find(work.session, secret, clock.now()) is None


def test_a_sign_in_lasts_thirty_days_at_most_however_often_it_is_used(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    with runtime.begin() as work:
        secret = sign_ins.start(work.session, anna.id, clock.now())
    for _ in range(3):
        clock.advance(dt.timedelta(days=9).total_seconds())
        with runtime.begin() as work:
            assert sign_ins.find(work.session, secret, clock.now())
    clock.advance(dt.timedelta(days=4).total_seconds())
    with runtime.begin() as work:
        assert sign_ins.find(work.session, secret, clock.now()) is None


def test_a_member_has_one_live_grant_of_an_account(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    with runtime.begin() as work:
        first = grants.open_for_member(work.session, anna, clock.now())
        assert grants.open_for_member(work.session, anna, clock.now()).id == first.id
        grants.mark_revoked(first, "owner", clock.now())
        work.session.flush()
        second = grants.open_for_member(work.session, anna, clock.now())
        assert second.id != first.id
        assert grants.active_ids(work.session, anna.organisation_id, anna.id) == [second.id]
        assert [grant.id for grant in grants.live_with_sub(work.session, ANNA.sub)] == [second.id]
    with runtime.sessions() as session:
        session.get_one(Grant, first.id).status = GrantStatus.ACTIVE
        with pytest.raises(IntegrityError):
            session.flush()


def test_only_an_active_grant_is_suspended(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    with runtime.begin() as work:
        grant = grants.open_for_member(work.session, anna, clock.now())
        assert grants.suspend(work.session, grant.id, "invalid_grant", clock.now())
        assert not grants.suspend(work.session, grant.id, "again", clock.now())
        assert grant.status_reason == "invalid_grant"
        assert grants.active_ids(work.session, anna.organisation_id, anna.id) == []


def test_ending_waits_for_releases_under_way_and_bars_later_ones(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    with runtime.begin() as work:
        grant_id = grants.open_for_member(work.session, anna, clock.now()).id
    order: list[str] = []
    shared, asked = threading.Event(), threading.Event()

    def end() -> None:
        shared.wait()
        with runtime.begin() as work:
            asked.set()
            (grant,) = grants.lock_for_update(work.session, [grant_id])
            order.append("ended")
            grants.mark_revoked(grant, "owner", clock.now())

    ender = threading.Thread(target=end)
    ender.start()
    with runtime.begin() as work:
        grants.lock_for_share(work.session, [grant_id])
        shared.set()
        asked.wait()
        ender.join(0.3)
        order.append("released")
    ender.join()
    assert order == ["released", "ended"]
    with runtime.begin() as work:
        (grant,) = grants.lock_for_share(work.session, [grant_id])
        assert grant.status == GrantStatus.REVOKED


def test_a_consent_proves_the_text_and_can_be_taken_back(runtime: Runtime, clock: HeldClock) -> None:
    anna = enter(runtime, ANNA)
    shown = Disclosure("ai_native", "1", "What users wrote.")
    with runtime.begin() as work:
        consent = consents.record(work.session, viewer_of(anna), shown, clock.now())
        assert consents.standing(work.session, anna.organisation_id, "ai_native").id == consent.id
        assert consent.disclosure_hash == shown.digest != Disclosure("ai_native", "1", "what users wrote.").digest
        consents.withdraw_kind(work.session, anna.organisation_id, "ai_native", clock.now())
        assert consents.standing(work.session, anna.organisation_id, "ai_native") is None
        assert len(work.session.scalars(select(Consent)).all()) == 1
