"""Deriving: by reviewed functions alone, into labels that never shrink."""

import inspect
from functools import partial

import pytest

from kernel.ids import new_id
from limited_use import derive as module
from limited_use.asking import Tampered
from limited_use.derive import (
    REVIEWED,
    LabelsWouldShrink,
    NotReviewed,
    Target,
    by_name,
    check_reviewed,
    derive,
    derive_many,
    order,
    reseal,
    reseal_many,
    same,
    sealer_over,
)
from limited_use.keys import KeyDestroyed, KeyPurpose, vault
from limited_use.release import guard
from limited_use.reviewed import pin_of
from limited_use.sealing import Place, Sealed, placed

CANARY = "canary-ab34"


class _Posing:
    """Something that says that it equals a reviewed function."""

    def __hash__(self):
        return hash(same)

    def __eq__(self, other):
        return True

    def __call__(self, text):
        raise AssertionError(text)


@pytest.fixture
def sealer(tenant):
    def make(purpose, tenant=tenant):
        own = purpose in ("content", "ending")
        return vault(tenant.runtime).sealer(
            tenant.organisation_id, KeyPurpose(purpose), None if own else tenant.grant_id
        )

    return make


def test_a_copy_opens_in_its_new_place_with_its_label(tenant, sealer):
    keys = vault(tenant.runtime)
    value = tenant.sealed(CANARY)
    for into in ("mail", "derived"):
        copied = reseal(keys, value, sealer(into), "facts", "value", new_id())
        assert keys.labels(value) <= keys.labels(copied) or into == "derived"
        assert tenant.guard.release(tenant.asking(), [copied], list) == [CANARY]
    copied = reseal(keys, tenant.sealed("n", "content"), sealer("content"), "facts", "value", new_id())
    assert tenant.guard.release(tenant.asking(), [copied], list) == ["n"]


@pytest.mark.parametrize("source", ["mail", "calendar", "contacts", "derived"])
@pytest.mark.parametrize("into", ["content", "ending", "tokens", "detail", "calendar_of_another"])
def test_a_label_never_shrinks(tenant, another_tenant, sealer, source, into):
    target = sealer("calendar", another_tenant) if into == "calendar_of_another" else sealer(into)
    with pytest.raises(LabelsWouldShrink):
        reseal(vault(tenant.runtime), tenant.sealed(CANARY, source), target, "notes", "body", new_id())


def test_a_source_does_not_pass_for_another(tenant, sealer):
    keys = vault(tenant.runtime)
    with pytest.raises(LabelsWouldShrink):
        reseal(keys, tenant.sealed(CANARY), sealer("calendar"), "facts", "value", new_id())
    two = [tenant.sealed("a"), tenant.sealed("b", "calendar")]
    with pytest.raises(LabelsWouldShrink):
        derive_many(keys, same, [(two, Target(sealer("mail"), "facts", "value", new_id()))])


@pytest.fixture
def second(tenant):
    """A second grant of the organisation, known by its keys."""
    grant_id = new_id()
    vault(tenant.runtime).create_grant(tenant.organisation_id, grant_id)
    return grant_id


def test_the_sealer_over_values_is_the_narrowest_that_covers_them(tenant, sealer, second):
    keys = vault(tenant.runtime)
    mail, calendar, native = tenant.sealed("a"), tenant.sealed("b", "calendar"), tenant.sealed("c", "content")
    derived = tenant.sealed("d", "derived")
    for values, purpose in (
        ([mail], "mail"),
        ([mail, mail], "mail"),
        ([calendar], "calendar"),
        ([mail, native], "mail"),
        ([native], "content"),
        ([mail, calendar], "derived"),
        ([mail, derived], "derived"),
        ([derived, native], "derived"),
    ):
        assert sealer_over(keys, values).key_id == sealer(purpose).key_id, purpose
    theirs = keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, second).seal("m", "s", new_id(), "e")
    joint = keys.joint_sealer(tenant.organisation_id, [tenant.grant_id, second])
    assert sealer_over(keys, [mail, theirs]).key_id == joint.key_id
    assert sealer_over(keys, [mail, theirs, native, calendar]).key_id == joint.key_id


@pytest.mark.parametrize("purpose", ["tokens", "detail", "ending"])
def test_there_is_no_sealer_over_what_nothing_derives_from(tenant, purpose):
    with pytest.raises(LabelsWouldShrink):
        sealer_over(vault(tenant.runtime), [tenant.sealed("a"), _sealed_under(tenant, purpose)])


def _sealed_under(tenant, purpose):
    grant_id = None if purpose == "ending" else tenant.grant_id
    return (
        vault(tenant.runtime)
        .sealer(tenant.organisation_id, KeyPurpose(purpose), grant_id)
        .seal("x", "y", new_id(), "z")
    )


def test_there_is_no_sealer_over_two_organisations_or_unknown_keys_or_nothing(tenant, another_tenant):
    keys, value = vault(tenant.runtime), tenant.sealed("a")
    with pytest.raises(LabelsWouldShrink):
        sealer_over(keys, [value, another_tenant.sealed("b")])
    with pytest.raises(Tampered):
        sealer_over(keys, [value, Sealed(b"\x01\xff\xff\xff\xff" + value._wire[5:], value._place)])
    with pytest.raises(Tampered):
        sealer_over(keys, [])


def test_a_result_over_several_grants_ends_with_the_first_of_them(tenant, second):
    keys = vault(tenant.runtime)
    theirs = keys.sealer(tenant.organisation_id, KeyPurpose.MAIL, second).seal("messages", "subject", new_id(), CANARY)
    mine = tenant.sealed(CANARY)
    into = sealer_over(keys, [mine, theirs])
    (made,) = reseal_many(keys, [(mine, Target(into, "facts", "value", new_id()))])
    assert {origin.grant_id for origin in keys.labels(made)} == {tenant.grant_id, second}
    with pytest.raises(LabelsWouldShrink):  # not even back to one of the two it came from
        reseal(keys, made, keys.sealer(tenant.organisation_id, KeyPurpose.DERIVED, second), "f", "v", new_id())
    with tenant.runtime.sessions.begin() as session:
        keys.destroy_grant(session, second)
    with pytest.raises(KeyDestroyed):
        reseal(keys, made, into, "facts", "value", new_id())
    assert keys.labels(reseal(keys, mine, sealer_over(keys, [mine]), "facts", "value", new_id())) == keys.labels(mine)


FORMS = ("json", "json", "text")


def test_a_copy_keeps_the_format_of_what_it_copies_or_has_that_of_its_target(tenant, sealer):
    keys, into, rows = vault(tenant.runtime), sealer("mail"), [new_id() for _ in range(3)]
    value = tenant.sealed(CANARY, form="json")
    made = reseal(keys, value, into, "facts", "value", rows[0])
    targets = [
        ([value], Target(into, "facts", "value", row, form)) for row, form in zip(rows[1:], FORMS[1:], strict=True)
    ]
    copies = [made, *derive_many(keys, same, targets)]
    stands = [Place(tenant.organisation_id, "facts", "value", *one) for one in zip(rows, FORMS, strict=True)]
    assert tenant.guard.release(tenant.asking(), list(map(placed, copies, stands)), list) == [CANARY] * 3
    for copy, place in zip(copies, stands, strict=True):
        with pytest.raises(Tampered):
            tenant.guard.release(tenant.asking(), [placed(copy, place._replace(format="other"))], list)


def test_a_batch_of_copies_is_made_whole_or_not_at_all(tenant, sealer):
    keys, into = vault(tenant.runtime), sealer("mail")
    values = [tenant.sealed(f"{CANARY}-{n}") for n in range(50)]
    made = reseal_many(keys, [(value, Target(into, "facts", "value", new_id())) for value in values])
    assert tenant.guard.release(tenant.asking(), made, list) == [f"{CANARY}-{n}" for n in range(50)]
    bad = [*values, tenant.sealed("x", "calendar")]
    with pytest.raises(LabelsWouldShrink):
        reseal_many(keys, [(value, Target(into, "facts", "value", new_id())) for value in bad])
    assert reseal_many(keys, []) == []


@pytest.mark.parametrize("source", ["tokens", "detail"])
def test_tokens_and_log_details_are_never_copied(tenant, sealer, source):
    with pytest.raises(LabelsWouldShrink):
        reseal(vault(tenant.runtime), tenant.sealed(CANARY, source), sealer(source), "x", "y", new_id())


def test_only_reviewed_functions_read_guarded_values(tenant, sealer):
    target = Target(sealer("mail"), "facts", "value", new_id())
    bound = "".join
    for function in (str.upper, lambda text: text, print, bound, partial(same), partial(same, "x"), _Posing()):
        with pytest.raises(NotReviewed):
            derive(vault(tenant.runtime), function, [tenant.sealed(CANARY)], target)


def test_the_reviewed_functions_are_as_they_were_reviewed():
    check_reviewed()
    assert all(inspect.isfunction(function) for function in REVIEWED)


def test_a_reviewed_function_that_was_changed_keeps_the_product_from_starting(another_runtime, monkeypatch):
    monkeypatch.setitem(module.REVIEWED, same, "0" * 64)
    with pytest.raises(NotReviewed) as caught:
        guard(another_runtime())
    assert "limited_use.derive.same" in caught.value.told
    assert pin_of(same) in caught.value.told


def test_nothing_is_derived_from_an_ended_grant_in_any_process(tenant, another_runtime, sealer):
    other = vault(another_runtime())
    value, into = tenant.sealed(CANARY), sealer("mail")
    reseal(other, value, into, "facts", "value", new_id())
    with tenant.runtime.sessions.begin() as session:
        vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    with pytest.raises(KeyDestroyed):
        reseal(other, value, into, "facts", "value", new_id())


def test_a_value_that_does_not_open_gives_nothing(tenant, sealer):
    value = tenant.sealed(CANARY)
    place = value._place
    assert place is not None
    moved = Sealed(value._wire, place._replace(row_id=new_id()))
    with pytest.raises(Tampered):
        reseal(vault(tenant.runtime), moved, sealer("mail"), "facts", "value", new_id())
    with pytest.raises(TypeError):
        reseal(vault(tenant.runtime), Sealed(value._wire, None), sealer("mail"), "facts", "value", new_id())
    for size in (0, 4, 12, 20, 32, len(value._wire) - 1):
        with pytest.raises((Tampered, TypeError)):
            reseal(vault(tenant.runtime), Sealed(value._wire[:size], place), sealer("mail"), "facts", "value", new_id())
    unknown = Sealed(b"\x01\xff\xff\xff\xff" + value._wire[5:], place)
    with pytest.raises(Tampered):
        reseal(vault(tenant.runtime), unknown, sealer("mail"), "facts", "value", new_id())


def test_text_that_only_repeats_what_google_gave_is_known(tenant):
    keys = vault(tenant.runtime)
    values = [tenant.sealed("Ada  Lovelace"), tenant.sealed("Countess", "contacts"), tenant.sealed("", "content")]
    assert module.repeats(keys, " ada lovelace\n", values) == [True, False, False]
    assert module.repeats(keys, "\uff21da Lovelace", values) == [True, False, False]
    assert module.repeats(keys, "Ada", values) == [False, False, False]
    assert module.repeats(keys, "x", []) == []
    with tenant.runtime.sessions.begin() as session:
        keys.destroy_grant(session, tenant.grant_id)
    with pytest.raises(KeyDestroyed):
        module.repeats(keys, "Ada", values)


def test_nothing_is_copied_into_another_organisation_not_even_native_text(tenant, another_tenant, sealer):
    native = another_tenant.sealed(CANARY, "content")
    with pytest.raises(LabelsWouldShrink):
        reseal(vault(tenant.runtime), native, sealer("content"), "notes", "body", new_id())


def test_a_derived_key_covers_its_own_grant_alone(tenant):
    keys, other = vault(tenant.runtime), new_id()
    keys.create_grant(tenant.organisation_id, other)
    into = keys.sealer(tenant.organisation_id, KeyPurpose.DERIVED, other)
    with pytest.raises(LabelsWouldShrink):
        reseal(keys, tenant.sealed(CANARY), into, "facts", "value", new_id())


def _in_order(tenant, names):
    values = [None if name is None else tenant.sealed(name) for name in names]
    return [names[place] for place in order(vault(tenant.runtime), by_name, values)]


def test_values_are_put_in_order_and_the_order_alone_leaves(tenant):
    names = ["zoe", "Émile", "adam", None, '"Ben"', "Eve", "", "ÅSA", "emil", "\uff21lan", "  carl", None, "Adam"]
    found = _in_order(tenant, names)
    assert found == [
        "adam",
        "Adam",
        "\uff21lan",
        "ÅSA",
        '"Ben"',
        "  carl",
        "emil",
        "Émile",
        "Eve",
        "zoe",
        None,
        "",
        None,
    ]
    assert tenant.leaves() == []


def test_an_order_is_over_many_keys_and_an_empty_one_is_empty(tenant):
    values = [tenant.sealed("c"), tenant.sealed("a", "content"), tenant.sealed("b", "contacts")]
    assert order(vault(tenant.runtime), by_name, values) == [1, 2, 0]
    assert order(vault(tenant.runtime), by_name, []) == []
    assert order(vault(tenant.runtime), by_name, [None, None]) == [0, 1]


def test_only_reviewed_orders_are_asked_for(tenant):
    for function in (same, str.lower, lambda text: text, partial(by_name), _Posing()):
        with pytest.raises(NotReviewed):
            order(vault(tenant.runtime), function, [tenant.sealed(CANARY)])
    with pytest.raises(NotReviewed):
        derive(vault(tenant.runtime), by_name, [tenant.sealed(CANARY)], None)


def test_no_order_tells_of_an_ended_grant_or_a_moved_value(tenant, another_runtime):
    other, value = vault(another_runtime()), tenant.sealed("a")
    assert order(other, by_name, [value]) == [0]
    moved = Sealed(value._wire, value._place._replace(row_id=new_id()))
    with pytest.raises(Tampered):
        order(other, by_name, [value, moved])
    with tenant.runtime.sessions.begin() as session:
        vault(tenant.runtime).destroy_grant(session, tenant.grant_id)
    with pytest.raises(KeyDestroyed):
        order(other, by_name, [tenant.sealed("n", "content"), value])
