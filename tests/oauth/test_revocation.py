"""The end of a grant: refused at once, keys gone, Google told as often as it takes, every row purged, a receipt."""

import datetime as dt
import json
import types
import uuid

import pytest
from sqlalchemy import func, select

from accounts import grants
from accounts.models import Consent, Grant
from emulator.server import Running
from kernel.clock import HeldClock, SystemClock
from kernel.jobs.runs import Run
from kernel.runtime import Runtime
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.keys import KeyDestroyed, KeyPurpose, vault
from limited_use.log.integrator import log_signer
from limited_use.log.proof import verify_proof
from limited_use.log.record import integrate
from limited_use.release import Refused, guard
from limited_use.sinks import google as google_sink
from oauth import jobs, purge, revocation
from oauth.models import Receipt, RefreshToken, Revocation
from sync.models import Collection
from tests.signing_in import ANNA, Person, control, fault, work_off

KIND = revocation.JOB


@pytest.fixture
def grant(anna: Person, runtime: Runtime) -> Grant:
    anna.sign_in()
    for feature in ("gmail", "calendar"):
        anna.connect(feature)
    with runtime.sessions() as session:
        return session.scalars(select(Grant)).one()


def fill(runtime: Runtime, grant: Grant, count: int = 3) -> None:
    """Store something under the grant, as a sync would."""
    sealer = vault(runtime).sealer(grant.organisation_id, KeyPurpose.CALENDAR, grant.id)
    with runtime.begin() as work:
        for number in range(count):
            row_id = uuid.uuid4()
            work.session.add(
                Collection(
                    id=row_id,
                    organisation_id=grant.organisation_id,
                    grant_id=grant.id,
                    kind="calendar",
                    remote_index=number.to_bytes(16, "big"),
                    title=sealer.seal("collections", "title", row_id, "Board meeting"),
                    state="current",
                    generation=1,
                    found=0,
                    stored=0,
                    skipped={},
                    removed=0,
                    retried=0,
                )
            )


def end(anna: Person, grant: Grant) -> None:
    answer = anna.post(f"/connections/{grant.id}/disconnect", page=f"/connections/{grant.id}/disconnect")
    assert answer.status_code == 303, answer.text


def test_what_happens_is_said_beforehand(anna: Person, grant: Grant) -> None:
    text_ = anna.get(f"/connections/{grant.id}/disconnect").text
    assert "Gmail and Calendar end together" in text_
    assert "cannot be undone" in text_


def test_ending_refuses_and_destroys_before_it_answers(anna: Person, grant: Grant, runtime: Runtime) -> None:
    fill(runtime, grant)
    with runtime.sessions() as session:
        title = session.scalars(select(Collection.id)).first()
        before = session.get_one(Collection, title).title
        token = session.scalars(select(RefreshToken)).one().refresh_token
    end(anna, grant)
    asking = Asking(
        grant.organisation_id, None, ActorClass.WORKER, "sync", Purpose.USER_FEATURE, Sink.GOOGLE, str(grant.id)
    )
    for value in (before, token):
        with pytest.raises(Refused):
            google_sink.open_secret(guard(runtime), asking, value)
    with runtime.sessions() as session:
        ended = session.scalars(select(Revocation)).one()
        assert ended.keys_destroyed_at - ended.requested_at < dt.timedelta(seconds=1)
        assert ended.keys_destroyed
        assert session.get_one(Grant, grant.id).status == "revoked"
    with pytest.raises(KeyDestroyed):
        vault(runtime).sealer(grant.organisation_id, KeyPurpose.MAIL, grant.id)


def test_the_end_is_purged_told_to_google_and_receipted(
    anna: Person, grant: Grant, runtime: Runtime, google: Running
) -> None:
    fill(runtime, grant, 5)
    end(anna, grant)
    work_off(runtime, KIND)
    assert control(google, "GET", f"tokens?account={ANNA}") == {"refresh": 0, "access": 0}
    with runtime.sessions() as session:
        assert not list(purge.left(session, grant.id))
        receipt = session.scalars(select(Receipt)).one()
        assert receipt.google_answer == "revoked"
        assert receipt.counts["collections"] >= 5
        assert receipt.counts["oauth_tokens"] == 1
        assert session.get_one(Grant, grant.id).email == ""
        assert session.scalars(select(Revocation)).one().refresh_token is None
        assert session.scalars(select(Consent.withdrawn_at)).first() is not None
        assert session.scalar(select(func.count()).where(Run.kind == "crm.tidy")) == 1
    page = anna.get(f"/connections/receipts/{receipt.id}").text
    assert "Google confirmed" in page
    assert "collections" in page
    assert "Receipts" in anna.get("/connections").text


def test_a_receipt_proves_itself_to_the_logs_key(anna: Person, grant: Grant, runtime: Runtime) -> None:
    end(anna, grant)
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        receipt_id = session.scalars(select(Receipt.id)).one()
    signer = log_signer(runtime)
    integrate(runtime.sessions, signer, runtime.clock)
    answer = anna.get(f"/connections/receipts/{receipt_id}.tlog-proof")
    assert answer.status_code == 200
    proved = json.loads(verify_proof(answer.data, signer.verifier).entry)
    assert (proved["kind"], proved["reason"]) == ("revocation", "owner")
    assert ANNA not in answer.text


def test_a_receipt_is_its_owners_alone(anna: Person, grant: Grant, runtime: Runtime) -> None:
    end(anna, grant)
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        receipt_id = session.scalars(select(Receipt.id)).one()
    stranger = Person(anna.app, "stranger@elsewhere.example")
    stranger.sign_in()
    assert stranger.get(f"/connections/receipts/{receipt_id}").status_code == 404
    assert stranger.get(f"/connections/{grant.id}/disconnect").status_code == 404


def test_google_is_asked_again_until_it_answers_and_the_purge_does_not_wait(
    anna: Person, grant: Grant, runtime: Runtime, google: Running
) -> None:
    fill(runtime, grant)
    fault(google, "oauth.revoke", "server_error", count=1)
    end(anna, grant)
    work_off(runtime, KIND, rounds=1)
    with runtime.sessions() as session:
        assert not list(purge.left(session, grant.id))
        under_way = session.scalars(select(Revocation)).one()
        assert under_way.google_answer is None
        assert under_way.refresh_token is not None
    with runtime.begin() as work:
        work.later(KIND, under_way.id)
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        assert session.scalars(select(Receipt)).one().google_answer == "revoked"
    assert control(google, "GET", f"tokens?account={ANNA}")["refresh"] == 0


def test_what_google_ended_already_is_taken_as_ended(
    anna: Person, grant: Grant, runtime: Runtime, google: Running
) -> None:
    control(google, "POST", "revoke", account=ANNA)
    end(anna, grant)
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        assert session.scalars(select(Receipt)).one().google_answer == "already_revoked"


def test_a_new_connection_waits_for_the_end_of_the_old_one(anna: Person, grant: Grant, runtime: Runtime) -> None:
    end(anna, grant)
    early = anna.post("/oauth/connect/gmail", page="/connections/connect/gmail")
    assert early.status_code == 409
    assert "ending_under_way" in early.text
    work_off(runtime, KIND)
    assert anna.connect("gmail").status_code == 303
    with runtime.sessions() as session:
        assert {found.status for found in session.scalars(select(Grant))} == {"revoked", "active"}


def test_ending_twice_is_as_once(grant: Grant, runtime: Runtime) -> None:
    assert len(revocation.end_account(runtime, grant.google_sub, revocation.Ending("owner"))) == 1
    assert revocation.end_account(runtime, grant.google_sub, revocation.Ending("owner")) == []
    work_off(runtime, KIND)
    with runtime.begin() as work:
        work.later(KIND, work.session.scalars(select(Revocation.id)).one())
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Receipt)) == 1


def test_the_purge_is_done_in_bounded_batches(
    anna: Person, grant: Grant, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 2)
    fill(runtime, grant, 7)
    end(anna, grant)
    work_off(runtime, KIND)
    with runtime.sessions() as session:
        assert not list(purge.left(session, grant.id))
        assert session.scalars(select(Receipt)).one().counts["collections"] >= 7


class TestSuspendedLong:
    @pytest.fixture
    def clock(self) -> HeldClock:
        return HeldClock(SystemClock().now())

    def test_what_google_has_not_accepted_for_thirty_days_is_ended(
        self, grant: Grant, runtime: Runtime, clock: HeldClock
    ) -> None:
        lease = types.SimpleNamespace(stopping=False)
        with runtime.begin() as work:
            grants.suspend(work.session, grant.id, "invalid_grant", clock.now())
        clock.advance(dt.timedelta(days=29).total_seconds())
        jobs.forget_suspended(runtime, uuid.uuid4(), lease)
        with runtime.sessions() as session:
            assert session.get_one(Grant, grant.id).status == "suspended"
        clock.advance(dt.timedelta(days=2).total_seconds())
        jobs.forget_suspended(runtime, uuid.uuid4(), lease)
        work_off(runtime, KIND)
        with runtime.sessions() as session:
            assert session.get_one(Grant, grant.id).status == "revoked"
            receipt = session.scalars(select(Receipt)).one()
            assert receipt.google_answer == "revoked"
            assert not list(purge.left(session, grant.id))
