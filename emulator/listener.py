"""The emulator's HTTP/1.1 server: loopback only, one thread a connection, connections kept alive.

Flask's development server closes after every answer and would cost a client a new connection per call;
this one speaks plain HTTP/1.1 with Nagle's delay off. It can also do what a fault asks for: close a
connection without an answer.
"""

from __future__ import annotations

import contextlib
import io
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from emulator.wire import DROP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import WSGIApplication

LOOPBACK = "127.0.0.1"
_LARGEST_BODY = 160 * 1024 * 1024
_IDLE_S = 300


class CannotListen(Exception):  # noqa: N818 -- the name says it
    """The port is in use, or not ours to use."""


class Listener(ThreadingHTTPServer):
    """Serves a WSGI application; `serve_forever` until `shutdown`, then `server_close`."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, application: WSGIApplication) -> None:
        self.application = application
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise CannotListen(
                f"The local Google cannot use port {port}: {error.strerror}. Name another one, or 0 for any."
            ) from error

    @property
    def url(self) -> str:
        """The address to speak to."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Close the port and every connection that is still open."""
        super().server_close()
        with self._open_lock:
            still_open = list(self._open)
        for connection in still_open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay quiet about clients that went away; tell about anything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "ESF"
    sys_version = ""
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = _IDLE_S

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name is the base class's
        """Write nothing: the journal is the log, and a request line may hold an address."""

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        environ = self._environ(body)
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
            answer["status"], answer["headers"] = status, headers

        chunks = cast("Listener", self.server).application(environ, start_response)
        try:
            payload = b"".join(chunks)
        finally:
            _close(chunks)
        if environ.get(DROP):
            self.close_connection = True
            return
        self._send(answer["status"], answer["headers"], payload)

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding"):
            self._reject(411, "Length Required")
            return None
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self._reject(413, "Content Too Large")
            return None
        return self.rfile.read(int(length))

    def _reject(self, status: int, reason: str) -> None:
        self.close_connection = True
        self._send(f"{status} {reason}", [("Content-Type", "text/plain"), ("Connection", "close")], b"")

    def _send(self, status: str, headers: list[tuple[str, str]], payload: bytes) -> None:
        lines = [f"HTTP/1.1 {status}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() != "content-length"]
        if not status.startswith("204"):
            lines.append(f"Content-Length: {len(payload)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else head + payload)
        self.wfile.flush()

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote(path, "latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.path,
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(cast("Listener", self.server).server_port),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.client_address[0],
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ


def _close(chunks: Iterable[bytes]) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        close()


for _verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_verb}", _Handler._serve)  # noqa: SLF001 -- the base class looks for these names
