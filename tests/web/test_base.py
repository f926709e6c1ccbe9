"""What holds for every answer of ours: who may call, which headers, which errors in which form."""

import html
import re
from collections.abc import Iterator

import pytest
from flask import Blueprint, Flask
from jinja2 import TemplateSyntaxError

from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use.template_lint import faults_of
from privacy.register import recipients
from tests.signing_in import PUBLIC, Person
from web import callers
from web.app import LARGEST_BODY, create_app
from web.callers import caller
from web.errors import MethodNotAllowed, TooMany


def test_every_route_says_who_may_call_it(app: Flask) -> None:
    assert {name for name, view in app.view_functions.items() if callers.caller_of(view) is None} == set()


def test_the_application_does_not_start_with_a_route_that_names_no_caller(runtime: Runtime) -> None:
    bare = Blueprint("bare", __name__)
    bare.add_url_rule("/bare", "bare", lambda: "open")
    app = create_app(runtime)
    app.register_blueprint(bare)
    with pytest.raises(RuntimeError, match="who may call them: bare"):
        callers.check_all_declared(app)
    refused = app.test_client().get("/bare")
    assert refused.status_code == 403
    assert "open" not in refused.text


def test_members_pages_send_nobody_else_further_than_the_start(app: Flask) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        kind = callers.caller_of(app.view_functions[rule.endpoint])
        if kind in {"member", "admin", "auditor"} and "GET" in (rule.methods or set()) and not rule.arguments:
            answer = client.get(rule.rule, base_url=PUBLIC)
            if rule.rule.startswith("/api/"):
                assert answer.status_code == 401
            else:
                assert answer.status_code == 303, rule.rule
                assert answer.headers["Location"].startswith("/?next=")


def test_a_strict_policy_stands_on_every_answer(anna: Person) -> None:
    for path in ("/", "/privacy", "/nowhere", "/healthz", "/static/app.css", "/api/v1/nowhere"):
        policy = anna.get(path).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_no_page_holds_script_or_style_of_its_own(anna: Person) -> None:
    anna.sign_in()
    for path in ("/", "/connections", "/connections/connect/gmail", "/members", "/settings", "/privacy", "/nowhere"):
        text = anna.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", text)
        assert "<style" not in text
        assert not re.search(r"\sstyle=|\son\w+=", text)
        assert not re.search(r"(?:src|href)=\"https?://(?!developers\.google|myaccount\.google)", text)


def test_pages_are_not_kept_by_caches_and_static_files_are(anna: Person) -> None:
    anna.sign_in()
    assert anna.get("/connections").headers["Cache-Control"] == "no-store"
    assert "max-age=86400" in anna.get("/static/app.css").headers["Cache-Control"]


def test_a_form_without_its_token_changes_nothing(anna: Person) -> None:
    anna.sign_in()
    refused = anna.client.post("/sign-out", base_url=PUBLIC)
    assert refused.status_code == 400
    assert "form_expired" in refused.text
    assert "Sign out" in anna.get("/").text


def test_a_form_token_of_before_the_sign_in_is_good_no_more(anna: Person) -> None:
    old = re.search(r'name="csrf_token" value="([^"]+)"', anna.get("/").text)[1]
    anna.sign_in()
    assert anna.client.post("/sign-out", base_url=PUBLIC, data={"csrf_token": old}).status_code == 400


class _BrokenError(AppError):
    code = "broken_on_purpose"
    sentence = "It broke <b>on purpose</b>."


@pytest.fixture
def breaking(runtime: Runtime) -> Iterator[Flask]:
    parts = Blueprint("breaking", __name__)
    for path in ("/page", "/api/v1/breaking", "/addon/breaking"):
        parts.add_url_rule(f"{path}/ours", f"ours{path.replace('/', '_')}", caller("public")(_raise_ours))
        parts.add_url_rule(f"{path}/other", f"other{path.replace('/', '_')}", caller("public")(_raise_other))
    app = create_app(runtime)
    app.register_blueprint(parts)
    return app


def _raise_ours() -> None:
    raise _BrokenError


def _raise_other() -> None:
    raise ValueError("secret content of somebody's mail")


def test_an_error_of_ours_leaves_in_three_forms(breaking: Flask) -> None:
    client = breaking.test_client()
    page = client.get("/page/ours")
    assert page.status_code == 500
    assert "It broke &lt;b&gt;on purpose&lt;/b&gt;." in page.text
    assert "broken_on_purpose" in page.text
    body = client.get("/api/v1/breaking/ours").get_json()
    assert body == {"error": {"code": "broken_on_purpose", "message": _BrokenError.sentence, "retry": False}}
    card = client.get("/addon/breaking/ours")
    assert card.status_code == 200
    assert card.headers["X-Error-Code"] == "broken_on_purpose"
    assert "pushCard" in card.text


def test_an_error_of_anyone_else_tells_and_logs_none_of_its_content(
    breaking: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    client = breaking.test_client()
    for path in ("/page/other", "/api/v1/breaking/other", "/addon/breaking/other"):
        answer = client.get(path)
        assert "secret content" not in answer.text
        assert "internal" in answer.text + str(answer.headers)
    assert "secret content" not in caplog.text
    assert all("secret content" not in str(vars(record)) for record in caplog.records)
    assert any(getattr(record, "error", "") == "ValueError" for record in caplog.records)


def test_errors_of_the_router_have_codes_of_ours(anna: Person) -> None:
    assert anna.get("/api/v1/nowhere").get_json()["error"]["code"] == "not_found"
    assert MethodNotAllowed.code in anna.client.put("/privacy", base_url=PUBLIC).text
    too_large = anna.client.post("/oauth/sign-in", base_url=PUBLIC, data={"next": "x" * (LARGEST_BODY + 1)})
    assert too_large.status_code == 413


def test_signing_in_is_limited_in_rate(anna: Person) -> None:
    codes = [anna.post("/oauth/sign-in").status_code for _ in range(25)]
    assert codes[-1] == TooMany.status


def test_no_template_puts_anything_where_a_guarded_value_may_not_stand(app: Flask) -> None:
    found = {}
    for name in app.jinja_env.list_templates():
        source, path, _ = app.jinja_env.loader.get_source(app.jinja_env, name)
        if "flask_bootstrap" in str(path):
            continue
        try:
            faults = faults_of(app.jinja_env, source)
        except TemplateSyntaxError as error:
            faults = [error]
        if faults:
            found[name] = faults
    assert found == {}


def test_health_is_told_to_anyone_and_nothing_else(app: Flask) -> None:
    answer = app.test_client().get("/healthz")
    assert answer.get_json() == {"status": "ok"}


def test_the_limited_use_statement_is_one_click_from_every_page(anna: Person) -> None:
    said = "The use of raw or derived user data received from Workspace APIs will adhere to the"
    for path in ("/", "/privacy"):
        assert said in anna.get(path).text
    anna.sign_in()
    assert said in anna.get("/connections").text
    assert "never used to develop, improve or train" in anna.get("/privacy").text.replace("\n", " ")


def test_everybody_who_may_be_sent_anything_is_named_in_public(anna: Person, runtime: Runtime) -> None:
    page = html.unescape(anna.get("/privacy/recipients").text)
    assert "/privacy/recipients" in anna.get("/privacy").text
    used = recipients(runtime.settings)
    assert {"google_workspace", "google_oauth", "webhooks"} <= {one.name for one in used}
    assert "google_kms" not in {one.name for one in used}
    for one in used:
        for said in (one.who, one.purpose, one.data, one.region, one.terms, *one.hosts):
            assert said in page
    assert "Key Management" not in page


def test_the_privacy_policy_is_served_whole(anna: Person) -> None:
    text = anna.get("/privacy/policy").text
    assert "We at CRM.io" in text
    assert len(text) > 30_000


def test_global_privacy_control_is_noted(anna: Person) -> None:
    assert "Global Privacy Control is noted" in anna.get("/privacy", headers={"Sec-GPC": "1"}).text
