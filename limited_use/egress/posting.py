"""Posting to addresses that were checked: no second look-up, no redirect, and an end, whatever the other side does.

The name is looked up once, by the caller, who checked every address. The connection goes to one of these; TLS and the
Host header speak the name. So a name that changes its address between check and use (DNS rebinding) gains nothing.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

import urllib3

from limited_use.egress import errors
from limited_use.egress.answering import read_answer, told
from limited_use.egress.connecting import Found, Proxy
from limited_use.egress.pools import Open, connection_classes, pinned
from limited_use.egress.user_urls import UserUrl

MOST_OF_THE_ANSWER = 64 * 1024
CONNECT_S = 5.0
MOST_ADDRESSES = 4
"""Of one name that are tried, all of them within the time: who owns a name decides how many it has."""


@dataclass(frozen=True, slots=True)
class Line:
    """How an address is reached: what was checked, the proxy of the outer wall, TLS, and the time for all of it."""

    known: Sequence[Found] = field(repr=False)
    proxy: Proxy | None
    context: ssl.SSLContext = field(repr=False)
    timeout_s: float


class _Deadline:
    """Ends a connection when its time is over. Time-outs of sockets begin anew with each byte; this one does not."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._held: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def watching(self, open_socket: Open) -> Open:
        """Return what opens sockets as before, each of them ended in time."""

        def watched(host: str, port: int, timeout_s: float | None) -> socket.socket:
            made = open_socket(host, port, timeout_s)
            self._held.append(made.dup())  # TLS takes the socket itself away; a copy still ends the connection
            if self.passed:  # while it was being made
                made.close()
                raise TimeoutError
            return made

        return watched

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._timer.cancel()
        self._timer.join()
        for held in self._held:
            held.close()

    def _end(self) -> None:
        self.passed = True
        for held in self._held:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)


def post_pinned(read: UserUrl, body: bytes, headers: Mapping[str, str], line: Line) -> tuple[int, str]:
    """Return the status of the answer and what it says of trying again.

    Raises:
        EgressFailed: by its heirs, as for every request.
    """
    line = replace(line, known=line.known[:MOST_ADDRESSES])
    with _Deadline(line.timeout_s) as deadline:
        pool = _pool(read, deadline.watching(pinned(line.known, line.proxy)), line.context)
        try:
            return _post(pool, read, body, headers, line)
        except errors.EgressFailed as error:
            if deadline.passed:
                raise errors.EgressTimedOut from error
            raise
        finally:
            pool.close()


def _pool(read: UserUrl, open_socket: Open, context: ssl.SSLContext) -> urllib3.HTTPConnectionPool:
    pool = connection_classes(open_socket)[read.scheme]
    if read.scheme == "https":
        return pool(read.host, read.port, maxsize=1, ssl_context=context, cert_reqs=ssl.CERT_REQUIRED)
    return pool(read.host, read.port, maxsize=1)


def _post(
    pool: urllib3.HTTPConnectionPool, read: UserUrl, body: bytes, headers: Mapping[str, str], line: Line
) -> tuple[int, str]:
    connect_s = min(CONNECT_S, line.timeout_s / max(1, len(line.known)))
    with told():
        answer = pool.urlopen(
            "POST",
            read.target,
            body=body,
            headers=dict(headers),
            timeout=urllib3.Timeout(connect=connect_s, read=line.timeout_s),
            redirect=False,
            retries=False,
            preload_content=False,
        )
        read_answer(answer, MOST_OF_THE_ANSWER, line.timeout_s)
    return answer.status, answer.headers.get("Retry-After", "")
