"""The operators' measurements say what they found, and leave the product as it was: no leaf, no tenant, no database."""

import itertools
import json
import os
from contextlib import ExitStack
from dataclasses import replace

import pytest
from sqlalchemy import text

from accounts.models import Organisation
from kernel.runtime import build
from limited_use.log.models import LogLeaf
from migrations import is_current
from web.app import create_app
from web.commands import guard_cost
from web.commands import measure as measuring


@pytest.fixture
def measure(app, monkeypatch):
    monkeypatch.setattr(measuring, "MANY", 100)
    monkeypatch.setattr(guard_cost, "MANY", 100)

    def run(*arguments):
        done = app.test_cli_runner().invoke(args=["measure", *arguments])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


def test_measuring_the_log_verifies_what_it_appended_and_leaves_the_products_log_alone(measure, runtime):
    told = measure("log", "--leaves", "300")
    assert told["leaves"] == 300
    assert told["verified"] == 1.0
    assert all(told[name] > 0 for name in ("append_per_s", "integrate_per_s", "verify_per_s"))
    with runtime.sessions() as session:
        assert session.query(LogLeaf).count() == 0


def test_measuring_the_guard_leaves_no_tenant_and_no_database_behind(measure, runtime, monkeypatch):
    numbers = itertools.count()
    mine = f"of_{os.getpid()}_"  # other test processes measure on the same server
    monkeypatch.setattr(measuring.secrets, "token_hex", lambda _: f"{mine}{next(numbers)}")
    told = measure("guard", "--rows", "3", "--rounds", "3")
    assert told["fields"] == 12
    assert told["sealed_page_p50_ms"] > told["plain_page_p50_ms"] > 0
    assert all(told[f"{name}_cpu_us"] > 0 for name in ("seal", "index", "derive", "written_row", "decision"))
    assert told["kept_bytes"] > told["kept_clear_bytes"] > 0
    with runtime.sessions() as session:
        assert session.query(Organisation).count() == 0
        names = session.scalars(text("SELECT datname FROM pg_database")).all()
    assert next(numbers) >= 2
    assert not [name for name in names if mine in name]


def test_upgrading_brings_empty_databases_up_to_date_and_changes_nothing_the_second_time(runtime):
    with ExitStack() as stack:
        urls = (runtime.settings.database_url, runtime.settings.keys_database_url)
        main, keys = (stack.enter_context(measuring._database_beside(url)) for url in urls)
        own = build(replace(runtime.settings, database_url=main, keys_database_url=keys))
        stack.callback(own.close)
        app = create_app(own)
        for _ in range(2):
            done = app.test_cli_runner().invoke(args=["db", "upgrade"])
            assert (done.exit_code, done.stdout) == (0, "Both databases are at this version.\n")
            assert is_current(own.settings)


def test_measuring_laundering_tells_what_is_found_by_heads_and_by_texts(measure, tmp_path):
    words = [f"word{number}" for number in range(60)]
    mail = {"thread": "t", "subject": "A subject", "first": " ".join(words[:20]), "body": " ".join(words)}
    asked = {"first": [" ".join(words[5:15])], "below": [" ".join(words[40:50])], "own": ["nothing of the kind at all"]}
    corpus = tmp_path / "corpus.json"
    corpus.write_text(json.dumps({"mails": [mail], "asked": asked}))
    told = measure("laundering", "--corpus", str(corpus))
    assert told["texts"] == {"first": 1, "below": 1, "own": 1}
    assert told["heads"] == {"first": 1, "below": 0, "own": 0}
    assert told["bodies"] == {"first": 1, "below": 1, "own": 0}
    assert told["bytes_per_mail"] > 0


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"mails": [{}], "asked": {}}', '{"mails": [], "asked": []}'],
    ids=["empty", "nothing", "no_texts", "a_list"],
)
def test_a_corpus_of_another_form_is_an_error_that_says_so(app, tmp_path, content):
    corpus = tmp_path / "corpus.json"
    corpus.write_text(content)
    done = app.test_cli_runner().invoke(args=["measure", "laundering", "--corpus", str(corpus)])
    assert done.exit_code == 2
    assert "not of the form" in done.output
