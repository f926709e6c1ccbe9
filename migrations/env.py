"""What Alembic runs: connects to the database it was given, and steps it up under a lock."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine, text

from kernel.database import UtcDateTime
from limited_use.columns import SealedType
from migrations import models

LOCK = 0x6D6967726174  # one process steps at a time; nothing else uses this number


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Return our own column types as what they are in the database: a step imports nothing of the product."""
    del autogen
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, SealedType):
        return "sa.LargeBinary()"
    return False


def _is_of_this_step(_item: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Keep a draft to the tables that were named, if any were."""
    only = context.config.attributes.get("only")
    return not only or kind != "table" or name in only


def run() -> None:
    """Step the database to the revision that was asked for."""
    attributes = context.config.attributes
    models.load()
    engine = create_engine(attributes["url"])
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=models.METADATA[attributes["database"]],
                render_item=render_item,
                include_object=_is_of_this_step,
                compare_type=True,
                compare_server_default=True,
                transaction_per_migration=False,
            )
            with context.begin_transaction():
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
                context.run_migrations()
    finally:
        engine.dispose()


run()
