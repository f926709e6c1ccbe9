"""Members and settings over HTTP: roles that hold, invitations that run out, the switch for AI tools."""

import datetime as dt
import re

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Consent, Grant, Invitation, Member, Role, SignIn
from kernel.clock import HeldClock, SystemClock
from kernel.runtime import Runtime
from limited_use.destinations import ApiToken, Destination, authenticate, is_ai_allowed
from tests.signing_in import PUBLIC, Person
from web.pages.settings import AI_DISCLOSURE

BERT = "bert@northwind.example"


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock(SystemClock().now())


@pytest.fixture
def bert(app: Flask) -> Person:
    return Person(app, BERT)


def join(anna: Person, bert: Person, role: Role = Role.MEMBER) -> None:
    anna.sign_in()
    assert anna.post("/members/invite", {"email": BERT.upper(), "role": role.value}, "/members").status_code == 303
    bert.sign_in()


def member(runtime: Runtime, address: str) -> Member:
    with runtime.sessions() as session:
        return session.scalars(select(Member).where(Member.email == address)).one()


def test_an_invited_person_joins_with_the_role_they_were_given(anna: Person, bert: Person, runtime: Runtime) -> None:
    join(anna, bert, Role.AUDITOR)
    assert member(runtime, BERT).organisation_id == member(runtime, anna.address).organisation_id
    assert member(runtime, BERT).role == Role.AUDITOR


def test_an_invitation_runs_out_after_a_week(anna: Person, bert: Person, runtime: Runtime, clock: HeldClock) -> None:
    anna.sign_in()
    anna.post("/members/invite", {"email": BERT, "role": "admin"}, "/members")
    clock.advance(dt.timedelta(days=7, seconds=1).total_seconds())
    bert.sign_in()
    assert member(runtime, BERT).organisation_id != member(runtime, anna.address).organisation_id
    assert member(runtime, BERT).role == Role.OWNER
    anna.sign_in()
    assert "ran out" in anna.get("/members").text


def test_an_invitation_that_was_taken_back_gives_nothing(anna: Person, bert: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.post("/members/invite", {"email": BERT, "role": "member"}, "/members")
    with runtime.sessions() as session:
        invitation = session.scalars(select(Invitation)).one()
    anna.post(f"/members/invitations/{invitation.id}/withdraw", page="/members")
    bert.sign_in()
    assert member(runtime, BERT).organisation_id != member(runtime, anna.address).organisation_id


def test_a_member_manages_nothing(anna: Person, bert: Person, runtime: Runtime) -> None:
    join(anna, bert)
    assert bert.get("/members").status_code == 200
    assert bert.get("/settings").status_code == 403
    attempts = [
        ("/members/invite", {"email": "x@northwind.example", "role": "member"}),
        (f"/members/{member(runtime, anna.address).id}/role", {"role": "member"}),
        (f"/members/{member(runtime, anna.address).id}/remove", {}),
        ("/settings/ai", {"ai": "allow"}),
        ("/settings/tokens", {"name": "x"}),
        ("/settings/destinations", {"name": "x", "sink_class": "api"}),
        ("/settings/organisation", {"name": "Bert's"}),
    ]
    for path, form in attempts:
        assert bert.post(path, form, "/members").status_code == 403, path
    assert member(runtime, anna.address).role == Role.OWNER


def test_an_admin_makes_no_owner_and_unmakes_none(anna: Person, bert: Person, runtime: Runtime) -> None:
    join(anna, bert, Role.ADMIN)
    anna_id, bert_id = member(runtime, anna.address).id, member(runtime, BERT).id
    assert bert.post(f"/members/{bert_id}/role", {"role": "owner"}, "/members").status_code == 403
    assert bert.post(f"/members/{anna_id}/role", {"role": "member"}, "/members").status_code == 403
    assert bert.post(f"/members/{anna_id}/remove", page="/members").status_code == 403
    assert bert.post("/members/invite", {"email": "x@y.example", "role": "owner"}, "/members").status_code == 403


def test_the_last_owner_stays(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna_id = member(runtime, anna.address).id
    for path, form in ((f"/members/{anna_id}/role", {"role": "member"}), (f"/members/{anna_id}/remove", {})):
        refused = anna.post(path, form, "/members")
        assert refused.status_code == 409
        assert "last_owner" in refused.text


def test_a_removed_member_is_out_everywhere_and_their_connection_ended(
    anna: Person, bert: Person, runtime: Runtime
) -> None:
    join(anna, bert)
    bert.connect("gmail")
    anna.post(f"/members/{member(runtime, BERT).id}/remove", page="/members")
    assert bert.get("/connections").status_code == 303
    assert bert.sign_in().status_code == 403
    with runtime.sessions() as session:
        assert session.scalars(select(Grant)).one().status == "revoked"
        assert session.scalars(select(SignIn).where(SignIn.member_id == member(runtime, BERT).id)).one().ended_at


def test_a_removed_member_comes_back_by_invitation(anna: Person, bert: Person, runtime: Runtime) -> None:
    join(anna, bert)
    anna.post(f"/members/{member(runtime, BERT).id}/remove", page="/members")
    anna.post("/members/invite", {"email": BERT, "role": "admin"}, "/members")
    assert bert.sign_in().status_code == 303
    assert member(runtime, BERT).role == Role.ADMIN


def test_members_of_another_organisation_are_out_of_reach(anna: Person, bert: Person, runtime: Runtime) -> None:
    anna.sign_in()
    bert.sign_in()
    bert_id = member(runtime, BERT).id
    assert anna.post(f"/members/{bert_id}/remove", page="/members").status_code == 404
    assert anna.post(f"/members/{bert_id}/role", {"role": "member"}, "/members").status_code == 404
    assert BERT not in anna.get("/members").text


def test_what_is_no_address_is_not_invited(anna: Person) -> None:
    anna.sign_in()
    for address in ("", "nobody", "a@b@c", "x@", "<script>@x.example"):
        assert anna.post("/members/invite", {"email": address, "role": "member"}, "/members").status_code == 422
    assert anna.post("/members/invite", {"email": BERT, "role": "emperor"}, "/members").status_code == 422


def test_ai_tools_are_off_until_an_admin_agrees_and_off_again_at_once(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    organisation_id = member(runtime, anna.address).organisation_id

    def allowed() -> bool:
        with runtime.sessions() as session:
            return is_ai_allowed(session, organisation_id)

    assert not allowed()
    assert AI_DISCLOSURE.text.split(":")[0] in anna.get("/settings").text
    anna.post("/settings/ai", {"ai": "allow"}, "/settings")
    assert allowed()
    with runtime.sessions() as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.kind, consent.disclosure_hash) == ("ai_native", AI_DISCLOSURE.digest)
    anna.post("/settings/ai", {"ai": "forbid"}, "/settings")
    assert not allowed()
    with runtime.sessions() as session:
        assert session.scalars(select(Consent)).one().withdrawn_at is not None


def test_a_tokens_secret_is_shown_once_and_its_class_is_its_destinations(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    anna.post("/settings/destinations", {"name": "Warehouse", "sink_class": "api", "region": "EU"}, "/settings")
    with runtime.sessions() as session:
        place = session.scalars(select(Destination)).one()
    made = anna.post("/settings/tokens", {"name": "nightly", "destination": str(place.id)}, "/settings")
    secret = next(word for word in made.text.replace("<", " ").replace(">", " ").split() if word.startswith("crm_"))
    assert secret not in anna.get("/settings").text
    with runtime.sessions() as session:
        assert authenticate(session, secret).sink == "api"
        token = session.scalars(select(ApiToken)).one()
    bare = anna.post("/settings/tokens", {"name": "bare", "destination": ""}, "/settings")
    bare_secret = next(
        word for word in bare.text.replace("<", " ").replace(">", " ").split() if word.startswith("crm_")
    )
    with runtime.sessions() as session:
        assert authenticate(session, bare_secret).sink == "ai_tool"
    anna.post(f"/settings/tokens/{token.id}/revoke", page="/settings")
    with runtime.sessions() as session, pytest.raises(Exception, match="not_signed_in"):
        authenticate(session, secret)


@pytest.mark.parametrize("odd", ["\0", "\u202e"], ids=["nul", "override"])
def test_what_no_keyboard_writes_is_left_out_of_the_names_of_destinations_and_tokens(
    anna: Person, runtime: Runtime, odd: str
) -> None:
    anna.sign_in()
    form = {"name": f"Ware{odd}house", "sink_class": "api", "region": f"E{odd}U"}
    assert anna.post("/settings/destinations", form, "/settings").status_code == 303
    assert anna.post("/settings/tokens", {"name": f"night{odd}ly"}, "/settings").status_code == 200
    with runtime.sessions() as session:
        place, token = session.scalars(select(Destination)).one(), session.scalars(select(ApiToken)).one()
    assert (place.name, place.region, token.name) == ("Warehouse", "EU", "nightly")


def test_half_a_surrogate_in_a_form_stays_as_it_was_coded(anna: Person, runtime: Runtime) -> None:
    anna.sign_in()
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.get("/settings").text)[1]
    form = f"csrf_token={token}&sink_class=api&name=Ware%ED%A0%80house"
    sent = {"data": form, "content_type": "application/x-www-form-urlencoded"}
    assert anna.client.post("/settings/destinations", base_url=PUBLIC, **sent).status_code == 303
    with runtime.sessions() as session:
        assert session.scalars(select(Destination)).one().name == "Ware%ED%A0%80house"


@pytest.mark.parametrize(("form", "status"), [({"name": " \0 "}, 422), ({"name": "x" * 121}, 413)])
def test_a_destination_needs_a_name_that_can_be_shown(anna: Person, form: dict[str, str], status: int) -> None:
    anna.sign_in()
    refused = anna.post("/settings/destinations", {**form, "sink_class": "api"}, "/settings")
    assert refused.status_code == status
    assert "name" in refused.text


def test_a_name_of_somebody_is_shown_and_not_run(anna: Person) -> None:
    anna.sign_in()
    anna.post("/settings/organisation", {"name": "<script>alert(1)</script>"}, "/settings")
    text = anna.get("/settings").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
