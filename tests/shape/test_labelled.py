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


BELOW = ("kernel/", "accounts/", "workspace/")
"""Layers that can import no model with a labelled column (pyproject.toml): what is called so there is their own."""
MEANT_OTHERWISE = {
    # what the guard decided
    "decision": {"web/commands/policy.py", "web/pages/log.py"},
    # a Panel's, Labelled by addon/people.py
    "last_at": {"addon/cards.py"},
    # the rows that a search found
    "people": {"web/api/people.py"},
    # a Panel's, Labelled; why a grant ended; what an asker said
    "reason": {"addon/cards.py", "oauth/revocation.py", "privacy/requests.py", "privacy/request_lists.py"},
    # a member's
    "role": {"privacy/requests.py", "web/pages/members.py"},
    # the log's
    "size": {"web/commands/log.py"},
    # a grant's, a delivery's, an HTTP answer's
    "status": {
        *("oauth/custody.py", "oauth/revocation.py", "oauth/trips.py", "privacy/request_lists.py"),
        *("web/commands/grants.py", "web/commands/keys.py", "web/pages/connections.py", "web/pages/webhooks.py"),
        *("oauth/certs.py", "oauth/jobs.py", "web/errors.py", "web/render.py"),
    },
    # when a user changed a note or a deal
    "updated_at": {"addon/written.py", "crm/deals.py", "crm/exporting.py", "crm/files.py", "web/api/trees.py"},
}
"""Names that a labelled column has too, where something else of ours is called so."""
TABLES = {"privacy/retention.py", "web/commands/probe.py"}
"""Who asks a table for its id and for what it says of itself, and for no other column."""


def mapped_columns() -> tuple[dict[str, set[str]], set[str]]:
    """Return the labelled attributes of each mapped class that has any, by the class's name; and the other classes."""
    models.load()
    found: dict[str, set[str]] = {}
    for mapper in Base.registry.mappers:
        found[mapper.class_.__name__] = {
            attribute.key
            for attribute in mapper.column_attrs
            if attribute.columns[0].info.get("data_class") is DataClass.LABELLED
        }
    return {name: names for name, names in found.items() if names}, {name for name, names in found.items() if not names}


LABELLED, PLAIN = mapped_columns()
NAMES = set().union(*LABELLED.values())


def labelled_in(tree: ast.AST, where: str) -> set[str]:
    """Return how labelled columns are named in the tree, whatever they hang on: rows, classes, aliases or tables."""
    return {
        ast.unparse(node)
        for node in ast.walk(tree)
        if (name := _name_of(node)) in NAMES and where not in MEANT_OTHERWISE.get(name, ())
    }


def _name_of(node: ast.AST) -> str:
    """Return the name after the dot, or the one in `table.c["name"]` and `getattr(row, "name")`; else nothing."""
    match node:
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=ast.Attribute(attr="c" | "columns"), slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Name(id="getattr" | "attrgetter"), args=[*_, ast.Constant(value=str(name))]):
            return name
    return ""


def ways_past_names(tree: ast.AST, where: str) -> set[str]:
    """Return aliases of classes with labelled columns, and tables behind classes: both hide which column is meant."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="aliased") | ast.Attribute(attr="aliased"), args=[ast.Name(id=name), *_]):
                if name not in PLAIN:
                    found.add(ast.unparse(node))
            case ast.Call(func=ast.Name(id="aliased") | ast.Attribute(attr="aliased")):
                found.add(ast.unparse(node))
            case ast.Attribute(attr="__table__") if where not in TABLES:
                found.add(ast.unparse(node))
    return found


def wrapped_as_ours(tree: ast.AST, where: str) -> set[str]:
    """Return where a labelled column is called a user's or our own."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] in ("Native", "System") and labelled_in(call, where)
    }


def faults_in(text: str, where: str) -> set[str]:
    """Return what a module of this name may not say of labelled columns."""
    tree = ast.parse(text)
    faults = wrapped_as_ours(tree, where)
    if not where.startswith((*QUERY_MODULES, *BELOW)):
        faults |= labelled_in(tree, where) | ways_past_names(tree, where)
    return faults


def test_there_are_labelled_columns_to_look_for() -> None:
    assert "sent_at" in LABELLED["Message"]
    assert len(LABELLED) > 5
    assert "Grant" in PLAIN
    homes = [mapper.class_.__module__ for mapper in Base.registry.mappers if mapper.class_.__name__ in LABELLED]
    assert not [home for home in homes if home.replace(".", "/").startswith(BELOW)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_only_query_modules_build_expressions_of_labelled_columns(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    faults = faults_in(path.read_text(), name)
    assert not faults, (
        f"{name} uses {', '.join(sorted(faults))}: such columns derive from Google, so what is computed of them must "
        "come out labelled. Put the query into a module of crm/ and return a frozen row with Labelled fields, never "
        "Native or System. Where the name means something else of ours, say so in MEANT_OTHERWISE"
    )


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("Native(session.get(Message, id).sent_at)", "web/pages/x.py"),
        ("Native(session.scalar(select(func.max(aliased(Message).sent_at))))", "web/pages/x.py"),
        ("Native(session.scalar(select(func.min(Message.__table__.c.sent_at))))", "web/pages/x.py"),
        ("first = select(Message.sent_at)", "privacy/x.py"),
        ("mail = aliased(Message)", "addon/x.py"),
        ("mail = orm.aliased(Message, name='m')", "addon/x.py"),
        ("mail = aliased(found)", "addon/x.py"),
        ("table = Message.__table__", "web/x.py"),
        ("select(table.c['sent_at'])", "web/x.py"),
        ("getattr(row, 'sent_at')", "web/x.py"),
        ("row.status", "web/x.py"),
        ("Native(row.sent_at)", "crm/x.py"),
        ("System(value=func.max(Message.sent_at))", "crm/x.py"),
        ("sealing.System(row.last_at or None)", "sync/x.py"),
    ],
)
def test_a_labelled_column_is_found_whatever_it_hangs_on(written: str, where: str) -> None:
    assert faults_in(written, where)


@pytest.mark.parametrize(
    ("written", "where"),
    [
        ("Labelled(row.sent_at, labels)", "crm/x.py"),
        ("mail = aliased(Message)", "crm/x.py"),
        ("boss = aliased(Member)", "web/x.py"),
        ("grant.status", "web/pages/connections.py"),
        ("Native(note.updated_at)", "crm/files.py"),
        ("entry['reason']", "web/x.py"),
    ],
)
def test_what_is_ours_or_stays_labelled_is_let_through(written: str, where: str) -> None:
    assert not faults_in(written, where)


@pytest.mark.parametrize("name", MEANT_OTHERWISE)
def test_a_name_that_means_something_else_is_still_used_so(name: str) -> None:
    assert name in NAMES
    for where in MEANT_OTHERWISE[name]:
        assert any(_name_of(node) == name for node in ast.walk(ast.parse((ROOT / where).read_text()))), where


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
