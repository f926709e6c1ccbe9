"""Credentials: the sink belongs to them, and one without a class counts as an AI tool."""

import uuid

import pytest

from accounts.models import Member
from kernel.errors import BadInput, NotFound, NotSignedIn
from limited_use import destinations
from limited_use.destinations import ApiToken


@pytest.fixture
def made(tenant):
    """Make a token of the owner's; return its secret and id."""

    def make(sink_class=None):
        now = tenant.runtime.clock.now()
        with tenant.runtime.sessions.begin() as session:
            member = session.get_one(Member, tenant.owner_id)
            where = None
            if sink_class:
                where = destinations.register_destination(
                    session, tenant.organisation_id, "Warehouse", sink_class, "eu", now
                ).id
            token, secret = destinations.create_token(session, member, "mine", ["people:read"], now, where)
            return secret, token.id

    return make


def authenticate(tenant, secret):
    with tenant.runtime.sessions() as session:
        return destinations.authenticate(session, secret)


@pytest.mark.parametrize(("sink_class", "sink"), [("api", "api"), ("ai_tool", "ai_tool"), (None, "ai_tool")])
def test_a_credential_knows_its_sink(tenant, made, sink_class, sink):
    secret, token_id = made(sink_class)
    found = authenticate(tenant, secret)
    assert (found.token_id, found.sink, found.member_id) == (token_id, sink, tenant.owner_id)
    assert found.scopes == {"people:read"}
    asking = found.asking("api")
    assert (asking.sink, asking.actor, asking.purpose) == (sink, "token", "user_feature")
    assert asking.destination == (str(found.destination_id) if sink_class else "")


def test_the_secret_is_nowhere_but_with_its_owner(tenant, made):
    secret, token_id = made()
    with tenant.runtime.sessions() as session:
        row = session.get_one(ApiToken, token_id)
        kept = repr({name: getattr(row, name) for name in ("name", "secret_hash", "scopes", "id")})
    assert secret not in kept
    assert secret[4:] not in kept


@pytest.mark.parametrize("secret", ["", "crm_", "crm_" + "x" * 43, "\ud800", "é"])
def test_an_unknown_secret_is_nobodys(tenant, secret):
    with pytest.raises(NotSignedIn):
        authenticate(tenant, secret)


def test_an_ended_token_and_one_of_a_member_who_left_are_nobodys(tenant, made):
    first, first_id = made()
    second, _ = made()
    now = tenant.runtime.clock.now()
    with tenant.runtime.sessions.begin() as session:
        destinations.revoke_token(session, tenant.organisation_id, first_id, now)
        destinations.revoke_token(session, tenant.organisation_id, first_id, now)
    with pytest.raises(NotSignedIn):
        authenticate(tenant, first)
    assert authenticate(tenant, second)
    with tenant.runtime.sessions.begin() as session:
        session.get_one(Member, tenant.owner_id).left_at = now
    with pytest.raises(NotSignedIn):
        authenticate(tenant, second)


@pytest.mark.parametrize("sink_class", ["training", "ads", "browser", "google", "", "staff"])
def test_only_some_classes_may_be_registered(tenant, sink_class):
    with tenant.runtime.sessions() as session, pytest.raises(BadInput):
        destinations.register_destination(
            session, tenant.organisation_id, "x", sink_class, "eu", tenant.runtime.clock.now()
        )


def test_a_class_that_no_longer_exists_counts_as_an_ai_tool(tenant, made):
    secret, _ = made("api")
    with tenant.runtime.sessions.begin() as session:
        (where,) = destinations.list_destinations(session, tenant.organisation_id)
        where.sink_class = "browser"
    assert authenticate(tenant, secret).sink == "ai_tool"


def test_nobody_reaches_into_another_organisation(tenant, another_tenant, made):
    _, token_id = made("api")
    now = tenant.runtime.clock.now()
    with tenant.runtime.sessions() as session:
        (where,) = destinations.list_destinations(session, tenant.organisation_id)
        assert destinations.list_tokens(session, another_tenant.organisation_id) == []
        assert len(destinations.list_tokens(session, tenant.organisation_id)) == 1
        stranger = session.get_one(Member, another_tenant.owner_id)
        with pytest.raises(NotFound):
            destinations.create_token(session, stranger, "x", [], now, where.id)
        with pytest.raises(NotFound):
            destinations.create_token(session, stranger, "x", [], now, uuid.uuid4())
        with pytest.raises(NotFound):
            destinations.revoke_token(session, another_tenant.organisation_id, token_id, now)


def test_ai_is_off_until_it_is_allowed(tenant):
    now = tenant.runtime.clock.now()
    with tenant.runtime.sessions.begin() as session:
        assert not destinations.is_ai_allowed(session, tenant.organisation_id)
        destinations.allow_ai(session, tenant.organisation_id, tenant.owner_id, now)
        destinations.allow_ai(session, tenant.organisation_id, tenant.owner_id, now)
        assert destinations.is_ai_allowed(session, tenant.organisation_id)
        destinations.forbid_ai(session, tenant.organisation_id)
        session.expire_all()
        assert not destinations.is_ai_allowed(session, tenant.organisation_id)
