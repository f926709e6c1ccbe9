"""`make run` as a process: answers, heals, says what is wrong, and leaves nothing behind however it ends."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
AROUND = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251 -- passed on

pytestmark = pytest.mark.slow


class Product:
    """One running `run.py`."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.ready = folder / "ready.json"
        arguments = ["--throwaway", "--port", "0", "--ready", str(self.ready), *more]
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=ROOT,
            env=AROUND,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        until(lambda: self.ready.exists() or self.process.poll() is not None, 90)
        assert self.process.poll() is None, self.process.communicate()[0]
        self.told: dict[str, Any] = json.loads(self.ready.read_text())

    def programs(self, name: str) -> list[int]:
        """Return the processes of ours whose command holds that name."""
        return [pid for pid in descendants(self.process.pid) if name in command(pid)]

    def status(self) -> int:
        """Return what the product's health check answers, 0 for silence."""
        connection = http.client.HTTPConnection(self.told["url"].removeprefix("http://"), timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def end(self) -> None:
        """Make sure that it is over."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Product]]:
    products: list[Product] = []

    def start_one(*more: str) -> Product:
        products.append(Product(tmp_path, *more))
        return products[-1]

    yield start_one
    for product in products:
        product.end()


def until(is_so: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def parents() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def descendants(pid: int) -> set[int]:
    """Return every process that came from this one, as far as their parents live."""
    of = parents()
    found: set[int] = set()
    grown = {pid}
    while grown:
        found |= grown
        grown = {child for child, parent in of.items() if parent in found} - found
    return found - {pid}


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_a_killed_program_is_started_again_and_ctrl_c_ends_everything(start: Callable[..., Product]) -> None:
    product = start()
    assert product.status() == 200
    until(lambda: product.programs("worker.py"), 20)
    (worker,) = product.programs("worker.py")
    os.kill(worker, signal.SIGKILL)
    until(lambda: product.programs("worker.py") and worker not in product.programs("worker.py"), 20)
    for web in product.programs("gunicorn"):
        os.kill(web, signal.SIGKILL)
    until(lambda: product.status() == 200, 30)
    everything = descendants(product.process.pid)
    assert len(everything) >= 8
    product.process.send_signal(signal.SIGINT)
    assert product.process.wait(60) == 0
    until(lambda: not any(map(is_alive, everything)), 5)
    assert not Path(product.told["data"]).exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_after_a_sigkill_no_process_and_no_throwaway_data_are_left(start: Callable[..., Product]) -> None:
    product = start()
    everything = descendants(product.process.pid)
    product.process.kill()
    product.process.wait()
    until(lambda: not any(map(is_alive, everything)), 60)
    until(lambda: not Path(product.told["data"]).exists(), 5)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
def test_a_throwaway_product_ends_with_whoever_started_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    line = f"{sys.executable} run.py --throwaway --port 0 --ready {ready} & wait"
    starter = subprocess.Popen(["/bin/sh", "-c", line], cwd=ROOT, env=AROUND, stdout=subprocess.DEVNULL)
    until(ready.exists, 90)
    everything = descendants(starter.pid)
    assert len(everything) >= 8
    starter.kill()
    starter.wait()
    until(lambda: not any(map(is_alive, everything)), 60)


def refused(*arguments: str) -> str:
    """Return what `run.py` says when it cannot run."""
    done = subprocess.run(
        [sys.executable, "run.py", "--throwaway", *arguments],
        cwd=ROOT,
        env=AROUND,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_in_use_is_told_with_another_to_try() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        told = refused("--port", str(port))
    assert f"Port {port} is in use" in told
    assert "make run PORT=" in told


def test_a_takeout_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    assert "TAKEOUT must name" in refused("--port", "0", "--takeout", str(tmp_path / "nowhere"))


def test_a_local_google_that_cannot_start_is_told_with_its_reason(tmp_path: Path) -> None:
    told = refused("--port", "0", "--takeout", str(tmp_path))
    assert "The local Google did not start" in told
