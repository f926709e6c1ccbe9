"""Custody: who gets an access token, what Google's refusals mean, and where no token is ever found."""

import threading
import uuid
from collections.abc import Callable

import pytest
from google.auth.transport.requests import AuthorizedSession, Request
from sqlalchemy import select, text

from accounts.models import Grant
from emulator.server import Running
from kernel.database import Base
from kernel.runtime import Runtime
from oauth import custody, revocation
from oauth.errors import ClientRefused, GoogleUnavailable, NotConnected, RefusedByGoogle
from oauth.models import RefreshToken
from tests.signing_in import ANNA, Person, control, fault


@pytest.fixture
def grant_id(anna: Person, runtime: Runtime) -> uuid.UUID:
    anna.sign_in()
    anna.connect("gmail")
    with runtime.sessions() as session:
        found = session.scalars(select(Grant.id)).one()
    custody.custody(runtime).forget(found)
    return found


def status(runtime: Runtime, grant_id: uuid.UUID) -> tuple[str, str | None]:
    with runtime.sessions() as session:
        grant = session.get_one(Grant, grant_id)
        return grant.status, grant.status_reason


def test_credentials_reach_google(grant_id: uuid.UUID, runtime: Runtime, google: Running) -> None:
    held = custody.credentials(runtime, grant_id)
    answer = AuthorizedSession(held).get(f"{google.url}/gmail/v1/users/me/profile", timeout=10)
    assert answer.status_code == 200
    assert answer.json()["emailAddress"] == ANNA


def test_credentials_show_no_token(grant_id: uuid.UUID, runtime: Runtime) -> None:
    held = custody.credentials(runtime, grant_id)
    assert held.token not in repr(held)
    assert held.refresh_token is None
    assert held.token not in repr(custody.custody(runtime))


def test_an_access_token_is_used_until_it_ends(grant_id: uuid.UUID, runtime: Runtime) -> None:
    first = custody.credentials(runtime, grant_id)
    assert custody.credentials(runtime, grant_id).token == first.token
    first.refresh(Request())
    assert custody.credentials(runtime, grant_id).token == first.token


def test_many_askers_make_one_request(grant_id: uuid.UUID, runtime: Runtime, google: Running) -> None:
    before = control(google, "GET", f"tokens?account={ANNA}")["access"]
    found: set[str] = set()
    askers = [
        threading.Thread(target=lambda: found.add(custody.credentials(runtime, grant_id).token)) for _ in range(8)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert len(found) == 1
    assert control(google, "GET", f"tokens?account={ANNA}")["access"] == before + 1


@pytest.mark.parametrize(
    "name", ["invalid_grant", "invalid_grant_bad_request", "account_deleted", "invalid_rapt", "rapt_required"]
)
def test_a_grant_that_google_ended_is_suspended(
    grant_id: uuid.UUID, runtime: Runtime, google: Running, anna: Person, name: str
) -> None:
    fault(google, "oauth.token", name)
    with pytest.raises(NotConnected):
        custody.credentials(runtime, grant_id)
    assert status(runtime, grant_id) == ("suspended", "invalid_grant")
    assert "needs you" in anna.get("/connections").text


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("server_error", GoogleUnavailable),
        ("unavailable", GoogleUnavailable),
        ("rate_limited", GoogleUnavailable),
        ("invalid_scope", GoogleUnavailable),
        ("invalid_client", ClientRefused),
        ("deleted_client", ClientRefused),
        ("unauthorized_client", ClientRefused),
        ("admin_policy_enforced", RefusedByGoogle),
    ],
)
def test_other_trouble_suspends_nothing(
    grant_id: uuid.UUID, runtime: Runtime, google: Running, name: str, error: type[Exception]
) -> None:
    fault(google, "oauth.token", name, count=4)
    with pytest.raises(error):
        custody.credentials(runtime, grant_id)
    assert status(runtime, grant_id) == ("active", None)
    control(google, "DELETE", "faults")
    assert custody.credentials(runtime, grant_id).token


def test_a_suspended_grant_comes_back_by_connecting_again(
    grant_id: uuid.UUID, runtime: Runtime, anna: Person, google: Running
) -> None:
    control(google, "POST", "revoke", account=ANNA)
    with pytest.raises(NotConnected):
        custody.credentials(runtime, grant_id)
    anna.connect("gmail")
    assert status(runtime, grant_id) == ("active", None)
    assert custody.credentials(runtime, grant_id).token


def test_a_token_replaced_meanwhile_is_not_suspended_for_the_old_ones_failure(
    grant_id: uuid.UUID, runtime: Runtime, google: Running, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    trade = custody.Custody._trade
    done: list[int] = []

    def replaced_while_asking(self, grant, held):
        if not done:
            done.append(1)
            anna.connect("calendar")
            fault(google, "oauth.token", "invalid_grant")
        return trade(self, grant, held)

    monkeypatch.setattr(custody.Custody, "_trade", replaced_while_asking)
    keeper = custody.Custody(runtime)
    assert keeper.credentials(grant_id).token
    assert status(runtime, grant_id) == ("active", None)


def test_no_token_lies_in_the_database_in_clear(grant_id: uuid.UUID, runtime: Runtime) -> None:
    token = custody.credentials(runtime, grant_id).token
    with runtime.sessions() as session:
        for table in Base.metadata.sorted_tables:
            rows = session.execute(text(f'SELECT t::text FROM "{table.name}" t')).scalars().all()  # noqa: S608 -- our own tables
            for row in rows:
                assert token not in row
                assert token.encode().hex() not in row
                assert b"1//".hex() not in row


def test_a_revoked_grant_gives_no_credentials_even_where_a_token_is_cached(
    grant_id: uuid.UUID, runtime: Runtime
) -> None:
    keeper = custody.Custody(runtime)  # another process, as it were
    assert keeper.credentials(grant_id).token
    with runtime.sessions() as session:
        sub = session.get_one(Grant, grant_id).google_sub
    revocation.end_account(runtime, sub, revocation.Ending("owner"))
    with pytest.raises(NotConnected):
        keeper.credentials(grant_id)
    with pytest.raises(NotConnected):
        keeper.fresh(grant_id, failed="another")


def test_a_refresh_notes_its_use(grant_id: uuid.UUID, runtime: Runtime) -> None:
    custody.credentials(runtime, grant_id)
    with runtime.sessions() as session:
        assert session.scalars(select(RefreshToken)).one().used_at is not None


def test_another_process_gets_a_wider_token_once_another_product_is_connected(
    grant_id: uuid.UUID, another_runtime: Callable[[], Runtime], anna: Person, google: Running
) -> None:
    url = f"{google.url}/calendar/v3/users/me/calendarList"
    elsewhere = another_runtime()
    narrow = custody.credentials(elsewhere, grant_id)
    assert AuthorizedSession(narrow).get(url, timeout=10).status_code == 403
    anna.connect("calendar")
    wide = custody.credentials(elsewhere, grant_id)
    assert AuthorizedSession(wide).get(url, timeout=10).status_code == 200
