"""Google's signing certificates, fetched when needed and kept as long as Google says.

An unknown key id asks Google once more, at most once a minute, since keys rotate; then it is refused.
"""

import json
import re
import threading
import time
from http import HTTPStatus

from kernel.runtime import Runtime
from limited_use import egress
from limited_use.egress.errors import EgressFailed
from oauth.errors import GoogleUnavailable

TIMEOUT_S = 10
SHORTEST_S = 60
LONGEST_S = 86_400
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")


class Certificates:
    """A cache of one address. Times are of this machine's monotonic clock: they are only about the cache."""

    def __init__(self, client: egress.Client, url: str) -> None:
        self._client = client
        self._url = url
        self._lock = threading.Lock()
        self._known: dict[str, str] = {}
        self._good_until = 0.0
        self._fetched_at = float("-inf")

    def find(self, key_id: str) -> dict[str, str]:
        """Return the certificates, by key id; if `key_id` is not among them, Google was asked again.

        Raises:
            GoogleUnavailable: Google did not give its certificates.
        """
        with self._lock:
            now = time.monotonic()
            stale = now >= self._good_until
            unknown = key_id not in self._known and now - self._fetched_at >= SHORTEST_S
            if stale or unknown or not self._known:
                self._fetch(now)
            return dict(self._known)

    def _fetch(self, now: float) -> None:
        try:
            answer = self._client.request("google_certs", "GET", self._url, timeout_s=TIMEOUT_S)
            body = json.loads(answer.body)
        except (EgressFailed, ValueError):
            raise GoogleUnavailable from None
        if (
            answer.status != HTTPStatus.OK
            or not isinstance(body, dict)
            or not body
            or not all(isinstance(pem, str) for pem in body.values())
        ):
            raise GoogleUnavailable
        found = _MAX_AGE.search(answer.headers.get("cache-control", ""))
        self._known = body
        self._fetched_at = now
        self._good_until = now + min(max(int(found[1]) if found else 0, SHORTEST_S), LONGEST_S)


def certificates(runtime: Runtime) -> Certificates:
    """Return this runtime's cache of Google's certificates."""
    return runtime.part("oauth.certs", lambda: Certificates(egress.client(runtime), runtime.settings.google.certs))
