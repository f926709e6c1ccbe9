"""Google calling the add-on: tokens signed with a key of the test's own, events as Google sends them, cards judged."""

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask.testing import FlaskClient
from google.auth import crypt, jwt

from accounts.members import Viewer
from accounts.models import Member
from emulator.addon_host.envelope import CLICK, TRIGGER, Reply, read_reply
from kernel.runtime import Runtime
from limited_use import egress
from oauth.certs import Certificates

PUBLIC = "http://localhost:8080"
KEY_ID = "test-key"
SCOPES = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/gmail.addons.execute",
    "https://www.googleapis.com/auth/gmail.addons.current.message.metadata",
]


def make_key() -> tuple[crypt.RSASigner, str]:
    """Return a signer and its self-signed certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "signer")])
    now = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return crypt.RSASigner.from_string(private, KEY_ID), public


def trust(runtime: Runtime, certificate: str) -> None:
    """Have the runtime hold the certificate as Google's only one."""
    known = Certificates(egress.client(runtime), "http://127.0.0.1:9")
    known._known = {KEY_ID: certificate}
    known._good_until = known._fetched_at = float("inf")
    runtime.part("oauth.certs", lambda: known)


@dataclass
class Host:
    """Gmail, calling the add-on for somebody."""

    runtime: Runtime
    client: FlaskClient
    signer: crypt.RSASigner
    sub: str = "sub-Ann"
    email: str = "ann@own.example"
    scopes: list[str] | None = field(default_factory=lambda: list(SCOPES))

    def token(self, signer: crypt.RSASigner | None = None, **claims: Any) -> str:
        now = int(time.time())
        whole = {"iss": "https://accounts.google.com", "iat": now, "exp": now + 3600, "email_verified": True, **claims}
        return jwt.encode(signer or self.signer, {k: v for k, v in whole.items() if v is not None}).decode()

    def system(self, path: str, signer: crypt.RSASigner | None = None, **claims: Any) -> str:
        account = self.runtime.settings.addon_service_account
        return self.token(signer, **{"aud": PUBLIC + path, "email": account, "sub": account, **claims})

    def user(self, signer: crypt.RSASigner | None = None, **claims: Any) -> str:
        audience = self.runtime.settings.addon_client_id
        return self.token(signer, **{"aud": audience, "sub": self.sub, "email": self.email, **claims})

    def event(self, gmail_id: str | None = None, **said: Any) -> dict[str, Any]:
        """Return an event; `typed` and `parameters` as a click sends them."""
        common: dict[str, Any] = {"hostApp": "GMAIL", "platform": "WEB", "unknownKey": {"a": 1}}
        if said.get("typed"):
            common["formInputs"] = {name: {"stringInputs": {"value": [v]}} for name, v in said["typed"].items()}
        if said.get("parameters"):
            common["parameters"] = said["parameters"]
        authorization: dict[str, Any] = {"userIdToken": said.get("user", self.user())}
        if self.scopes is not None:
            authorization["authorizedScopes"] = self.scopes
        body = {"commonEventObject": common, "authorizationEventObject": authorization, "messageMetadata": {}}
        if gmail_id:
            body["gmail"] = {"messageId": f"msg-f:{int(gmail_id, 16)}", "threadId": "thread-f:1"}
        return body

    def post(self, path: str, body: Any, **more: Any) -> Any:
        """Send the body, with a good system token unless headers are given."""
        headers = more.pop("headers", {"Authorization": f"Bearer {self.system(path)}"})
        sent = {"json": body} if isinstance(body, dict) else {"data": body, "content_type": "application/json"}
        return self.client.post(path, base_url=PUBLIC, headers=headers, **{**sent, **more})

    def call(self, path: str, gmail_id: str | None = None, **said: Any) -> Reply:
        """Call and return the answer, which Google would have to show."""
        answer = self.post(path, self.event(gmail_id, **said))
        assert answer.status_code == 200, answer.text
        kind = CLICK if path.startswith("/addon/actions/") else TRIGGER
        reply = read_reply(kind, answer.json, PUBLIC, len(answer.data))
        assert reply.problems == []
        return reply

    def message(self, gmail_id: str) -> dict[str, Any]:
        """Return the card beside a message."""
        return card_of(self.call("/addon/gmail/message", gmail_id))

    def press(self, card: dict[str, Any], text: str, **typed: str) -> Reply:
        """Press the button of that text on the card."""
        return self.act(action_of(card, text), **typed)

    def act(self, action: dict[str, Any], **typed: str) -> Reply:
        path = action["function"].removeprefix(PUBLIC)
        parameters = {one["key"]: one["value"] for one in action["parameters"]}
        return self.call(path, parameters=parameters, typed=typed)

    def as_member(self, viewer: Viewer) -> "Host":
        """Return the host as that member sees it."""
        with self.runtime.sessions() as session:
            member = session.get_one(Member, viewer.member_id)
        return Host(self.runtime, self.client, self.signer, member.google_sub, member.email)


def card_of(reply: Reply) -> dict[str, Any]:
    """Return the card that an answer shows."""
    (name, card), *rest = reply.navigations
    assert not rest
    assert name in {"pushCard", "updateCard"}
    return card


def widgets(card: dict[str, Any]) -> list[dict[str, Any]]:
    return [widget for section in card["sections"] for widget in section["widgets"]]


def pressable(card: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every button of a card by its text."""
    rows = [widget["buttonList"]["buttons"] for widget in widgets(card) if "buttonList" in widget]
    return {button["text"]: button for row in rows for button in row}


def action_of(card: dict[str, Any], text: str) -> dict[str, Any]:
    return pressable(card)[text]["onClick"]["action"]


def lines(card: dict[str, Any]) -> dict[str, str]:
    """Return the labelled lines of a card: label to text."""
    found = [widget["decoratedText"] for widget in widgets(card) if "decoratedText" in widget]
    return {line.get("topLabel", ""): line["text"] for line in found}


def texts(card: dict[str, Any]) -> str:
    """Return everything that the card says, as one text."""
    paragraphs = [widget["textParagraph"]["text"] for widget in widgets(card) if "textParagraph" in widget]
    said = [str(line) for pair in lines(card).items() for line in pair]
    return "\n".join([card["header"]["title"], *paragraphs, *said])
