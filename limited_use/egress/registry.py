"""The registry: `registry.toml`, read, checked against the settings, and asked before every request."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kernel.settings import Settings
from limited_use.egress.errors import EgressRefused, RegistryError
from limited_use.egress.reaching import Place

FILE = Path(__file__).with_name("registry.toml")
CLASSES = frozenset({"google", "platform", "mail", "webhook"})
"""What a destination may be. What trains, advertises, resells or rates people is none of them."""
GIVEN_BY_USERS = "webhook"
PORTS = {"http": 80, "https": 443, "smtp": 25, "smtps": 465, "submission": 587}
_PLAIN_HTTP = frozenset({"platform"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

Origin = tuple[str, str, int]
"""Scheme, host in lower case, port."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One entry, as `registry.toml` explains it."""

    name: str
    who: str
    kind: str
    hosts: tuple[str, ...]
    settings: tuple[str, ...]
    when: str
    purpose: str
    data: str
    sub_processor: bool
    region: str
    terms: str


_KEYS = {"class" if field.name == "kind" else field.name for field in fields(Destination)}


class Registry:
    """The destinations of one installation: the entries, at the addresses that its settings name."""

    def __init__(self, origins: Mapping[str, frozenset[Origin]]) -> None:
        """`origins`: what belongs to each name; `for_settings` makes them of the shipped file."""
        self._origins = dict(origins)
        self.origins: frozenset[Origin] = frozenset().union(*self._origins.values())
        self.places: frozenset[Place] = frozenset((host, port) for _, host, port in self.origins)
        # No proxy can stand in for this machine, or for the platform's metadata server, the one place of plain http.
        self.direct: frozenset[Place] = frozenset(
            (host, port) for scheme, host, port in self.origins if scheme == "http" or host in _LOOPBACK
        )

    def check(self, url: str, *names: str) -> None:
        """The address belongs to one of the named destinations.

        Raises:
            EgressRefused: if it does not, cannot be read, or carries a user name.
        """
        origin = origin_of(url)
        if not any(origin in self._origins.get(name, ()) for name in names):
            raise EgressRefused

    def place_of(self, name: str) -> Place:
        """Return the one host and port of a destination.

        Raises:
            EgressRefused: if it is not registered, or has several.
        """
        found = {(host, port) for _, host, port in self._origins.get(name, ())}
        if len(found) != 1:
            raise EgressRefused
        return found.pop()


def origin_of(url: str) -> Origin:
    """Return scheme, host and port of an address.

    Raises:
        EgressRefused: if it has none that can be read, or carries a user name.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise EgressRefused from error
    if not port or not parts.hostname or parts.username is not None or parts.password is not None:
        raise EgressRefused
    return parts.scheme, parts.hostname.lower(), port


def read_registry(content: bytes) -> tuple[Destination, ...]:
    """Return the entries that the file's bytes say.

    Raises:
        RegistryError: naming the entry, if it cannot be taken.
    """
    try:
        said = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RegistryError("The registry of destinations is not TOML.") from error
    found = tuple(_read_entry(number, entry) for number, entry in enumerate(said.get("destinations", ()), 1))
    if set(said) != {"destinations"} or len({entry.name for entry in found}) != len(found):
        raise RegistryError("The registry holds destinations, each with a name of its own, and nothing else.")
    return found


def _read_entry(number: int, entry: dict[str, Any]) -> Destination:
    if set(entry) != _KEYS:
        raise RegistryError(f"Destination {number} of the registry needs exactly: {', '.join(sorted(_KEYS))}.")
    said = {**entry, "kind": entry["class"], "hosts": tuple(entry["hosts"]), "settings": tuple(entry["settings"])}
    del said["class"]
    made = Destination(**said)
    if made.kind not in CLASSES:
        raise RegistryError(
            f"Destination {number} of the registry is of a class that nothing may be sent to. "
            f"There are: {', '.join(sorted(CLASSES))}."
        )
    if not all((made.name, made.who, made.purpose, made.data, made.region, made.terms)):
        raise RegistryError(f"Destination {number} of the registry leaves something unsaid.")
    _check_hosts(number, made)
    return made


def _check_hosts(number: int, made: Destination) -> None:
    if bool(made.hosts or made.settings) is (made.kind == GIVEN_BY_USERS):
        raise RegistryError(f"Destination {number} of the registry has hosts, or its addresses are given by users.")
    for host in made.hosts:
        scheme, name, _ = _origin(number, host)
        plain = scheme == "http" and made.kind not in _PLAIN_HTTP
        if plain or "*" in name or urlsplit(host).path not in ("", "/"):
            raise RegistryError(f"Destination {number} of the registry names a host that is not https, or not one.")


def _origin(number: int, url: str) -> Origin:
    try:
        return origin_of(url)
    except EgressRefused as error:
        raise RegistryError(f"Destination {number} of the registry names a host that cannot be read.") from error


@cache
def shipped_registry() -> tuple[Destination, ...]:
    """Return the entries that this version of the product came with."""
    return read_registry(FILE.read_bytes())


def for_settings(settings: Settings, entries: tuple[Destination, ...] | None = None) -> Registry:
    """Return the registry of an installation; its settings name nothing that is not registered.

    An entry that is not in use has no host; one whose settings name a stand-in on loopback is that stand-in.

    Raises:
        RegistryError: if a setting names another host.
    """
    shipped = shipped_registry() if entries is None else entries
    return Registry({entry.name: _origins(number, entry, settings) for number, entry in enumerate(shipped, 1)})


def is_used(entry: Destination, settings: Settings) -> bool:
    """Tell whether the installation uses it: always, or when a setting of its own is set.

    Raises:
        RegistryError: if there is no such setting.
    """
    return not entry.when or bool(_setting(entry.when, settings))


def _setting(name: str, settings: Settings) -> object:
    try:
        return attrgetter(name)(settings)
    except AttributeError as error:
        raise RegistryError("The registry of destinations names a setting that is none.") from error


def _origins(number: int, entry: Destination, settings: Settings) -> frozenset[Origin]:
    if not is_used(entry, settings):
        return frozenset()
    hosts = frozenset(_origin(number, host) for host in entry.hosts)
    named: set[Origin] = set()
    for setting in entry.settings:
        if value := str(_setting(setting, settings) or ""):
            named.add(_named(setting, value, hosts))
    return frozenset(named) if entry.settings else hosts


def _named(setting: str, value: str, hosts: frozenset[Origin]) -> Origin:
    try:
        origin = origin_of(value)
    except EgressRefused as error:
        raise RegistryError(f"The setting {setting} names no address that can be read.") from error
    # An entry that lists no hosts takes what its settings say: the operator's own mail server, for one.
    if hosts and origin not in hosts and origin[1] not in _LOOPBACK:
        raise RegistryError(f"The setting {setting} names a host that is not in the registry of destinations.")
    return origin
