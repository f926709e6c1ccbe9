"""The tables of both databases, step by step: Alembic, numbered, one folder of steps a database.

`upgrade` brings both databases to this version and is safe to repeat and to run from several processes at once (an
advisory lock lets one at it). Steps are numbered 0001, 0002 …; `python -m migrations` drafts the next one from what the
models say. A step imports nothing of the product: it must do tomorrow what it does today.
"""

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from kernel.settings import Settings

FOLDER: Final = Path(__file__).parent
DATABASES: Final = ("main", "keys")

_one_at_a_time = threading.Lock()


def config_of(database: str, url: str) -> Config:
    """Return Alembic's configuration for one of the databases."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(FOLDER / "versions" / database))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(database=database, url=url)
    return config


def upgrade(settings: Settings) -> None:
    """Leave both databases with every table of this version."""
    with _one_at_a_time:  # Alembic keeps what it works on in its modules
        for database, url in _urls(settings):
            command.upgrade(config_of(database, url), "head")


def is_current(settings: Settings) -> bool:
    """Say whether both databases are at this version."""
    return all(_revision(url) == _head(database, url) for database, url in _urls(settings))


def _urls(settings: Settings) -> tuple[tuple[str, str], ...]:
    return (("main", settings.database_url), ("keys", settings.keys_database_url))


def _head(database: str, url: str) -> str | None:
    return ScriptDirectory.from_config(config_of(database, url)).get_current_head()


def _revision(url: str) -> str | None:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
