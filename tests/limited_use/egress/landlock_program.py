"""A process that confines itself and then tries to connect: to a port that it may use, and to one that it may not."""

import json
import os
import socket
import sys
import threading
from dataclasses import replace

import psycopg

from kernel.settings import Settings
from limited_use import egress

ALLOWED, OTHER = int(sys.argv[1]), int(sys.argv[2])


def ended(port: int) -> str:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError as error:
        return type(error).__name__
    return "connected"


def by_library(port: int) -> str:
    """Through libpq, which no audit hook sees."""
    try:
        psycopg.connect(f"postgresql://nobody@127.0.0.1:{port}/none", connect_timeout=3)
    except psycopg.OperationalError as error:
        return "denied" if "Permission denied" in str(error) else "reached"
    return "reached"


def in_thread(port: int) -> str:
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(ended(port)))
    thread.start()
    thread.join()
    return said[0]


def in_child(port: int) -> str:
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, ended(port).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        return said.read()


if __name__ == "__main__":
    settings = Settings.from_environment()
    changed = {} if "off" not in sys.argv else {"egress_landlock": False}
    state = egress.confine(replace(settings, **changed))
    ways = (ended, by_library, in_thread, in_child)
    sys.stdout.write(
        json.dumps(
            {
                "abi": state.abi,
                "ports": state.ports,
                "why_not": state.why_not,
                "allowed": ended(ALLOWED),
                "other": {way.__name__: way(OTHER) for way in ways},
            }
        )
    )
