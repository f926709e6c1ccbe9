"""A process with the tripwire, run by the tests: it tries the ways past the client that Python offers.

What it is given: the port where the tests listen, and the path of a unix socket there. What it prints: JSON, the name
of each attempt and the code of the error that stopped it, `passed` where none did. With `bare` and some names there is
no tripwire, and only these are tried.
"""

import asyncio
import ctypes
import http.client
import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import redis
import requests
import urllib3

from kernel import diagnostics
from kernel.errors import AppError
from kernel.runtime import build
from kernel.settings import Settings
from limited_use import egress
from limited_use.egress.errors import EgressBypassed
from limited_use.egress.reaching import reaching

PORT, PATH = int(sys.argv[1]), sys.argv[2]
ATTEMPTS: dict[str, Callable[[], Any]] = {}


def attempt(act: Callable[[], Any]) -> Callable[[], Any]:
    ATTEMPTS[act.__name__] = act
    return act


@attempt
def plain_socket() -> None:
    socket.create_connection(("127.0.0.1", PORT), timeout=5).sendall(b"canary")


@attempt
def connect_by_number() -> None:
    with socket.socket() as made:
        made.connect(("127.0.0.1", PORT))


@attempt
def connect_ex() -> None:
    with socket.socket() as made:
        made.connect_ex(("127.0.0.1", PORT))


@attempt
def connect_six() -> None:
    with socket.socket(socket.AF_INET6) as made:
        made.connect(("::ffff:127.0.0.1", PORT))


@attempt
def datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendto(b"canary", ("127.0.0.1", PORT))


@attempt
def message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.sendmsg([b"canary"], [], 0, ("127.0.0.1", PORT))


@attempt
def unix_socket() -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(PATH)


@attempt
def abstract_socket() -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.connect("\0crm-canary")


def other_family() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as made:
        made.connect((0, 0))


if hasattr(socket, "AF_NETLINK"):  # Linux's
    attempt(other_family)


@attempt
def look_up() -> None:
    socket.getaddrinfo("canary.example.com", 443)


@attempt
def look_up_by_name() -> None:
    socket.gethostbyname("canary.example.com")


@attempt
def look_up_by_address() -> None:
    socket.gethostbyaddr("192.0.2.1")


@attempt
def name_of_address() -> None:
    socket.getnameinfo(("192.0.2.1", 443), 0)


@attempt
def standard_library() -> None:
    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/canary", timeout=5)


@attempt
def http_client() -> None:
    http.client.HTTPConnection("127.0.0.1", PORT, timeout=5).request("GET", "/canary")


@attempt
def own_session() -> None:
    requests.get(f"http://127.0.0.1:{PORT}/canary", timeout=5)


@attempt
def own_pool() -> None:
    urllib3.PoolManager().request("GET", f"http://127.0.0.1:{PORT}/canary", retries=False)


@attempt
def event_loop() -> None:
    asyncio.run(asyncio.open_connection("127.0.0.1", PORT))


@attempt
def other_thread_during_leave() -> None:
    """While one thread has leave, another has none."""
    told: list[BaseException] = []

    def other() -> None:
        try:
            plain_socket()
        except AppError as error:
            told.append(error)

    with reaching("127.0.0.1", PORT):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    if told:
        raise told[0]


@attempt
def leave_for_another_port() -> None:
    with reaching("127.0.0.1", PORT + 1):
        plain_socket()


@attempt
def forked_child() -> None:
    child = os.fork()
    if child == 0:
        try:
            plain_socket()
        except AppError:
            os._exit(7)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7:
        raise EgressBypassed


@attempt
def subprocess_run() -> None:
    subprocess.run([sys.executable, "-c", "pass"], check=True)


@attempt
def system() -> None:
    os.system("true")  # noqa: S605 -- it must not come to it


@attempt
def posix_spawn() -> None:
    os.posix_spawn("/bin/true", ["true"], {})


@attempt
def execute() -> None:
    os.execv("/bin/true", ["true"])  # noqa: S606 -- it must not come to it


@attempt
def native_library() -> None:
    ctypes.CDLL("libc.so.6")


@attempt
def other_interpreter() -> None:
    importlib.import_module("_xxsubinterpreters").create()


@attempt
def unregistered_through_the_client() -> None:
    egress.client(RUNTIME).request("google_oauth", "GET", f"http://127.0.0.1:{PORT}/canary")


@attempt
def private_user_url() -> None:
    egress.client(RUNTIME).post_user_url(f"https://127.0.0.1:{PORT}/canary", b"canary", {})


@attempt
def registered_through_the_client() -> None:
    """Allowed: Google, as the settings name it."""
    egress.client(RUNTIME).request("google_certs", "GET", RUNTIME.settings.google.certs)


@attempt
def own_database() -> None:
    """Allowed."""
    psycopg.connect(RUNTIME.settings.database_url.replace("+psycopg", "")).close()


@attempt
def own_queue() -> None:
    """Allowed."""
    redis.Redis.from_url(RUNTIME.settings.redis_url).ping()


@attempt
def own_pair() -> None:
    """Allowed: nothing is reached by what is connected."""
    one, other = socket.socketpair()
    with one, other:
        one.sendmsg([b"canary"])


@attempt
def own_name() -> None:
    """Allowed: servers look it up when they begin to listen."""
    socket.getfqdn("")


def tried(act: Callable[[], Any]) -> str:
    try:
        act()
    except AppError as error:
        return error.code
    except Exception as error:  # noqa: BLE001 -- whatever an attempt ends with is what is asked
        # A library may wrap what stopped it.
        inner: BaseException | None = error
        while inner is not None and not isinstance(inner, AppError):
            inner = inner.__cause__ or inner.__context__
        return inner.code if isinstance(inner, AppError) else type(error).__name__
    return "passed"


if __name__ == "__main__":
    settings = Settings.from_environment()
    if "bare" not in sys.argv:
        egress.watch(settings)
    diagnostics.tell("INFO")
    RUNTIME = build(settings)
    told = egress.report(RUNTIME)
    answers = {name: tried(act) for name, act in ATTEMPTS.items() if name in (sys.argv[4:] or ATTEMPTS)}
    sys.stdout.write(json.dumps({"answers": answers, "written": told.flush(30)}))
    RUNTIME.close()
