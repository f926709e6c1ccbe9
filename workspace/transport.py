"""Carrying calls to Google for one grant in one thread.

A connection pool shared by threads has been seen to hand one person's answer to another, so a transport belongs
to one thread. It resends nothing by itself: the one exception is google-auth's own renewal of an access token
after a 401, before which Google has done nothing. The way out is lent by the caller, who decides what it reaches.
"""

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import google.auth.exceptions
import requests
import urllib3
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession, Request

from workspace import errors
from workspace.documents import Api, Call
from workspace.quota import Meter, units_of
from workspace.refusals import refusal

TIME_OUTS_S = (5.0, 60.0)
MOST_BYTES = 32 * 1024 * 1024
WIDEST_BATCH = 25
NARROWEST_BATCH = 4

_HEADERS = {"User-Agent": "crm-io-workspace/0.1 (gzip)", "Accept-Encoding": "gzip, deflate"}
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, google.auth.exceptions.TransportError)
_LOST = frozenset({"invalid_grant", "invalid_rapt", "rapt_required"})
_OURS = frozenset({"invalid_client", "deleted_client", "unauthorized_client"})
_POLICY = frozenset({"admin_policy_enforced", "org_internal"})


class Way(Protocol):
    """The way out to Google: what may be reached, and how."""

    def check(self, url: str) -> None:
        """The address is one of Google's, as it is configured; raises otherwise."""
        ...

    def carry(self, session: requests.Session) -> None:
        """The session reaches Google and nothing else, without redirects, proxies or `.netrc`."""
        ...


@dataclass(slots=True)
class Tally:
    """What was asked of Google since the transport was made: requests sent, units spent, calls repeated."""

    requests: int = 0
    units: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its body and the type it came as."""

    body: bytes
    content_type: str


class Transport:
    """One grant's way to Google in this thread."""

    def __init__(
        self,
        credentials: Credentials,
        account: str,
        way: Way,
        meter: Meter,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """`account` names whose quota is spent; `way` leads out; `pause` waits between tries."""
        self.tally = Tally()
        self.breadth = WIDEST_BATCH
        self.pause = pause
        self._account = account
        self._way = way
        self._meter = meter
        renewals = requests.Session()
        way.carry(renewals)
        self._renewal = Request(renewals)
        self._session: Any = AuthorizedSession(credentials, auth_request=self._renewal)  # type: ignore[no-untyped-call] # google-auth types it in part
        way.carry(self._session)
        self._session.headers.update(_HEADERS)
        self._session.hooks["response"].append(_close_unauthorised)

    def ask(self, call: Call, *, urgent: bool = False, most: int = MOST_BYTES) -> bytes:
        """Return the body of a good answer.

        Raises:
            GoogleError: whatever Google refused, by its family.
        """
        api = Api(call.method_id.partition(".")[0])
        return self.carry(call, api, units_of(call.method_id), urgent=urgent, most=most).body

    def carry(self, call: Call, api: Api, units: int, *, urgent: bool = False, most: int = MOST_BYTES) -> Answer:
        """Spend the units, send the call once and return the good answer.

        Raises:
            GoogleError: whatever Google refused, by its family; Paced when the meter asks to wait.
            AppError: what the way out raises for an address that is none of Google's; nothing was sent or spent.
        """
        self._way.check(call.uri)
        self._meter.spend(self._account, api, units, urgent=urgent)
        self.tally.requests += 1
        self.tally.units += units
        try:
            return self._send(call, most)
        except google.auth.exceptions.RefreshError as error:
            raise _renewal_refused(error) from error
        except _BROKEN as error:
            raise errors.Transient from error

    def renew(self) -> None:
        """The access token is a new one.

        Raises:
            AuthFailed: when Google gives none any more.
        """
        try:
            self._session.credentials.refresh(self._renewal)
        except google.auth.exceptions.RefreshError as error:
            raise _renewal_refused(error) from error
        except google.auth.exceptions.TransportError as error:
            raise errors.Transient from error

    def narrow(self) -> None:
        """Batches are half as wide from now on: Google found them too many at once."""
        self.breadth = max(NARROWEST_BATCH, self.breadth // 2)

    def widen(self) -> None:
        """Batches may grow again, slowly."""
        self.breadth = min(WIDEST_BATCH, self.breadth + 1)

    def close(self) -> None:
        """The connections are given back."""
        self._session.close()
        self._renewal.session.close()

    def _send(self, call: Call, most: int) -> Answer:
        headers = {"Content-Type": call.content_type} if call.content_type else None
        response = self._session.request(
            call.method,
            call.uri,
            data=call.body,
            headers=headers,
            timeout=TIME_OUTS_S,
            allow_redirects=False,
            stream=True,
        )
        try:
            body = response.raw.read(most + 1, decode_content=True)
        except BaseException:
            response.close()
            raise
        if len(body) > most:
            response.close()
            raise errors.AnswerTooLarge
        if not response.ok or response.is_redirect:
            raise refusal(response.status_code, body, response.headers.get("Retry-After"))
        return Answer(body, response.headers.get("Content-Type", ""))


def _close_unauthorised(response: requests.Response, *_: object, **__: object) -> None:
    """The answer that refuses a token is closed: google-auth renews and asks again, and would leave it open."""
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.close()


def _renewal_refused(error: google.auth.exceptions.RefreshError) -> errors.GoogleError:
    """Return what a refused renewal means: only what Google says in so many words ends a connection."""
    said = next((entry for entry in error.args if isinstance(entry, dict)), {})
    code = said.get("error")
    if code in _LOST or "Reauthentication is needed" in str(error):
        return errors.AuthFailed()
    if code in _POLICY:
        return errors.DomainPolicy()
    if code in _OURS:
        return errors.ClientRefused()
    return errors.Transient()


class Transports:
    """One transport for each grant in each thread, the least used closed beyond a few."""

    def __init__(self, most_a_thread: int = 8) -> None:
        self._most = most_a_thread
        self._local = threading.local()
        self._lock = threading.Lock()
        self._threads: list[weakref.ref[OrderedDict[Hashable, Transport]]] = []

    def of(self, key: Hashable, make: Callable[[], Transport]) -> Transport:
        """Return this thread's transport of that key, made on first use."""
        kept = self._kept()
        found = kept.pop(key, None)  # another thread may take it away at any moment
        while found is None and len(kept) >= self._most:
            kept.popitem(last=False)[1].close()
        transport = make() if found is None else found
        kept[key] = transport
        return transport

    def drop(self, key: Hashable) -> None:
        """This thread's transport of that key is closed: its credentials are no longer good."""
        if (transport := self._kept().pop(key, None)) is not None:
            transport.close()

    def end(self, is_over: Callable[[Hashable], bool]) -> None:
        """No thread has a transport of such a key any more; one that is speaking just now is not interrupted."""
        for reference in list(self._threads):
            kept = reference()
            for key in list(kept or ()):
                if kept is not None and is_over(key):
                    kept.pop(key, None)

    def _kept(self) -> "OrderedDict[Hashable, Transport]":
        kept: OrderedDict[Hashable, Transport] | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._local.kept = OrderedDict()
            with self._lock:
                self._threads = [reference for reference in self._threads if reference() is not None]
                self._threads.append(weakref.ref(kept))
        return kept
