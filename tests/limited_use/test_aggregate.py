"""Aggregating: over many people and several grants alone, and never so that one answer less another tells of few."""

import datetime as dt
import threading
from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from accounts.models import Grant, Organisation
from kernel.clock import HeldClock, SystemClock
from kernel.ids import new_id
from limited_use.aggregate import (
    GRANTS,
    KEPT_DAYS,
    MOST_RELEASES,
    PEOPLE,
    Part,
    Population,
    Question,
    Suppressed,
    _choose,
    _Release,
    admit,
)
from limited_use.aggregate_models import AggregatePart
from limited_use.asking import Refused, Sink
from limited_use.keys import vault
from limited_use.labels import label
from limited_use.log.words import Decision
from limited_use.models import PolicyState
from limited_use.reviewed import NotReviewed
from limited_use.sealing import Labelled, SealedError
from limited_use.sinks import ai_tool, api, browser


@pytest.fixture
def clock():
    return HeldClock(SystemClock().now())


@pytest.fixture
def grants(tenant):
    """Six grants of the organisation: the owner's, and five of the teammate's."""
    return [tenant.grant_id, *(tenant.another_grant() for _ in range(5))]


@pytest.fixture
def people():
    return [new_id() for _ in range(40)]


def part(person_id, grant_id, amount=1):
    return Part(person_id, grant_id, Labelled(amount, label("gmail", grant_id)))


def spread(people, grants, amounts=None):
    """Return a part for each person, the grants in turn."""
    given_ = amounts or [1] * len(people)
    return [part(person, grants[n % len(grants)], given_[n]) for n, person in enumerate(people)]


@pytest.fixture
def ask(tenant):
    def make(parts, window="2026-W10", shape="conversations"):
        question = Question(tenant.organisation_id, shape, window)
        with tenant.runtime.sessions.begin() as session:
            return admit(session, vault(tenant.runtime), question, parts, tenant.runtime.clock.now())

    return make


@pytest.fixture
def shown(tenant, environment):
    """Return what a page for the team shows of figures, for the owner of one of the grants."""

    def make(figures, feature="team", **who):
        template = environment.from_string("{% for f in figures %}{{ f }};{% endfor %}")
        return browser.page(tenant.guard, tenant.asking(feature=feature, **who), template, {"figures": figures})

    return make


def test_figures_over_enough_are_told_with_the_union_of_labels(tenant, grants, people, ask, shown):
    found = ask(spread(people[:12], grants[:4], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))
    figures = [found.count(), found.total(), found.lowest(), found.median(), found.highest(), *found.histogram([5])]
    assert shown(figures[:5]) == "12;78;5;6;8;"
    leaf = tenant.leaves()[-1]
    assert (leaf.labels, leaf.feature, leaf.decision) == (("aggregate",), "team", "open")
    assert vault(tenant.runtime).labels(found.total()) == frozenset(
        chain.from_iterable(label("aggregate", grant_id) for grant_id in grants[:4])
    )
    assert repr(found) == "<population>"


def test_a_colleague_reads_them_too_and_nobody_reads_them_elsewhere(tenant, grants, people, ask, shown):
    figure = ask(spread(people[:9], grants[:3])).count()
    assert shown([figure], member_id=tenant.teammate_id) == "9;"
    for feature in sorted(set(tenant.guard.policy.features) - {"team"}):
        with pytest.raises(Refused):
            shown([figure], feature=feature)
    with pytest.raises(Refused):
        api.json(tenant.guard, tenant.asking("api", "api"), {"figure": figure})
    for sink in Sink:
        if sink is not Sink.BROWSER:
            with pytest.raises(Refused):
                tenant.guard.release(tenant.asking(sink, "team"), [figure], list)
    assert {leaf.decision for leaf in tenant.leaves()[1:]} == {Decision.REFUSE}


def test_no_ai_tool_is_given_one(tenant, grants, people, ask):
    figure = ask(spread(people[:9], grants[:3])).count()
    with tenant.runtime.sessions.begin() as session:
        session.add(PolicyState(organisation_id=tenant.organisation_id, ai_allowed_at=tenant.runtime.clock.now()))
    with pytest.raises(Refused) as caught:
        ai_tool.jsonl(tenant.guard, tenant.asking("ai_tool", "ai_export"), [{"figure": figure}])
    assert caught.value.code == "limited_use_refused"


@pytest.mark.parametrize(
    ("persons", "accounts"), [(0, 0), (PEOPLE - 1, GRANTS), (PEOPLE, GRANTS - 1), (40, 1), (40, 2), (1, 1)]
)
def test_over_too_few_nothing_is_told(grants, people, ask, persons, accounts, tenant):
    parts = spread(people[:persons], grants[:accounts]) if accounts else []
    assert ask(parts) is Suppressed.FEW
    with tenant.runtime.sessions() as session:
        assert session.scalars(select(AggregatePart)).all() == []


def test_over_just_enough_it_is_told(grants, people, ask, shown):
    found = ask(spread(people[:PEOPLE], grants[:GRANTS]))
    assert shown([found.count(), found.total()]) == f"{PEOPLE};{PEOPLE};"


def test_what_several_parts_say_of_one_person_under_one_grant_is_added(grants, people, ask, shown):
    parts = [*spread(people[:12], grants[:4]), part(people[0], grants[0], 3), part(people[0], grants[0], 4)]
    assert shown([ask(parts).total(), ask(parts).count(), ask(parts).highest()]) == "19;12;1;"
    assert {origin.source for origin in ask(parts).total()._labels} == {"aggregate"}


def test_one_person_under_many_grants_is_one(grants, people, ask):
    parts = [part(person, grant_id) for person in people[: PEOPLE - 1] for grant_id in grants]
    assert ask(parts) is Suppressed.FEW


def test_a_sum_that_one_person_or_grant_makes_is_not_told(grants, people, ask):
    amounts = [1] * 10
    assert ask(spread(people[:10], grants, amounts), "w1").total() is not None
    assert ask(spread(people[:10], grants, [100, *amounts[1:]]), "w2").total() is None
    one = [part(person, grants[0], 10) for person in people[:10]]
    assert ask(one + spread(people[10:14], grants[1:4]), "w3").total() is None
    rest = [part(person, grant_id) for person, grant_id in zip(people[1:11], (grants[3], grants[4]) * 5, strict=True)]
    through_three = [part(people[0], grant_id, 20) for grant_id in grants[:3]]
    assert ask(through_three + rest, "w4").total() is None, "no grant makes most of it, but one person does"
    assert ask([part(people[0], grants[0], 40), *rest], "w5").total() is not None, "four of five is not more than that"
    assert ask([part(people[0], grants[0], 41), *rest], "w6").total() is None


def test_no_figure_is_one_persons_own(grants, people, ask, shown):
    amounts = [1, 2, 3, 4, 500, 600, 700, 800, 900_000]
    found = ask(spread(people[:9], grants[:3], amounts))
    assert shown([found.lowest(), found.highest()]) == "500;500;"
    assert shown([found.median()]) == "361;"


def test_cells_over_few_are_hidden_and_cannot_be_reckoned(grants, people, ask, shown):
    def cells(amounts, bounds, window):
        found = ask(spread(people[: len(amounts)], grants[:3], amounts), window)
        return [None if cell is None else int(shown([cell])[:-1]) for cell in found.histogram(bounds)]

    assert cells([1] * 6 + [5] * 7, [3], "w1") == [6, 7]
    assert cells([1] * 4 + [5] * 7, [3], "w2") == [None, None]
    assert cells([1] * 6 + [5] * 7 + [9] * 8, [3, 7], "w3") == [6, 7, 8]
    assert cells([1] * 2 + [5] * 7 + [9] * 8, [3, 7], "w4") == [None, None, 8]
    assert cells([1] * 1 + [5] * 1 + [9] * 8 + [20] * 9, [3, 7, 10], "w5") == [None, None, None, 9]
    assert cells([1] * 20, [3, 7], "w6") == [20, None, None]
    assert cells([1] * PEOPLE + [3] * PEOPLE, [3], "w7") == [PEOPLE, PEOPLE], "from a bound on, just enough"
    assert cells([1] * 2 + [5] * (PEOPLE - 2) + [9] * 8, [3, 7], "w8") == [None, None, 8], "two hidden hold enough"


def test_the_same_population_is_told_again_and_kept_once(tenant, grants, people, ask, shown):
    parts = spread(people[:12], grants[:4])
    for _ in range(3):
        assert shown([ask(list(reversed(parts))).total()]) == "12;"
    with tenant.runtime.sessions() as session:
        rows = session.scalars(select(AggregatePart)).all()
    assert [row.of_grants for row in rows] == [4] * 4
    assert sum(len(row.people) for row in rows) == 12


def test_newcomers_too_few_to_hide_among_are_left_out(grants, people, ask, shown):
    first = spread(people[:12], grants[:4])
    assert shown([ask(first).total()]) == "12;"
    late = [*first, part(people[12], grants[0], 77)]
    assert shown([ask(late).total(), ask(late).count()]) == "12;12;"
    other_way = [*first, part(people[0], grants[1], 77)]
    assert shown([ask(other_way).total()]) == "12;"
    new_grant = [*first, *[part(person, grants[5]) for person in people[12:30]]]
    assert shown([ask(new_grant).total()]) == "12;"


def test_newcomers_who_are_many_are_counted(grants, people, ask, shown):
    assert shown([ask(spread(people[:12], grants[:4])).total()]) == "12;"
    more = spread(people[:12], grants[:4]) + spread(people[12:30], grants)
    assert shown([ask(more).total()]) == "30;"
    assert shown([ask(spread(people[:12], grants[:4])).total()]) == "12;"


def test_when_few_are_gone_nothing_is_told(grants, people, ask):
    assert isinstance(ask(spread(people[:12], grants[:4])), Population)
    assert ask(spread(people[:12], grants[:4])[:-1]) is Suppressed.NEAR
    assert ask(spread(people[1:13], grants[:4])) is Suppressed.NEAR


def test_two_who_ask_at_one_instant_are_told_one_after_the_other(tenant, grants, people, ask):
    question = Question(tenant.organisation_id, "conversations", "2026-W10")
    parts, second = spread(people[:12], grants[:4]), []
    other = threading.Thread(target=lambda: second.append(ask(parts[:-1])))
    with tenant.runtime.sessions.begin() as session:
        admit(session, vault(tenant.runtime), question, parts, tenant.runtime.clock.now())
        other.start()
        other.join(0.3)
        assert second == [], "the second waits until what the first was told is known"
    other.join(10)
    assert second == [Suppressed.NEAR]


def test_another_week_is_another_question(grants, people, ask):
    assert isinstance(ask(spread(people[:12], grants[:4])), Population)
    assert isinstance(ask(spread(people[:11], grants[:4]), "2026-W11"), Population)


def test_what_another_organisation_was_told_is_not_compared_with(tenant, grants, people, ask):
    assert isinstance(ask(spread(people[:12], grants[:4])), Population)
    with tenant.runtime.sessions.begin() as session:
        other = Organisation(name="Elsewhere", created_at=tenant.runtime.clock.now())
        session.add(other)
        session.flush()
        session.execute(update(AggregatePart).values(organisation_id=other.id))
    assert isinstance(ask(spread(people[:11], grants[:4])), Population)


def test_when_a_grant_ended_nothing_more_is_told_of_that_time(tenant, grants, people, ask):
    parts = spread(people[:20], grants[:5])
    assert isinstance(ask(parts), Population)
    with tenant.runtime.sessions.begin() as session:  # as the purge does
        session.execute(delete(AggregatePart).where(AggregatePart.grant_id == grants[4]))
    rest = [one for one in parts if one.grant_id != grants[4]]
    assert ask(rest) is Suppressed.ENDED
    assert ask(parts) is Suppressed.ENDED
    assert isinstance(ask(rest, "2026-W11"), Population)


def test_only_so_many_populations_are_told_of(grants, ask):
    def strangers():
        return spread([new_id() for _ in range(12)], grants)

    told = [strangers() for _ in range(MOST_RELEASES)]
    assert all(isinstance(ask(parts), Population) for parts in told)
    assert ask(strangers()) is Suppressed.FULL
    assert isinstance(ask(told[3]), Population)


def test_what_is_kept_is_forgotten_in_time(tenant, grants, people, ask, clock):
    ask(spread(people[:12], grants))
    clock.advance((KEPT_DAYS + 1) * 86_400)
    ask(spread(people[:12], grants), "later")
    with tenant.runtime.sessions() as session:
        assert set(session.scalars(select(AggregatePart.window))) == {"later"}


def test_only_listed_questions_are_asked_and_parts_are_their_grants_own(grants, people, ask):
    with pytest.raises(NotReviewed):
        ask(spread(people[:12], grants), shape="of_one_person")
    wrong = Part(people[0], grants[0], Labelled(1, label("gmail", grants[1])))
    with pytest.raises(SealedError):
        ask([*spread(people[:12], grants), wrong])


def test_a_figure_is_refused_once_a_grant_behind_it_is_gone(tenant, grants, people, ask, shown):
    figure = ask(spread(people[:12], grants)).total()
    with tenant.runtime.sessions.begin() as session:
        session.execute(delete(AggregatePart))
        session.execute(delete(Grant).where(Grant.id == grants[5]))
    with pytest.raises(Refused):
        shown([figure])


def test_a_figure_can_be_used_no_other_way(grants, people, ask):
    figure = ask(spread(people[:12], grants)).total()
    for use in (str, int, bool, float, repr_of, len, list, hash):
        with pytest.raises((SealedError, TypeError)):
            use(figure)


def repr_of(figure):
    return f"{figure}"


_pairs = st.frozensets(st.tuples(st.integers(0, 5), st.integers(0, 15)), max_size=60)


@settings(max_examples=200)
@given(st.lists(_pairs, max_size=12))
def test_no_two_answers_ever_differ_by_few(asked):
    told = []
    for pairs in asked:
        found = _choose(pairs, [_Release(one, is_whole=True) for one in told])
        if isinstance(found, Suppressed):
            continue
        assert found <= pairs
        if found not in told:
            told.append(found)
    for one, other in combinations(told, 2):
        assert len({person for _, person in one ^ other}) >= PEOPLE
        assert len({grant for grant, _ in one ^ other}) >= GRANTS
        assert len({person for _, person in one} ^ {person for _, person in other}) not in range(1, PEOPLE)
    assert all(len({person for _, person in one}) >= PEOPLE for one in told)
    assert len(told) <= MOST_RELEASES


def test_windows_of_time_are_remembered_longer_than_they_are_asked_for():
    assert dt.timedelta(days=KEPT_DAYS) > dt.timedelta(weeks=2)
