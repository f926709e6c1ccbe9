"""The kernel's own wall, where the kernel has one; in processes of its own, for it cannot be taken down again."""

import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kernel.settings import GoogleEndpoints
from limited_use.egress import landlock
from tests.limited_use.egress.test_tripwire import ROOT, environment

PROGRAM = Path(__file__).with_name("landlock_program.py")
MISSING = landlock.abi() < landlock.NEEDED_ABI


@pytest.fixture
def told(settings, serve):
    def run(*more):
        google, other = serve(), serve()
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(google.server_port), str(other.server_port), *more],
            env=environment(settings, google.url), cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), google.server_port

    return run


@pytest.mark.skipif(MISSING, reason="this kernel has no Landlock for the network (Linux 6.7)")
def test_a_confined_process_reaches_no_other_port_by_any_code_thread_or_child(told):
    said, google = told()
    assert said["why_not"] == ""
    assert google in said["ports"]
    assert said["allowed"] == "connected"
    assert said["other"] == {
        "ended": "PermissionError", "by_library": "denied", "in_thread": "PermissionError",
        "in_child": "PermissionError",
    }  # fmt: skip


def test_switched_off_it_confines_nothing_and_says_why(told):
    said, _ = told("off")
    assert said["ports"] == []
    assert said["why_not"]
    assert said["other"]["ended"] == "connected"
    assert said["other"]["by_library"] == "reached"


def test_the_ports_are_those_of_the_settings(settings):
    own = replace(
        settings,
        google=GoogleEndpoints(),
        database_url="postgresql+psycopg://u:p@db.example.com:5433/crm",
        keys_database_url="postgresql+psycopg://u:p@keys.example.com/keys",
        redis_url="rediss://cache.example.com:6380/0",
        smtp_url="",
        kms_key="",
    )
    assert landlock.ports_of(own) == (53, 443, 5432, 5433, 6380, 8443)
    behind = replace(own, egress_proxy="http://proxy.example.com:3128")
    assert landlock.ports_of(behind) == (3128, 5432, 5433, 6380)
    assert landlock.ports_of(replace(own, egress_proxy="unix:///run/egress.sock")) == (5432, 5433, 6380)
    assert 80 in landlock.ports_of(replace(behind, kms_key="projects/p"))  # the platform's metadata, past the proxy
    assert 587 in landlock.ports_of(replace(own, smtp_url="smtp://mail.example.com:587"))


def test_webhooks_to_this_machine_leave_it_off(settings):
    state = landlock._confine(replace(settings, egress_loopback=True))
    assert (state.ports, bool(state.why_not)) == ((), True)
    with socket.create_server(("127.0.0.1", 0)) as here:
        socket.create_connection(here.getsockname(), timeout=5).close()
