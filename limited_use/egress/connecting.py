"""Making connections: the only place of the product that opens a socket to the outside.

A name is looked up and connected to under leave for exactly that (`reaching`). Where the operator has put an outer
wall with a proxy in it, the connection goes through that proxy by CONNECT, over TCP or a unix socket; TLS is spoken
with the destination itself, so the proxy sees names and sizes only.
"""

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from limited_use.egress.errors import UrlUnresolved
from limited_use.egress.reaching import reaching

_HEAD_LIMIT = 8192
_OK = b"200"
_DEFAULT_S = 30.0

Found = tuple[int, int, int, str, Any]
"""What a look-up gives for one address: family, kind, protocol, canonical name, socket address."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """The proxy of the outer wall: a host and port, or the path of a unix socket."""

    host: str
    port: int
    path: str

    @classmethod
    def read(cls, url: str) -> Self | None:
        """Return the proxy that the setting names, None for none."""
        if not url:
            return None
        parts = urlsplit(url)
        return cls("", 0, parts.path) if parts.scheme == "unix" else cls(parts.hostname or "", parts.port or 3128, "")


def look_up(host: str, port: int) -> Sequence[Found]:
    """Return every address of the host.

    Raises:
        OSError: as the system says it.
    """
    with reaching(host, port):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def look_up_given(host: str, port: int) -> Sequence[Found]:
    """Return every address of a host that somebody typed.

    Raises:
        UrlUnresolved: if there is none.
    """
    try:
        found = look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise UrlUnresolved from error
    if not found:
        raise UrlUnresolved
    return found


def connect(
    host: str,
    port: int,
    timeout_s: float | None,
    proxy: Proxy | None = None,
    known: Sequence[Found] | None = None,
) -> socket.socket:
    """Return a connected socket: to one of the `known` addresses if they are given, else to one of the host's.

    Raises:
        OSError: if none answers; the last one's reason.
    """
    patience_s = _DEFAULT_S if timeout_s is None else timeout_s
    if proxy is not None:
        names = [host] if known is None else [str(found[4][0]) for found in known]
        return _through(proxy, names, port, patience_s)
    trouble: OSError | None = None
    for family, kind, protocol, _, place in known if known is not None else look_up(host, port):
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(patience_s)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with reaching(place[0], place[1]):
                made.connect(place)
            return made
        except OSError as error:
            made.close()
            trouble = error
        except BaseException:
            made.close()
            raise
    raise trouble or OSError("there is no address to connect to")


def _through(proxy: Proxy, names: Sequence[str], port: int, patience_s: float) -> socket.socket:
    """Return a socket that the proxy has connected to one of the names."""
    trouble: OSError | None = None
    for name in names:
        try:
            return _tunnel(_to_proxy(proxy, patience_s), name, port, patience_s)
        except OSError as error:
            trouble = error
    raise trouble or OSError("there is no address to connect to")


def _to_proxy(proxy: Proxy, patience_s: float) -> socket.socket:
    if not proxy.path:
        return connect(proxy.host, proxy.port, patience_s)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(patience_s)
        with reaching(proxy.path, 0):
            made.connect(proxy.path)
    except BaseException:
        made.close()
        raise
    return made


def _tunnel(made: socket.socket, name: str, port: int, patience_s: float) -> socket.socket:
    """Return the socket, which the proxy has connected to that name."""
    target = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    try:
        made.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
        _check_tunnel(_head(made, time.monotonic() + patience_s))
    except BaseException:
        made.close()
        raise
    return made


def _head(made: socket.socket, until: float) -> bytes:
    """Return the head of the proxy's answer, read byte by byte, so that nothing behind it is swallowed."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = made.recv(1)
        head += byte
        if not byte or len(head) > _HEAD_LIMIT or time.monotonic() > until:
            raise ConnectionError("the proxy does not answer as one")
    return head


def _check_tunnel(head: bytes) -> None:
    if head.split(b" ", 2)[1:2] != [_OK]:
        raise ConnectionRefusedError("the proxy refuses this destination")
