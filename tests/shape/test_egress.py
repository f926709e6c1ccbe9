"""Nothing of the product speaks to the network but through its one client, and no second session is made elsewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shape.test_tree import PACKAGES, ROOT, python_files

PRODUCT = PACKAGES - {"emulator", "demo", "bench", "migrations"}
HOME = "limited_use/egress/"
SPEAKING = frozenset(
    {"requests", "httplib2", "urllib3", "httpx", "aiohttp", "websockets", "websocket", "grpc", "pycurl", "paramiko"}
    | {"socket", "ssl", "socketserver", "asyncio", "select", "selectors", "http.client", "urllib.request", "xmlrpc"}
    | {"ftplib", "smtplib", "poplib", "imaplib", "telnetlib", "nntplib", "google.auth.transport", "requests_oauthlib"}
    | {"subprocess", "multiprocessing", "pty", "ctypes", "cffi"}
)
# Who may, and for what. Add a line only for something that cannot go through `limited_use.egress.client(runtime)`.
ALLOWED = {
    "workspace/transport.py": "google-auth brings a session of its own; the way out is lent to it by `Way.carry`",
    "oauth/custody.py": "as above: trading refresh tokens",
    "limited_use/cloud_kms.py": "as above: this program's own identity at Google Cloud",
    "privacy/post.py": "speaks SMTP on a socket that the client has connected",
    "oauth/flow.py": "names oauthlib's errors; its session is carried",
    "kernel/embedded": "starts PostgreSQL and Redis beside the product, in the program that starts it",
}
MAKING = frozenset({"Session", "PoolManager", "HTTPConnection", "HTTPSConnection", "create_connection", "urlopen"})
CARRIED = {"workspace/transport.py": 1, "oauth/custody.py": 1, "limited_use/cloud_kms.py": 1}
"""How many sessions each file makes; each is handed to `carry` before it is used."""


def product_files() -> list[Path]:
    found = [path for path in python_files() if path.relative_to(ROOT).parts[0] in PRODUCT | {"main.py", "worker.py"}]
    return [path for path in found if not str(path.relative_to(ROOT)).startswith(HOME)]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__"):
            yield from ((node.lineno, one.value) for one in node.args if isinstance(one, ast.Constant))


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def faults(name: str, text: str) -> list[str]:
    """Return what in a file speaks past the client."""
    tree = ast.parse(text)
    speaks = sorted({(line, module) for line, module in imported(tree) if speaking(module)})
    if any(name == allowed or name.startswith(f"{allowed}/") for allowed in ALLOWED):
        speaks = []
    return [f"{name}:{line} imports {module}" for line, module in speaks]


def speaking(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in SPEAKING)


def test_only_the_egress_package_speaks_to_the_network() -> None:
    found = [fault for path in product_files() for fault in faults(str(path.relative_to(ROOT)), path.read_text())]
    assert found == [], (
        "Send it through `limited_use.egress.client(runtime)`: `request` for a destination in "
        "limited_use/egress/registry.toml (add an entry for a new one), `post_user_url` for an address that somebody "
        "typed, `connect` for a socket. Only what can do neither is listed in tests/shape/test_egress.py, with why."
    )


def test_no_session_is_made_elsewhere_and_each_that_a_library_needs_is_carried() -> None:
    made: dict[str, int] = {}
    carried: dict[str, int] = {}
    for path in product_files():
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                module = getattr(node.func.value, "id", "")
                made[name] = made.get(name, 0) + (node.func.attr in MAKING and speaking(module))
                carried[name] = carried.get(name, 0) + (node.func.attr == "carry" and len(node.args) == 1)
    assert {name: count for name, count in made.items() if count} == CARRIED
    assert all(carried[name] >= count for name, count in CARRIED.items())


@pytest.mark.parametrize(
    "text",
    [
        "import requests",
        "import requests as r",
        "from requests import get",
        "import http.client",
        "from http import client",
        "from urllib import request",
        "import urllib.request as u",
        "def f():\n    import socket",
        "import importlib\nimportlib.import_module('httplib2')",
        "__import__('smtplib')",
        "from google.auth.transport.requests import Request",
        "import subprocess",
        "import ctypes.util",
    ],
    ids=range(13),
)
def test_the_check_finds_each_way_to_import(text: str) -> None:
    assert faults("crm/people.py", text)


@pytest.mark.parametrize("text", ["from http import HTTPStatus", "from urllib.parse import urlsplit", "import re"])
def test_the_check_leaves_the_rest_alone(text: str) -> None:
    assert faults("crm/people.py", text) == []


def test_the_list_of_who_may_holds_nobody_who_need_not() -> None:
    for name in ALLOWED:
        files = [ROOT / name] if name.endswith(".py") else list((ROOT / name).glob("*.py"))
        assert any(speaking(module) for path in files for _, module in imported(ast.parse(path.read_text()))), name
