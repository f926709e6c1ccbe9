"""The tenant that tests of the guard use."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import jinja2
import pytest

from kernel.runtime import Runtime
from limited_use.sinks import browser

_PATH = Path(__file__).with_name("tenant.py")
_spec = importlib.util.spec_from_file_location("limited_use_tenant", _PATH)
assert _spec is not None
assert _spec.loader is not None
tenants: Any = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = tenants
_spec.loader.exec_module(tenants)


@pytest.fixture
def tenant(runtime: Runtime) -> Any:
    """An organisation with an owner of a grant and a teammate."""
    return tenants.make_tenant(runtime)


@pytest.fixture
def another_tenant(runtime: Runtime) -> Any:
    """A second organisation on the same databases."""
    return tenants.make_tenant(runtime)


@pytest.fixture
def make_tenant() -> Any:
    """The maker of further ones."""
    return tenants.make_tenant


@pytest.fixture
def environment() -> jinja2.Environment:
    """A Jinja environment as the web has it."""
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    browser.prepare(made)
    return made
