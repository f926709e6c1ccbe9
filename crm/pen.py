"""What users type: checked, then sealed under the organisation's content key and indexed for search: native.

A *pen* holds the keys for one organisation; it seals and indexes, and cannot read. Limits are here, with the sentences
that say which field broke them; no sentence repeats what was typed.
"""

import re
import unicodedata
import uuid
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from crm import addresses
from crm.facts import UNSEEN, Indexer, index_of, terms_of
from kernel.errors import BadInput, TooLarge
from kernel.runtime import Runtime
from limited_use import repeats
from limited_use.keys import KeyPurpose, Sealer, Vault, vault
from limited_use.labels import Source
from limited_use.sealing import Sealed

LONGEST_LINE = 200
LONGEST_TEXT = 20_000
_LABELS = {
    "name": "name",
    "email": "e-mail address",
    "phone": "telephone number",
    "title": "title",
    "organisation": "company",
    "address": "address",
    "url": "web address",
    "birthday": "birthday",
    "company_name": "name",
    "domain": "web domain",
}


@dataclass(frozen=True, slots=True)
class Pen:
    """The keys under which one organisation's users write."""

    organisation_id: uuid.UUID
    sealer: Sealer
    indexer: Indexer
    vault: Vault
    repeated: list[Source] = field(default_factory=list)
    """What of the writer's own accounts the texts repeat that were written with it."""

    def seal(self, table: str, column: str, row_id: uuid.UUID, text: str) -> Sealed:
        """Return a text that a user typed, sealed for its row."""
        return self.sealer.seal(table, column, row_id, text)

    def write(self, session: Session, member_id: uuid.UUID, place: tuple[str, str, uuid.UUID], text: str) -> Sealed:
        """Return a text that the member typed, sealed for its table, column and row; marked if it repeats what came in.

        Raises:
            TooLarge: if it is too long to be compared.
        """
        table, column, row_id = place
        author = (self.organisation_id, member_id)
        source = repeats.mark(session, self.vault, author, (f"{table}.{column}", row_id), text)
        if source is not None:
            self.repeated.append(source)
        return self.seal(table, column, row_id, text)

    def index(self, field: str, text: str) -> bytes:
        """Return the blind index of a fact's value."""
        return index_of(self.indexer, field, text)

    def terms(self, field: str, text: str) -> list[bytes]:
        """Return the digests under which a fact is found."""
        return [self.indexer.digest("term", term) for term in terms_of(field, text)]


def pen(runtime: Runtime, organisation_id: uuid.UUID) -> Pen:
    """Return the pen of an organisation."""
    keys = vault(runtime)
    sealer = keys.sealer(organisation_id, KeyPurpose.CONTENT)
    return Pen(organisation_id, sealer, keys.indexer(organisation_id), keys)


def line(text: str | None, what: str, *, required: bool = True, longest: int = LONGEST_LINE) -> str:
    """Return a line as typed, blanks at its ends and unseen characters gone; empty only if it may be.

    Raises:
        BadInput: if it is needed and empty.
        TooLarge: if it is too long.
    """
    return _checked(" ".join(UNSEEN.sub("", text or "").split()), what, longest, required=required)


def prose(text: str | None, what: str) -> str:
    """Return a text of several lines as typed, unseen characters gone.

    Raises:
        BadInput: if it is empty.
        TooLarge: if it is too long.
    """
    plain = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    return _checked(UNSEEN.sub("", plain).strip(), what, LONGEST_TEXT, required=True)


def fact_text(field: str, text: str | None, *, required: bool = False) -> str:
    """Return what was typed into a field of a person or company, if it can be what the field holds.

    Raises:
        BadInput: if it cannot be an address or a domain.
        TooLarge: if it is too long.
    """
    typed = line(
        text, _LABELS[field], required=required, longest=addresses.LONGEST if field == "email" else LONGEST_LINE
    )
    if field == "email" and typed and addresses.normalise(typed) is None:
        raise BadInput("That is not an e-mail address: it needs a name, an @ and a domain.")
    if field == "domain" and typed:
        domain = addresses.registrable(re.sub(r"^https?://|/.*$", "", typed, flags=re.IGNORECASE))
        if domain is None:
            raise BadInput("That is not a web domain: it looks like acme.com.")
        return domain
    return typed


def _checked(text: str, what: str, longest: int, *, required: bool) -> str:
    text = unicodedata.normalize("NFC", text)
    if required and not text:
        raise BadInput(f"Type a {what} first.")
    if len(text) > longest:
        raise TooLarge(f"The {what} is longer than {longest:,} characters. Nothing was saved.")
    return text
