"""The running product that the demo drives: started in a throw-away folder, stopped with everything it started."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import redis
import requests

ROOT = Path(__file__).resolve().parents[1]
READY_S = 120.0
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class NotStartedError(RuntimeError):
    """The product did not come up; the message is what it printed."""


@dataclass
class Stack:
    """Where the parts of the running product are."""

    url: str
    google: str
    data: Path
    output: Path
    environment: Mapping[str, str]
    second_url: str = ""
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def logs(self) -> list[Path]:
        """The product's own log files; the local Google's are not the product's."""
        return [path for path in sorted((self.data / "logs").glob("*.log")) if "Google" not in path.name]

    def database(self, which: str = "DATABASE_URL") -> "psycopg.Connection[tuple[object, ...]]":
        """Return a connection of a curious reader to one of the two databases."""
        return psycopg.connect(self.environment[which].replace("postgresql+psycopg://", "postgresql://"))

    def queue(self) -> "redis.Redis":
        """Return a client of the queue's server."""
        return redis.Redis.from_url(self.environment["REDIS_URL"])

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run an operator's command beside the product; what it printed is kept as standard output is."""
        done = subprocess.run(  # noqa: S603 -- our own program, fixed arguments, no shell
            [sys.executable, "-m", "flask", "--app", "main", *arguments],
            cwd=ROOT,
            env={**_around(), **self.environment},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        with self.output.open("a") as kept:
            kept.write(done.stdout + done.stderr)
        return done

    def worker_cpu_s(self) -> float:
        """Return the CPU seconds that the worker has used so far; 0 where the system does not tell."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                said = (stat.parent / "cmdline").read_bytes().split(b"\0")
                environ = (stat.parent / "environ").read_bytes()
                if b"worker.py" in said and str(self.data).encode() in environ:
                    fields = stat.read_text().rpartition(")")[2].split()
                    return (int(fields[11]) + int(fields[12])) / TICKS
        return 0.0


@contextlib.contextmanager
def running(takeout: Path | None, owner: str | None) -> Iterator[Stack]:
    """Yield the product, started beside a local Google, with a second web process for the test of revocation."""
    with tempfile.TemporaryDirectory(prefix="crmio-demo-") as folder:
        place = Path(folder)
        output, ready = place / "stdout.txt", place / "ready.json"
        command = [sys.executable, "run.py", "--throwaway", "--port", "0", "--ready", str(ready)]
        command += ["--takeout", str(takeout)] if takeout else []
        command += ["--owner", owner] if owner else []
        with output.open("wb") as told:
            main = subprocess.Popen(  # noqa: S603 -- our own program, no shell
                command, cwd=ROOT, env=_around(), stdout=told, stderr=subprocess.STDOUT, start_new_session=True
            )
        stack: Stack | None = None
        try:
            stack = _await(main, ready, output)
            _start_second_web(stack)
            yield stack
        finally:
            for child in stack.children if stack is not None else []:
                _end(child)
            _end(main, signal.SIGINT)


def _await(main: "subprocess.Popen[bytes]", ready: Path, output: Path) -> Stack:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if main.poll() is not None:
            raise NotStartedError(output.read_text(errors="replace").strip())
        with contextlib.suppress(OSError, ValueError):
            told = json.loads(ready.read_text())
            data = Path(told["data"])
            environment = json.loads((data / "environment.json").read_text())
            return Stack(told["url"], told["google"], data, output, environment)
        time.sleep(0.1)
    raise NotStartedError(f"The product did not answer within {READY_S:.0f} seconds.")


def _start_second_web(stack: Stack) -> None:
    log = stack.data / "logs" / "second-web.log"
    with socket.create_server(("127.0.0.1", 0)) as ours, log.open("wb") as told:
        port = ours.getsockname()[1]
        bind = ["--bind", f"fd://{ours.fileno()}", "--worker-class", "gthread", "--threads", "4"]
        child = subprocess.Popen(  # noqa: S603 -- our own program, no shell
            [sys.executable, "-m", "gunicorn", *bind, "--log-level", "warning", "--no-control-socket", "main:app"],
            cwd=ROOT,
            env={**_around(), **stack.environment},
            stdout=told,
            stderr=subprocess.STDOUT,
            pass_fds=[ours.fileno()],  # listening already: nobody else can take the port meanwhile
        )
    stack.children.append(child)
    stack.second_url = f"http://localhost:{port}"
    _await_answer(child, f"{stack.second_url}/healthz")


def _await_answer(child: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and child.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    raise NotStartedError("The second web process did not answer.")


def _end(child: "subprocess.Popen[bytes]", how: signal.Signals = signal.SIGTERM) -> None:
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _around() -> dict[str, str]:
    """Return what the product's programs take over from this one's environment: nothing that sets the product."""
    names: Sequence[str] = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
    return {name: os.environ[name] for name in names if name in os.environ}  # noqa: TID251 -- passed on, not read
