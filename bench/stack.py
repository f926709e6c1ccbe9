"""The product under measurement: started in a throw-away folder beside a local Google, stopped in the end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench import mailbox
from bench.person import BenchError

ROOT = Path(__file__).resolve().parents[1]
READY_S = 300.0
STARTED_S = 10.0
IDLE = 0.05
"""CPU seconds in a second of a worker that only looks whether there is work."""
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Stack:
    """Where the parts of the running product are."""

    url: str
    google: str
    owner: str
    data: Path
    environment: Mapping[str, str]

    def control(self, method: str, path: str, **said: Any) -> Any:
        """Call the local Google's way in for whoever plays the weather."""
        answer = requests.request(method, f"{self.google}/_control/{path}", timeout=120, **said)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def command(self, *arguments: str) -> Any:
        """Run an operator's command that prints JSON, and return it.

        Raises:
            BenchError: if it failed.
        """
        done = subprocess.run(  # noqa: S603 -- our own program, fixed arguments, no shell
            [sys.executable, "-m", "flask", "--app", "main", *arguments],
            cwd=ROOT,
            env={**_around(), **self.environment},
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
        if done.returncode:
            msg = f"{' '.join(arguments[:2])} failed: {done.stderr.strip()[-500:]}"
            raise BenchError(msg)
        return json.loads(done.stdout)

    def worker(self) -> tuple[float, float]:
        """Return the CPU seconds of the worker so far, and the most memory it ever had, in MB.

        Raises:
            BenchError: where the system does not tell: this needs Linux.
        """
        deadline = time.monotonic() + STARTED_S
        while time.monotonic() < deadline:
            for place in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    mine = str(self.data).encode() in (place / "environ").read_bytes()
                    if mine and b"worker.py" in (place / "cmdline").read_bytes().split(b"\0"):
                        spent = (place / "stat").read_text().rpartition(")")[2].split()[11:15]
                        peak = (place / "status").read_text().partition("VmHWM:")[2].split()[0]
                        return sum(map(int, spent)) / TICKS, int(peak) / 1024
            time.sleep(0.2)
        msg = "the worker is not to be seen: this benchmark reads /proc, which only Linux has"
        raise BenchError(msg)

    def idle_worker(self) -> float:
        """Return the CPU seconds of the worker once it has started and has nothing to do."""
        spent, _ = self.worker()
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            time.sleep(1)
            before, (spent, _) = spent, self.worker()
            if spent - before < IDLE:
                return spent
        msg = "the worker does not come to rest"
        raise BenchError(msg)


@contextlib.contextmanager
def running(*, messages: int = 0, quota: int | None = None) -> Iterator[Stack]:
    """Yield the product beside a mailbox of that many messages; without, the sample data's."""
    with tempfile.TemporaryDirectory(prefix="crmio-bench-") as folder:
        place = Path(folder)
        command = [sys.executable, "run.py", "--throwaway", "--port", "0", "--ready", str(place / "ready.json")]
        if messages:
            takeout = mailbox.write(place / "takeout", messages)
            command += ["--takeout", str(takeout), "--owner", mailbox.OWNER]
        command += ["--quota-per-minute", str(quota)] if quota else []
        with (place / "out.txt").open("wb") as told:
            main = subprocess.Popen(command, cwd=ROOT, env=_around(), stdout=told, stderr=told, start_new_session=True)  # noqa: S603 -- our own program, no shell
        try:
            yield _await(main, place)
        finally:
            main.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                main.wait(60)
            main.kill()
            main.wait()


def _await(main: "subprocess.Popen[bytes]", place: Path) -> Stack:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and main.poll() is None:
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((place / "ready.json").read_text())
            data = Path(told["data"])
            environment = json.loads((data / "environment.json").read_text())
            counts = requests.get(f"{told['google']}/_control/counts", timeout=120).json()
            return Stack(told["url"], told["google"], counts["account"]["email"], data, environment)
        time.sleep(0.1)
    msg = f"the product did not start: {(place / 'out.txt').read_text(errors='replace').strip()[-800:]}"
    raise BenchError(msg)


def _around() -> dict[str, str]:
    """Return what the product's programs take over from this one's environment: nothing that sets the product."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}  # noqa: TID251 -- passed on, not read
