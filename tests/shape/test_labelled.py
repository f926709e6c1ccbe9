"""Columns that are clear at rest but Google's: only query modules touch them, and their rows carry the class."""

import ast
import dataclasses
import enum
import importlib
import pkgutil
import types
import typing
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from kernel.database import Base, DataClass
from limited_use.sealing import Labelled, Native, Sealed, System
from migrations import models

ROOT = Path(__file__).parents[2]
PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
SOURCES = sorted(path for package in PRODUCT for path in (ROOT / package).rglob("*.py"))
QUERY_MODULES = ("crm/", "sync/", "limited_use/", "addon/lookup.py", "addon/people.py", "addon/writing.py")
RAW_SQL = {
    "accounts/models.py", "kernel/jobs/runs.py", "sync/models.py", "limited_use/log/models.py",  # indexes, defaults
    "oauth/custody.py", "oauth/purge.py", "web/commands/doctor.py", "web/commands/measure.py", "web/commands/walls.py",
    "web/pages/health.py",
    "limited_use/keys.py", "limited_use/key_uses.py", "limited_use/log/database_store.py", "limited_use/log/record.py",
    "crm/matching/companies.py", "crm/matching/store.py", "sync/apply/counts.py", "sync/apply/meetings.py",
}  # fmt: skip
"""Modules that write SQL as text: reviewed ones, that return nothing from Google but keys, numbers and ciphertext."""
STRUCTURE = {
    ("addon.lookup.Participant", "rank"),
    ("crm.deals.DealRow", "currency"),
    ("addon.written.DealLine", "currency"),
}
"""Fields that decide how a row is laid out, never shown by themselves, and native at that."""


def labelled_columns() -> dict[str, set[str]]:
    """Return the labelled attributes of each mapped class, by the class's name."""
    models.load()
    found: dict[str, set[str]] = {}
    for mapper in Base.registry.mappers:
        names = {
            attribute.key
            for attribute in mapper.column_attrs
            if attribute.columns[0].info.get("data_class") is DataClass.LABELLED
        }
        if names:
            found[mapper.class_.__name__] = names
    return found


LABELLED = labelled_columns()


def test_there_are_labelled_columns_to_look_for() -> None:
    assert "sent_at" in LABELLED["Message"]
    assert len(LABELLED) > 5


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_query_modules_build_expressions_of_labelled_columns(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    touched = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in LABELLED.get(node.value.id, ())
    }
    assert not touched or name.startswith(QUERY_MODULES), (
        f"{name} uses {', '.join(sorted(touched))}: such columns derive from Google, so what is computed of them must "
        "come out labelled. Put the query into a module of crm/ and return a frozen row with Labelled fields"
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_sql_is_written_as_text_only_where_it_was_reviewed(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text())):
        found = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            raw = found & {"text", "literal_column", "TextClause"}
            assert not raw or name in RAW_SQL, (
                f"{name} writes SQL as text, where a column of Google's loses its class: use the mapped columns, "
                "or have it reviewed and add it to RAW_SQL"
            )
        if isinstance(node, ast.Attribute):
            assert node.attr != "exec_driver_sql", f"{name} goes past SQLAlchemy, where columns have classes"


def rows() -> Iterator[Any]:
    """Yield every dataclass of the query modules that holds a guarded value."""
    for package in ("crm", "addon"):
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            for kind in vars(importlib.import_module(module.name)).values():
                if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind.__module__ == module.name:
                    hints = typing.get_type_hints(kind)
                    if not kind.__name__.startswith("_") and any(
                        part in (Sealed, Labelled) for hint in hints.values() for part in parts(hint)
                    ):
                        yield pytest.param(kind, id=f"{module.name}.{kind.__qualname__}")


def parts(hint: Any) -> Iterator[Any]:
    """Yield the types that an annotation allows, what holds them left out."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType, tuple, list, dict, Mapping):
        arguments = typing.get_args(hint)
        for argument in arguments[1:] if origin in (dict, Mapping) else arguments:  # a key is a name of ours
            yield from parts(argument)
    else:
        yield origin or hint


CLASSED = (Sealed, Labelled, Native, System)
LAYOUT = (bool, uuid.UUID, type(None), type(...), Ellipsis)


@pytest.mark.parametrize("row", list(rows()))
def test_what_a_query_module_returns_carries_its_class(row: Any) -> None:
    name = f"{row.__module__}.{row.__qualname__}"
    for field, hint in typing.get_type_hints(row).items():
        for part in parts(hint):
            fine = (
                part in CLASSED
                or part in LAYOUT
                or dataclasses.is_dataclass(part)
                or (isinstance(part, type) and issubclass(part, enum.Enum))
                or (name, field) in STRUCTURE
            )
            assert fine, (
                f"{name}.{field} is a bare {part}: say what it is by Sealed, Labelled, Native or System, "
                "or it could leave without its label"
            )
