"""Reading an address that somebody typed, in the one way in which everybody reads it.

What two programs could read differently is refused, not mended: that difference is what attacks live on. A host is a
name; numbers in any notation are refused, except loopback itself where the settings allow it (trying webhooks out).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from limited_use.egress.addresses import is_loopback
from limited_use.egress.errors import UrlHost, UrlMalformed, UrlPort, UrlPrivate, UrlScheme
from limited_use.egress.reaching import Place

LONGEST = 2048
LONGEST_HOST = 253
PORTS = frozenset({443, 8443})
FIRST_UNPRIVILEGED = 1024
_READABLE = re.compile(r"[!-~\u00a1-\U0010ffff]+")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_INSIDE = frozenset(
    {"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "localdomain", "arpa"}
    | {"onion", "invalid", "alt"}
)
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class UserUrl:
    """A user-given address, read: host in ASCII and lower case, the target as it goes into the request line."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_loopback(self) -> bool:
        """Tell whether it names this machine, which was allowed where it was read."""
        return self.host in _LOOPBACK_NAMES

    def __str__(self) -> str:
        """Return the address in its one spelling."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme] == self.port
        return f"{self.scheme}://{host}{'' if usual else f':{self.port}'}{self.target}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an installation allows: loopback or not, and which places of its own it never calls."""

    loopback: bool = False
    own: Collection[Place] = frozenset()


def read_user_url(url: str, rules: Rules) -> UserUrl:
    """Return the address as read.

    Raises:
        UrlRefused: by its heir, if it cannot be used; nothing was looked up.
    """
    parts = _split(url)
    host = _host(parts.hostname or "", rules)
    scheme, port = _scheme_and_port(parts, host)
    spellings = _LOOPBACK_NAMES if host in _LOOPBACK_NAMES else {host}
    if any((name, port) in rules.own for name in spellings):
        raise UrlPrivate
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return UserUrl(scheme, host, port, target)


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST or not _READABLE.fullmatch(url) or "\\" in url or "#" in url:
        raise UrlMalformed
    try:
        parts = urlsplit(url)
        port_is_read = parts.port is None or parts.port > 0
    except ValueError as error:
        raise UrlMalformed from error
    rest = parts.path + parts.query
    if "@" in parts.netloc or "%" in parts.netloc or not parts.hostname or not port_is_read or not rest.isascii():
        raise UrlMalformed
    if parts.netloc.endswith(":"):
        raise UrlMalformed
    return parts


def _scheme_and_port(parts: SplitResult, host: str) -> tuple[str, int]:
    here = host in _LOOPBACK_NAMES  # only where the rules allow it: `_host` has seen to that
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise UrlScheme
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    if port not in PORTS and not (here and port >= FIRST_UNPRIVILEGED):
        raise UrlPort
    return parts.scheme, port


def _host(spelled: str, rules: Rules) -> str:
    if spelled in _LOOPBACK_NAMES:
        if not rules.loopback:
            raise UrlPrivate
        return spelled
    if ":" in spelled or is_loopback(spelled):
        raise UrlHost
    try:
        host = idna.encode(spelled.removesuffix("."), uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise UrlHost from error
    labels = host.split(".")
    if len(host) > LONGEST_HOST or len(labels) == 1 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlHost
    if _NUMBER.fullmatch(labels[-1]):  # 127.1, 0x7f.1, 2130706433 and their like end in a number; no real domain does
        raise UrlHost
    if labels[-1] in _INSIDE:
        raise UrlPrivate
    return host
