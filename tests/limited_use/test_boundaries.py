"""Who may open: in the source, the doors of the guard are used by the modules that are meant to, and no others."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("kernel", "accounts", "limited_use", "workspace", "oauth", "crm", "sync", "privacy", "addon", "web")
SOURCES = sorted(path for package in PRODUCT for path in (ROOT / package).rglob("*.py"))

PROBE = "web/commands/probe.py"
"""The operators' probe: it tries to read saved copies, past the guard too, and tells only how many opened."""


def users_of(*names):
    """Return the modules that use an attribute or name of these."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            used = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if used in names:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def importers_of(module):
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                named = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            if module in named:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def callers_of(method, on):
    """Return the modules that call the method on something whose name has `on` in it."""
    found = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == method and on in ast.unparse(called.value):
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_only_the_guard_takes_unwrapped_keys():
    assert callers_of("opening", "vault") - {PROBE} == {"limited_use/release.py", "limited_use/derive.py"}
    assert callers_of("opening", "keys") == set()
    rotating = {"limited_use/key_versions.py", "limited_use/resealing.py"}
    assert callers_of("opening", "store") == {"limited_use/keys.py", *rotating}
    assert all(path.startswith("limited_use/") for path in importers_of("limited_use.key_cache"))


def test_only_sinks_are_given_opened_values():
    callers = callers_of("release", "guard")
    assert {path for path in callers if not path.startswith("limited_use/sinks/")} <= {PROBE}
    assert len(callers) > 4


@pytest.mark.parametrize("name", ["_wire", "_value", "_labels"])
def test_nobody_outside_the_guard_reaches_into_a_guarded_value(name):
    assert {path for path in users_of(name) if not path.startswith("limited_use/")} <= {PROBE}


def test_only_custody_sync_and_endings_open_for_google():
    allowed = {"oauth/custody.py", "oauth/revocation.py"}
    assert all(path in allowed or path.startswith("sync/") for path in importers_of("limited_use.sinks.google"))


def test_ciphers_are_used_by_the_guard_alone_and_for_paging_cursors():
    outside = importers_of("cryptography.hazmat.primitives.ciphers.aead")
    assert {path for path in outside if not path.startswith("limited_use/")} <= {"crm/paging.py"}


def test_only_aggregating_makes_figures_over_many():
    words = {"limited_use/labels.py", "limited_use/policy.py", "limited_use/why.py"}  # that name it, and make nothing
    assert users_of("AGGREGATE") - words == {"limited_use/aggregate.py"}
    makers = users_of("Population")
    assert makers <= {"limited_use/aggregate.py", "crm/team.py"}
