"""The sink google: tokens and ids go back under the grant they came from, and under no other."""

import pytest

from accounts.models import GrantStatus
from kernel.ids import new_id
from limited_use.asking import Refused, WrongSink
from limited_use.keys import KeyPurpose, vault
from limited_use.sinks import google

TOKEN = "canary-token-8812"


def asking(tenant, **said):
    whole = {"member_id": None, "actor": "worker", "destination": str(tenant.grant_id), **said}
    return tenant.asking("google", whole.pop("feature", "sync"), **whole)


def test_tokens_and_ids_go_back_under_their_grant(tenant):
    values = [tenant.sealed(TOKEN, "tokens"), tenant.sealed("event-1", "calendar")]
    assert google.open_many(tenant.guard, asking(tenant), values) == [TOKEN, "event-1"]
    assert google.open_secret(tenant.guard, asking(tenant), values[0]) == TOKEN
    leaf = tenant.leaves()[0]
    assert (leaf.sink, leaf.opened, leaf.labels) == ("google", 2, ("calendar", "tokens"))
    assert leaf.destination == leaf.grants[0]


@pytest.mark.parametrize("destination", ["", "elsewhere", "00000000-0000-7000-8000-000000000001"])
def test_they_go_under_no_other_grant(tenant, destination):
    for value in (tenant.sealed(TOKEN, "tokens"), tenant.sealed("x", "calendar")):
        with pytest.raises(Refused):
            google.open_secret(tenant.guard, asking(tenant, destination=destination), value)


def test_native_text_does_not_go_to_google(tenant):
    with pytest.raises(Refused):
        google.open_secret(tenant.guard, asking(tenant), tenant.sealed("note", "content"))


@pytest.mark.parametrize("sink", ["browser", "sidebar", "api", "export", "ai_tool"])
@pytest.mark.parametrize("who", ["owner_id", "teammate_id"])
def test_a_token_opens_nowhere_else_not_even_for_its_owner(tenant, sink, who):
    for feature in ("people", "connections", "api", "export", "ai_export", "sidebar"):
        try:
            made = tenant.guard.release(
                tenant.asking(sink, feature, member_id=getattr(tenant, who)), [tenant.sealed(TOKEN, "tokens")], list
            )
        except Refused:
            continue
        pytest.fail(f"a token came out at {sink}: {type(made)}")


def test_only_the_google_sink_opens_for_google(tenant):
    with pytest.raises(WrongSink):
        google.open_secret(tenant.guard, tenant.asking(), tenant.sealed("x"))


def test_the_token_of_an_ended_grant_serves_to_end_it_at_google_and_for_nothing_else(tenant):
    sealer = vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.ENDING)
    kept = sealer.seal("oauth_revocations", "refresh_token", new_id(), TOKEN)
    tenant.set_status(GrantStatus.REVOKED)
    ending = asking(tenant, feature="connections", purpose="security")
    assert google.open_secret(tenant.guard, ending, kept) == TOKEN
    for other in (asking(tenant), tenant.asking(), tenant.asking("api", "api"), tenant.asking("export", "export")):
        with pytest.raises(Refused):
            tenant.guard.release(other, [kept], list)


def test_a_suspended_grant_can_still_be_ended_at_google(tenant):
    tenant.set_status(GrantStatus.SUSPENDED)
    token = tenant.sealed(TOKEN, "tokens")
    with pytest.raises(Refused):
        google.open_secret(tenant.guard, asking(tenant), token)
    assert google.open_secret(tenant.guard, asking(tenant, feature="connections", purpose="security"), token) == TOKEN
