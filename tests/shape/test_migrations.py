"""The steps of both databases: numbered, in line, and all that the models say."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from alembic import command
from psycopg import sql
from sqlalchemy import make_url

from kernel.settings import Settings
from migrations import DATABASES, config_of, is_current, upgrade
from migrations.__main__ import agrees

ROOT = Path(__file__).parent.parent.parent
VERSIONS = ROOT / "migrations" / "versions"
STEP = """
import json, sys
from alembic import command
from migrations import config_of
for database, url in json.loads(sys.argv[1]):
    command.upgrade(config_of(database, url), "head")
"""


@contextmanager
def empty_database(address: str) -> Iterator[str]:
    url = make_url(address)
    name = f"crm_test_{secrets.token_hex(6)}_steps"
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def empty(settings: Settings) -> Iterator[Settings]:
    with empty_database(settings.database_url) as main, empty_database(settings.keys_database_url) as keys:
        yield replace(settings, database_url=main, keys_database_url=keys)


@pytest.mark.parametrize("database", DATABASES)
def test_steps_are_numbered_and_stand_in_one_line(database: str) -> None:
    files = sorted(path.name for path in (VERSIONS / database).glob("[0-9]*.py"))
    assert files
    before = None
    for number, name in enumerate(files, 1):
        text = (VERSIONS / database / name).read_text()
        assert name.startswith(f"{number:04d}_")
        assert re.search(rf'^revision = "{number:04d}"$', text, re.MULTILINE)
        assert f"down_revision = {before!r}".replace("'", '"') in text
        before = f"{number:04d}"


@pytest.mark.parametrize("database", DATABASES)
def test_a_step_imports_nothing_of_the_product(database: str) -> None:
    for path in (VERSIONS / database).glob("*.py"):
        imported = re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert set(imported) <= {"sqlalchemy", "alembic"}, path.name


def test_several_processes_step_up_at_once_and_end_where_the_models_are(empty: Settings) -> None:
    assert not is_current(empty)
    urls = [("main", empty.database_url), ("keys", empty.keys_database_url)]
    steppers = [subprocess.Popen([sys.executable, "-c", STEP, json.dumps(urls)], cwd=ROOT) for _ in range(2)]
    assert [stepper.wait(60) for stepper in steppers] == [0, 0]
    assert is_current(empty)
    upgrade(empty)
    for database, url in (("main", empty.database_url), ("keys", empty.keys_database_url)):
        assert agrees(database, url), f"{database}: run `python -m migrations` to draft the missing step"


def test_every_step_can_be_taken_back(settings: Settings) -> None:
    for database, address in (("main", settings.database_url), ("keys", settings.keys_database_url)):
        with empty_database(address) as url:
            config = config_of(database, url)
            command.upgrade(config, "head")
            command.downgrade(config, "base")
            plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain) as connection:
                left = connection.execute(
                    "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
                    "WHERE nspname = 'public' AND relkind IN ('r', 'S') AND relname <> 'alembic_version'"
                ).fetchall()
            assert left == []
            command.upgrade(config, "head")


def test_the_configuration_prints_no_address() -> None:
    assert "secret" not in repr(config_of("main", "postgresql://user:secret@host/database"))
