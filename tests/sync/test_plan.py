"""The plan: pure, and held to its invariants whatever comes."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.plan import Act, Item, Known, Plan, SideEmpty, SkipReason, plan_page, plan_sweep, skip_of_labels

keys = st.sampled_from("abcdefgh")
digests = st.sampled_from([b"1", b"2"])
skips = st.none() | st.sampled_from(SkipReason)
items = st.dictionaries(keys, st.tuples(digests, skips)).map(
    lambda found: {key: Item(key, digest, skip) for key, (digest, skip) in found.items()}
)
holdings = st.dictionaries(keys, st.tuples(digests, skips, st.integers(1, 2))).map(
    lambda found: {
        key: Known(uuid.uuid4(), b"" if skip else digest, skip, generation)
        for key, (digest, skip, generation) in found.items()
    }
)


def take(plan, seen, known, generation):
    """Return what is held after the plan was carried out."""
    held = dict(known)
    for action in plan.actions:
        if action.act is Act.DELETE:
            del held[action.key]
        elif action.act is Act.KEEP:
            was = held[action.key]
            held[action.key] = Known(was.row_id, was.digest, was.skip, generation)
        else:
            digest = b"" if action.act is Act.SKIP else seen[action.key].digest
            held[action.key] = Known(uuid.uuid4(), digest, action.reason, generation)
    return held


def counts(held, generation):
    mine = [known.skip for known in held.values() if known.generation == generation]
    return len(mine), mine.count(None), {reason: mine.count(reason) for reason in SkipReason if mine.count(reason)}


@given(items, st.sets(keys), holdings)
def test_planning_again_after_acting_gives_nothing_to_do(seen, gone, known):
    plan = plan_page(seen.values(), gone, known, 2)
    held = take(plan, seen, known, 2)
    rest = {key: item for key, item in seen.items() if key not in gone}
    assert plan_page(rest.values(), gone, held, 2) == Plan(())


@given(items, st.sets(keys), holdings)
def test_the_counts_follow_what_is_held(seen, gone, known):
    plan = plan_page(seen.values(), gone, known, 2)
    found, stored, skipped = counts(known, 2)
    tally = plan.tally(2)
    after = counts(take(plan, seen, known, 2), 2)
    assert (found + tally.found, stored + tally.stored) == after[:2]
    for reason in SkipReason:
        assert skipped.get(reason, 0) + tally.skipped[reason] == after[2].get(reason, 0)


@given(items, st.sets(keys), holdings)
def test_only_what_is_named_as_gone_is_deleted(seen, gone, known):
    deleted = {action.key for action in plan_page(seen.values(), gone, known, 2).of(Act.DELETE)}
    assert deleted == gone & known.keys()


@given(holdings, st.integers(0, 3))
def test_a_sweep_after_an_incomplete_listing_deletes_nothing(unseen, found):
    assert plan_sweep(unseen, found, complete=False) == Plan(())


@given(holdings)
def test_a_listing_of_nothing_deletes_nothing_stored(unseen):
    if any(known.skip is None for known in unseen.values()):
        with pytest.raises(SideEmpty):
            plan_sweep(unseen, 0, complete=True)
    else:
        assert all(action.was.skip for action in plan_sweep(unseen, 0, complete=True).actions)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["INBOX"], None),
        (["DRAFT", "TRASH"], SkipReason.DRAFT),
        (["SPAM"], SkipReason.SPAM),
        (["CHAT"], SkipReason.CHAT),
        (["Label_7"], SkipReason.EXCLUDED_LABEL),
    ],
)
def test_labels_say_why_a_message_is_left_out(labels, reason):
    assert skip_of_labels(labels, {"Label_7"}) is reason
