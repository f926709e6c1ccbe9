"""The processing register (GDPR Art. 30), generated from the code: which table holds which class of data, who gets any.

It cannot drift from the schema, for it is read from the mapped columns themselves; nor from what is sent, for who is
not among its recipients cannot be reached.
"""

from dataclasses import dataclass

from sqlalchemy import Table

from kernel.database import Base, DataClass
from kernel.settings import Settings
from limited_use.egress.registry import Destination, is_used, shipped_registry


@dataclass(frozen=True, slots=True)
class Holding:
    """One table: how many columns of each class, and whether its rows end with a grant."""

    table: str
    sealed: tuple[str, ...]
    labelled: tuple[str, ...]
    native: tuple[str, ...]
    ends_with_grant: bool


def _columns(table: Table, data_class: DataClass) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns if column.info.get("data_class") is data_class)


def holdings() -> list[Holding]:
    """Return every table that holds more than our own bookkeeping, by name."""
    found = [
        Holding(
            table=table.name,
            sealed=_columns(table, DataClass.SEALED),
            labelled=_columns(table, DataClass.LABELLED),
            native=_columns(table, DataClass.NATIVE),
            ends_with_grant="grant_id" in table.columns and "outlives_grant" not in table.info,
        )
        for table in Base.metadata.sorted_tables
    ]
    return sorted((row for row in found if row.sealed or row.labelled or row.native), key=lambda row: row.table)


def recipients(settings: Settings) -> list[Destination]:
    """Return everybody outside whom this installation may send anything to, in the registry's order."""
    return [entry for entry in shipped_registry() if is_used(entry, settings)]
