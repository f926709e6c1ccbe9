"""The walls between people's data and the outside, and whether each stands here: what `doctor` says of them.

A wall *stands*, is *missing* where this way of running the product should have it, or is *not here*: it has no place on
this machine or in this way of running. Each says what to do. docs/operators/walls.md is the long form.
"""

import enum
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import text

from kernel.database import Sessions
from kernel.errors import AppError
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.egress.probing import reaches
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind

_ROUTES = (Path("/proc/net/route"), Path("/proc/net/ipv6_route"))
_NEAR = frozenset({"", "localhost", "127.0.0.1", "::1"})
_PROVED = frozenset({"verify-full", "verify-ca"})
PROBE_S = 3.0


class State(enum.StrEnum):
    """How a wall is."""

    STANDS = "stands"
    MISSING = "missing"
    NOT_HERE = "not here"


@dataclass(frozen=True, slots=True)
class Wall:
    """One wall: its name, how it is, and one sentence on it."""

    name: str
    state: State
    said: str


def walls(runtime: Runtime, probe: str = "") -> Iterator[Wall]:
    """Yield each wall as it is; `probe` names a host and port outside that must not be reached.

    What goes wrong while looking makes the wall a missing one, by the error's code or type.
    """
    checks: dict[str, Callable[[], tuple[State, str]]] = {
        "tripwire": _tripwire,
        "registry of destinations": lambda: _registry(runtime),
        "kernel's wall (Landlock)": lambda: _landlock(runtime),
        "outer wall": lambda: _outer(runtime, probe),
        "way in": lambda: _way_in(runtime),
        "way to the database": lambda: _database(runtime.sessions, runtime.settings.database_url),
        "way to the keys' database": lambda: _database(runtime.key_sessions, runtime.settings.keys_database_url),
        "way to the queue": lambda: _queue(runtime),
        "key files": lambda: _files(runtime),
        "writing to the log": lambda: _log(runtime),
    }
    for name, check in checks.items():
        try:
            yield Wall(name, *check())
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with a wall is told, and the rest looked at
            code = error.code if isinstance(error, AppError) else type(error).__name__
            yield Wall(name, State.MISSING, f"it cannot be looked at: {code}.")


def _tripwire() -> tuple[State, str]:
    if egress.is_watching():
        return State.STANDS, "connections past the product's client are stopped in this process."
    return State.MISSING, "start the product by main.py or worker.py, which set it up."


def _registry(runtime: Runtime) -> tuple[State, str]:
    places = egress.client(runtime).registry.places
    return State.STANDS, f"this installation reaches {len(places)} registered places, and what users give, checked."


def _landlock(runtime: Runtime) -> tuple[State, str]:
    state = egress.confinement()
    if state.ports:
        return State.STANDS, f"ABI {state.abi}; TCP to ports {', '.join(map(str, state.ports))} only."
    asked_off = not runtime.settings.egress_landlock
    return State.MISSING if asked_off else State.NOT_HERE, f"ABI {state.abi}: {state.why_not}."


def _outer(runtime: Runtime, probe: str) -> tuple[State, str]:
    if probe:
        host, _, port = probe.rpartition(":")
        if reaches(host, int(port), PROBE_S):
            return State.MISSING, "the outside that you named is reached from here: see docs/operators/walls.md."
        return State.STANDS, "the outside that you named is not reached from here."
    routed = _has_default_route()
    if routed is False:
        by = "but through EGRESS_PROXY" if runtime.settings.egress_proxy else "at all"
        return State.STANDS, f"there is no route from here to the outside {by}."
    if runtime.settings.environment == "embedded":
        return State.NOT_HERE, "this is for trying: see docs/operators/walls.md before others use it."
    if routed is None:
        return State.NOT_HERE, "routes cannot be read on this system: try `doctor --probe HOST:PORT`."
    return State.MISSING, (
        "this process has a route to everywhere; a firewall may still stand in it: try `doctor --probe HOST:PORT` "
        "with a host that nobody here needs, and see docs/operators/walls.md."
    )


def _has_default_route() -> bool | None:
    """Tell whether there is a route to everywhere; None where that cannot be read."""
    four, six = _ROUTES
    try:
        lines = [line.split() for line in four.read_text().splitlines()[1:]]
        found = any(line[1] == line[7] == "00000000" for line in lines)
        if six.exists():
            lines = [line.split() for line in six.read_text().splitlines()]
            found |= any(line[1] == "00" and set(line[0]) == {"0"} and line[9] != "lo" for line in lines)
    except (OSError, IndexError):
        return None
    return found


def _way_in(runtime: Runtime) -> tuple[State, str]:
    if runtime.settings.public_url.startswith("https://"):
        return State.STANDS, "people come by https."
    return State.NOT_HERE, "people come by http on this machine alone; give PUBLIC_URL an https:// address for others."


def _database(sessions: Sessions, url: str) -> tuple[State, str]:
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    if (parts.hostname or "") in _NEAR and not any(not host.startswith("/") for host in asked.get("host", ())):
        return State.NOT_HERE, "it is on this machine."
    with sessions() as session:
        ciphered = session.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    if not ciphered:
        return (
            State.MISSING,
            "nothing hides what travels: add `?sslmode=verify-full` and your authority to the address.",
        )
    if _PROVED.isdisjoint(asked.get("sslmode", ())):
        return State.MISSING, "TLS, with whoever answers: say `sslmode=verify-full` in the address."
    return State.STANDS, "TLS, and the server proves who it is."


def _queue(runtime: Runtime) -> tuple[State, str]:
    parts = urlsplit(runtime.settings.redis_url)
    if parts.scheme == "unix" or (parts.hostname or "") in _NEAR:
        return State.NOT_HERE, "it is on this machine."
    if parts.scheme == "rediss":
        return State.STANDS, "TLS."
    return State.MISSING, "nothing hides what travels: use a rediss:// address."


def _files(runtime: Runtime) -> tuple[State, str]:
    settings = runtime.settings
    files = [path for path in (settings.keyring_path, settings.log_key_path, settings.kms_credentials) if path]
    open_ones = [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_ones:
        return State.MISSING, f"others can read {', '.join(open_ones)}: chmod 600, owned by the product's user."
    return State.STANDS, "only the product's user can read them."


def _log(runtime: Runtime) -> tuple[State, str]:
    leaf = Leaf(
        at=runtime.clock.now(),
        kind=Kind.COUNTER,
        decision=Decision.EVENT,
        actor_class=ActorClass.SYSTEM,
        reason="doctor",
    )
    with runtime.sessions() as session:
        record.append(session, leaf, organisation_id=None)
        session.flush()
        session.rollback()
    return State.STANDS, "an entry was taken, and taken back: without one, nothing is opened."
