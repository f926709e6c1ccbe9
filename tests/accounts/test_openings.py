"""Openings below any page: who may ask, decide and end, what is open to whom at which sink, and for how long."""

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts import grants, invitations, members, openings
from accounts.members import Identity, Viewer, viewer_of
from accounts.models import ItemKind, Member, Opening, OpeningPurpose, OpeningState, Role
from accounts.opening_errors import AskedTooOften, OpeningOver, RefusedBefore, SecondPerson
from accounts.openings import Change, How, Item, Wish
from kernel.clock import HeldClock, SystemClock
from kernel.errors import BadInput, Forbidden, NotFound
from kernel.runtime import Runtime

HOUR = 3600


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(SystemClock().now())


@dataclass
class Team:
    """Anna owns the organisation, Bert and Dora manage, Carl works; Bert's Google account is connected."""

    runtime: Runtime
    anna: Viewer
    bert: Viewer
    carl: Viewer
    dora: Viewer
    grant_id: uuid.UUID

    def __post_init__(self) -> None:
        self.item = Item(ItemKind.MESSAGE, uuid.uuid4())
        self.wish = Wish(self.item, self.grant_id)

    def do(self, act: Callable[[Session], Change]) -> Change:
        with self.runtime.begin() as work:
            return act(work.session)

    def ask(self, viewer: Viewer, wish: Wish | None = None) -> uuid.UUID:
        return self.do(lambda session: openings.ask(session, viewer, wish or self.wish, self.now())).opening.id

    def allow(self, viewer: Viewer, opening_id: uuid.UUID, hours: int | None = None) -> Change:
        return self.do(lambda session: openings.allow(session, viewer, opening_id, hours, self.now()))

    def refuse(self, viewer: Viewer, opening_id: uuid.UUID) -> Change:
        return self.do(lambda session: openings.refuse(session, viewer, opening_id, self.now()))

    def end(self, viewer: Viewer, opening_id: uuid.UUID) -> Change:
        return self.do(lambda session: openings.end(session, viewer, opening_id, self.now()))

    def show(self, viewer: Viewer, opening_id: uuid.UUID) -> Opening:
        with self.runtime.begin() as work:
            return openings.take_to_show(work.session, viewer, opening_id, self.now())

    def open_to(self, viewer: Viewer, *items: Item, at_staff_sink: bool = False) -> dict[Item, How]:
        with self.runtime.begin() as work:
            found = openings.allowed(
                work.session,
                viewer.organisation_id,
                viewer.member_id,
                items or (self.item,),
                self.now(),
                at_staff_sink=at_staff_sink,
            )
        assert all(opened.grant_id == self.grant_id for opened in found.values())
        return {Item(ItemKind(kind), item_id): opened.how for (kind, item_id, _), opened in found.items()}

    def now(self) -> dt.datetime:
        return self.runtime.clock.now()


@pytest.fixture
def team(runtime: Runtime) -> Team:
    now = runtime.clock.now()
    with runtime.begin() as work:
        session = work.session
        anna = members.enter(session, Identity("sub-anna", "anna@northwind.example", "Anna"), now)
        joined = [_join(session, anna, name, role, now) for name, role in _OTHERS]
        grant = grants.open_for_member(session, joined[0], now)
        return Team(runtime, viewer_of(anna), *[viewer_of(member) for member in joined], grant.id)


_OTHERS = (("bert", Role.ADMIN), ("carl", Role.MEMBER), ("dora", Role.ADMIN))


def _join(session: Session, anna: Member, name: str, role: Role, now: dt.datetime) -> Member:
    address = f"{name}@northwind.example"
    invitations.invite(session, anna.organisation_id, invited_by=anna.id, email=address, role=role, now=now)
    return members.enter(session, Identity(f"sub-{name}", address, name.title()), now)


def case(team: Team, **more: object) -> Wish:
    return replace(team.wish, purpose=OpeningPurpose.CASE, ground="legal", **more)


def test_what_its_owner_allows_opens_to_the_asker_alone_until_it_runs_out(team: Team, clock: HeldClock) -> None:
    asked = team.ask(team.carl)
    assert team.open_to(team.carl) == {}
    assert team.allow(team.bert, asked, 2).is_new
    other = Item(ItemKind.MESSAGE, uuid.uuid4())
    assert team.open_to(team.carl, team.item, other) == {team.item: How.CONSENT}
    assert team.open_to(team.carl, Item(ItemKind.MEETING, team.item.id)) == {}
    assert team.open_to(team.anna) == {}
    assert team.open_to(replace(team.carl, organisation_id=uuid.uuid4())) == {}
    clock.advance(2 * HOUR)
    assert team.open_to(team.carl) == {}


def test_asking_and_answering_twice_changes_nothing_the_second_time(team: Team) -> None:
    first = team.do(lambda session: openings.ask(session, team.carl, team.wish, team.now()))
    second = team.do(lambda session: openings.ask(session, team.carl, team.wish, team.now()))
    assert (first.is_new, second.is_new, second.opening.id) == (True, False, first.opening.id)
    assert [team.allow(team.bert, first.opening.id).is_new for _ in range(2)] == [True, False]
    assert [team.end(team.bert, first.opening.id).is_new for _ in range(2)] == [True, False]
    assert team.open_to(team.carl) == {}
    with pytest.raises(OpeningOver):
        team.allow(team.bert, first.opening.id)
    again = team.ask(team.carl)
    assert again != first.opening.id
    assert [team.refuse(team.bert, again).is_new for _ in range(2)] == [True, False]
    with pytest.raises(OpeningOver):
        team.allow(team.bert, again)


def test_many_clicks_at_once_make_one_request(team: Team) -> None:
    made: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: made.append(team.ask(team.carl))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1


def test_only_its_owner_decides_on_what_a_teammate_asks(team: Team) -> None:
    asked = team.ask(team.carl)
    for viewer in (team.carl, team.anna, team.dora, replace(team.bert, organisation_id=uuid.uuid4())):
        for act in (team.allow, team.refuse):
            with pytest.raises(NotFound):
                act(viewer, asked)
    with pytest.raises(NotFound):
        team.end(team.dora, asked)
    assert team.end(team.carl, asked).is_new
    with pytest.raises(NotFound):
        team.allow(team.bert, uuid.uuid4())


def test_nobody_asks_for_their_own_or_for_what_is_not_there(team: Team) -> None:
    with pytest.raises(BadInput):
        team.ask(team.bert)
    with pytest.raises(NotFound):
        team.ask(team.carl, replace(team.wish, grant_id=uuid.uuid4()))
    with pytest.raises(NotFound):
        team.ask(replace(team.carl, organisation_id=uuid.uuid4()))
    for wish in (
        replace(team.wish, hours=0),
        replace(team.wish, hours=openings.MOST_HOURS + 1),
        replace(team.wish, ground="legal"),
        replace(team.wish, is_held=True),
    ):
        with pytest.raises(BadInput):
            team.ask(team.carl, wish)


def test_after_a_no_the_same_waits_a_week(team: Team, clock: HeldClock) -> None:
    team.refuse(team.bert, team.ask(team.carl))
    with pytest.raises(RefusedBefore):
        team.ask(team.carl)
    team.ask(team.carl, replace(team.wish, item=Item(ItemKind.MEETING, uuid.uuid4())))
    clock.advance(7 * 24 * HOUR + 1)
    assert team.ask(team.carl)


def test_nobody_asks_for_more_than_may_wait(team: Team) -> None:
    for _ in range(openings.MOST_WAITING):
        team.ask(team.carl, replace(team.wish, item=Item(ItemKind.MESSAGE, uuid.uuid4())))
    with pytest.raises(AskedTooOften):
        team.ask(team.carl)
    team.ask(team.dora)


def test_the_limits_do_not_tell_how_many_owners_were_asked(team: Team) -> None:
    with team.runtime.begin() as work:
        dora = work.session.get_one(Member, team.dora.member_id)
        grants_of_both = (team.grant_id, grants.open_for_member(work.session, dora, team.now()).id)
    for _ in range(openings.MOST_WAITING):
        item = Item(ItemKind.PERSON, uuid.uuid4())
        for grant_id in grants_of_both:
            team.ask(team.carl, Wish(item, grant_id))
    with pytest.raises(AskedTooOften):
        team.ask(team.carl)


def test_asking_the_same_again_and_again_counts_each_time(team: Team) -> None:
    for _ in range(openings.MOST_A_DAY):
        team.end(team.carl, team.ask(team.carl))
    with pytest.raises(AskedTooOften):
        team.ask(team.carl)


def test_a_request_that_nobody_answers_lapses(team: Team, clock: HeldClock) -> None:
    asked = team.ask(team.carl)
    clock.advance(30 * 24 * HOUR)
    with pytest.raises(OpeningOver):
        team.allow(team.bert, asked)
    assert team.ask(team.carl) != asked


def test_staff_sees_by_the_owners_consent_at_its_own_sink_alone(team: Team) -> None:
    wish = replace(team.wish, purpose=OpeningPurpose.STAFF)
    with pytest.raises(Forbidden):
        team.ask(team.carl, wish)
    asked = team.ask(team.dora, wish)
    with pytest.raises(NotFound):
        team.allow(team.anna, asked)
    team.allow(team.bert, asked)
    assert team.open_to(team.dora) == {}
    assert team.open_to(team.dora, at_staff_sink=True) == {team.item: How.CONSENT}


def test_what_a_teammate_was_allowed_is_not_open_at_the_staff_sink(team: Team) -> None:
    team.allow(team.bert, team.ask(team.dora))
    assert team.open_to(team.dora) == {team.item: How.CONSENT}
    assert team.open_to(team.dora, at_staff_sink=True) == {}


def test_a_case_needs_a_second_person_who_neither_asked_nor_owns_it(team: Team) -> None:
    for wish in (case(team), replace(case(team), ground=None), replace(case(team), ground="curiosity")):
        with pytest.raises((BadInput, Forbidden)):
            team.ask(team.carl, wish)
    with pytest.raises(BadInput):
        team.ask(team.dora, replace(case(team), ground=None))
    with pytest.raises(BadInput):
        team.ask(team.dora, replace(case(team, is_held=True), ground="security"))
    opened = team.ask(team.dora, case(team, is_held=True))
    for viewer in (team.dora, team.bert):
        for act in (team.allow, team.refuse):
            with pytest.raises(SecondPerson):
                act(viewer, opened)
    with pytest.raises(NotFound):
        team.allow(team.carl, opened)
    assert team.open_to(team.dora, at_staff_sink=True) == {}
    approved = team.allow(team.anna, opened).opening
    assert (approved.second_by, approved.decided_by) == (team.anna.member_id, None)
    assert team.open_to(team.dora) == {}
    assert team.open_to(team.anna, at_staff_sink=True) == {}
    assert team.open_to(team.dora, at_staff_sink=True) == {team.item: How.CASE}
    with pytest.raises(NotFound):
        team.end(team.carl, opened)
    team.end(team.anna, opened)
    assert team.open_to(team.dora, at_staff_sink=True) == {}


def test_what_staff_may_see_is_shown_once(team: Team, clock: HeldClock) -> None:
    opened = team.ask(team.dora, case(team))
    with pytest.raises(OpeningOver):
        team.show(team.dora, opened)
    team.allow(team.anna, opened)
    for viewer in (team.anna, team.carl, replace(team.dora, role=Role.MEMBER)):
        with pytest.raises(NotFound):
            team.show(viewer, opened)
    assert team.show(team.dora, opened).shown_at == clock.now()
    with pytest.raises(OpeningOver):
        team.show(team.dora, opened)
    with team.runtime.begin() as work:
        openings.give_back(work.session, opened)
    clock.advance(openings.DEFAULT_HOURS * HOUR)
    with pytest.raises(OpeningOver):
        team.show(team.dora, opened)
    assert team.ask(team.dora, case(team)) != opened


def test_a_teammates_opening_is_not_for_the_staff_page(team: Team) -> None:
    asked = team.ask(team.dora)
    team.allow(team.bert, asked)
    with pytest.raises(NotFound):
        team.show(team.dora, asked)


def test_who_leaves_sees_nothing_by_it_even_after_coming_back(team: Team) -> None:
    allowed, waiting = team.ask(team.carl), replace(team.wish, item=Item(ItemKind.PERSON, uuid.uuid4()))
    team.allow(team.bert, allowed)
    left = team.ask(team.carl, waiting)
    with team.runtime.begin() as work:
        members.remove(work.session, team.anna, team.carl.member_id, team.now())
    assert team.open_to(team.carl) == {}
    with team.runtime.begin() as work:
        anna = members.get(work.session, team.anna.organisation_id, team.anna.member_id)
        back = _join(work.session, anna, "carl", Role.MEMBER, team.now())
    assert back.id == team.carl.member_id
    assert team.open_to(team.carl) == {}
    with pytest.raises(OpeningOver):
        team.allow(team.bert, left)


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_nothing_is_open_decided_or_asked_where_the_grant_is_not_active(team: Team, status: str) -> None:
    asked = team.ask(team.carl)
    team.allow(team.bert, asked)
    with team.runtime.begin() as work:
        (grant,) = grants.lock_for_update(work.session, [team.grant_id])
        if status == "suspended":
            grants.suspend(work.session, grant.id, "test", team.now())
        else:
            grants.mark_revoked(grant, "owner", team.now())
    assert team.open_to(team.carl) == {}
    for act in (lambda: team.allow(team.bert, asked), lambda: team.ask(team.carl), lambda: team.end(team.bert, asked)):
        with pytest.raises(NotFound):
            act()


def test_ending_waits_for_a_release_that_has_it_open(team: Team) -> None:
    asked = team.ask(team.carl)
    team.allow(team.bert, asked)
    ended = threading.Event()

    def end() -> None:
        team.end(team.bert, asked)
        ended.set()

    with team.runtime.begin() as work:
        found = openings.allowed(work.session, team.carl.organisation_id, team.carl.member_id, [team.item], team.now())
        assert found
        ending = threading.Thread(target=end)
        ending.start()
        with team.runtime.sessions() as session:
            while not _somebody_waits(session):
                pass
        assert not ended.is_set()
    ending.join()
    assert team.open_to(team.carl) == {}


def _somebody_waits(session: Session) -> bool:
    """Tell whether a server process on this database waits for a lock."""
    query = text("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    session.rollback()  # what is seen of the activity is kept for a transaction
    return session.scalar(query) is not None


def test_a_state_is_one_of_four(team: Team) -> None:
    asked = team.ask(team.carl)
    with team.runtime.sessions() as session:
        found = session.get(Opening, asked)
        assert found is not None
        assert found.state == OpeningState.ASKED
        assert openings.is_waiting(found, team.now())
        assert not openings.is_open(found, team.now())
