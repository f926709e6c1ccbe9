"""What `doctor` says of the walls, each as it really is: files, routes, TLS, the tripwire, a place outside."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from kernel.runtime import Runtime
from limited_use.keys import vault
from limited_use.log.integrator import log_signer
from limited_use.log.models import LogLeaf
from tests.limited_use.egress.test_tripwire import environment
from web.commands import walls as module
from web.commands.walls import State, walls

ROOT = Path(__file__).parents[2]


def found(runtime: Runtime, probe: str = "", **changed: object) -> dict[str, tuple[State, str]]:
    vault(runtime)
    log_signer(runtime)  # both key files are there
    there = replace(runtime, settings=replace(runtime.settings, **changed))
    return {wall.name: (wall.state, wall.said) for wall in walls(there, probe)}


def test_every_wall_says_something_of_itself(runtime: Runtime) -> None:
    told = found(runtime)
    assert len(told) == 10
    assert all(said.endswith(".") for _, said in told.values())
    assert told["tripwire"][0] is State.MISSING  # this is pytest's process
    assert told["registry of destinations"][0] is State.STANDS
    assert told["way to the database"][0] is State.NOT_HERE
    assert told["writing to the log"][0] is State.STANDS
    with runtime.sessions() as session:
        assert session.query(LogLeaf).count() == 0  # the trial left nothing


def test_a_key_file_that_others_can_read_is_told_by_name(runtime: Runtime) -> None:
    assert found(runtime)["key files"][0] is State.STANDS
    path = runtime.settings.log_key_path
    path.chmod(0o644)
    try:
        state, said = found(runtime)["key files"]
    finally:
        path.chmod(0o600)
    assert state is State.MISSING
    assert path.name in said


def test_what_travels_in_the_clear_is_told(runtime: Runtime) -> None:
    told = found(runtime, redis_url="redis://cache.example.com:6379/0", public_url="https://crm.example.com")
    assert told["way to the queue"][0] is State.MISSING
    assert told["way in"][0] is State.STANDS
    assert found(runtime, redis_url="rediss://cache.example.com/0")["way to the queue"][0] is State.STANDS
    # The same server, asked as if it were far away: the connection itself says that it is not ciphered.
    far = runtime.settings.database_url.split("?")[0].replace("@", "@db.example.com") + "?host=db.example.com"
    assert found(runtime, database_url=far)["way to the database"][0] is State.MISSING


def test_a_place_outside_that_is_reached_means_that_no_wall_stands_there(runtime: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        place = f"127.0.0.1:{outside.getsockname()[1]}"
        assert found(runtime, place)["outer wall"][0] is State.MISSING
    assert found(runtime, place)["outer wall"][0] is State.STANDS


@pytest.mark.parametrize(
    ("table", "environment", "state"),
    [
        (("eth0 00000000 0100000A 0003 0 0 100 00000000 0 0 0", ""), "own", State.MISSING),
        (("eth0 00000000 0100000A 0003 0 0 100 00000000 0 0 0", ""), "embedded", State.NOT_HERE),
        (("eth0 0000000A 00000000 0001 0 0 100 000000FF 0 0 0", ""), "own", State.STANDS),
        (("", "0" * 32 + " 00 " + "0" * 32 + " 00 fe80 00000064 0 0 3 eth0"), "own", State.MISSING),
        (("", "0" * 32 + " 00 " + "0" * 32 + " 00 :: ffffffff 1 0 200200 lo"), "own", State.STANDS),
        (("broken", ""), "own", State.NOT_HERE),
    ],
    ids=["default", "default-embedded", "near-only", "default-six", "unreachable-six", "unreadable"],
)
def test_a_route_to_everywhere_is_no_wall(
    runtime: Runtime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: tuple[str, str],
    environment: str,
    state: State,
) -> None:
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    (tmp_path / "four").write_text(head + table[0])
    (tmp_path / "six").write_text(table[1])
    monkeypatch.setattr(module, "_ROUTES", (tmp_path / "four", tmp_path / "six"))
    assert found(runtime, environment=environment)["outer wall"][0] is state


def test_the_command_says_parts_and_walls_and_its_exit_code_tells_them_apart(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["doctor"])
    assert "missing  tripwire" in done.output
    assert done.exit_code == (1 if "FAILS" in done.output else 2)
    assert app.test_cli_runner().invoke(args=["doctor", "--probe", "nowhere"]).exit_code == 2
    assert "host and a port" in app.test_cli_runner().invoke(args=["doctor", "--probe", "nowhere"]).output


def test_an_operator_s_command_runs_behind_the_tripwire_and_the_kernel_s_wall(runtime: Runtime) -> None:
    found(runtime)
    with socket.create_server(("127.0.0.1", 0)) as outside:
        place = f"127.0.0.1:{outside.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "main", "doctor", "--probe", place],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**environment(runtime.settings, "http://127.0.0.1:9"), "PATH": os.environ["PATH"]},  # noqa: TID251 -- handed on
        )  # fmt: skip
    assert "stands   tripwire" in done.stdout, done.stderr
    assert "stands   writing to the log" in done.stdout
    if "stands   kernel's wall" in done.stdout:
        assert "stands   outer wall" in done.stdout  # the kernel does not let that port be reached
