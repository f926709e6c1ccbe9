"""A local Google, the application on it, and a person with a browser who signs in and connects things.

The product's side is driven through Flask's test client, Google's over real HTTP, as a browser would.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from emulator.config import Config
from emulator.server import Running, running
from kernel.jobs.attempt import execute_on
from kernel.jobs.runs import Run, due_runs
from kernel.runtime import Runtime
from kernel.settings import GoogleEndpoints, Settings
from oauth import jobs
from oauth.scopes import FEATURES
from web.app import create_app

assert jobs  # registers its kind of work
PUBLIC = "http://localhost:8080"
ANNA = "anna@northwind.example"


@pytest.fixture(scope="session")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = Config(
        state=tmp_path_factory.mktemp("google"),
        client_id="crm-test.apps.example.test",
        client_secret=secrets.token_hex(16),
        redirect_uris=(f"{PUBLIC}/oauth/callback",),
        owner=ANNA,
    )
    with running(config) as here:
        yield here


@pytest.fixture(scope="session")
def migrated(migrated: Settings, google: Running) -> Settings:
    config = google.state.config
    return replace(
        migrated,
        google=GoogleEndpoints.under(google.url),
        google_client_id=config.client_id,
        google_client_secret=config.client_secret,
    )


class Compiled(BytecodeCache):
    """The pages' templates, compiled once a process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = Compiled()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    made = create_app(runtime)
    made.jinja_env.bytecode_cache = COMPILED
    made.testing = False
    return made


@dataclass
class Person:
    """Somebody with a Google account and a browser."""

    app: Flask
    address: str
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, base_url=PUBLIC, buffered=True, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, page: str = "/") -> TestResponse:
        """Send a form as our pages do: with the token that one of them carries."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get(page).text)
        token = found[1] if found else ""
        return self.client.post(path, base_url=PUBLIC, data={**(data or {}), "csrf_token": token})

    def at_google(self, url: str, *scopes: str, action: str = "allow", account: str | None = None) -> str:
        """Decide at Google and return the address it sends the browser back to."""
        form = {"account": account or self.address, "action": action, "scope": list(scopes)}
        answer = requests.post(url, data=form, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, url: str) -> TestResponse:
        parts = urlsplit(url)
        return self.get(f"{parts.path}?{parts.query}")

    def sign_in(self) -> TestResponse:
        left = self.post("/oauth/sign-in", {"next": "/"})
        assert left.status_code == 303, left.text
        return self.come_back(self.at_google(left.headers["Location"]))

    def leave_to_connect(self, feature: str) -> str:
        left = self.post(f"/oauth/connect/{feature}", page=f"/connections/connect/{feature}")
        assert left.status_code == 303, left.text
        return left.headers["Location"]

    def connect(self, feature: str, *, ticked: bool = True) -> TestResponse:
        url = self.leave_to_connect(feature)
        return self.come_back(self.at_google(url, *([FEATURES[feature]] if ticked else [])))


@pytest.fixture
def anna(app: Flask, google: Running) -> Person:
    control(google, "POST", "revoke", account=ANNA)
    control(google, "DELETE", "faults")
    return Person(app, ANNA)


def control(google: Running, verb: str, what: str, /, **body: Any) -> Any:
    """Play the weather at Google."""
    answer = requests.request(verb, f"{google.url}/_control/{what}", json=body or None, timeout=10)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def fault(google: Running, method: str, name: str, /, **more: Any) -> None:
    control(google, "POST", "faults", method=method, fault=name, **more)


def asked(url: str) -> dict[str, str]:
    """Return the parameters of an address, each once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def work_off(runtime: Runtime, kind: str, rounds: int = 20) -> None:
    """Do every due run of the kind, as a worker would."""
    for _ in range(rounds):
        with runtime.sessions() as session:
            due: list[Run] = [run for run, _ in due_runs(session, runtime.clock.now(), 100) if run.kind == kind]
        if not due:
            return
        for run in due:
            execute_on(runtime, run.id, run.lease)
