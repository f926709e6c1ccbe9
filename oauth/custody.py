"""Custody: the one home of refresh tokens, and the only maker of credentials.

A refresh token is at rest sealed under its grant's tokens key and is opened through the guard's google sink alone, for
the one request that trades it for an access token. Access tokens live in this process's memory. At most one refresh of
a grant runs at a time (a lock here, an advisory lock across processes). What comes back is compared and set: a token
that was replaced meanwhile is not overwritten, and a failure of an old one suspends nothing. Only `invalid_grant`, as
parsed from Google's answer, suspends a grant; everything else is worth another try.
"""

import datetime as dt
import hashlib
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from google.auth import exceptions
from google.auth.transport.requests import Request
from google.oauth2.credentials import Credentials
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from accounts import grants
from accounts.models import Grant, GrantStatus
from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.key_watch import key_watch
from limited_use.keys import KeyPurpose, Vault, vault
from limited_use.log.words import Kind
from limited_use.release import guard
from limited_use.sinks import google
from oauth import events
from oauth.errors import ClientRefused, GoogleUnavailable, NotConnected, RefusedByGoogle
from oauth.models import RefreshToken

MARGIN = dt.timedelta(minutes=4)
TIMEOUT_S = 15
PREFIX_LENGTH = 16
_OURS = frozenset({"invalid_client", "deleted_client", "unauthorized_client"})
_REAUTHENTICATE = "Reauthentication is needed"


@dataclass(slots=True)
class _Entry:
    """What this process knows of one grant."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str | None = field(default=None, repr=False)
    expires_at: dt.datetime | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Held:
    """A refresh token as it was read for one request."""

    organisation_id: uuid.UUID
    version: int
    token: str = field(repr=False)


class GrantCredentials(Credentials):
    """Credentials of one grant that hold no refresh token: refreshing asks custody."""

    def __init__(self, custody: "Custody", grant_id: uuid.UUID, token: str, expires_at: dt.datetime) -> None:
        super().__init__(token, expiry=_naive(expires_at))  # type: ignore[no-untyped-call]  # google-auth is typed in part
        self._custody = custody
        self._grant_id = grant_id

    def refresh(self, request: object) -> None:
        """Hold an access token that is not the one held now."""
        self.token, expires_at = self._custody.fresh(self._grant_id, failed=self.token)
        self.expiry = _naive(expires_at)

    def __repr__(self) -> str:
        """Return a constant."""
        return "<grant credentials>"


def _naive(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(tzinfo=None)  # google-auth compares naive UTC times


class Custody:
    """The access tokens of this process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._entries: dict[uuid.UUID, _Entry] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Return a constant."""
        return "<custody>"

    def credentials(self, grant_id: uuid.UUID) -> GrantCredentials:
        """Return credentials of an active grant, with an access token that is good for minutes at least.

        Raises:
            NotConnected: The grant is not active, holds no token, or Google ended it just now.
            GoogleUnavailable: Google did not answer as it should.
            ClientRefused: Google did not take our own id or secret.
        """
        token, expires_at = self.fresh(grant_id, failed=None)
        return GrantCredentials(self, grant_id, token, expires_at)

    def fresh(self, grant_id: uuid.UUID, *, failed: str | None) -> tuple[str, dt.datetime]:
        """Return an access token other than `failed`, and when it ends; one request at most is under way a grant.

        Raises:
            NotConnected: As for `credentials`; so the other two.
        """
        scopes = self._scopes(grant_id)
        entry = self._entry(grant_id)
        with entry.lock:
            soon = self._runtime.clock.now() + MARGIN
            # An access token made before another product was connected does not open it.
            usable = entry.token != failed and entry.scopes == scopes
            if entry.token is not None and usable and entry.expires_at and entry.expires_at > soon:
                return entry.token, entry.expires_at
            with self._alone(grant_id):
                entry.token, entry.expires_at = self._refresh(grant_id)
            entry.scopes = scopes
            return entry.token, entry.expires_at

    def remember(self, grant_id: uuid.UUID, token: str, expires_at: dt.datetime) -> None:
        """Use this access token, just given by Google, until it ends."""
        scopes = self._scopes(grant_id)
        entry = self._entry(grant_id)
        with entry.lock:
            entry.token, entry.expires_at, entry.scopes = token, expires_at, scopes

    def forget(self, grant_id: uuid.UUID) -> None:
        """Know nothing of the grant any more in this process."""
        with self._lock:
            self._entries.pop(grant_id, None)

    def _scopes(self, grant_id: uuid.UUID) -> frozenset[str]:
        """Return what an active grant covers at present."""
        with self._runtime.sessions() as session:
            _check_active(session, grant_id)
            return frozenset(session.scalar(select(Grant.scopes).where(Grant.id == grant_id)) or ())

    def _entry(self, grant_id: uuid.UUID) -> _Entry:
        with self._lock:
            return self._entries.setdefault(grant_id, _Entry())

    @contextmanager
    def _alone(self, grant_id: uuid.UUID) -> Iterator[None]:
        """Hold the grant's advisory lock, on a connection without a transaction: a network call follows."""
        key = {
            "key": int.from_bytes(hashlib.sha256(b"oauth.refresh" + grant_id.bytes).digest()[:8], "big", signed=True)
        }
        engine = self._runtime.sessions.kw["bind"]
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)

    def _refresh(self, grant_id: uuid.UUID) -> tuple[str, dt.datetime]:
        held = self._open(grant_id)
        try:
            return self._trade(grant_id, held)
        except NotConnected:
            if self._version(grant_id) != held.version:  # replaced while we asked: the new one deserves its chance
                return self._trade(grant_id, self._open(grant_id))
            self._suspend(grant_id, held)
            raise

    def _open(self, grant_id: uuid.UUID) -> _Held:
        with self._runtime.sessions() as session:
            _check_active(session, grant_id)
            row = session.scalars(select(RefreshToken).where(RefreshToken.grant_id == grant_id)).one_or_none()
        if row is None:
            raise NotConnected
        asking = Asking(
            organisation_id=row.organisation_id,
            member_id=None,
            actor=ActorClass.WORKER,
            feature="sync",
            purpose=Purpose.USER_FEATURE,
            sink=Sink.GOOGLE,
            destination=str(grant_id),
        )
        token = google.open_secret(guard(self._runtime), asking, row.refresh_token)
        return _Held(row.organisation_id, row.version, token)

    def _trade(self, grant_id: uuid.UUID, held: _Held) -> tuple[str, dt.datetime]:
        """Return what Google gives for the refresh token; a replacement it may send along is kept."""
        settings = self._runtime.settings
        asker = Credentials(  # type: ignore[no-untyped-call]  # google-auth is typed in part
            None,
            refresh_token=held.token,
            token_uri=settings.google.token,
            client_id=settings.google_client_id,
            client_secret=settings.google_client_secret,
        )
        now = self._runtime.clock.now()
        with requests.Session() as http:
            egress.client(self._runtime).way("google_oauth").carry(http)
            try:
                asker.refresh(_bounded(Request(http)))  # type: ignore[no-untyped-call]  # google-auth is typed in part
            except exceptions.RefreshError as error:
                raise _explained(error) from None  # its text quotes Google's answer
            except exceptions.GoogleAuthError:
                raise GoogleUnavailable from None
        with self._runtime.begin() as work:
            used = update(RefreshToken).where(RefreshToken.grant_id == grant_id, RefreshToken.version == held.version)
            work.session.execute(used.values(used_at=now))
            if asker.refresh_token and asker.refresh_token != held.token:
                _replace(work.session, vault(self._runtime), grant_id, held.version, asker.refresh_token, now)
        # The answer said how long it lasts, counted from this machine's time, which google-auth read a moment ago.
        expires_at = asker.expiry.replace(tzinfo=dt.UTC) if asker.expiry else now
        return str(asker.token), expires_at

    def _version(self, grant_id: uuid.UUID) -> int | None:
        with self._runtime.sessions() as session:
            return session.scalar(select(RefreshToken.version).where(RefreshToken.grant_id == grant_id))

    def _suspend(self, grant_id: uuid.UUID, held: _Held) -> None:
        with self._runtime.begin() as work:
            current = select(RefreshToken.version).where(RefreshToken.grant_id == grant_id).with_for_update()
            if work.session.scalar(current) == held.version and grants.suspend(
                work.session, grant_id, "invalid_grant", self._runtime.clock.now()
            ):
                events.record(
                    self._runtime,
                    work.session,
                    Kind.SUSPENSION,
                    held.organisation_id,
                    grant_id=grant_id,
                    reason="invalid_grant",
                )
        self.forget(grant_id)


def _bounded(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202 -- google-auth has no types
    def call(url: str, method: str = "GET", body: object = None, headers: object = None, **more: object) -> object:
        more["timeout"] = TIMEOUT_S
        return request(url, method=method, body=body, headers=headers, **more)

    return call


def _explained(error: exceptions.RefreshError) -> Exception:
    """Return our error for the library's, by what Google's JSON says; an answer that cannot be read is transient."""
    said = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    code = said.get("error")
    if code == "invalid_grant" or (error.args and str(error.args[0]).startswith(_REAUTHENTICATE)):
        return NotConnected()
    if code in _OURS:
        return ClientRefused()
    if code == "admin_policy_enforced":
        return RefusedByGoogle()
    return GoogleUnavailable()


def _check_active(session: Session, grant_id: uuid.UUID) -> None:
    status = session.scalar(select(Grant.status).where(Grant.id == grant_id))
    if status != GrantStatus.ACTIVE:
        raise NotConnected


def keep(session: Session, keys: Vault, grant: Grant, token: str, now: dt.datetime) -> None:
    """Leave the grant with this refresh token alone; the caller holds the grant locked."""
    query = select(RefreshToken).where(RefreshToken.grant_id == grant.id).with_for_update()
    row = session.scalars(query).one_or_none()
    if row is not None:
        _replace(session, keys, grant.id, row.version, token, now)
        return
    row_id = new_id()
    sealer = keys.sealer(grant.organisation_id, KeyPurpose.TOKENS, grant.id)
    prefix_hash, token_hash = named_by_events(token)
    session.add(
        RefreshToken(
            id=row_id,
            organisation_id=grant.organisation_id,
            grant_id=grant.id,
            refresh_token=sealer.seal(RefreshToken.__tablename__, "refresh_token", row_id, token),
            version=1,
            prefix_hash=prefix_hash,
            token_hash=token_hash,
            received_at=now,
        )
    )
    session.flush()


def _replace(session: Session, keys: Vault, grant_id: uuid.UUID, version: int, token: str, now: dt.datetime) -> None:
    query = select(RefreshToken).where(RefreshToken.grant_id == grant_id, RefreshToken.version == version)
    row = session.scalars(query.with_for_update()).one_or_none()
    if row is None:
        return
    sealer = keys.sealer(row.organisation_id, KeyPurpose.TOKENS, grant_id)
    row.refresh_token = sealer.seal(RefreshToken.__tablename__, "refresh_token", row.id, token)
    row.prefix_hash, row.token_hash = named_by_events(token)
    row.version, row.received_at = version + 1, now
    session.flush()


def holds_token(session: Session, grant_id: uuid.UUID) -> bool:
    """Say whether a refresh token of the grant is in custody."""
    return session.scalar(select(RefreshToken.id).where(RefreshToken.grant_id == grant_id)) is not None


def named_by_events(token: str) -> tuple[bytes, bytes]:
    """Return the two forms by which a security event may name the token, as they are looked up here."""
    prefix = hashlib.sha256(token[:PREFIX_LENGTH].encode()).digest()
    twice = hashlib.sha512(hashlib.sha512(token.encode()).digest()).digest()
    return prefix, twice


def custody(runtime: Runtime) -> Custody:
    """Return this runtime's custody; it forgets grants that were ended, in whatever process."""

    def make() -> Custody:
        made = Custody(runtime)
        key_watch(runtime).on_ended(made.forget)
        return made

    return runtime.part("oauth.custody", make)


def credentials(runtime: Runtime, grant_id: uuid.UUID) -> GrantCredentials:
    """Return credentials of the grant; raises as `Custody.credentials`."""
    return custody(runtime).credentials(grant_id)
