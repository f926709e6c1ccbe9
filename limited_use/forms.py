"""Forms: what a pre-filled field showed, known again when it is sent back.

A pre-filled field carries a *digest* of what was shown, keyed with the organisation's index key and bound to the
member, the record, the field, whether the value came from Google, and the hour. What comes back *unchanged* writes
nothing. What came from Google and comes back *retyped* (equal whatever the case, spacing or width) writes nothing
either, so that it keeps its label, also when Google has told something else since. Only the rest was *typed*.

A digest that is missing, forged, of another field or older than a week says nothing: the field counts as typed, and
is compared with what Google says now where it is stored. So nobody loses what they typed in a form left open.
"""

import datetime as dt
import hmac
import re
import unicodedata
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from limited_use.cipher import BlindIndex, encode
from limited_use.keys import Vault
from limited_use.sealing import Value

SEEN = "seen."
"""What the name of a field's digest begins with."""
LIFETIME_H = 7 * 24
_TOKEN = re.compile(r"([0-9]{1,9})\.([0-9a-f]{32})([0-9a-f]{32})")
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the digest of one shown value is bound to, and the key it is made with."""

    index: BlindIndex
    bound: bytes
    hour: int

    def __repr__(self) -> str:
        """Return a constant."""
        return "<stamp>"

    def digest_of(self, shown: str) -> str:
        """Return the digest of a value that is shown."""
        exact, folded_ = (self._digest(kind, form(shown)) for kind, form in (("exact", sent_back), ("folded", folded)))
        return f"{self.hour}.{exact}{folded_}"

    def knows(self, typed: str, token: str, *, also_retyped: bool) -> bool:
        """Tell whether the token is the digest of what was typed: exactly or, if asked, equal when folded."""
        found = _TOKEN.fullmatch(token)
        if found is None or int(found[1]) != self.hour:
            return False
        exact = hmac.compare_digest(found[2], self._digest("exact", sent_back(typed)))
        retyped = hmac.compare_digest(found[3], self._digest("folded", folded(typed)))
        return exact or (also_retyped and retyped)

    def _digest(self, kind: str, text: str) -> str:
        said = b"\x00".join((kind.encode(), self.hour.to_bytes(4, "big"), self.bound, encode(text)))
        return self.index.digest("seen", said).hex()


@dataclass(frozen=True, slots=True)
class Form:
    """One record's form, for one member."""

    vault: Vault
    organisation_id: uuid.UUID
    member_id: uuid.UUID
    record: str
    now: dt.datetime

    def __repr__(self) -> str:
        """Return a constant."""
        return "<form>"

    def stamp(self, field: str, value: Value) -> Stamp:
        """Return what the digest of the field's value is made with: `{{ value|show('seen', form.stamp(…)) }}`."""
        return self._stamp(field, from_google=bool(self.vault.labels(value)), hour=_hour(self.now))

    def typed(self, sent: Mapping[str, str], fields: Collection[str]) -> dict[str, str]:
        """Return those of the fields that the member typed: neither unchanged nor equal to what Google gave."""
        there = [field for field in fields if field in sent]
        return {field: sent[field] for field in there if not self._was_shown(field, sent[field], sent)}

    def _was_shown(self, field: str, text: str, sent: Mapping[str, str]) -> bool:
        token = sent.get(SEEN + field, "")
        hour = int(token.partition(".")[0]) if _TOKEN.fullmatch(token) else 0
        if not _hour(self.now) - LIFETIME_H <= hour <= _hour(self.now):
            return False
        return any(
            self._stamp(field, from_google=theirs, hour=hour).knows(text, token, also_retyped=theirs)
            for theirs in (True, False)
        )

    def _stamp(self, field: str, *, from_google: bool, hour: int) -> Stamp:
        names = b"\x00".join((self.record.encode(), field.encode(), b"google" if from_google else b"own"))
        return Stamp(self.vault.indexer(self.organisation_id), self.member_id.bytes + names, hour)


def sent_back(text: str) -> str:
    """Return a shown text as a browser sends it back unchanged: lines and blanks at the ends may have changed."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def folded(text: str) -> str:
    """Return a text without regard to case, width and blanks; characters that are not shown do not count."""
    wide = "".join(unicodedata.normalize("NFKC", text).split())
    if not wide.isprintable():
        wide = "".join(one for one in wide if unicodedata.category(one) not in _UNSEEN)
    return unicodedata.normalize("NFKC", wide.casefold())


def _hour(now: dt.datetime) -> int:
    return int(now.timestamp()) // 3600
