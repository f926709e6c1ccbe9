"""A small mail server: it takes letters over SMTP, with STARTTLS and a sign-in where a test wants them."""

import base64
import datetime as dt
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class Certificate:
    """What the server proves itself with: its authority and its key, as files."""

    authority: Path
    key: Path


@dataclass
class Taken:
    """One letter, and how it came."""

    sender: str
    to: list[str]
    message: bytes
    over_tls: bool
    signed_in: str | None


@dataclass
class MailServer:
    """What was taken, and how the server behaves."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    tls: bool = True
    at_once: bool = False
    """Whether TLS is spoken from the first byte."""
    wants: str | None = None
    """The user name and password, as `AUTH PLAIN` has them, without which no letter is taken."""
    refuses: dict[str, str] = field(default_factory=dict)
    """What is answered to a command in place of yes."""

    def reset(self) -> None:
        self.taken.clear()
        self.tls, self.at_once, self.wants, self.refuses = True, False, None, {}


class _Talk(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        self.here: MailServer = self.server.here  # type: ignore[attr-defined]  # set below
        self.over_tls, self.user = False, None
        if self.here.at_once:
            self._speak_tls()
        super().setup()

    def handle(self) -> None:
        self.sender, self.to = "", []
        self._say("220 ready")
        while line := self.rfile.readline(2000):
            verb, _, rest = line.decode().strip().partition(" ")
            if verb.upper() in self.here.refuses:
                self._say(self.here.refuses[verb.upper()])
            else:
                getattr(self, f"_{verb.lower()}", self._noop)(rest)
            if verb.upper() == "QUIT":
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _noop(self, _rest: str) -> None:
        self._say("250 ok")

    def _quit(self, _rest: str) -> None:
        self._say("221 bye")

    def _starttls(self, _rest: str) -> None:
        self._say("220 go")
        self._speak_tls()
        super().setup()

    def _mail(self, rest: str) -> None:
        self.sender, self.to = rest[6:].partition(">")[0], []
        self._say("250 ok" if self.here.wants is None or self.user else "530 sign in")

    def _rcpt(self, rest: str) -> None:
        self.to.append(rest[4:].partition(">")[0])
        self._say("250 ok")

    def _data(self, _rest: str) -> None:
        self._say("354 go on")
        self.here.taken.append(Taken(self.sender, self.to, self._letter(), self.over_tls, self.user))
        self._say("250 taken")

    def _ehlo(self, _rest: str) -> None:
        can = ["here", *(["STARTTLS"] if self.here.tls and not self.over_tls else []), "AUTH PLAIN", "8BITMIME"]
        for name in can[:-1]:
            self._say(f"250-{name}")
        self._say(f"250 {can[-1]}")

    def _auth(self, rest: str) -> None:
        said = base64.b64decode(rest.partition(" ")[2]).decode()
        self.user = said.split("\0")[1] if said == self.here.wants else None
        self._say("235 ok" if self.user else "535 no")

    def _letter(self) -> bytes:
        lines = []
        while (line := self.rfile.readline(100_000)) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _speak_tls(self) -> None:
        self.request = self.server.context.wrap_socket(self.request, server_side=True)  # type: ignore[attr-defined]  # set below
        self.over_tls = True

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


@contextmanager
def serving(certificate: Certificate) -> Iterator[MailServer]:
    """Yield a mail server that listens while the block runs."""

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: whoever spoke hung up, which some tests mean."""

    here = MailServer()
    with Server(("127.0.0.1", 0), _Talk) as server:
        server.here, server.context = here, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # type: ignore[attr-defined]  # for the handler
        server.context.load_cert_chain(certificate.authority, certificate.key)  # type: ignore[attr-defined]  # as above
        here.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield here
        server.shutdown()
        thread.join()


def make_certificate(folder: Path) -> Certificate:
    """Return a certificate of this machine's own address, which is its own authority."""
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 -- certificates are of this machine's time
    name, key = (
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")]),
        ec.generate_private_key(ec.SECP256R1()),
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(folder / "authority.pem", folder / "key.pem")
    files.authority.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return files
