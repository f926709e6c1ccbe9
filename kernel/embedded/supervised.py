"""Programs that are started one after the other and started again, a few times, when they end."""

import contextlib
import http.client
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from kernel.embedded.errors import EmbeddedFailedError
from kernel.embedded.kept import Kept, Program, keep
from kernel.embedded.servers import Servers

READY_S = 60.0
STILL_S = 15.0
MOST_RESTARTS = 5
RESTARTS_WITHIN_S = 60.0
_SHOWN_LINES = 12


@dataclass
class _Child:
    """One program, and when it was started again."""

    program: Program
    kept: Kept
    restarts: list[float] = field(default_factory=list)


class Supervised:
    """The programs of one product; they end, the last first, when the block that holds them ends."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        """Return it, holding no program yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every program."""
        for child in reversed(self._children):
            child.kept.close()

    def start(self, program: Program, address: str | None = None, ready_s: float = READY_S) -> None:
        """The program runs and, if an address is given, answers HTTP there within that many seconds.

        Raises:
            EmbeddedFailedError: when it ends or stays silent, with the last lines of its log.
        """
        self._say(f"Starting the {program.name}")
        child = _Child(program, keep([program]))
        self._children.append(child)
        began = told = time.monotonic()
        while address and not _answers(address):
            now = time.monotonic()
            if now - told > STILL_S:
                self._say(f"Still starting the {program.name}")
                told = now
            if select.select([child.kept], [], [], 0.05)[0] or now - began > ready_s:
                raise EmbeddedFailedError(f"The {program.name} did not start:\n{_last_lines(program.log)}")

    def keep_running(self, servers: Servers, *, parent: int | None = None) -> None:
        """Start again what ends; return only when this process's parent is no longer `parent`, if one is given.

        Raises:
            EmbeddedFailedError: when a program ends again and again, or the database or the queue did.
        """
        while parent is None or os.getppid() == parent:
            select.select([child.kept for child in self._children], [], [], 1.0)
            if not servers.are_alive():
                raise EmbeddedFailedError(f"The database or the queue stopped: the logs in {servers.home} say why.")
            for child in self._children:
                if select.select([child.kept], [], [], 0)[0]:
                    self._restart(child)

    def _restart(self, child: _Child) -> None:
        now = time.monotonic()
        child.restarts = [moment for moment in child.restarts if now - moment < RESTARTS_WITHIN_S]
        if len(child.restarts) >= MOST_RESTARTS:
            raise EmbeddedFailedError(
                f"The {child.program.name} stops again and again:\n{_last_lines(child.program.log)}"
            )
        child.restarts.append(now)
        child.kept.close()
        self._say(f"The {child.program.name} stopped; starting it again")
        child.kept = keep([child.program])


def _answers(address: str) -> bool:
    """Tell whether anything answers HTTP there, whatever it says; asked directly, past any proxy of the machine."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()


def _last_lines(log: Path) -> str:
    """Return the end of a log, indented."""
    with contextlib.suppress(OSError):
        return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])
    return ""
