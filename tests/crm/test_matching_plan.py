"""The plan, by property: any order of pages gives the same people."""

import datetime as dt
import uuid
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crm.matching.picture import Holding, Known, Picture, Sighting
from crm.matching.plan import plan
from crm.matching.reasons import Decision, Evidence, Reason, decide
from kernel.ids import random_id

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
ADDRESSES = [bytes([n]) * 16 for n in range(6)]
GRANTS = [uuid.UUID(int=n) for n in (1, 2)]

# An address names a function, or not, whoever looks: flags that follow from its text are the same everywhere.
flags = st.fixed_dictionaries({address: st.sampled_from(["", "", "", "is_role", "is_robot"]) for address in ADDRESSES})


@st.composite
def worlds(draw):
    kinds = draw(flags)
    counts = st.integers(0, 2)
    sightings = []
    for grant, source, address in draw(
        st.lists(
            st.tuples(st.sampled_from(GRANTS), st.sampled_from("gc"), st.sampled_from(ADDRESSES)),
            unique=True,
            max_size=10,
        )
    ):
        evidence = Evidence(
            **({kinds[address]: True} if kinds[address] else {}),
            is_own=address == ADDRESSES[0] and grant == GRANTS[0],
            written_to=draw(counts),
            received_from=2,
            received_bulk=draw(counts),
            met=draw(st.sampled_from([0, 0, 1])),
        )
        sightings.append(Sighting(uuid.uuid5(grant, f"{source}{address!r}"), grant, address, evidence))
    holdings = [
        Holding(uuid.uuid5(grant, f"contact{n}"), grant, tuple(sorted(held)))
        for n, (grant, held) in enumerate(
            draw(
                st.lists(
                    st.tuples(st.sampled_from(GRANTS), st.frozensets(st.sampled_from(ADDRESSES), max_size=3)),
                    max_size=4,
                )
            )
        )
    ]
    return sightings, holdings


USERS = [Known(uuid.UUID(int=100 + n), is_users=True, created_at=NOW + dt.timedelta(n % 2)) for n in range(3)]
typed_addresses = st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=3)


class Store:
    """What the database keeps, in memory: matching by addresses with one contact's reach."""

    def __init__(self, sightings, holdings, typed=()):
        self.sightings = {row.id: row for row in sightings}
        self.holdings = {row.id: row for row in holdings}
        self.typed = {address: frozenset({user.id}) for address, user in zip(typed, USERS, strict=False)}
        self.people = {user.id: user for user in USERS}
        self.lost = set()
        self.quiet = set()
        """Grants, each with a user's person whom its owner has not shown to know."""

    def match(self, addresses, contact_ids=()):
        holdings = [
            row for row in self.holdings.values() if row.id in contact_ids or set(row.addresses) & set(addresses)
        ]
        reach = set(addresses).union(*(row.addresses for row in holdings))
        rows = [row for row in self.sightings.values() if row.address in reach]
        ids = {row.person_id for row in (*rows, *holdings) if row.person_id}
        typed = {address: ids for address, ids in self.typed.items() if address in reach}
        ids = ids.union(*typed.values())
        people = {person_id: self.people[person_id] for person_id in ids}
        planned = plan(Picture(self._heard(rows), self._heard(holdings), typed, people), random_id)
        self._keep(planned)
        if planned.merged:
            winners = set(planned.merged.values())
            self.match([row.address for row in self.sightings.values() if row.person_id in winners])
        return planned

    def match_all(self):
        return self.match([row.address for row in self.sightings.values()], list(self.holdings))

    def touch(self, row_id):
        """A user makes the person of this row their own, if it has one."""
        person_id = self.sightings[row_id].person_id
        if person_id:
            self.people[person_id] = replace(self.people[person_id], is_users=True)
            self.match([row.address for row in self.sightings.values() if row.person_id == person_id])

    def of_users(self):
        """Return what each user's person has of rows."""
        rows = (*self.sightings.values(), *self.holdings.values())
        return {row.id: row.person_id for row in rows if row.person_id and self.people[row.person_id].is_users}

    def _heard(self, rows):
        return tuple(replace(row, is_quiet=(row.grant_id, row.person_id) in self.quiet) for row in rows)

    def _keep(self, planned):
        self.people |= {made: Known(made, is_users=False, created_at=NOW) for made in planned.made}
        self.lost |= {loser for loser in planned.merged if self.people[loser].is_users}
        kept = {person_id for _, _, person_id in planned.decisions.values()} | set(planned.holders.values())
        assert not planned.merged.keys() & kept.union(planned.merged.values()), "nothing is anybody's who is gone"
        for row_id, (decision, reason, person_id) in planned.decisions.items():
            old = self.sightings[row_id]
            self.sightings[row_id] = replace(old, decision=decision, reason=reason, person_id=person_id)
        for row_id, person_id in planned.holders.items():
            self.holdings[row_id] = replace(self.holdings[row_id], person_id=person_id)
        for loser, winner in planned.merged.items():
            for rows in (self.sightings, self.holdings):
                for row in rows.values():
                    if row.person_id == loser:
                        object.__setattr__(row, "person_id", winner)

    def shape(self):
        """Decisions, and which rows share a person, whatever its id."""
        groups = {}
        for row in (*self.sightings.values(), *self.holdings.values()):
            if row.person_id:
                groups.setdefault(row.person_id, set()).add(row.id)
        decided = {row.id: (row.decision, row.reason) for row in self.sightings.values()}
        return decided, {frozenset(group) for group in groups.values()}


def in_pages(store, random, between=lambda: None):
    pages = [([row.address], []) for row in store.sightings.values()]
    pages += [(row.addresses, [row.id]) for row in store.holdings.values()]
    random.shuffle(pages)
    for addresses, contact_ids in pages:
        store.match(addresses, contact_ids)
        between()


@given(worlds(), typed_addresses.map(lambda typed: typed[:1]), st.randoms(use_true_random=False))
def test_the_order_of_pages_changes_nothing_but_ids(world, typed, random):
    whole, paged = Store(*world, typed), Store(*world, typed)
    whole.match_all()
    in_pages(paged, random)
    assert paged.shape() == whole.shape()


@given(worlds(), typed_addresses, st.randoms(use_true_random=False))
def test_the_order_of_pages_changes_no_decision_and_no_address_that_a_user_typed(world, typed, random):
    whole, paged = Store(*world, typed), Store(*world, typed)
    whole.match_all()
    in_pages(paged, random)
    assert paged.shape()[0] == whole.shape()[0]
    for store in (whole, paged):
        assert all(
            {row.person_id} == store.typed[row.address]
            for row in store.sightings.values()
            if row.person_id and row.address in store.typed
        )


@given(worlds(), typed_addresses, st.randoms(use_true_random=False))
def test_matching_again_makes_nobody_and_changes_nothing(world, typed, random):
    store = Store(*world, typed)
    in_pages(store, random)
    for _ in range(2):
        planned = store.match_all()
        before = dict(store.sightings), dict(store.holdings)
    assert not planned.made
    assert not planned.merged
    in_pages(store, random)
    assert (store.sightings, store.holdings) == before


@given(worlds(), typed_addresses, st.randoms(use_true_random=False), st.data())
def test_nobody_of_a_users_is_lost_to_another_nor_what_is_theirs(world, typed, random, data):
    store, kept = Store(*world, typed), {}

    def touch():
        assert {row_id: store.of_users().get(row_id) for row_id in kept} == kept
        if store.sightings and data.draw(st.booleans()):
            store.touch(data.draw(st.sampled_from(sorted(store.sightings))))
        held = {row.id: row.person_id for row in store.sightings.values()}
        kept.update({row_id: owner for row_id, owner in store.of_users().items() if row_id in held})

    in_pages(store, random, touch)
    store.match_all()
    touch()
    assert not store.lost


def test_two_people_become_one_when_users_type_the_same_address_of_both():
    first, second, third = USERS
    typed = {ADDRESSES[1]: frozenset({first.id, second.id}), ADDRESSES[2]: frozenset({second.id, third.id})}
    planned = plan(Picture(typed=typed, people={user.id: user for user in USERS}), random_id)
    assert planned.merged == {second.id: first.id, third.id: first.id}


def of_person(rows, person_id):
    decided = {"decision": Decision.PERSON, "reason": Reason.IN_CRM}
    return [replace(row, person_id=person_id, **(decided if isinstance(row, Sighting) else {})) for row in rows]


@given(worlds())
def test_who_keeps_quiet_changes_nothing_for_the_others_and_stays_where_they_are(world):
    (ours, theirs), (held, kept) = (
        [[row for row in rows if (row.grant_id == GRANTS[1]) is is_theirs] for is_theirs in (False, True)]
        for rows in world
    )
    record = USERS[0].id
    alone = Store(ours, held)
    alone.match([row.address for row in ours], [row.id for row in held])
    beside = Store([*ours, *of_person(theirs, record)], [*held, *of_person(kept, record)])
    beside.quiet = {(GRANTS[1], record)}
    beside.match([row.address for row in (*ours, *theirs)], [row.id for row in (*held, *kept)])
    decided, groups = beside.shape()
    quiet = {row.id for row in (*theirs, *kept)}
    assert (
        {row: said for row, said in decided.items() if row not in quiet},
        groups - {frozenset(quiet)},
    ) == alone.shape()
    assert not quiet or frozenset(quiet) in groups


@given(worlds(), st.data())
def test_what_a_quiet_account_tells_anew_goes_where_it_was_and_stays(world, data):
    theirs = [row for row in world[0] if row.grant_id == GRANTS[1]]
    old = data.draw(st.lists(st.sampled_from(theirs), unique_by=id)) if theirs else []
    new = [replace(row, id=random_id()) for row in old]
    store = Store([*world[0], *new], world[1])
    store.sightings |= {row.id: row for row in of_person(old, USERS[0].id)}
    store.quiet = {(GRANTS[1], USERS[0].id)}
    store.match_all()
    assert {store.sightings[row.id].person_id for row in (*old, *new)} <= {USERS[0].id, None}
    before = store.shape()
    store.match_all()
    assert store.shape() == before


@given(worlds())
def test_every_address_is_decided_and_only_people_have_a_person(world):
    sightings, holdings = world
    store = Store(sightings, holdings)
    store.match([row.address for row in sightings], [row.id for row in holdings])
    for row in store.sightings.values():
        assert row.decision in (Decision.PERSON, Decision.SKIPPED)
        assert (row.person_id is not None) == (row.decision is Decision.PERSON)
        assert not (row.evidence.is_own and row.person_id)


@given(st.builds(Evidence), st.booleans())
def test_a_users_own_address_is_never_a_person(evidence, held):
    own = Evidence(is_own=True, written_to=evidence.written_to, met=evidence.met)
    assert decide(own, is_held=held, is_in_crm=True) == (Decision.SKIPPED, Reason.OWN_ADDRESS)


def test_every_reason_fits_its_column():
    assert all(len(reason) <= 32 for reason in Reason)
