"""Servers on loopback that answer as they are told, over http and over https under names of a CA of our own."""

import datetime as dt
import http.server
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kernel.clock import SystemClock
from limited_use.egress import Client
from limited_use.egress.registry import Registry, origin_of

NAME = "hooks.example.com"
PUBLIC, PUBLIC_6 = "93.184.215.14", "2606:2800:220:1::1"


@dataclass
class Seen:
    method: str
    path: str
    host: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(Seen(self.command, self.path, self.headers["Host"], body, dict(self.headers)))
        self.server.peers.add(self.client_address)
        status, headers, said = self.server.answers.get(self.path.partition("?")[0], (200, {}, b"{}"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self._say(said)

    def _say(self, said):
        try:
            if not self.server.drip_s:
                self.wfile.write(said)
                return
            for byte in said:
                self.wfile.write(bytes([byte]))
                time.sleep(self.server.drip_s)
        except OSError:  # the other side had enough
            self.close_connection = True

    do_GET = _answer  # noqa: N815 -- named by http.server
    do_POST = _answer  # noqa: N815 -- as above

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen, self.peers, self.answers, self.drip_s = [], set(), {}, 0.0
        self.scheme = "http"

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # connections that are broken off are what some tests are about


@pytest.fixture
def serve():
    """A maker of servers; a TLS context makes it one for https."""
    started = []

    def make(context=None):
        made = Server()
        if context is not None:
            made.socket = context.wrap_socket(made.socket, server_side=True)
            made.scheme = "https"
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        started.append((made, thread))
        return made

    yield make
    for made, thread in started:
        made.shutdown()
        thread.join()
        made.server_close()


class Proxy:
    """A proxy on a unix socket or a port that connects to one place, and keeps what it was asked for."""

    def __init__(self, listener, target, *, only=""):
        self.listener, self.target, self.only, self.asked = listener, target, only, []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += near.recv(1)
            self.asked.append(head.split(b"\r\n")[0].decode())
            if self.target is None or self.only not in self.asked[-1]:
                near.sendall(b"HTTP/1.1 403 No\r\n\r\n")
                near.close()
                continue
            near.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
            far = socket.create_connection(self.target)
            for one, two in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(one, two), daemon=True).start()

    @staticmethod
    def _pump(one, two):
        try:
            while piece := one.recv(4096):
                two.sendall(piece)
        except OSError:
            pass
        finally:
            two.close()


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the tests, and a server's TLS context under it."""

    file: Path
    context: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 -- certificates are of this machine's time
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    key = ec.generate_private_key(ec.SECP256R1())
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("www.googleapis.com"), here])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "authority.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    held = folder / "key.pem"
    held.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, held)
    return Authority(pem, context)


@pytest.fixture
def egress(settings, authority):
    """A maker of clients: with these destinations (name=url), and settings changed as said."""
    made = []

    def make(destinations=None, **changed):
        registry = Registry({name: frozenset({origin_of(url)}) for name, url in (destinations or {}).items()})
        changed.setdefault("egress_ca_file", str(authority.file))
        made.append(Client(replace(settings, **changed), SystemClock(), registry))
        return made[-1]

    yield make
    for client in made:
        client.close()
