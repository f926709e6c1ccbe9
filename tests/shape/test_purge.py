"""No table that could hold something of a grant escapes the purge at its end."""

from typing import Any

import pytest
from sqlalchemy import UniqueConstraint, inspect, text

from kernel.database import Base
from kernel.runtime import Runtime
from migrations import models
from oauth import purge

models.load()
TABLES = [pytest.param(table, id=table.name) for table in Base.metadata.sorted_tables]
PURGED = [pytest.param(table, id=table.name) for table in purge.tables()]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_with_a_grant_is_purged_or_says_why_not(table: Any) -> None:
    if purge.OUTLIVES in table.info:
        assert len(table.info[purge.OUTLIVES]) > 20, f"{table.name} outlives its grant: say in a sentence why it may"
    elif purge.COLUMN in table.c:
        assert table in purge.tables()


def test_the_tables_that_must_be_purged_are_and_those_that_prove_it_are_not() -> None:
    assert {table.name for table in purge.tables()} >= {"oauth_tokens", "collections", "messages"}
    kept = {table.name for table in Base.metadata.sorted_tables if purge.OUTLIVES in table.info}
    assert kept >= {"consents", "revocations", "receipts", "destroyed_keys"}


@pytest.mark.parametrize("table", PURGED)
def test_what_is_purged_is_found_by_an_index(table: Any) -> None:
    leading = {next(iter(index.columns)).name for index in table.indexes}
    leading |= {next(iter(key.columns)).name for key in table.constraints if isinstance(key, UniqueConstraint)}
    assert purge.COLUMN in leading, (
        f"{table.name} is purged by its grant_id, which no index begins with: add index=True to it, "
        "or a disconnect takes hours"
    )


def test_whatever_refers_to_a_purged_table_goes_or_lets_go_by_itself(runtime: Runtime) -> None:
    purged = {table.name for table in purge.tables()}
    with runtime.sessions() as session:
        found = inspect(session.connection())
        for table in Base.metadata.sorted_tables:
            for key in found.get_foreign_keys(table.name) if table.name not in purged else []:
                if key["referred_table"] in purged:
                    assert key["options"].get("ondelete") in {"CASCADE", "SET NULL"}, (
                        f"{table.name} would keep {key['referred_table']} from being purged: "
                        "say ondelete CASCADE or SET NULL"
                    )


def test_the_database_has_no_table_that_nobody_maps(runtime: Runtime) -> None:
    with runtime.sessions() as session:
        names = set(session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    assert names - {"alembic_version"} == set(Base.metadata.tables)
