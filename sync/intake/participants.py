"""Who stands in a message's headers: addresses and names, out of anything that a header may hold. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import getaddresses

from crm.addresses import normalise
from crm.names import person_name
from sync.intake.text import decoded

MOST = 500
LONGEST_HEADER = 64 * 1024
_NAME = 200
_ANY_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@]{1,64}@[^\s<>()\[\],;:\"\\@]{1,255}")
_ROLES = (("from", "from"), ("to", "to"), ("cc", "cc"), ("bcc", "bcc"), ("reply-to", "reply_to"))


@dataclass(frozen=True, slots=True)
class Party:
    """One address in one header."""

    role: str
    position: int
    address: str = field(repr=False)
    name: str | None = field(repr=False)


class Reader:
    """Reads headers; the same header is read once, as in one thread they repeat. Lives no longer than a page."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[tuple[str, str | None], ...]] = {}

    def parties(self, headers: Mapping[str, list[str]]) -> list[Party]:
        """Return the message's parties, each address once a role, at most MOST."""
        found: list[Party] = []
        for header, role in _ROLES:
            seen: set[str] = set()
            for address, name in self._of(headers.get(header, ())):
                if address not in seen and len(found) < MOST:
                    found.append(Party(role, len(seen), address, name))
                    seen.add(address)
        return found

    def _of(self, values: Iterable[str]) -> Iterator[tuple[str, str | None]]:
        for value in values:
            read = self._read.get(value)
            if read is None:
                read = self._read[value] = tuple(_parse(value[:LONGEST_HEADER]))
            yield from read


def _parse(value: str) -> Iterator[tuple[str, str | None]]:
    """Yield normal forms and names; where the grammar fails, whatever looks like an address."""
    try:
        pairs = getaddresses([value])[:MOST]
    except (ValueError, IndexError, RecursionError):  # nested comments without end
        pairs = []
    found = False
    for name, spelled in pairs:
        address = normalise(spelled)
        if address is not None:
            found = True
            yield address, person_name(decoded(name, _NAME), address)
    if not found and "@" in value:
        for spelled in _ANY_ADDRESS.findall(decoded(value, LONGEST_HEADER))[:MOST]:
            if (address := normalise(spelled)) is not None:
                yield address, None
