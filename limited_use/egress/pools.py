"""urllib3's pools, with connections that are made under leave and to the places that were permitted, and no other."""

import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any

import certifi
import urllib3
from urllib3 import connection, exceptions

from limited_use.egress.connecting import Found, Proxy, connect

Open = Callable[[str, int, float | None], socket.socket]
"""Makes the socket of a connection; raises OSError, or our own error where the place is not permitted."""


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Return the TLS settings of every connection: certificates and names checked, 1.2 or newer."""
    made = ssl.create_default_context(cafile=ca_file or certifi.where())
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def opener(proxy_to: Callable[[str, int], Proxy | None]) -> Open:
    """Return what makes sockets to the places that `proxy_to` permits, through the proxy that it names."""

    def open_socket(host: str, port: int, timeout_s: float | None) -> socket.socket:
        return connect(host, port, timeout_s, proxy_to(host, port))

    return open_socket


def pinned(known: Sequence[Found], proxy: Proxy | None) -> Open:
    """Return what makes sockets to these very addresses, whatever a look-up would say by now."""

    def open_socket(host: str, port: int, timeout_s: float | None) -> socket.socket:
        return connect(host, port, timeout_s, proxy, known)

    return open_socket


def _new_connection(made: connection.HTTPConnection, open_socket: Open) -> socket.socket:
    """Return the socket of a connection, failing as urllib3's own does."""
    asked: Any = made.timeout  # seconds by now: the pool has taken them out of its Timeout
    try:
        return open_socket(made.host, made.port, asked if isinstance(asked, int | float) else None)
    except TimeoutError as error:
        raise exceptions.ConnectTimeoutError(made, "the connection was not made in time") from error
    except OSError as error:
        raise exceptions.NewConnectionError(made, type(error).__name__) from error


def connection_classes(open_socket: Open) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Return pool classes by scheme whose connections are made by `open_socket`."""

    class Plain(connection.HTTPConnection):
        """Over http."""

        def _new_conn(self) -> socket.socket:
            return _new_connection(self, open_socket)

    class Tls(connection.HTTPSConnection):
        """Over https."""

        def _new_conn(self) -> socket.socket:
            return _new_connection(self, open_socket)

    class PlainPool(urllib3.HTTPConnectionPool):
        """Connections over http to one place."""

        ConnectionCls = Plain

    class TlsPool(urllib3.HTTPSConnectionPool):
        """Connections over https to one place."""

        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


def pool_manager(open_socket: Open, context: ssl.SSLContext, size: int = 10) -> urllib3.PoolManager:
    """Return pools whose connections are kept and made by `open_socket`; nothing is sent twice by itself."""
    made = urllib3.PoolManager(size, maxsize=size, ssl_context=context, cert_reqs=ssl.CERT_REQUIRED, retries=False)
    classes: Any = connection_classes(open_socket)
    made.pool_classes_by_scheme = classes
    return made
