"""What intake needs to seal and index one page: the keys of one grant and source, and who the owner is."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from crm.facts import index_of, terms_of
from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.fingerprints import Printer
from limited_use.keys import BlindIndex, KeyPurpose, Sealer, vault
from limited_use.labels import Source
from limited_use.sealing import Sealed

_PURPOSES = {
    Source.GMAIL: KeyPurpose.MAIL,
    Source.CALENDAR: KeyPurpose.CALENDAR,
    Source.CONTACTS: KeyPurpose.CONTACTS,
}


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose data it is: their own addresses (normal forms), and the company domains of the organisation."""

    addresses: frozenset[str] = field(repr=False)
    domains: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedFact:
    """One fact, sealed for its row, and the digests of its search terms."""

    id: uuid.UUID
    field: str
    value: Sealed
    value_index: bytes
    position: int
    observed_at: dt.datetime
    terms: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """The keys of one grant and source."""

    organisation_id: uuid.UUID
    grant_id: uuid.UUID
    source: Source
    sealer: Sealer
    indexer: BlindIndex
    printer: Printer
    owner: Owner

    def fact(
        self,
        field: str,
        text: str,
        at: dt.datetime,
        *,
        position: int = 0,
        row_id: uuid.UUID | None = None,
        index: bytes | None = None,
    ) -> SealedFact:
        """Return the fact sealed for a row: a new one, unless `row_id` names it."""
        fact_id = row_id or new_id()
        return SealedFact(
            id=fact_id,
            field=field,
            value=self.sealer.seal("facts", "value", fact_id, text),
            value_index=index or index_of(self.indexer, field, text),
            position=position,
            observed_at=at,
            terms=tuple(self.indexer.digest("term", term) for term in terms_of(field, text)),
        )


def open_desk(runtime: Runtime, organisation_id: uuid.UUID, grant_id: uuid.UUID, source: Source, owner: Owner) -> Desk:
    """Return the desk of a grant and source.

    Raises:
        KeyDestroyed: when the grant was ended.
    """
    keys = vault(runtime)
    sealer = keys.sealer(organisation_id, _PURPOSES[source], grant_id)
    printer = Printer(keys, organisation_id, grant_id, source)
    return Desk(organisation_id, grant_id, source, sealer, keys.indexer(organisation_id), printer, owner)
