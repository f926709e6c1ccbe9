"""Sessions of other people's libraries (google-auth, oauthlib), made to go through the one way out.

Such a library brings a `requests` session of its own and logic around it. What carries its requests is replaced: each
is checked against the registry, TLS is always verified, redirects are refused, and proxies, `.netrc` and certificates
of the environment are not looked at.
"""

import ssl
from collections.abc import Callable
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from limited_use.egress.pools import Open, pool_manager

POOL = 4


class _Carrier(HTTPAdapter):
    """Carries the requests of one session."""

    def __init__(self, check: Callable[[str], None], open_socket: Open, context: ssl.SSLContext) -> None:
        self._check = check
        self._open = open_socket
        self._context = context
        super().__init__(pool_connections=POOL, pool_maxsize=POOL)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:  # noqa: FBT001, FBT002 -- as it is overridden
        """The pools are ours."""
        self.poolmanager = pool_manager(self._open, self._context, maxsize)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """Return the pool's key with our TLS settings in it, whatever was asked for."""
        host, _ = super().build_connection_pool_key_attributes(request, True)  # noqa: FBT003 -- requests' own signature
        return host, {"ssl_context": self._context} if host["scheme"] == "https" else {}

    def cert_verify(self, conn: Any, url: Any, verify: object, cert: object) -> None:
        """Nothing is left to be set on the connection: its context verifies."""

    def send(self, request: requests.PreparedRequest, *_: Any, **more: Any) -> requests.Response:
        """Return the answer of a registered destination.

        Raises:
            EgressRefused: if the address is none's; nothing is sent.
        """
        self._check(request.url or "")
        return super().send(request, **{**more, "proxies": None, "verify": True, "cert": None})


def carry(session: requests.Session, check: Callable[[str], None], open_socket: Open, context: ssl.SSLContext) -> None:
    """Every request of the session goes our way from now on."""
    session.trust_env = False
    session.max_redirects = 0
    for adapter in session.adapters.values():
        adapter.close()
    session.adapters.clear()
    carrier = _Carrier(check, open_socket, context)
    session.mount("https://", carrier)
    session.mount("http://", carrier)
