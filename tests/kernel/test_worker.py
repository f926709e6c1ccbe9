"""The worker as a process: quick, gracefully stopped, and its runs taken up when it is killed."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from sqlalchemy import select

import run as run_program
from kernel import jobs
from kernel.embedded import binaries, place
from kernel.ids import new_id
from kernel.runtime import Runtime

PROGRAM = Path(__file__).with_name("worker_program.py")
ROOT = PROGRAM.parent.parent.parent
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start_worker(runtime: Runtime) -> Iterator[Start]:
    """Starts workers on the runtime's data; those still alive at the end are killed."""
    started: list[subprocess.Popen[bytes]] = []
    settings = runtime.settings

    def start(**more: str) -> "subprocess.Popen[bytes]":
        environment = {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": settings.database_url,
            "KEYS_DATABASE_URL": settings.keys_database_url,
            "REDIS_URL": settings.redis_url,
            "PUBLIC_URL": settings.public_url,
            "SECRET_KEY": settings.secret_key,
            "KEYRING_PATH": str(settings.keyring_path),
            "LOG_KEY_PATH": str(settings.log_key_path),
            "GOOGLE_ROOT": "http://127.0.0.1:9",
            "GOOGLE_CLIENT_ID": settings.google_client_id,
            "GOOGLE_CLIENT_SECRET": settings.google_client_secret,
            **more,
        }
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(PROGRAM)], env=environment, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


def plan(runtime: Runtime, kind: str) -> jobs.Run:
    with runtime.begin() as work:
        return work.later(kind, new_id())


def state(runtime: Runtime, run: jobs.Run) -> str:
    with runtime.sessions() as session:
        return session.scalars(select(jobs.Run.state).where(jobs.Run.id == run.id)).one()


def until(is_so: Callable[[], object], seconds: float) -> float:
    """Return how long it took until it was so."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_run_planned_while_the_worker_waits_is_done_at_once(runtime: Runtime, start_worker: Start) -> None:
    start_worker()
    first = plan(runtime, "t.quick")
    until(lambda: state(runtime, first) == "done", 15)
    second = plan(runtime, "t.quick")
    assert until(lambda: state(runtime, second) == "done", 5) < 1


def test_a_killed_workers_run_is_taken_up_within_fifteen_seconds(runtime: Runtime, start_worker: Start) -> None:
    doomed = start_worker()
    run = plan(runtime, "t.long")
    until(lambda: runtime.redis.llen("long") == 1, 15)
    start_worker()
    doomed.kill()
    until(lambda: state(runtime, run) == "done", 15)
    assert runtime.redis.lrange("long", 0, -1) == [b"1", b"2"]


def test_a_worker_that_is_told_to_stop_finishes_its_page_and_keeps_the_run(
    runtime: Runtime, start_worker: Start
) -> None:
    worker = start_worker()
    run = plan(runtime, "t.long")
    until(lambda: runtime.redis.llen("long") == 1, 15)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(10) == 0
    assert state(runtime, run) == "due"


def test_an_idle_worker_stops_when_it_is_told_to(runtime: Runtime, start_worker: Start) -> None:
    worker = start_worker()
    run = plan(runtime, "t.quick")
    until(lambda: state(runtime, run) == "done", 15)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(10) == 0
    assert worker.stderr is not None
    assert worker.stderr.read() == b""


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None], Callable[[], None]]]:
    """A Redis of this test's own: its address, and how to start and to kill it."""
    program, _ = binaries._redis(place.Home(tmp_path, None))
    path = tmp_path / "r.sock"
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", tmp_path]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        until(path.exists, 10)

    def kill() -> None:
        running[-1].kill()
        running[-1].wait()
        path.unlink(missing_ok=True)

    start()
    yield f"unix://{path}?db=0", start, kill
    kill()


def test_an_outage_of_redis_delays_runs_and_loses_none(
    runtime: Runtime, start_worker: Start, own_redis: tuple[str, Callable[[], None], Callable[[], None]]
) -> None:
    address, revive, kill = own_redis
    worker = start_worker(REDIS_URL=address)
    first = plan(runtime, "t.quick")  # woken on another Redis, so that only the sweep finds it
    until(lambda: state(runtime, first) == "done", 40)
    kill()
    second = plan(runtime, "t.quick")
    time.sleep(3)
    revive()
    until(lambda: state(runtime, second) == "done", 40)
    kill()
    time.sleep(1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(40) == 0


def test_the_worker_answers_the_platforms_health_check(start_worker: Start) -> None:
    port = run_program.free_port(0, "PORT")
    start_worker(PORT=str(port))

    def is_well() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ah/start", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, ConnectionError):
            return False

    until(is_well, 15)


def test_an_idle_worker_needs_little_memory(runtime: Runtime, start_worker: Start) -> None:
    worker = start_worker()
    run = plan(runtime, "t.quick")
    until(lambda: state(runtime, run) == "done", 15)
    status = Path(f"/proc/{worker.pid}/status")
    if not status.exists():
        pytest.skip("this system has no /proc")
    resident_kb = int(status.read_text().split("VmRSS:")[1].split()[0])
    assert resident_kb < 200_000
