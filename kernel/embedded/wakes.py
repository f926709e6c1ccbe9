"""The embedded Redis: it only wakes workers; what it holds is rebuilt from the database by the sweep."""

import signal
from pathlib import Path

import redis

from kernel.embedded.binaries import Binaries
from kernel.embedded.errors import EmbeddedCorruptError, EmbeddedError, EmbeddedFailedError, full
from kernel.embedded.place import Home

SIGNALS = [signal.SIGTERM]


def prepare(home: Home, binaries: Binaries) -> Path:
    """Return the data folder for this major version: a newer one's file cannot be read by an older."""
    return home.own_folder(f"redis-{binaries.redis_major}")


def command(data: Path, binaries: Binaries, sockets: Path, *, fast: bool) -> list[str]:
    """Return the command line of the server: on a socket in `sockets`, nowhere else."""
    options = {
        "port": "0",
        "unixsocket": str(sockets / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(data),
        "save": "",
        "appendonly": "no" if fast else "yes",
        "appendfsync": "everysec",
        "auto-aof-rewrite-min-size": "16mb",
        "databases": "64",
        "daemonize": "no",
        "loglevel": "warning",
    }
    return [str(binaries.redis), *(part for name, value in options.items() for part in (f"--{name}", value))]


def url(sockets: Path) -> str:
    """Return the address of the server, as redis-py reads it."""
    return f"unix://{sockets}/redis.sock?db=0"


def is_ready(sockets: Path) -> bool:
    """Tell whether the server answers."""
    client = redis.Redis(unix_socket_path=str(sockets / "redis.sock"), socket_timeout=5)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def explain(log: Path, since: int, data: Path) -> EmbeddedError:
    """Return the error that says why the server ended, from what it logged after byte `since`."""
    with log.open("rb") as lines:
        lines.seek(since)
        told = lines.read().decode(errors="replace")
    if "No space left on device" in told:
        return full(data)
    if "Bad file format" in told or "corrupt" in told.lower() or "format version" in told:
        return EmbeddedCorruptError(
            f"The queue's data in {data} cannot be read: move that folder aside and start again; "
            "nothing is lost, for the queue is rebuilt from the database."
        )
    return EmbeddedFailedError(f"The queue's server did not start: {log} says why.")
