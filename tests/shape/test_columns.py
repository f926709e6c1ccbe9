"""Every mapped column declares its data class and its meaning, and every Google-derived row its grant."""

import importlib
import pkgutil

import pytest
from sqlalchemy import LargeBinary
from sqlalchemy.orm import configure_mappers

from kernel.database import Aspect, Base, DataClass, KeysBase
from limited_use.columns import SealedType

PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")


def load_everything() -> None:
    for name in PRODUCT:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    configure_mappers()


load_everything()
COLUMNS = [
    pytest.param(table, column, id=f"{table.name}.{column.name}")
    for base in (Base, KeysBase)
    for table in base.metadata.sorted_tables
    for column in table.columns
]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_declares_its_class_and_its_meaning(table, column) -> None:
    data_class = column.info.get("data_class")
    assert isinstance(data_class, DataClass), (
        f"{table.name}.{column.name} has no data class: declare it with kernel.database.system, native or labelled, "
        "or with limited_use.columns.sealed"
    )
    assert column.doc, f"{table.name}.{column.name} has no doc line: say its meaning and unit"
    assert isinstance(column.type, SealedType) == (data_class is DataClass.SEALED)


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_labelled_column_stands_in_a_table_that_carries_a_grant(table, column) -> None:
    if column.info["data_class"] is DataClass.LABELLED:
        assert "grant_id" in table.columns, f"{table.name}.{column.name} is Google-derived: the row needs its grant"


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_a_column_with_what_is_googles_declares_its_aspect(table, column) -> None:
    data_class = column.info["data_class"]
    is_googles = data_class is DataClass.LABELLED or (data_class is DataClass.SEALED and "grant_id" in table.columns)
    if is_googles:
        assert isinstance(column.info.get("aspect"), Aspect), (
            f"{table.name}.{column.name} is from Google and says not what of a conversation it tells: declare it with "
            "aspect=Aspect.PEOPLE, TIMES, SUBJECTS or CONTENT (kernel.database), by which its owner shares it, or "
            "Aspect.NONE, if nobody else may ever see it"
        )


def test_a_table_with_sealed_columns_can_place_them() -> None:
    for table in Base.metadata.sorted_tables:
        if any(isinstance(column.type, SealedType) for column in table.columns):
            assert {"id", "organisation_id"} <= set(table.columns.keys()), (
                f"{table.name} has sealed columns: they are bound to id and organisation_id, so it needs both"
            )


def test_a_binary_column_that_is_not_sealed_is_short() -> None:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if type(column.type) is LargeBinary and column.info["data_class"] is DataClass.LABELLED:
                assert column.type.length == 16, f"{table.name}.{column.name}: a blind index has 16 bytes"
