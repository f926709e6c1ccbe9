"""Every address of the product says who may call it, and somebody checks that."""

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from kernel.runtime import Runtime
from web.app import create_app
from web.callers import caller_of

ROOT = Path(__file__).parents[2]
PEOPLE = {"public", "member", "auditor", "admin"}  # they come with a browser, and with its cookies
PROGRAMS = {"token", "addon", "scheduler"}
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return create_app(runtime)


def rules(app: Flask) -> list[Rule]:
    found = list(app.url_map.iter_rules())
    assert len(found) > 30
    return found


def test_every_route_states_a_caller_that_somebody_checks(app: Flask) -> None:
    checks = app.extensions["crm.caller_checks"]
    assert set(checks) == PEOPLE | PROGRAMS
    stated = {rule.rule: caller_of(app.view_functions[rule.endpoint]) for rule in rules(app)}
    assert {path: kind for path, kind in stated.items() if kind not in checks} == {}


def test_what_a_browser_may_send_carries_the_token_of_our_own_pages(app: Flask) -> None:
    guard = app.extensions["csrf"]
    open_to_browsers = [
        rule.rule
        for rule in rules(app)
        if CHANGING & (rule.methods or set())
        and caller_of(app.view_functions[rule.endpoint]) in PEOPLE
        and (rule.endpoint.partition(".")[0] in guard._exempt_blueprints or rule.endpoint in guard._exempt_views)
    ]
    assert open_to_browsers == []


def test_what_a_form_changes_is_never_open_to_everyone_but_the_sign_in(app: Flask) -> None:
    public = {
        rule.rule
        for rule in rules(app)
        if CHANGING & (rule.methods or set()) and caller_of(app.view_functions[rule.endpoint]) == "public"
    }
    assert public == {"/oauth/sign-in"}


def test_a_get_changes_nothing_but_where_a_protocol_says_so(app: Flask) -> None:
    for rule in rules(app):
        methods = (rule.methods or set()) - {"OPTIONS"}
        assert methods <= {"GET", "HEAD"} or "GET" not in methods, f"{rule.rule} both shows and changes"


@pytest.mark.parametrize("name", ["app.yaml", "cron.yaml"])
def test_the_platform_calls_addresses_that_are_there(app: Flask, name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    called = re.findall(r"^\s+(?:path|url): (/\S+)$", text, re.MULTILINE)
    assert called
    stated = {rule.rule: caller_of(app.view_functions[rule.endpoint]) for rule in rules(app)}
    wanted = {"app.yaml": "public", "cron.yaml": "scheduler"}[name]
    assert {path: stated.get(path) for path in called} == dict.fromkeys(called, wanted)
