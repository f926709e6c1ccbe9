"""The running product and who uses it: `run.py` as a process, a browser, and hands that kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import requests

from demo import acts
from demo.browser import Browser

ROOT = Path(__file__).parents[2]
AROUND = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}  # noqa: TID251 -- passed on
KINDS = {"mail", "calendars", "calendar", "contacts"}
FEATURES = ("gmail", "calendar", "contacts")
RESTARTS, WITHIN_S = 5, 62.0  # what `run.py` allows a program, and a little


class Product:
    """One running `run.py --throwaway`."""

    def __init__(self, folder: Path, takeout: Path, owner: str) -> None:
        folder.mkdir(exist_ok=True)
        self.ready = folder / "ready.json"
        self.output = folder / "output.txt"
        self.kills: list[tuple[str, float]] = []
        asked = ["--takeout", str(takeout), "--owner", owner, "--port", "0", "--ready", str(self.ready)]
        with self.output.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "run.py", "--throwaway", *asked],
                cwd=ROOT, env=AROUND, stdout=told, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def await_ready(self) -> None:
        """It answers."""
        until(lambda: self.ready.exists() or self.process.poll() is not None, 120)
        assert self.process.poll() is None, self.output.read_text()
        told = json.loads(self.ready.read_text())
        self.url, self.google, self.data = told["url"], told["google"], Path(told["data"])
        self.settings: dict[str, str] = json.loads((self.data / "environment.json").read_text())

    def control(self, verb: str, path: str, **body: Any) -> Any:
        """Play the user's other devices, or the weather, at Google."""
        answer = requests.request(verb, f"{self.google}/_control/{path}", json=body or None, timeout=60)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what the main database answers."""
        address = self.settings["DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address) as connection:
            return connection.execute(query.encode()).fetchall()

    def programs(self, name: str) -> list[int]:
        """Return the processes of this product whose command holds that name."""
        return [pid for pid in descendants(self.process.pid) if name in _command(pid)]

    def kill(self, name: str) -> None:
        """SIGKILL hits that program, as often as `run.py` starts it again."""
        until(lambda: self.programs(name), 30)
        recent = [moment for told, moment in self.kills if told == name]
        if len(recent) >= RESTARTS:
            time.sleep(max(0.0, recent[-RESTARTS] + WITHIN_S - time.monotonic()))
        struck = self.programs(name)
        for pid in struck:
            os.kill(pid, signal.SIGKILL)
        self.kills.append((name, time.monotonic()))
        until(lambda: not any(map(is_alive, struck)), 10)

    def end(self) -> None:
        """It is over, and left nothing behind."""
        everything = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.output.read_text()
        until(lambda: not any(map(is_alive, everything)), 10)


@contextmanager
def started(folder: Path, takeout: Path, owner: str) -> Iterator[Product]:
    """Yield the product, answering; it ends with the block."""
    product = Product(folder, takeout, owner)
    try:
        product.await_ready()
        yield product
        product.end()
    finally:
        if product.process.poll() is None:
            product.process.kill()
            product.process.wait()


def connected(product: Product, owner: str) -> Browser:
    """Return the browser of the owner, signed in, with all three connected."""
    browser = Browser(product.url)
    acts.sign_in(browser, owner)
    for feature in FEATURES:
        acts.connect(browser, feature, owner)
    return browser


def until(is_so: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to pass in time"
        time.sleep(0.05)


def descendants(pid: int) -> set[int]:
    """Return every process that came from this one, as far as their parents live."""
    of = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                of[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: set[int] = set()
    grown = {pid}
    while grown:
        found |= grown
        grown = {child for child, parent in of.items() if parent in found} - found
    return found - {pid}


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
