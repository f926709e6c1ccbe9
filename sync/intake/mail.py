"""Messages: read, judged and sealed."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm.addresses import list_addresses
from crm.models.correspondence import Direction
from kernel.ids import new_id
from sync.intake.heard import Gathering
from sync.intake.participants import Party, Reader
from sync.intake.sealing import Desk
from sync.intake.senders import is_auto, is_bulk
from sync.intake.text import clean, decoded
from sync.plan import Item, skip_of_labels
from workspace.mail import Mail

_LONGEST_ID = 998
_SNIPPET = 400
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LAST_MS = 253_402_300_799_000  # the end of the year 9999


@dataclass(frozen=True, slots=True)
class Part:
    """One address's part in one message."""

    key: str
    role: str
    position: int
    address_index: bytes


@dataclass(slots=True)
class MailPage:
    """A page of messages, still readable: items to plan with; then rows, sealed, of those that are to be stored."""

    desk: Desk
    gathering: Gathering
    items: dict[str, Item] = field(default_factory=dict)
    prints: list[dict[str, Any]] = field(default_factory=list)
    _mails: dict[str, Mail] = field(default_factory=dict, repr=False)
    _reader: Reader = field(default_factory=Reader, repr=False)

    def label_ids(self, key: str) -> list[str]:
        """Return a message's labels."""
        return sorted(self._mails[key].label_ids)

    def row(self, key: str, row_id: uuid.UUID | None, generation: int) -> tuple[dict[str, Any], list[Part]]:
        """Return a message's row, sealed for `row_id` or a new one, and the parts in it; its prints are added."""
        mail, desk = self._mails[key], self.desk
        message_id = row_id or new_id()
        at = sent_at(mail)
        parties = self._reader.parties(mail.headers)
        parts = self._gather(mail, parties, at)
        seal = desk.sealer.seal
        subject, snippet = decoded(_first(mail, "subject")), clean(mail.snippet, _SNIPPET)
        self.prints.append(desk.printer.row(message_id, "head", mail.thread_id, (subject, snippet)))
        row = {
            "id": message_id,
            "organisation_id": desk.organisation_id,
            "grant_id": desk.grant_id,
            "gmail_id": mail.id,
            "thread_id": mail.thread_id,
            "message_id_index": self._index_of(mail, "message-id"),
            "answers_index": self._index_of(mail, "in-reply-to"),
            "sent_at": at,
            "direction": _direction(mail, parties, desk),
            "label_ids": sorted(mail.label_ids),
            "is_bulk": is_bulk(mail.headers),
            "is_auto": is_auto(mail.headers),
            "size": mail.size,
            "subject": seal("messages", "subject", message_id, subject),
            "snippet": seal("messages", "snippet", message_id, snippet),
            "digest": self.items[key].digest,
            "generation": generation,
        }
        return row, parts

    def _gather(self, mail: Mail, parties: list[Party], at: dt.datetime) -> list[Part]:
        lists = list_addresses(_first(mail, "list-post"), _first(mail, "list-id"))
        parts = []
        for party in parties:
            heard = self.gathering.hear(party.address, party.name, at)
            heard.is_list |= party.address in lists
            parts.append(Part(mail.id, party.role, party.position, heard.address_index))
        return parts

    def _index_of(self, mail: Mail, header: str) -> bytes | None:
        """Return the blind index of the message that a header names first."""
        start, _, rest = _first(mail, header).partition("<")
        name = (rest.partition(">")[0] if rest else start).strip()[:_LONGEST_ID]
        return self.desk.indexer.digest("message_id", name) if name else None


def read(mails: Iterable[Mail], desk: Desk) -> MailPage:
    """Return the page, each message digested and judged."""
    page = MailPage(desk, Gathering(desk))
    for mail in mails:
        page.items[mail.id] = Item(mail.id, _digest(mail, desk), skip_of_labels(mail.label_ids))
        page._mails[mail.id] = mail  # noqa: SLF001 -- the page is made here
    return page


def sent_at(mail: Mail) -> dt.datetime:
    """Return when Gmail accepted the message; a time that no calendar has becomes the nearest that one has."""
    return _EPOCH + dt.timedelta(milliseconds=min(max(mail.accepted_ms, 0), _LAST_MS))


def _digest(mail: Mail, desk: Desk) -> bytes:
    """Return the digest of all that never changes of a message; labels do, and are compared by themselves."""
    lines = [mail.thread_id, str(mail.accepted_ms), str(mail.size), mail.snippet]
    for name, values in sorted(mail.headers.items()):
        lines += (name, *values)
    return desk.indexer.digest("digest", "\x00".join(lines))


def _direction(mail: Mail, parties: list[Party], desk: Desk) -> Direction:
    own = desk.owner.addresses
    if "SENT" in mail.label_ids or any(party.role == "from" and party.address in own for party in parties):
        return Direction.OUT
    return Direction.IN


def _first(mail: Mail, header: str) -> str:
    values = mail.headers.get(header)
    return values[0] if values else ""
