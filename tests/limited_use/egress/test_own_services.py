"""Which services of its own a process may connect to, as its settings name them."""

import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest

from limited_use.egress.tripwire import Own, _connects, _looks_up, _names_itself

POSTGRES = "postgresql+psycopg://"


@pytest.mark.parametrize(
    ("database", "redis", "places", "paths"),
    [
        (f"{POSTGRES}u:p@db.example.com/crm", "redis://c:6379/0", {("db.example.com", 5432), ("c", 6379)}, set()),
        (f"{POSTGRES}u:p@db:5433/crm", "rediss://u:p@c:6380/0", {("db", 5433), ("c", 6380)}, set()),
        (f"{POSTGRES}/crm?host=/run/postgresql", "unix:///run/redis.sock?db=1", set(), {"/run/redis.sock"}),
        (f"{POSTGRES}/crm?host=one:5433&host=two", "redis://c", {("one", 5433), ("two", 5432), ("c", 6379)}, set()),
        (f"{POSTGRES}u@one,two:5433/crm", "redis://c", {("one", 5433), ("two", 5433), ("c", 6379)}, set()),
        (f"{POSTGRES}u@[fd00::5]:5433/crm", "redis://[fd00::6]/0", {("fd00::5", 5433), ("fd00::6", 6379)}, set()),
    ],
    ids=["usual-ports", "own-ports", "unix", "several-hosts", "hosts-in-a-row", "six"],
)
def test_own_services_are_those_of_the_settings(settings, database, redis, places, paths):
    own = Own.of(replace(settings, database_url=database, keys_database_url=database, redis_url=redis))
    assert own.places == places
    assert own.paths == paths


def test_a_service_named_by_its_name_may_be_connected_to_by_its_address_and_no_other(monkeypatch):
    own = Own(frozenset({("localhost", 6379)}), frozenset(), frozenset())
    assert own.may_connect("localhost", 6379)
    assert own.may_connect("127.0.0.1", 6379)
    assert not own.may_connect("127.0.0.1", 6380)
    assert not own.may_connect("10.0.0.1", 6379)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("asked again within the minute"))
    assert own.may_connect("127.0.0.1", 6379)


@pytest.mark.parametrize(
    ("family", "address", "passes"),
    [
        (socket.AF_INET, ("127.0.0.1", 6379), True),
        (socket.AF_INET, ("127.0.0.1", 6380), False),
        (socket.AF_INET, ("10.0.0.1", 6379), False),
        (socket.AF_INET6, ("::1", 6379, 0, 0), False),
        (socket.AF_UNIX, "/run/redis.sock", True),
        (socket.AF_UNIX, b"/run/redis.sock", True),
        (socket.AF_UNIX, "/run/other.sock", False),
        (socket.AF_UNIX, b"/run/\xff.sock", False),
        (socket.AF_UNIX, "\0redis.sock", False),
        (socket.AF_INET, None, True),  # connected already, and judged then
        (40, ("127.0.0.1", 6379), False),  # AF_VSOCK, the way from a virtual machine to its host, and whatever comes
    ],
)
def test_a_socket_of_whatever_family_reaches_own_services_alone(family, address, passes):
    own = Own(frozenset({("127.0.0.1", 6379)}), frozenset({"/run/redis.sock"}), frozenset())
    assert _connects(own, (SimpleNamespace(family=family), address)) is passes


@pytest.mark.parametrize(
    ("host", "port", "passes"),
    [
        ("db.example.com", 5432, True),
        ("db.example.com", "5432", True),
        (b"db.example.com", 5432, True),
        ("db.example.com", None, True),
        ("db.example.com", 6379, False),
        ("canary.example.com", 5432, False),  # a look-up carries what is asked for to whoever answers
        ("canary.example.com", 6379, False),
        (b"\xff.example.com", 5432, False),
        (None, 8080, True),  # to listen everywhere
    ],
)
def test_names_of_own_services_alone_are_looked_up(host, port, passes):
    own = Own(frozenset({("db.example.com", 5432), ("cache", 6379)}), frozenset(), frozenset())
    assert _looks_up(own, (host, port, 0, 0, 0)) is passes


@pytest.mark.parametrize(
    ("asked", "passes"),
    [("here", True), (("here", 80), True), ("canary.example.com", False), (("192.0.2.1", 80), False)],
)
def test_only_its_own_name_is_asked_for_by_the_older_calls(asked, passes):
    assert _names_itself(Own(frozenset(), frozenset(), frozenset({"here"})), (asked,)) is passes
