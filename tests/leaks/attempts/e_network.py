"""E: sending out by Python's own means, past the one client: stopped by the tripwire, in a process of the product's."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from limited_use.egress import EgressRefused, client
from limited_use.egress.errors import UrlRefused
from tests.leaks.forms import marked
from tests.leaks.registry import attempt
from tests.leaks.trap import Peer

ROOT = Path(__file__).parents[3]
WAYS = {
    "requests": 57,
    "a session": 57,
    "a model's client": 57,
    "urllib": 57,
    "urllib3": 57,
    "http.client": 57,
    "socket": 57,
    "connect_ex": 57,
    "datagram": 59,
    "asyncio": 60,
    "smtplib": 68,
    "ftplib": 62,
    "xmlrpc": 60,
    "a look-up of a name": 65,
    "a program": 57,
    "a shell": 57,
}


@cache
def _tried(environment: str) -> tuple[dict[str, list[str]], bytes]:
    """Return what became of each way, and what somebody who listened was sent by all of them."""
    peer = Peer()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tests.leaks.bypassing"],
            cwd=ROOT,
            input=f"{peer.port}\n{marked()}\n{environment}",
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
            env={"PATH": os.environ["PATH"]},  # noqa: TID251 -- for the interpreter alone
        )
        return json.loads(done.stdout), b"".join(peer.received)
    finally:
        peer.close()


def _environment(house: Any) -> str:
    """Return the environment that the house's settings come from."""
    settings = house.runtime.settings
    said = {
        "CRM_ENVIRONMENT": "embedded",
        "CRM_DATA_FOLDER": str(settings.data_folder),
        "DATABASE_URL": settings.database_url,
        "KEYS_DATABASE_URL": settings.keys_database_url,
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "SECRET_KEY": settings.secret_key,
        "KEYRING_PATH": str(settings.keyring_path),
        "LOG_KEY_PATH": str(settings.log_key_path),
        "GOOGLE_ROOT": "http://127.0.0.1:9",
        "GOOGLE_CLIENT_ID": settings.google_client_id,
        "GOOGLE_CLIENT_SECRET": settings.google_client_secret,
        "ADDON_SERVICE_ACCOUNT": settings.addon_service_account,
    }
    return json.dumps(said)


def bypass(way: str, corpus: int) -> None:
    """Register a way of sending out past the client: it is stopped before anything is sent."""

    def act(house: Any, trap: Any) -> None:
        found, received = _tried(_environment(house))
        assert set(found) == set(WAYS)
        assert "EgressBypassed" in found[way], found[way]
        assert received == b""
        trap.keep(received, "sockets")

    attempt(f"E{corpus}-by-{way.replace(' ', '-')}", sink="network", technique=f"by {way}", corpus=corpus)(act)


for _way, _corpus in WAYS.items():
    bypass(_way, _corpus)


@attempt(
    "E57-unregistered",
    sink="network",
    technique="the client, for a destination of nobody's",
    corpus=(57, 65),
    refused=EgressRefused,
)
def unregistered(house):
    client(house.runtime).request("openai", "POST", "https://api.openai.example/v1/chat/completions", body=b"{}")


@attempt(
    "E57-other-host",
    sink="network",
    technique="a registered destination's name for another host",
    corpus=57,
    refused=EgressRefused,
)
def other_host(house, trap):
    from limited_use.egress.registry import shipped_registry

    name = shipped_registry()[0].name
    client(house.runtime).request(name, "POST", trap.peer.url, body=b"x")


@attempt("E66-metadata", sink="network", technique="a webhook to the metadata server", corpus=66)
def metadata(house):
    """No spelling of a private address is taken from users."""
    client_ = client(house.runtime)
    refused = 0
    for url in (
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:169.254.169.254]/",
        "https://metadata.google.internal/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://user@evil.example@127.0.0.1/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://localhost/",
    ):
        try:
            client_.check_user_url(url)
        except UrlRefused:
            refused += 1
    assert refused == 12
