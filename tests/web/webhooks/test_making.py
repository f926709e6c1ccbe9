"""Settings → Webhooks: made, proved, tested, its secret changed, ended; and who has to do with it."""

import re
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, text

from accounts.models import Consent, Member, Role
from crm.webhooks.happenings import JOB
from crm.webhooks.models import Webhook
from kernel.jobs.runs import Run
from limited_use.destinations import Destination
from limited_use.template_lint import faults_of
from tests.signing_in import Person, work_off
from tests.web.webhooks.steps import PAGE, add_person, form, make, prove, sent, state
from web.pages.webhooks import DISCLOSURE


def test_no_template_lets_a_value_out_of_its_place(app):
    for path in (Path(app.root_path) / "templates" / "webhooks").glob("*.html"):
        assert faults_of(app.jinja_env, path.read_text()) == []


def test_from_the_form_to_a_signed_message(anna, world, runtime, there):
    assert f'href="{PAGE}"' in anna.get("/settings").text
    page, secret = make(anna, there)
    assert "waits for its code" in anna.get(page).text
    add_person(world)
    work_off(runtime, JOB)
    (challenge,) = there.came
    assert challenge.said["type"] == "webhook.challenge"
    assert challenge.is_signed_by(secret)
    code = challenge.said["data"]["code"]
    assert anna.post(f"{page}/confirm", {"code": f" {code.lower()} "}, page).status_code == 303
    person_id = add_person(world, email="tom@typed.example")
    work_off(runtime, JOB)
    told = there.came[-1]
    assert told.is_signed_by(secret)
    assert not told.is_signed_by("whsec_" + "A" * 44)
    assert told.headers["content-type"] == "application/json"
    assert told.said["type"] == "person.added"
    assert told.said["by"] == {"id": str(world.viewer.member_id), "name": "Anna"}
    assert told.said["data"]["person"] == {
        "id": str(person_id),
        "name": ["Typed Tom"],
        "email": ["tom@typed.example"],
        "works_at": None,
    }
    assert "delivered" in anna.get(page).text


def test_the_consent_is_kept_and_the_place_is_registered(anna, world, runtime, there):
    make(anna, there)
    with runtime.sessions() as session:
        consent = session.scalars(select(Consent).where(Consent.kind == "webhook")).one()
        place = session.scalars(select(Destination)).one()
        hook = session.scalars(select(Webhook)).one()
    assert (consent.disclosure_hash, consent.member_id) == (DISCLOSURE.digest, world.viewer.member_id)
    assert (place.sink_class, place.name, place.region) == ("webhook", "Warehouse", "EU")
    assert (hook.destination_id, hook.consent_id) == (place.id, consent.id)


@pytest.mark.usefixtures("world")
def test_secret_and_address_are_nowhere_in_clear_and_shown_once(anna, runtime, there):
    page, secret = make(anna, there)
    assert secret not in anna.get(page).text
    with runtime.sessions() as session:
        for table in ("webhooks", "webhook_secrets", "webhook_deliveries", "destinations", "runs", "log_leaves"):
            for row in session.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t")):  # noqa: S608 -- our own tables
                assert secret not in row[0]
                assert "capability-canary" not in row[0]
    assert there.url.replace("&", "&amp;") in anna.get(page).text


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"url": "http://hooks.acme.com/x"}, "url_scheme"),
        ({"url": "https://10.0.0.1/x"}, "url_host"),
        ({"url": "https://user:pass@hooks.acme.com/"}, "url_malformed"),
        ({"url": "ftp://hooks.acme.com/"}, "url_scheme"),
        ({"url": "https://metadata.google.internal/"}, "url_private"),
        ({"url": ""}, "url_malformed"),
        ({"url": "https://hooks.acme.com/" + "x" * 2048}, "url_malformed"),
        ({"events": []}, "bad_input"),
        ({"events": ["webhook.test"]}, "bad_input"),
        ({"events": ["mail.read"]}, "bad_input"),
        ({"agree": ""}, "bad_input"),
        ({"name": " "}, "bad_input"),
        ({"name": "n" * 121}, "too_large"),
        ({"region": "n" * 41}, "too_large"),
    ],
    ids=[
        *("plain-http", "number", "user-name", "ftp", "metadata", "no-address", "long-address"),
        *("no-event", "click", "no-such-event", "not-agreed", "no-name", "long-name", "long-place"),
    ],
)
@pytest.mark.usefixtures("world")
def test_what_cannot_be_made_is_explained(anna, runtime, said, code):
    answer = anna.post(PAGE, {**form("https://hooks.acme.com/x"), **said}, PAGE)
    assert answer.status_code in {413, 422}
    assert code in answer.text
    with runtime.sessions() as session:
        assert session.scalars(select(Webhook)).all() == []


@pytest.mark.usefixtures("world")
def test_there_is_an_end_to_how_many(anna, there, monkeypatch):
    monkeypatch.setattr("crm.webhooks.rules.MOST", 1)
    make(anna, there)
    assert anna.post(PAGE, form(there.url), PAGE).status_code == 422


@pytest.mark.usefixtures("world")
def test_a_wrong_code_proves_nothing_and_guessing_ends(anna, runtime, there):
    page, _ = make(anna, there)
    work_off(runtime, JOB)
    code = there.came[-1].said["data"]["code"]
    for _ in range(5):
        assert anna.post(f"{page}/confirm", {"code": "BCDFGHJKMN"}, page).status_code == 422
    answer = anna.post(f"{page}/confirm", {"code": code}, page)
    assert (answer.status_code, state(runtime)) == (422, "waiting")


@pytest.mark.usefixtures("world")
def test_a_code_runs_out_and_a_new_one_makes_the_old_one_void(anna, runtime, there, clock):
    page, _ = make(anna, there)
    work_off(runtime, JOB)
    first = there.came[-1].said["data"]["code"]
    clock.advance(86_401)
    assert anna.post(f"{page}/confirm", {"code": first}, page).status_code == 422
    for _ in range(2):
        anna.post(f"{page}/challenge", {}, page)
        work_off(runtime, JOB)
    second, third = (one.said["data"]["code"] for one in there.came[-2:])
    assert len({first, second, third}) == 3
    assert anna.post(f"{page}/confirm", {"code": second}, page).status_code == 422
    assert anna.post(f"{page}/confirm", {"code": third}, page).status_code == 303
    assert state(runtime) == "on"


@pytest.mark.parametrize("how", ["click", "maker-left"])
def test_turning_it_off_and_on_does_not_prove_the_address(anna, world, runtime, there, how):
    page, _ = make(anna, there)
    if how == "click":
        assert anna.post(f"{page}/switch", {"to": "off"}, page).status_code == 303
        work_off(runtime, JOB)
        assert there.came == []
    else:
        _role_of(world, Role.MEMBER)
        work_off(runtime, JOB)
        assert state(runtime) == "unowned"
        _role_of(world, Role.OWNER)
    assert anna.post(f"{page}/switch", {"to": "on", "agree": "yes"}, page).status_code == 303
    assert state(runtime) == "waiting"
    add_person(world)
    work_off(runtime, JOB)
    assert [one.said["type"] for one in there.came] == ["webhook.challenge"]
    prove(anna, runtime, there, page)
    assert state(runtime) == "on"


def test_one_that_said_it_is_gone_proves_itself_anew_though_it_was_turned_off(anna, world, runtime, there, proved):
    page, _ = proved
    there.answers = [410]
    add_person(world)
    work_off(runtime, JOB)
    assert state(runtime) == "gone"
    for to in ("off", "on"):
        assert anna.post(f"{page}/switch", {"to": to, "agree": "yes"}, page).status_code == 303
    assert state(runtime) == "waiting"


def test_a_code_turns_nothing_on_that_was_turned_off(anna, world, runtime, there):
    page, _ = make(anna, there)
    work_off(runtime, JOB)
    code = there.of("webhook.challenge")[-1].said["data"]["code"]
    anna.post(f"{page}/switch", {"to": "off"}, page)
    assert anna.post(f"{page}/confirm", {"code": code}, page).status_code == 422
    assert (state(runtime), world.viewer.role) == ("off", Role.OWNER)


def _role_of(world, role):
    with world.runtime.begin() as work:
        work.session.get_one(Member, world.viewer.member_id).role = role


@pytest.mark.usefixtures("world")
def test_nothing_is_tested_before_the_address_is_proved(anna, there):
    page, _ = make(anna, there)
    assert anna.post(f"{page}/test", {}, page).status_code == 409


def test_a_test_is_sent_by_a_click_and_is_in_the_history(anna, runtime, there, proved):
    page, secret = proved
    there.answers = [500]
    for _ in range(2):
        anna.post(f"{page}/test", {}, page)
        work_off(runtime, JOB)
    assert [one.said["type"] for one in there.came] == ["webhook.test"] * 2
    assert all(one.is_signed_by(secret) for one in there.came)
    tests = [one for one in sent(runtime) if one.event == "webhook.test"]
    assert [(one.progress, one.status, one.attempts) for one in tests] == [("failed", 500, 1), ("delivered", 204, 1)]
    assert "http_5xx" in anna.get(page).text


def test_a_new_secret_signs_beside_the_old_one_for_a_day(anna, runtime, there, proved, clock):
    page, old = proved
    answer = anna.post(f"{page}/rotate", {}, page)
    (new,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    assert new != old
    anna.post(f"{page}/test", {}, page)
    work_off(runtime, JOB)
    assert [there.came[-1].is_signed_by(one) for one in (old, new)] == [True, True]
    clock.advance(86_401)
    anna.sign_in()
    anna.post(f"{page}/test", {}, page)
    work_off(runtime, JOB)
    assert [there.came[-1].is_signed_by(one) for one in (old, new)] == [False, True]


def test_an_ended_webhook_leaves_no_row_and_its_run_does_nothing(anna, world, runtime, there, proved):
    page, _ = proved
    add_person(world)
    assert anna.post(f"{page}/remove", {}, page).status_code == 303
    work_off(runtime, JOB)
    assert there.came == []
    assert sent(runtime) == []
    assert anna.get(page).status_code == 404
    with runtime.sessions() as session:
        assert {run.state for run in session.scalars(select(Run).where(Run.kind == JOB))} == {"done"}


def test_nobody_but_admins_of_the_organisation_has_to_do_with_it(anna, app, world, runtime, proved):
    page, _ = proved
    stranger = Person(app, "carla@elsewhere.example")
    stranger.sign_in()
    for path in (page, f"{page}/confirm", f"{page}/test", f"{page}/rotate", f"{page}/switch", f"{page}/remove"):
        answer = stranger.get(path) if path == page else stranger.post(path, {"to": "off"}, "/settings")
        assert answer.status_code == 404, path
    with runtime.begin() as work:
        work.session.get_one(Member, world.viewer.member_id).role = Role.MEMBER
    assert anna.get(PAGE).status_code == 403
    assert anna.post(f"{page}/test", {}, "/people/export").status_code == 403
    assert anna.get(f"{PAGE}/{uuid.uuid4()}").status_code == 403
