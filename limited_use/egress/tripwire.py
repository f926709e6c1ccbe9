"""The tripwire: connections of Python's that nobody in this package made are stopped, in every process of the product.

`watch` puts an audit hook (PEP 578) into the process. It cannot be taken out again, and a forked child has it too. It
lets pass what goes to the product's own database and Redis, and what this package reaches at that very moment by leave
of `reaching`. Everything else is stopped and reported: connections, look-ups of names (which carry data, too),
datagrams, and new programs, native libraries and interpreters, which it could not see into.

NOTE: it is no sandbox. It does not see libpq, gRPC, libcurl or any other C code, `_posixsubprocess`, nor bytes sent on
a socket that is already open. It catches our own mistakes and a library that calls home; the outer wall is there for
the rest (docs/operators/walls.md).
"""

import functools
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import urllib3

from kernel.settings import Settings
from limited_use.egress.errors import EgressBypassed
from limited_use.egress.reaching import Place, open_to, reaching
from limited_use.egress.registry import for_settings

if TYPE_CHECKING:
    from types import FrameType

_log = logging.getLogger(__name__)
_FRAMES = 6
_LIBRARIES = (str(Path(socket.__file__).parent), str(Path(urllib3.__file__).parents[1]), "<frozen")
_KNOWN_S = 60.0
_POSTGRES_PORT = 5432
_REDIS_PORT = 6379
_NAMELESS = frozenset({"", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"})
"""What a server looks up to name itself."""

Report = Callable[[str], None]
"""Is told of each stopped event by its name; must not block."""


@dataclass(frozen=True, slots=True)
class Own:
    """The services that the product's own libraries connect to."""

    places: frozenset[Place]
    paths: frozenset[str]
    names: frozenset[str]
    found: dict[Place, tuple[float, frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> "Own":
        """Return the services that the settings name."""
        places, paths = set(), set()
        for url, usual in (
            (settings.database_url, _POSTGRES_PORT),
            (settings.keys_database_url, _POSTGRES_PORT),
            (settings.redis_url, _REDIS_PORT),
        ):
            parts = urlsplit(url)
            if parts.scheme == "unix":
                paths.add(parts.path)
                continue
            named = [*(parts.hostname or "").split(","), *parse_qs(parts.query).get("host", ())]
            for one in named:
                host, _, port = one.partition(":") if one.count(":") == 1 else (one, "", "")
                if host and not host.startswith("/"):
                    places.add((host, int(port) if port.isdigit() else parts.port or usual))
        return cls(frozenset(places), frozenset(paths), _NAMELESS | {socket.gethostname()})

    def may_connect(self, host: str, port: int) -> bool:
        """Tell whether this is one of the services, by name or by an address that its name leads to."""
        if (host, port) in self.places:
            return True
        return any(host in self._addresses(place) for place in self.places if place[1] == port)

    def _addresses(self, place: Place) -> frozenset[str]:
        known = self.found.get(place)
        if known is None or known[0] < time.monotonic():
            try:
                with reaching(*place):
                    looked = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
            except OSError:
                return frozenset()
            known = time.monotonic() + _KNOWN_S, frozenset(str(one[4][0]) for one in looked)
            self.found[place] = known
        return known[1]


class _Wire:
    """What the hook knows: one of each process, like the hook."""

    def __init__(self) -> None:
        self.own: Own | None = None
        self.report: Report | None = None
        self.lock = threading.Lock()

    def check(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise EgressBypassed for what may not pass."""
        judge = _JUDGES.get(event)
        if judge is None or self.own is None:
            return
        if not judge(self.own, args):
            self._stop(event)

    def _stop(self, event: str) -> None:
        _log.critical("stopped past the egress client", extra={"audited": event, "places": _places()})
        if self.report is not None:
            self.report(event)
        raise EgressBypassed


def _places() -> list[str]:
    """Return who called, nearest first, by file and line, libraries' inner callers left out: never with what."""
    frame: FrameType | None = sys._getframe(4)  # noqa: SLF001 -- the stack is what an audit hook has to tell of
    found: list[str] = []
    while frame is not None and len(found) < _FRAMES:
        place = frame.f_code.co_filename
        if not found or not place.startswith(_LIBRARIES):
            found.append(f"{place}:{frame.f_lineno}")
        frame = frame.f_back
    return found


def _connects(own: Own, args: tuple[Any, ...]) -> bool:
    made, address = args
    if address is None:  # a message on a connected socket: connecting was judged
        return True
    if made.family == socket.AF_UNIX:
        path = address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)
        return open_to() == (path, 0) or path in own.paths
    if made.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    host, port = str(address[0]), int(address[1])
    return open_to() == (host, port) or own.may_connect(host, port)


def _looks_up(own: Own, args: tuple[Any, ...]) -> bool:
    host, port = args[0], args[1]
    if host is None:
        return True
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    leave = open_to()
    if leave is not None and leave[0] == name:
        return True
    return any(name == place[0] and port in (place[1], str(place[1]), None) for place in own.places)


def _names_itself(own: Own, args: tuple[Any, ...]) -> bool:
    said = args[0][0] if isinstance(args[0], tuple) else args[0]
    return str(said) in own.names


def _loads_itself(_: Own, args: tuple[Any, ...]) -> bool:
    return args[0] is None  # the program's own symbols, which `import ctypes` asks for


def _never(_: Own, __: tuple[Any, ...]) -> bool:
    return False


_JUDGES: Final[dict[str, Callable[[Own, tuple[Any, ...]], bool]]] = {
    "socket.connect": _connects,
    "socket.sendto": _connects,
    "socket.sendmsg": _connects,
    "socket.getaddrinfo": _looks_up,
    "socket.gethostbyname": _names_itself,
    "socket.gethostbyaddr": _names_itself,
    "socket.getnameinfo": _names_itself,
    # A new program, library or interpreter could do what cannot be seen from here; the product needs none.
    "subprocess.Popen": _never,
    "os.exec": _never,
    "os.posix_spawn": _never,
    "os.spawn": _never,
    "os.system": _never,
    "pty.spawn": _never,
    "ctypes.dlopen": _loads_itself,
    "cpython.PyInterpreterState_New": _never,
}

_WIRE = _Wire()  # of the process, as the hook itself is: an audit hook cannot belong to a runtime


def watch(settings: Settings) -> None:
    """From now on this process reaches its own services and registered destinations only. Again changes nothing.

    Raises:
        RegistryError: if the settings name a host that is not registered; then nothing starts.
    """
    for_settings(settings)
    with _WIRE.lock:
        if _WIRE.own is not None:
            return
        _WIRE.own = Own.of(settings)
        watched, check = frozenset(_JUDGES), _WIRE.check

        def hook(event: str, args: tuple[Any, ...]) -> None:
            if event in watched:  # nearly all events end here: importing, opening files, making objects
                check(event, args)

        sys.addaudithook(hook)


def is_watching() -> bool:
    """Tell whether this process has the tripwire."""
    return _WIRE.own is not None


def report_to(report: Report) -> None:
    """Each stopped event is told to `report` from now on, beside the diagnostics."""
    _WIRE.report = functools.partial(_quietly, report)


def _quietly(report: Report, event: str) -> None:
    try:
        report(event)
    except Exception:  # noqa: BLE001 -- whatever is wrong with the report, the connection is stopped all the same
        _log.exception("a stopped connection could not be reported")
