"""The addresses that a page speaks of, gathered: what they are, how they are called, and their facts sealed on demand.

Holds plaintext for as long as one page is worked on; its repr shows none, and only digests, flags and sealed facts
come out of it.
"""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from crm import addresses
from crm.facts import index_of
from crm.names import company_name
from sync.intake.sealing import Desk, SealedFact


@dataclass(slots=True)
class Heard:
    """One address, as the page speaks of it."""

    address_index: bytes
    domain_index: bytes | None
    is_own: bool
    is_colleague: bool
    is_role: bool
    is_robot: bool
    is_list: bool
    last_at: dt.datetime
    address: str = field(repr=False)
    domain: str | None = field(repr=False)
    name: str | None = field(default=None, repr=False)
    name_at: dt.datetime | None = None


class Gathering:
    """All addresses of a page, by blind index."""

    def __init__(self, desk: Desk) -> None:
        self.by_index: dict[bytes, Heard] = {}
        self._desk = desk
        self._by_address: dict[str, Heard] = {}

    def hear(self, address: str, name: str | None, at: dt.datetime, *, is_own: bool = False) -> Heard:
        """Return what is known of the address (a normal form) so far, with this name and time noted."""
        heard = self._by_address.get(address)
        if heard is None:
            heard = self._by_address[address] = self._new(address, at)
            self.by_index[heard.address_index] = heard
        heard.is_own |= is_own
        heard.last_at = max(heard.last_at, at)
        if name and (heard.name_at is None or at > heard.name_at):
            heard.name, heard.name_at = name, at
        return heard

    def _new(self, address: str, at: dt.datetime) -> Heard:
        desk = self._desk
        domain = addresses.company_domain(address)
        is_own = address in desk.owner.addresses
        return Heard(
            address_index=desk.indexer.digest("address", address),
            domain_index=desk.indexer.digest("domain", domain) if domain else None,
            is_own=is_own,
            is_colleague=domain is not None and domain in desk.owner.domains and not is_own,
            is_role=addresses.is_role(address),
            is_robot=addresses.is_robot(address),
            is_list=False,
            last_at=at,
            address=address,
            domain=domain,
        )

    def email_fact(self, index: bytes) -> SealedFact:
        """Return the address itself as a fact."""
        heard = self.by_index[index]
        return self._desk.fact("email", heard.address, heard.last_at, index=heard.address_index)

    def name_fact(self, index: bytes, row_id: uuid.UUID | None = None) -> SealedFact | None:
        """Return the newest name as a fact; None when none was given."""
        heard = self.by_index[index]
        if heard.name is None or heard.name_at is None:
            return None
        return self._desk.fact("name", heard.name, heard.name_at, row_id=row_id)

    def name_index(self, index: bytes) -> bytes | None:
        """Return the blind index of the newest name, to see whether it is news."""
        name = self.by_index[index].name
        return None if name is None else index_of(self._desk.indexer, "name", name)

    def domains(self) -> dict[bytes, Heard]:
        """Return one address for each company domain."""
        return {heard.domain_index: heard for heard in self.by_index.values() if heard.domain_index is not None}

    def company_facts(self, heard: Heard) -> list[SealedFact]:
        """Return the facts of the company at this address's domain: the domain, and the name made of it."""
        if heard.domain is None:
            return []
        facts = [self._desk.fact("domain", heard.domain, heard.last_at, index=heard.domain_index)]
        if name := company_name(heard.domain):
            facts.append(self._desk.fact("company_name", name, heard.last_at, index=heard.domain_index))
        return facts
