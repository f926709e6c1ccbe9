"""Processes that never outlive whoever started them, each under a watchdog of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernel.embedded import place, watchdog


@dataclass(frozen=True)
class Program:
    """What is to be started: `signals` end it, each given `patience_s`, before it is killed."""

    name: str
    command: Sequence[str]
    log: Path
    signals: Sequence[int]
    environment: Mapping[str, str]
    patience_s: float = 60.0
    folder: Path = Path("/")

    def as_spec(self) -> dict[str, Any]:
        """Return it as the watchdog reads it."""
        return {
            "name": self.name,
            "command": list(self.command),
            "log": str(self.log),
            "signals": [int(number) for number in self.signals],
            "environment": dict(self.environment),
            "patience_s": self.patience_s,
            "folder": str(self.folder),
        }


class Kept:
    """Running programs: they end together, with `close`, or when this process ends in whatever way."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def fileno(self) -> int:
        """Return what becomes readable when a program ended, for `select`."""
        assert self._process.stdout is not None  # noqa: S101 -- always a pipe, see `keep`
        return self._process.stdout.fileno()

    def ended(self) -> str:
        """Return the name of the program that ended first, waiting for it; empty when the watchdog was ended."""
        assert self._process.stdout is not None  # noqa: S101 -- always a pipe, see `keep`
        return self._process.stdout.readline().decode().strip()

    def is_alive(self) -> bool:
        """Tell whether all the programs still run."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the programs and return when they are gone; a second call does nothing."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def keep(
    programs: Sequence[Program],
    account: place.Account | None = None,
    remove: Sequence[Path] = (),
    lock: int | None = None,
) -> Kept:
    """Return the programs, started in this order as `account`; they end in the opposite order.

    When they have ended, the folders in `remove` are gone. The watchdog holds a copy of the locked file `lock`.
    """
    spec = {
        "account": place.run_as(account),
        "remove": [str(folder) for folder in remove],
        "programs": [program.as_spec() for program in programs],
    }
    reading, writing = os.pipe()  # not on the command line, which everyone can read: environments hold secrets
    process = subprocess.Popen(  # noqa: S603 -- our own program, no shell
        [sys.executable, "-I", watchdog.__file__, str(reading)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd="/",
        env=place.plain_environment(),
        start_new_session=True,
        pass_fds=[reading, *([] if lock is None else [lock])],
    )
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        json.dump(spec, pipe)
    return Kept(process)
