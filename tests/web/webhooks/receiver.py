"""A program of an organisation's own on loopback: it keeps what it is sent, and answers as it is told to."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)

    def is_signed_by(self, secret: str) -> bool:
        """Check the signature as Standard Webhooks 1.0 tells receivers to."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        want = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(want, one) for one in self.headers["webhook-signature"].split(" "))


@dataclass
class Receiver:
    """What came, and what is answered next: a status, or a status and headers; 204 when nothing was said."""

    url: str = ""
    came: list[Received] = field(default_factory=list)
    answers: list[int | tuple[int, dict[str, str]]] = field(default_factory=list)

    def wait_for(self, event: str, seconds: float = 30.0) -> Received:
        """Return the first message of that kind, once it has come."""
        until = time.monotonic() + seconds
        while not self.of(event) and time.monotonic() < until:
            time.sleep(0.05)
        return self.of(event)[0]

    def of(self, event: str) -> list[Received]:
        return [one for one in self.came if one.said["type"] == event]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Yield a receiver that listens while the block runs."""
    here = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            here.came.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            answer = here.answers.pop(0) if here.answers else 204
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    here.url = f"http://127.0.0.1:{server.server_port}/hook?key=capability-canary"
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
