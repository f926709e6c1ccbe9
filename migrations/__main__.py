"""Drafts the next step of each database from what the models say: `python -m migrations "what it does" [table …]`.

It steps a throw-away database up to the present, compares, and writes a numbered file where something differs. Tables
that are named after the sentence keep the step to themselves: a step too long to read is better several.
"""

import sys
from collections.abc import Collection
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from kernel import embedded
from migrations import config_of, models

NOISE = "# ### "  # the lines by which Alembic says that it wrote this


def draft(database: str, url: str, what: str, only: Collection[str] = ()) -> str | None:
    """Return the name of the new step's file, None where the models and the steps agree."""
    config = config_of(database, url)
    command.upgrade(config, "head")
    if agrees(database, url):
        return None
    head = ScriptDirectory.from_config(config).get_current_head()
    config.attributes["only"] = frozenset(only)
    made = command.revision(config, what, autogenerate=True, rev_id=f"{int(head or 0) + 1:04d}")
    path = Path(str(getattr(made, "path", "")))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if NOISE not in line), encoding="utf-8")
    return path.name


def agrees(database: str, url: str) -> bool:
    """Say whether the stepped-up database is what the models say."""
    models.load()
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            options = {"compare_type": True, "compare_server_default": True}
            found = MigrationContext.configure(connection, opts=options)
            return not compare_metadata(found, models.METADATA[database])
    finally:
        engine.dispose()


def main() -> None:
    """Draft both."""
    what, only = (sys.argv[1], sys.argv[2:]) if sys.argv[1:] else ("step", [])
    with embedded.throwaway() as servers:
        for database, url in (("main", servers.database_url), ("keys", servers.keys_database_url)):
            print(f"{database}: {draft(database, url, what, only) or 'nothing to do'}")  # noqa: T201 -- a command's answer


if __name__ == "__main__":
    main()
