"""The tripwire, in processes of its own: an audit hook cannot be taken out again."""

import json
import os
import select
import socket
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select as choose

from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from limited_use.log.words import Decision, Kind

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("tripwire_program.py")
ALLOWED = {"registered_through_the_client", "own_database", "own_queue", "own_pair", "own_name"}
OTHERWISE = {"other_interpreter": "RuntimeError"}  # Python's own, for what the hook said
REFUSED_BEFORE = {"unregistered_through_the_client": "egress_refused", "private_user_url": "url_private"}


def environment(settings, google):
    """The settings again, as variables."""
    return {
        "PATH": os.environ["PATH"],  # noqa: TID251 -- handed on
        "PYTHONPATH": str(ROOT),
        "CRM_ENVIRONMENT": "embedded",
        "CRM_DATA_FOLDER": str(settings.data_folder),
        "DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "KEYS_DATABASE_URL": settings.keys_database_url.replace("+psycopg", ""),
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "SECRET_KEY": settings.secret_key,
        "KEYRING_PATH": str(settings.keyring_path),
        "LOG_KEY_PATH": str(settings.log_key_path),
        "GOOGLE_ROOT": google,
        "GOOGLE_CLIENT_ID": settings.google_client_id,
        "GOOGLE_CLIENT_SECRET": settings.google_client_secret,
    }


@pytest.fixture
def attempts(runtime, serve, tmp_path):
    """A run of the program: what each attempt ended with, what arrived, and what the process wrote about itself."""
    google = serve()
    with ExitStack() as stack:
        stream = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = stream.getsockname()[1]
        packets = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        packets.bind(("127.0.0.1", port))
        path = stack.enter_context(socket.socket(socket.AF_UNIX))
        path.bind(str(tmp_path / "other"))
        path.listen()

        def run(*more):
            done = subprocess.run(
                [sys.executable, str(PROGRAM), str(port), str(tmp_path / "other"), *more],
                env=environment(runtime.settings, google.url), cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            said = json.loads(done.stdout)
            assert said["written"]
            arrived, _, _ = select.select([stream, packets, path], [], [], 0)
            return said["answers"], len(arrived), done.stderr

        yield run


def test_without_the_tripwire_the_same_attempts_arrive(attempts):
    names = ("plain_socket", "datagram", "unix_socket", "subprocess_run", "native_library")
    answers, arrived, told = attempts("bare", *names)
    assert answers == dict.fromkeys(names, "passed")
    assert arrived == 3
    assert "stopped past" not in told


def test_every_way_past_the_client_is_stopped_told_and_in_the_log(attempts, runtime):
    answers, arrived, told = attempts()
    expected = {
        name: "passed" if name in ALLOWED else {**REFUSED_BEFORE, **OTHERWISE}.get(name, "egress_bypassed")
        for name in answers
    }
    assert answers == expected
    assert len(answers) > 30
    assert arrived == 0  # nothing reached the places that it tried to reach
    stopped = [json.loads(line) for line in told.splitlines() if "stopped past" in line]
    assert len(stopped) >= len(answers) - len(ALLOWED) - len(REFUSED_BEFORE)
    assert all("tripwire_program.py" in json.dumps(line["places"]) for line in stopped)
    assert "canary" not in told
    with runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(choose(LogLeaf.body))]
    reported = Counter()
    for leaf in leaves:
        assert (leaf.kind, leaf.decision, leaf.reason) == (Kind.SECURITY_EVENT, Decision.REFUSE, "egress_bypassed")
        reported[leaf.destination] += leaf.records
    # The forked child has no thread to write with: it tells the diagnostics alone.
    assert sum(reported.values()) == len(stopped) - 1
    assert reported["socket.connect"] >= 5
    assert {"socket.getaddrinfo", "socket.sendto", "subprocess.popen", "ctypes.dlopen"} <= set(reported)
