"""The product's one HTTP client.

It speaks to registered destinations by name, to user-given addresses under their own rules, and lends its way out to
libraries that bring a session of their own. No redirect is followed anywhere. Answers are limited in size and time.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import requests
import urllib3

from kernel.clock import Clock
from kernel.runtime import Runtime
from kernel.settings import Settings
from limited_use.egress import errors
from limited_use.egress.addresses import is_loopback, is_public
from limited_use.egress.answering import read_answer, told
from limited_use.egress.connecting import Found, Proxy, connect, look_up_given
from limited_use.egress.pools import opener, pool_manager, tls_context
from limited_use.egress.posting import Line, post_pinned
from limited_use.egress.registry import Registry, for_settings, origin_of
from limited_use.egress.sessions import carry
from limited_use.egress.user_urls import Rules, UserUrl, read_user_url

MOST_BYTES = 4 * 1024 * 1024
CONNECT_S = 5.0
TIMEOUT_S = 15.0
LONGEST_WAIT_S = 86_400.0
_USER_AGENT = "crm-io-workspace/0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registered destination answered; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """What a user-given address answered: its status, and for how many seconds it asks to wait, if it does."""

    status: int
    retry_after: float | None


class Way:
    """The way out to some destinations, to be lent to a library: `check` refuses addresses, `carry` takes a session."""

    def __init__(self, client: "Client", names: tuple[str, ...]) -> None:
        self._client = client
        self._names = names

    def check(self, url: str) -> None:
        """The address belongs to one of the destinations; raises EgressRefused."""
        self._client.registry.check(url, *self._names)

    def carry(self, session: requests.Session) -> None:
        """The session reaches these destinations and nothing else, without redirects, proxies or `.netrc`."""
        self._client.carry(session, self.check)


class Client:
    """One of each runtime; any thread may use it."""

    def __init__(self, settings: Settings, clock: Clock, registry: Registry | None = None) -> None:
        """Raises RegistryError if the settings name a host that is not registered."""
        self.registry = for_settings(settings) if registry is None else registry
        self._clock = clock
        self._proxy = Proxy.read(settings.egress_proxy)
        self._context = tls_context(settings.egress_ca_file)
        own = {origin_of(settings.public_url)[1:], *self.registry.places}
        self._rules = Rules(settings.egress_loopback, frozenset(own))
        self._open = opener(self._proxy_to)
        self._pools = pool_manager(self._open, self._context)

    def way(self, *names: str) -> Way:
        """Return the way to these destinations."""
        return Way(self, names)

    def carry(self, session: requests.Session, check: Callable[[str], None]) -> None:
        """The session goes our way from now on; `check` refuses addresses."""
        carry(session, check, self._open, self._context)

    def request(  # noqa: PLR0913 -- what a request is made of
        self,
        destination: str,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        most: int = MOST_BYTES,
    ) -> Answer:
        """Return what the registered destination answers, whatever its status; redirects are not followed.

        Raises:
            EgressRefused: the address is not the destination's; nothing was sent.
            EgressFailed: it did not answer, in time, as itself, or within `most` bytes: by its heirs.
        """
        self.registry.check(url, destination)
        with told():
            answer = self._pools.urlopen(
                method,
                url,
                body=body,
                headers={"User-Agent": _USER_AGENT, **(headers or {})},
                timeout=urllib3.Timeout(connect=min(CONNECT_S, timeout_s), read=timeout_s),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            read = read_answer(answer, most, timeout_s)
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, read)

    def connect(self, destination: str, *, timeout_s: float = CONNECT_S) -> socket.socket:
        """Return a connected socket to a registered destination that does not speak HTTP, such as a mail server.

        Raises:
            EgressRefused: it is not registered, or is several places.
            EgressFailed: it does not answer.
        """
        host, port = self.registry.place_of(destination)
        try:
            return connect(host, port, timeout_s, self._proxy_to(host, port))
        except TimeoutError as error:
            raise errors.EgressTimedOut from error
        except OSError as error:
            raise errors.EgressFailed from error

    def check_user_url(self, url: str, *, looked_up: bool = True) -> str:
        """Return the user-given address in its one spelling; it may be sent to as things stand.

        Raises:
            UrlRefused: by its heir, if it may not; without `looked_up`, only its form is judged.
        """
        read = read_user_url(url, self._rules)
        if looked_up:
            self._look_up(read)
        return str(read)

    def post_user_url(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float = TIMEOUT_S
    ) -> EgressAnswer:
        """Send the body to a user-given address, all within `timeout_s`, and return what is to be known of the answer.

        Every address of the host was checked, and the connection goes to a checked one. The answer's body is dropped.

        Raises:
            UrlRefused: by its heir, if nothing may be sent there; nothing was.
            EgressFailed: it did not answer, in time, as itself, or at bearable length: by its heirs.
        """
        read = read_user_url(url, self._rules)
        known = self._look_up(read)
        status, waits = post_pinned(
            read,
            body,
            {"User-Agent": _USER_AGENT, **headers},
            Line(known, self._proxy, self._context, timeout_s),
        )
        return EgressAnswer(status, self._retry_after(waits))

    def close(self) -> None:
        """The connections are given back."""
        self._pools.clear()

    def _proxy_to(self, host: str, port: int) -> Proxy | None:
        if (host, port) not in self.registry.places:
            raise errors.EgressRefused
        return None if (host, port) in self.registry.direct else self._proxy

    def _look_up(self, read: UserUrl) -> Sequence[Found]:
        """Return the host's addresses, every one of them fit to be called."""
        known = look_up_given(read.host, read.port)
        fit = is_loopback if read.is_loopback else is_public
        if not all(fit(str(found[4][0])) for found in known):
            raise errors.UrlPrivate
        return known

    def _retry_after(self, said: str) -> float | None:
        """Return the seconds that a Retry-After header asks for: a number, or a moment."""
        if said.isascii() and said.isdigit():
            return float(min(int(said[:10]), LONGEST_WAIT_S))
        try:
            until = parsedate_to_datetime(said)
        except (ValueError, OverflowError):  # numbers as long as the other side likes
            return None
        if until.tzinfo is None:
            return None
        return min(max(0.0, (until - self._clock.now()).total_seconds()), LONGEST_WAIT_S)


def client(runtime: Runtime) -> Client:
    """Return this runtime's client.

    Raises:
        RegistryError: if the settings name a host that is not registered; then nothing starts.
    """
    return runtime.part("limited_use.egress", lambda: Client(runtime.settings, runtime.clock))
