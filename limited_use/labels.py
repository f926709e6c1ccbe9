"""Labels: which Google source and which grant a value derives from.

A label is a set of (source, grant); the empty set is native. Deriving unites labels, and nothing shrinks them.
"""

import enum
import uuid
from dataclasses import dataclass


class Source(enum.StrEnum):
    """The Google product a value came from; or what else is kept under a grant's keys."""

    GMAIL = "gmail"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    DERIVED = "derived"
    """Computed from any of the above of one grant, by a reviewed function."""
    AGGREGATE = "aggregate"
    """A figure over many people and several grants, told of no one of them; made by limited_use.aggregate alone."""
    TOKENS = "tokens"
    """What Google gave us to act for the account: secrets that go back to Google alone."""
    DETAIL = "detail"
    """Log details that name people."""


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """One element of a label: a source, and the grant under which it was read."""

    source: Source
    grant_id: uuid.UUID


Labels = frozenset[Origin]

NATIVE: Labels = frozenset()


def label(source: Source | str, grant_id: uuid.UUID) -> Labels:
    """Return the label of a value read from `source` under the grant."""
    return frozenset({Origin(Source(source), grant_id)})
