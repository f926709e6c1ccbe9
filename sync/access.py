"""The way to Google for one grant: its credentials, its quota and its transport in this thread, and who its owner is.

Nothing here is open to the database while Google is asked: what is needed is read first, in a transaction of its own.
"""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Member
from crm.addresses import company_domain, normalise
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.asking import ActorClass, Asking, Purpose, Sink
from limited_use.key_watch import key_watch
from limited_use.release import guard
from limited_use.sealing import Sealed
from limited_use.sinks.google import open_secret
from oauth import custody
from sync.errors import GrantNotActive
from sync.intake.sealing import Owner
from workspace.calendars import Calendars
from workspace.gmail import Gmail
from workspace.people import People
from workspace.quota import SharedMeter
from workspace.transport import Transport, Transports

_ALIASES_KEPT = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Access:
    """One grant, as it was read before Google is asked."""

    runtime: Runtime = field(repr=False)
    organisation_id: uuid.UUID
    grant_id: uuid.UUID
    member_id: uuid.UUID
    account: str = field(repr=False)
    address: str = field(repr=False)
    domains: frozenset[str] = field(repr=False)
    scopes: frozenset[str]

    @property
    def transport(self) -> Transport:
        """Return this thread's transport of the grant; a product connected since needs one with a new access token."""
        return _transports(self.runtime).of((self.grant_id, self.scopes), self._connect)

    def forget(self) -> None:
        """The transport is made anew on next use: its credentials are no longer good."""
        _transports(self.runtime).drop((self.grant_id, self.scopes))

    def gmail(self) -> Gmail:
        """Return the mailbox."""
        return Gmail(self.transport, self.runtime.settings.google.gmail_root)

    def calendars(self) -> Calendars:
        """Return the calendars."""
        return Calendars(self.transport, self.runtime.settings.google.calendar_root)

    def people(self) -> People:
        """Return the contacts."""
        return People(self.transport, self.runtime.settings.google.people_root)

    def owner(self, aliases: frozenset[str] = frozenset()) -> Owner:
        """Return who the owner is, by these addresses beside the account's own."""
        own = {address for spelled in (self.address, *aliases) if (address := normalise(spelled))}
        return Owner(frozenset(own), self.domains)

    def mail_owner(self) -> Owner:
        """Return who the owner is in mail: every address they send as is theirs. Asked of Gmail now and then."""
        kept = _aliases(self.runtime)
        now = self.runtime.clock.now()
        found = kept.get(self.grant_id)
        if found is None or found[0] < now - _ALIASES_KEPT:
            found = kept[self.grant_id] = (now, self.gmail().own_addresses())
        return self.owner(found[1])

    def open_id(self, remote_id: Sealed) -> str:
        """Return an id of Google's, to be sent back to Google under this grant."""
        asking = Asking(
            organisation_id=self.organisation_id,
            member_id=self.member_id,
            actor=ActorClass.WORKER,
            feature="sync",
            purpose=Purpose.USER_FEATURE,
            sink=Sink.GOOGLE,
            destination=str(self.grant_id),
        )
        return open_secret(guard(self.runtime), asking, remote_id)

    def _connect(self) -> Transport:
        return Transport(
            custody.credentials(self.runtime, self.grant_id),
            self.account,
            egress.client(self.runtime).way("google_workspace"),
            self.runtime.part("sync.meter", self._meter),
        )

    def _meter(self) -> SharedMeter:
        return SharedMeter(self.runtime.redis, self.runtime.settings.gmail_units_per_minute)


def open_access(runtime: Runtime, grant_id: uuid.UUID) -> Access:
    """Return the access of an active grant.

    Raises:
        GrantNotActive: when it is suspended or ended.
    """
    with runtime.sessions() as session:
        grant = session.get(Grant, grant_id)
        if grant is None or grant.status != GrantStatus.ACTIVE:
            raise GrantNotActive
        members = session.scalars(
            select(Member.email).where(Member.organisation_id == grant.organisation_id, Member.left_at.is_(None))
        ).all()
        domains = {
            domain
            for spelled in (*members, grant.email)
            if (address := normalise(spelled)) and (domain := company_domain(address))
        }
        return Access(
            runtime=runtime,
            organisation_id=grant.organisation_id,
            grant_id=grant.id,
            member_id=grant.member_id,
            account=grant.google_sub,
            address=grant.email,
            domains=frozenset(domains),
            scopes=frozenset(grant.scopes),
        )


def _transports(runtime: Runtime) -> Transports:
    """Return the transports of this process; those of a grant that was ended, in whatever process, are gone."""

    def make() -> Transports:
        made = Transports()
        watch = key_watch(runtime)
        watch.on_ended(lambda grant_id: made.end(lambda key: isinstance(key, tuple) and key[0] == grant_id))
        watch.on_ended(lambda grant_id: _aliases(runtime).pop(grant_id, None))
        return made

    return runtime.part("sync.transports", make)


def _aliases(runtime: Runtime) -> dict[uuid.UUID, tuple[dt.datetime, frozenset[str]]]:
    """Return the addresses that owners send as, by grant, and when Gmail was asked."""
    return runtime.part("sync.aliases", dict)
