"""The plan, by property: any order of pages gives the same people."""

import datetime as dt
import uuid

from hypothesis import given
from hypothesis import strategies as st

from crm.matching.plan import Holding, Known, Picture, Sighting, plan
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


class Store:
    """What the database keeps, in memory: matching by addresses with one contact's reach."""

    def __init__(self, sightings, holdings):
        self.sightings = {row.id: row for row in sightings}
        self.holdings = {row.id: row for row in holdings}
        self.people = {}

    def match(self, addresses, contact_ids=()):
        holdings = [
            row for row in self.holdings.values() if row.id in contact_ids or set(row.addresses) & set(addresses)
        ]
        reach = set(addresses).union(*(row.addresses for row in holdings))
        rows = [row for row in self.sightings.values() if row.address in reach]
        ids = {row.person_id for row in (*rows, *holdings) if row.person_id}
        planned = plan(
            Picture(tuple(rows), tuple(holdings), {}, {i: Known(i, is_users=False, created_at=NOW) for i in ids}),
            random_id,
        )
        self._keep(planned)
        return planned

    def _keep(self, planned):
        for row_id, (decision, reason, person_id) in planned.decisions.items():
            old = self.sightings[row_id]
            self.sightings[row_id] = Sighting(
                old.id, old.grant_id, old.address, old.evidence, decision, reason, person_id
            )
        for row_id, person_id in planned.holders.items():
            old = self.holdings[row_id]
            self.holdings[row_id] = Holding(old.id, old.grant_id, old.addresses, person_id)
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


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_pages_changes_nothing_but_ids(world, random):
    sightings, holdings = world
    whole = Store(sightings, holdings)
    whole.match([row.address for row in sightings], [row.id for row in holdings])
    paged = Store(sightings, holdings)
    pages = [([row.address], []) for row in sightings] + [(row.addresses, [row.id]) for row in holdings]
    random.shuffle(pages)
    for addresses, contact_ids in pages:
        paged.match(addresses, contact_ids)
    assert paged.shape() == whole.shape()


@given(worlds())
def test_matching_again_makes_nobody_and_changes_nothing(world):
    sightings, holdings = world
    store = Store(sightings, holdings)
    for _ in range(2):
        planned = store.match([row.address for row in sightings], [row.id for row in holdings])
        before = store.shape()
    assert not planned.made
    assert not planned.merged
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
