"""Connecting one Google product at a time: disclosed first, what was unticked respected, the right account alone."""

import hashlib

import pytest
from sqlalchemy import func, select

from accounts.models import Consent, Grant, GrantStatus
from crm import decoys
from crm.models import Message
from emulator.server import Running
from kernel.jobs.runs import Run
from kernel.runtime import Runtime
from limited_use.log.models import LogLeaf
from limited_use.sealing import Sealed
from oauth import disclosures
from oauth.custody import named_by_events
from oauth.models import RefreshToken
from oauth.scopes import FEATURES, features_of
from sync.models import Collection
from tests.signing_in import Person, asked, fault, work_off


def grant_of(runtime: Runtime) -> Grant:
    with runtime.sessions() as session:
        return session.scalars(select(Grant)).one()


def test_a_disclosure_stands_immediately_before_google(anna: Person) -> None:
    anna.sign_in()
    for feature in FEATURES:
        text = anna.get(f"/connections/connect/{feature}").text
        for said in ("What is read", "What it is used for", "Who sees it", "How it ends", "Limited Use", "I agree"):
            assert said in text
    assert anna.get("/connections/connect/drive").status_code == 404


def test_one_product_is_asked_for_at_a_time_and_for_lasting_access(anna: Person) -> None:
    anna.sign_in()
    parameters = asked(anna.leave_to_connect("gmail"))
    scopes = set(parameters["scope"].split())
    assert FEATURES["gmail"] in scopes
    assert not scopes & {FEATURES["calendar"], FEATURES["contacts"]}
    assert parameters["access_type"] == "offline"
    assert parameters["include_granted_scopes"] == "true"
    assert parameters["prompt"] == "consent"


def test_a_ticked_product_is_connected(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    assert features_of(grant_of(runtime).scopes) == ["gmail"]
    assert "Gmail is connected" in anna.get("/connections").text
    with runtime.sessions() as session:
        token = session.scalars(select(RefreshToken)).one()
        assert type(token.refresh_token) is Sealed


def test_products_add_up_in_one_grant(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    for feature in FEATURES:
        anna.connect(feature)
    assert features_of(grant_of(runtime).scopes) == list(FEATURES)
    with runtime.sessions() as session:
        token = session.scalars(select(RefreshToken)).one()
        assert token.version == len(FEATURES)


def test_what_was_left_unticked_is_not_connected_and_explained(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    anna.connect("contacts", ticked=False)
    assert features_of(grant_of(runtime).scopes) == ["gmail"]
    assert "You left Contacts unticked" in anna.get("/connections").text


def test_the_first_product_left_unticked_makes_no_grant(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail", ticked=False)
    with runtime.sessions() as session:
        assert not session.scalars(select(Grant)).all()
    assert "You left Gmail unticked" in anna.get("/connections").text


def test_turning_back_changes_nothing_and_is_explained(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.come_back(anna.at_google(anna.leave_to_connect("calendar"), action="cancel"))
    with runtime.sessions() as session:
        assert not session.scalars(select(Grant)).all()
    assert "Calendar was not connected" in anna.get("/connections").text


def test_another_account_than_the_one_signed_in_connects_nothing(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    url = anna.leave_to_connect("gmail")
    refused = anna.come_back(anna.at_google(url, FEATURES["gmail"], account="other@elsewhere.example"))
    assert refused.status_code == 409
    assert "oauth_wrong_account" in refused.text
    with runtime.sessions() as session:
        assert not session.scalars(select(Grant)).all()


def test_an_answer_belongs_to_the_member_who_left(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    back = anna.at_google(anna.leave_to_connect("gmail"), FEATURES["gmail"])
    anna.post("/sign-out")
    assert anna.come_back(back).status_code == 400
    with runtime.sessions() as session:
        assert not session.scalars(select(Grant)).all()


def test_a_consent_keeps_what_was_shown(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    text = disclosures.explain("gmail").disclosure().text
    with runtime.sessions() as session:
        consent = session.scalars(select(Consent)).one()
        assert consent.kind == "connect_gmail"
        assert consent.disclosure_version == disclosures.VERSION
        assert consent.disclosure_hash == hashlib.sha256(text.encode()).hexdigest()
        assert consent.grant_id == session.scalars(select(Grant.id)).one()
        assert session.scalar(select(func.count()).where(LogLeaf.kind == "consent")) == 1


def test_a_disclosure_shows_every_word_that_is_hashed(anna: Person) -> None:
    anna.sign_in()
    for feature in FEATURES:
        shown = anna.get(f"/connections/connect/{feature}").text.replace("&#39;", "'")
        for line in disclosures.explain(feature).disclosure().text.splitlines():
            assert line in shown


@pytest.mark.parametrize("feature", FEATURES)
def test_the_text_of_a_disclosure_changes_with_its_version_only(feature: str) -> None:
    known = {
        ("2026-11-23.2", "gmail"): "1103dbbc76031564",
        ("2026-11-23.2", "calendar"): "eabb30ae013c3aa1",
        ("2026-11-23.2", "contacts"): "6a01affd38e20b32",
    }
    assert disclosures.explain(feature).disclosure().digest[:16] == known[(disclosures.VERSION, feature)]


def test_a_refresh_token_is_never_replaced_by_nothing(anna: Person, google: Running, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("gmail")
    fault(google, "oauth.token", "no_refresh_token")
    anna.connect("calendar")
    with runtime.sessions() as session:
        assert session.scalars(select(RefreshToken)).one().version == 1
    assert features_of(grant_of(runtime).scopes) == ["gmail"]


def test_no_lasting_access_at_all_connects_nothing(anna: Person, google: Running, runtime: Runtime) -> None:
    anna.sign_in()
    fault(google, "oauth.token", "no_refresh_token")
    assert anna.connect("gmail").status_code == 503
    assert grant_of(runtime).scopes == []


def test_an_administrator_who_forbids_it_is_named(anna: Person, google: Running) -> None:
    anna.sign_in()
    url = anna.leave_to_connect("gmail")
    fault(google, "oauth.token", "admin_policy_enforced")
    refused = anna.come_back(anna.at_google(url, FEATURES["gmail"]))
    assert refused.status_code == 403
    assert "oauth_refused" in refused.text


def test_security_events_find_a_token_by_both_its_names() -> None:
    prefix, twice = named_by_events("1//0abcdefghijklmnopqrstuvwxyz")
    assert prefix == hashlib.sha256(b"1//0abcdefghijkl").digest()
    assert twice == hashlib.sha512(hashlib.sha512(b"1//0abcdefghijklmnopqrstuvwxyz").digest()).digest()


def test_a_connected_product_begins_to_sync(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.connect("contacts")
    with runtime.sessions() as session:
        (collection,) = session.scalars(select(Collection)).all()
        assert collection.kind == "contacts"
        assert session.scalar(select(func.count()).where(Run.kind == "sync.contacts")) == 1
    assert anna.post("/connections/sync", page="/connections").status_code == 303


def test_decoys_stand_from_the_first_connected_product_on(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    for feature in ("gmail", "calendar"):
        anna.connect(feature)
        work_off(runtime, decoys.JOB)
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == decoys.EACH
        states = session.scalars(select(Grant.status).order_by(Grant.status)).all()
    assert states == [GrantStatus.ACTIVE, GrantStatus.REVOKED]
    assert anna.get("/people").status_code == 200
