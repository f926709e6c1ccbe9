"""A local Google per test, with as much or as little mail as the test writes."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest
import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc

from emulator import accounts
from emulator.clock import Clock
from emulator.config import Config
from emulator.oauth import tokens
from emulator.oauth.keys import Keys
from emulator.server import Running, running
from emulator.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REDIRECT = "http://127.0.0.1:9/callback"
OWNER = "maya@example.com"
ALL_MAIL = "https://mail.google.com/"


@dataclass
class Mail:
    """How tests write messages."""

    number: int = 0

    def write(self, text: str = "Hello", **fields: str) -> bytes:
        self.number += 1
        message = EmailMessage()
        message["From"] = fields.pop("sender", "Ann Lee <ann@client.test>")
        message["To"] = fields.pop("to", f"Maya <{OWNER}>")
        message["Subject"] = fields.pop("subject", f"Subject {self.number}")
        message["Message-ID"] = fields.pop("message_id", f"<m{self.number}@client.test>")
        day = 1 + self.number % 27
        message["Date"] = fields.pop("date", f"{day:02d} Oct 2026 {self.number // 27 % 24:02d}:00:00 +0000")
        for name, value in fields.items():
            message[name.replace("_", "-")] = value
        message.set_content(text)
        return message.as_bytes()


@dataclass
class Google:
    """A running emulator, and the ways in which tests speak to it."""

    running: Running
    opened: contextlib.ExitStack

    @property
    def url(self) -> str:
        return self.running.url

    def token(self, scopes: str = ALL_MAIL, email: str | None = None) -> str:
        state = self.running.state
        account = accounts.by_email(state.store, email) if email else accounts.owner(state.store)
        assert account is not None
        with state.store.write() as db:
            return tokens.issue_access(state, db, tokens.Granted(account.sub, "client", tuple(scopes.split())))

    def session(self, scopes: str = ALL_MAIL, email: str | None = None) -> requests.Session:
        session = self.opened.enter_context(_Session(self.url))
        session.headers["Authorization"] = f"Bearer {self.token(scopes, email)}"
        return session

    def service(self, api: str = "gmail", version: str = "v1", scopes: str = ALL_MAIL) -> Any:
        document = json.loads(get_static_doc(api, version))
        document["rootUrl"] = self.url + "/"
        document["baseUrl"] = self.url + "/" + document["servicePath"]
        document.pop("mtlsRootUrl", None)
        service = build_from_document(document, credentials=Credentials(self.token(scopes)))
        self.opened.callback(service.close)
        return service

    def control(self, verb: str, path: str, **body: Any) -> Any:
        answer = requests.request(
            verb, f"{self.url}/_control/{path}", json=body if verb in {"POST", "PATCH"} else None, timeout=10
        )
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def fault(self, method: str, name: str, **options: Any) -> None:
        self.control("POST", "faults", method=method, fault=name, **options)

    def arrive(self, raw: bytes, **options: Any) -> dict[str, str]:
        text = base64.urlsafe_b64encode(raw).decode()
        answer: dict[str, str] = self.control("POST", "messages", raw=text, **options)
        return answer


class _Session(requests.Session):
    """A session that knows where its Google is."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self.root = root

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]  # fewer names
        kwargs.setdefault("timeout", 20)
        return super().request(method, self.root + url if url.startswith("/") else url, *args, **kwargs)


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key pair for all: making one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("keys")
    store = Store(folder)
    Keys(folder, Clock(store))
    store.close()
    return folder / "keys"


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def takeout(tmp_path: Path) -> Callable[..., Path]:
    """Write a Takeout folder with one mbox of these messages."""

    def write(*messages: bytes, name: str = "All mail", mark: str = "From x Thu Nov 19 10:00:00 +0000 2026") -> Path:
        folder = tmp_path / "Takeout" / "Mail"
        folder.mkdir(parents=True, exist_ok=True)
        content = b"".join(mark.encode() + b"\n" + message.rstrip(b"\n") + b"\n\n" for message in messages)
        (folder / f"{name}.mbox").write_bytes(content)
        return tmp_path / "Takeout"

    return write


@pytest.fixture
def start(tmp_path: Path, signing_keys: Path, takeout: Callable[..., Path]) -> Iterator[Callable[..., Google]]:
    """Start a Google with these messages in its owner's mailbox."""
    with contextlib.ExitStack() as stack:

        def begin(*messages: bytes, **settings: Any) -> Google:
            state = settings.pop("state", tmp_path / "state")
            if not (state / "keys").exists():
                shutil.copytree(signing_keys, state / "keys")
            if "takeout" not in settings:
                # An empty mbox is a Takeout with nothing in it.
                settings["takeout"] = takeout(*messages)
            values = {
                "client_id": "client",
                "client_secret": "secret",
                "redirect_uris": (REDIRECT,),
                "owner": OWNER,
                **settings,
            }
            return Google(stack.enter_context(running(Config(state=state, **values))), stack)

        yield begin
