"""A leaf: one entry of the log, in a language that has no words for content.

A leaf is written as canonical JSON: every key present, keys in order, no spaces, no escapes. The language
is regular, and `GRAMMAR` is all of it: what does not match cannot be written, and checking a stored leaf is one
match. There is no place in it for free text: an address, a subject line or a token cannot get in by mistake.

Terms:
    pseudonym: hex of a keyed hash of an id; the key belongs to the organisation and can be destroyed.
    commitment: SHA-256(salt || detail), hex. The detail lies beside the log, sealed, and may be erased.
    rows: SHA-256 over the ids of the records that were touched, hex; how many they were is `records`.
"""

import datetime as dt
import enum
import functools
import re
from dataclasses import dataclass, fields
from hashlib import sha256
from http import HTTPStatus
from operator import itemgetter
from typing import Any

import orjson

from kernel.errors import AppError
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink

VERSION = 1
LIMIT = 65_535
"""Bytes of the longest entry: bundles give each entry a length of 16 bits."""
SALT_SIZE = 32


class LeafRefused(AppError):  # noqa: N818 -- read as the state it reports
    """Something else than the vocabulary of the log was to be written into it, or stands in it."""

    code = "leaf_refused"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = "The Limited Use log does not take this entry, so nothing was opened."


_PSEUDONYM = "[0-9a-f]{16}(?:[0-9a-f]{16}|[0-9a-f]{48})?"
_DIGEST = "[0-9a-f]{64}"
_SLUG = "[a-z][a-z0-9_]{0,39}"
_WORDS = rf"{_SLUG}(?:[.:]{_SLUG}){{0,2}}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = rf"(?:{_UUID}|{_PSEUDONYM})"
_PLACE = rf"(?:{_ID}|{_WORDS})"
_COUNT = "(?:0|[1-9][0-9]{0,11})"


def _one_of(words: type[enum.StrEnum]) -> str:
    return "(?:" + "|".join(words) + ")"


def _quoted(pattern: str) -> str:
    return f'"{pattern}"'


def _or_null(pattern: str) -> str:
    return f'(?:null|"{pattern}")'


def _list_of(pattern: str) -> str:
    return rf'\[(?:"{pattern}"(?:,"{pattern}")*)?\]'


_SHAPES: dict[str, str] = {
    "actor": _or_null(_PSEUDONYM),
    "actor_class": _quoted(_one_of(ActorClass)),
    "at": _quoted("[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}Z"),
    "commitment": _or_null(_DIGEST),
    "consent": _or_null(_ID),
    "decision": _quoted(_one_of(Decision)),
    "destination": _or_null(_PLACE),
    "feature": _or_null(_WORDS),
    "fields": _list_of(rf"{_SLUG}[.]{_SLUG}"),
    "grants": _list_of(_PSEUDONYM),
    "kind": _quoted(_one_of(Kind)),
    "labels": _list_of("[a-z][a-z_]{0,23}"),
    "opened": _COUNT,
    "org": _or_null(_PSEUDONYM),
    "policy": _or_null(_DIGEST),
    "purpose": _or_null(_one_of(Purpose)),
    "reason": _or_null(_SLUG),
    "records": _COUNT,
    "rows": _or_null(_DIGEST),
    "sink": _or_null(_one_of(Sink)),
    "ticket": _or_null(_ID),
    "v": str(VERSION),
    "withheld": _COUNT,
}
_LISTS = ("fields", "grants", "labels")
_FILED = ("at", "decision", "feature", "kind", "opened", "purpose", "reason", "sink", "withheld")
_READ = tuple(sorted({*_FILED, *_LISTS}))


def _grammar() -> re.Pattern[bytes]:
    """Return the whole language, with a group for each value that a check or a column needs."""
    keys = [f'"{name}":{"(" if name in _READ else "(?:"}{_SHAPES[name]})' for name in sorted(_SHAPES)]
    return re.compile((r"\{" + ",".join(keys) + r"\}").encode())


GRAMMAR = _grammar()
_WHOLE = GRAMMAR.fullmatch
_filed = itemgetter(*map(_READ.index, _FILED))
_listed = itemgetter(*map(_READ.index, _LISTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """What one entry of the log says. Lists are kept sorted and without repeats, times to the millisecond."""

    at: dt.datetime
    kind: Kind
    decision: Decision
    actor_class: ActorClass
    org: str | None = None
    actor: str | None = None
    purpose: Purpose | None = None
    feature: str | None = None
    sink: Sink | None = None
    destination: str | None = None
    reason: str | None = None
    policy: str | None = None
    labels: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    opened: int = 0
    withheld: int = 0
    records: int = 0
    rows: str | None = None
    consent: str | None = None
    ticket: str | None = None
    commitment: str | None = None

    def body(self) -> bytes:
        """Return the entry: canonical JSON.

        Raises:
            LeafRefused: if a value is outside the vocabulary; the sentence names the field, never the value.
        """
        said: dict[str, Any] = {name: getattr(self, name) for name in _NAMES}
        said["at"] = moment(self.at)
        said["v"] = VERSION
        try:
            said |= {name: sorted(set(said[name])) for name in _LISTS}
            body = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
        except TypeError as error:
            raise LeafRefused from error
        if _WHOLE(body) is None:
            faults = [n for n, shape in _SHAPES.items() if not re.fullmatch(shape.encode(), orjson.dumps(said[n]))]
            raise LeafRefused(f"The Limited Use log has no word for what was given as {', '.join(faults)}.")
        check_body(body)
        return body


_NAMES = tuple(field.name for field in fields(Leaf))


def moment(at: dt.datetime) -> str:
    """Return the moment as the log writes it: UTC, RFC 3339, milliseconds.

    Raises:
        LeafRefused: if the time is naive.
    """
    if at.tzinfo is None:
        raise LeafRefused("The Limited Use log takes no time without a time zone.")
    return at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def commit_to(salt: bytes, detail: bytes) -> str:
    """Return the commitment to a detail, hex.

    The salt is as secret as the detail: seal it too, or a short detail could be guessed after its erasure.

    Raises:
        LeafRefused: if the salt is not of 32 bytes.
    """
    if len(salt) != SALT_SIZE:
        raise LeafRefused("A commitment needs a salt of 32 bytes.")
    return sha256(salt + detail).hexdigest()


def check_body(body: bytes) -> bytes:
    """Accept a canonical leaf; return what the columns beside it must say: `null` for nothing, parted by bars.

    Raises:
        LeafRefused: if the bytes are anything else.
    """
    found = _WHOLE(body) if len(body) <= LIMIT else None
    if found is None:
        raise LeafRefused("An entry of the Limited Use log is not a canonical leaf.")
    said = found.groups()
    if not _in_order(*_listed(said)):
        raise LeafRefused("A list in an entry of the Limited Use log is not in order.")
    if not _is_day(said[0][1:11]):
        raise LeafRefused("An entry of the Limited Use log has an impossible time.")
    return b"|".join(_filed(said))


@functools.lru_cache(maxsize=4096)
def _in_order(*lists: bytes) -> bool:
    """Tell whether lists are sorted and without repeats; remembered, for few different lists make a log."""
    parted = [listed[1:-1].split(b",") for listed in lists]
    return all(items == sorted(set(items)) for items in parted)


@functools.lru_cache(maxsize=4096)
def _is_day(text: bytes) -> bool:
    try:
        dt.date.fromisoformat(text.decode())
    except ValueError:
        return False
    return True


def read_leaf(body: bytes) -> Leaf:
    """Return the leaf that the canonical bytes say.

    Raises:
        LeafRefused: if they are not a canonical leaf.
    """
    check_body(body)
    said: dict[str, Any] = orjson.loads(body)
    del said["v"]
    for name in _LISTS:
        said[name] = tuple(said[name])
    said["at"] = dt.datetime.fromisoformat(said["at"])
    for name, words in (("kind", Kind), ("decision", Decision), ("actor_class", ActorClass)):
        said[name] = words(said[name])
    said["purpose"] = Purpose(said["purpose"]) if said["purpose"] else None
    said["sink"] = Sink(said["sink"]) if said["sink"] else None
    return Leaf(**said)
