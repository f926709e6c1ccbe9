"""The trap around one attempt: all that left the process, rests anywhere, or was said, kept to be hunted through.

Channels: standard output and error, log records (SQLAlchemy's echo among them), warnings, files written, what a
listening peer received, answers over HTTP with their headers, errors with their tracebacks and locals, whatever the
attempt itself got hold of, job arguments and queues, both databases, PostgreSQL's own log, Redis, and metrics.
"""

import contextlib
import logging
import os
import pickle
import socket
import sys
import threading
import traceback
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from prometheus_client import generate_latest

from kernel.diagnostics import QUIET, JsonLines
from tests.leaks.forms import Find, Hunt

LOGGERS = ("sqlalchemy", "kernel", "limited_use", "web", "crm", "oauth", "sync", "workspace", "addon", "accounts")
ECHO = "sqlalchemy.engine.Engine"  # once asked to, SQLAlchemy gives it a handler to the output of that moment
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
_LARGEST_FILE = 20_000_000


@dataclass
class _Watched:
    """What the interpreter reported while an attempt ran."""

    written: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    started: list[str] = field(default_factory=list)


_watching: _Watched | None = None


def _report(event: str, arguments: tuple[Any, ...]) -> None:
    watched = _watching
    if watched is None:
        return
    if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & _WRITES:
        watched.written.add(os.fsdecode(arguments[0]))
    elif event == "socket.connect":
        watched.reached.add(repr(arguments[1]))
    elif event in ("subprocess.Popen", "os.system", "os.posix_spawn"):
        watched.started.append(repr(arguments[:2]))


sys.addaudithook(_report)


class Peer:
    """Somebody outside, who takes connections on loopback and keeps all they are sent, answering as HTTP would."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                here, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(here,), daemon=True).start()

    def _take(self, here: socket.socket) -> None:
        with here:
            here.settimeout(2)
            held = b""
            with contextlib.suppress(OSError):
                while not _is_whole(held):
                    piece = here.recv(65536)
                    if not piece:
                        break
                    held += piece
                    self.received.append(held)
                here.sendall(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def _is_whole(held: bytes) -> bool:
    head, found, body = held.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return b"chunked" not in head.lower() or body.endswith(b"0\r\n\r\n")


class _Records(logging.Handler):
    """Keeps each record as every formatter might write it: message, arguments, extras, errors, stacks."""

    def __init__(self, kept: list[bytes]) -> None:
        super().__init__(0)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = [record.getMessage()]
        except Exception as error:  # noqa: BLE001 -- what logging itself would print to stderr
            said = [repr(error)]
        said += [f"{name}={value!r}" for name, value in vars(record).items()]
        if record.exc_info and record.exc_info[1]:
            said.append(told(record.exc_info[1]))
        self._kept.append("\n".join(said).encode("utf-8", "replace"))


def told(error: BaseException) -> str:
    """Return all that an error could tell a reporter: its traceback with locals, arguments, attributes, notes."""
    lines = [*traceback.TracebackException.from_exception(error).format()]
    seen: BaseException | None = error
    while seen is not None:
        lines += [_safely(str, seen), *(_safely(repr, part) for part in (seen, seen.args, vars(seen)))]
        lines += map(str, getattr(seen, "__notes__", ()))
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            lines += [f"{name} = {_safely(repr, value)}" for name, value in frame.f_locals.items()]
        lines.append(_safely(pickle.dumps, seen))
        seen = seen.__cause__ or seen.__context__
    return "\n".join(lines)


def _safely(make: Callable[[Any], Any], value: object) -> str:
    try:
        return str(make(value))
    except Exception as error:  # noqa: BLE001 -- what cannot be told is no leak
        return type(error).__name__


class Trap:
    """One attempt's channels; use it as a context."""

    def __init__(self, hunt: Hunt, resting: Any, folder: Path, capture: Any) -> None:
        """`resting` yields (channel, bytes) of all that rests outside the process; `capture` is pytest's capfd."""
        self.channels: dict[str, list[bytes]] = defaultdict(list)
        self.peer = Peer()
        self.folder = folder
        self._hunt, self._resting, self._capture = hunt, resting, capture
        self._stack = contextlib.ExitStack()
        self._watched = _Watched()
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        return "<trap>"

    def __enter__(self) -> Self:
        self._stack.callback(self.peer.close)
        self._capture.readouterr()
        said = self._stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        self._warnings: list[Any] = [] if said is None else said
        self._stack.enter_context(_logging_to(self.channels["logs"]))
        self._stack.enter_context(_watched_by(self._watched))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def keep(self, got: object, channel: str = "attempt") -> None:
        """Keep what the attempt got hold of, as text and as bytes."""
        if isinstance(got, bytes | bytearray | memoryview):
            self.channels[channel].append(bytes(got))
        elif isinstance(got, str):
            self.channels[channel].append(got.encode("utf-8", "backslashreplace"))
        else:
            self.channels[channel].append(repr(got).encode("utf-8", "backslashreplace"))
            if isinstance(got, list | tuple | set | frozenset):
                for one in got:
                    self.keep(one, channel)
            elif isinstance(got, dict):
                self.keep(list(got.items()), channel)

    def keep_answer(self, answer: Any) -> None:
        """Keep an answer over HTTP: its status, headers and body."""
        head = f"{answer.status}\n" + "\n".join(f"{name}: {value}" for name, value in answer.headers)
        self.channels["http"].append(head.encode() + b"\n\n" + answer.get_data())

    def fail(self, error: BaseException) -> None:
        """Keep an error that came up to the attempt's caller."""
        self.error = error
        self.channels["errors"].append(told(error).encode("utf-8", "backslashreplace"))

    @property
    def reached(self) -> set[str]:
        """Return where connections were made to."""
        return self._watched.reached

    def gather(self, *, resting: bool = True) -> Iterator[tuple[str, bytes]]:
        """Yield every channel's contents; on request without what rests in databases and queues."""
        said = self._capture.readouterr()
        yield "stdout", said.out.encode("utf-8", "backslashreplace")
        yield "stderr", said.err.encode("utf-8", "backslashreplace")
        for warning in self._warnings:
            told_of = f"{_safely(repr, warning.message)} {_safely(str, warning.message)}"
            yield "warnings", told_of.encode("utf-8", "backslashreplace")
        yield from (("sockets", piece) for piece in self.peer.received)
        yield from (("processes", line.encode()) for line in self._watched.started)
        yield from self._files()
        yield "metrics", generate_latest()
        for channel, contents in list(self.channels.items()):
            yield channel, b"\n".join(contents)
        if resting:
            yield from self._resting()

    def _files(self) -> Iterator[tuple[str, bytes]]:
        mine = {str(path) for path in self.folder.rglob("*") if path.is_file()}
        for name in sorted(self._watched.written | mine):
            path = Path(name)
            yield "files", name.encode()
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size < _LARGEST_FILE:
                    yield "files", path.read_bytes()

    def finds(self, *, without: frozenset[str] = frozenset(), resting: bool = True) -> list[Find]:
        """Return every planted text found in any channel; where it may rightly be is left out."""
        found: dict[Find, None] = {}
        for channel, content in self.gather(resting=resting):
            if channel not in without:
                found.update(dict.fromkeys(self._hunt.search(channel, content)))
        return list(found)


@contextlib.contextmanager
def _logging_to(kept: list[bytes]) -> Iterator[None]:
    """Everything that is logged, at any level, is kept; SQLAlchemy echoes statements and rows; warnings are printed."""
    root, handler, printed = logging.getLogger(), _Records(kept), logging.StreamHandler(sys.stderr)
    printed.setFormatter(JsonLines())
    printed.setLevel(logging.WARNING)
    quiet = [logging.getLogger(name) for name in QUIET if name not in LOGGERS]
    loggers = [root, *(logging.getLogger(name) for name in (*LOGGERS, ECHO)), *quiet]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    root.handlers[:] = [handler, printed]
    for logger in loggers:
        logger.setLevel(logging.WARNING if logger in quiet else logging.DEBUG)
    try:
        yield
    finally:
        for logger, level, handlers in before:
            logger.setLevel(level)
            logger.handlers[:] = handlers


@contextlib.contextmanager
def _watched_by(watched: _Watched) -> Iterator[None]:
    global _watching  # noqa: PLW0603 -- an audit hook cannot be taken off again, so it looks here
    _watching = watched
    try:
        yield
    finally:
        _watching = None
