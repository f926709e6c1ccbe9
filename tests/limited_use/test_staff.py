"""The staff sink: what its adaptor refuses and withholds when nobody consented; what consent opens, the pages test."""

import pytest

from limited_use.asking import WrongSink
from limited_use.sinks import browser, staff

CANARY = "canary-51fa7e"


@pytest.fixture
def template(environment):
    return environment.from_string("<p>{{ value }}</p>")


def asked_by_staff(tenant, **said):
    return tenant.asking("staff", "openings", **{"actor": "staff", "member_id": tenant.teammate_id, **said})


def test_without_consent_staff_is_shown_a_mark(tenant, template):
    shown = staff.page(tenant.guard, asked_by_staff(tenant), template, {"value": tenant.sealed(CANARY)})
    assert CANARY not in shown
    assert "<p>" in shown
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.decision, leaf.opened, leaf.withheld) == ("staff", "withhold", 0, 1)


def test_not_even_ones_own_value_opens_at_the_staff_sink(tenant, template):
    asking = asked_by_staff(tenant, member_id=tenant.owner_id)
    assert CANARY not in staff.page(tenant.guard, asking, template, {"value": tenant.sealed(CANARY)})


@pytest.mark.parametrize(
    "said", [{"sink": "browser"}, {"actor": "member"}, {"member_id": None}], ids=["sink", "actor", "nobody"]
)
def test_only_an_asking_of_staff_is_answered(tenant, template, said):
    asking = tenant.asking(**{"sink": "staff", "feature": "openings", "actor": "staff", **said})
    with pytest.raises(WrongSink):
        staff.page(tenant.guard, asking, template, {"value": tenant.sealed(CANARY)})
    assert [leaf.reason for leaf in tenant.leaves()] == ["wrong_sink"]


def test_a_page_for_staff_is_not_made_by_the_browsers_adaptor(tenant, template):
    with pytest.raises(WrongSink):
        browser.page(tenant.guard, asked_by_staff(tenant), template, {"value": tenant.sealed(CANARY)})
