"""The process that holds other processes' lives: starts them, and ends them when its standard input closes.

Run as a program of its own (`python -I watchdog.py DESCRIPTOR`, from which it reads what to start), with nothing
imported but the standard library, so that it starts fast and depends on nothing that may break. The far end of its
standard input is held by the starter alone: the system closes it however the starter died. Ctrl-C at the terminal
does not reach it (a session of its own), nor would it obey. On Linux the programs are told to end should even this
process be killed.
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG = 1
_LAST_PATIENCE_S = 10.0


def _mortal(on_death: int) -> Callable[[], None] | None:
    """Return what makes a child receive `on_death` when this process ends; None where the system cannot."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, on_death, 0, 0, 0)

    return ask


def _launch(program: dict[str, Any], account: dict[str, Any]) -> "subprocess.Popen[bytes]":
    """Start one program, its output appended to its log."""
    log = os.open(program["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 -- the starter's own arguments, no shell
            program["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program["folder"],
            env=program["environment"],
            start_new_session=True,
            preexec_fn=_mortal(program["signals"][0]),  # noqa: PLW1509 -- this process has one thread
            **account,
        )
    finally:
        os.close(log)


def _end(process: "subprocess.Popen[bytes]", signals: list[int], patience_s: float) -> None:
    """End one program: politely, then less so."""
    for number in [*signals, signal.SIGKILL]:
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s if number == signals[0] else _LAST_PATIENCE_S)


def _wait(wakeup: int, processes: dict[str, "subprocess.Popen[bytes]"]) -> str | None:
    """Wait until the starter is gone or stops us (None), or a program ended (its name)."""
    while True:
        for name, process in processes.items():
            if process.poll() is not None:
                return name
        ready, _, _ = select.select([0, wakeup], [], [])
        if 0 in ready and not os.read(0, 4096):
            return None
        if wakeup in ready and signal.SIGTERM in os.read(wakeup, 4096):
            return None


def main() -> int:
    """Run the programs of the specification until the starter is gone, then leave nothing behind."""
    with os.fdopen(int(sys.argv[1])) as pipe:
        spec = json.load(pipe)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)  # a handler, not SIG_IGN: the programs must not inherit the ignoring
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for program in spec["programs"]:
            processes[program["name"]] = _launch(program, spec["account"])
        ended = _wait(reading, processes)
        if ended is not None:
            with contextlib.suppress(OSError):  # the starter may be gone by now
                os.write(1, f"{ended}\n".encode())
    finally:
        for program in reversed(spec["programs"]):
            if program["name"] in processes:
                _end(processes[program["name"]], program["signals"], program["patience_s"])
        for folder in spec["remove"]:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
