"""Deriving: new sealed values from sealed values, by reviewed functions alone, with labels that never shrink.

A reviewed function is pinned with all that it uses (`limited_use.reviewed`): changing either without a new review
keeps the product from starting. What it makes is sealed under a key whose label covers everything that went in: a
copy of a subject stays Gmail's, of that grant. A result over several sources of a grant goes under the grant's
`derived` key; one over several grants under their joint key, which ends with the first of them that ends. Nothing
leaves here, so no leaf is written.
"""

import re
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import FunctionType

from cryptography.exceptions import InvalidTag

from kernel.errors import AppError
from limited_use.asking import Tampered
from limited_use.cipher import HEAD_SIZE, NONCE_END, Sealer, key_id_of
from limited_use.forms import folded
from limited_use.key_cache import OpenKey
from limited_use.key_tree import SOURCES, KeyFacts, KeyPurpose
from limited_use.keys import Vault
from limited_use.labels import NATIVE, Labels, Origin, Source
from limited_use.reviewed import NotReviewed, check_pins
from limited_use.sealing import Sealed, SealedError

Derivation = Callable[..., str]
DERIVABLE = frozenset(
    {KeyPurpose.CONTENT, KeyPurpose.MAIL, KeyPurpose.CALENDAR, KeyPurpose.CONTACTS, KeyPurpose.DERIVED}
)
"""Keys whose values may be derived from; tokens and log details never are."""
_PURPOSES = {source: purpose for purpose, source in SOURCES.items() if purpose in DERIVABLE}


class LabelsWouldShrink(AppError):  # noqa: N818 -- read as the state it reports
    """The key that was given for a derived value does not stand for all that the value derives from."""

    code = "labels_would_shrink"
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    sentence = "A copy of something from Google must stay marked as coming from there, so it was not made."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a derived value is to stand, and under which key."""

    sealer: Sealer
    table: str
    column: str
    row_id: uuid.UUID
    format: str = "text"


def same(text: str) -> str:
    """Return the text: a copy."""
    return text


REVIEWED: dict[Derivation, str] = {
    same: "6f159ecd68f9e0859a58ec6cde4d0b1b9379473d390c1a79c7b881b91bac3e35",
}
"""Each reviewed function and its pin: the hash of it and all that it uses, at its review."""


_MARKS = re.compile("[\u0300-\u036f]+")
"""Accents, as they stand behind their letters once these are taken apart."""


def by_name(text: str) -> str:
    """Return what a name is sorted by: without regard to case, accents, width, and signs before its first letter."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return text.casefold().lstrip(" \t\"'`.,;:!?#*+-_~^|/\\()[]{}<>@&%$=")


ORDERS: dict[Derivation, str] = {
    by_name: "ce78ceae6db0ffb6a0e345f97b19901b06ebb8adc016710526febea49bf1c612",
}
"""Each reviewed function by which values may be put in order, and its pin."""


def check_reviewed() -> None:
    """Accept the lists of reviewed functions as they are now.

    Raises:
        NotReviewed: if one, or something that it uses, was changed since its review.
    """
    check_pins({**REVIEWED, **ORDERS}, "limited_use/derive.py")


def derive(vault: Vault, function: Derivation, values: Sequence[Sealed], target: Target) -> Sealed:
    """Return what the reviewed function makes of the values, sealed for its target.

    Raises:
        NotReviewed: if the function is not on the list.
        LabelsWouldShrink: if the target's key does not cover all that the values derive from.
        KeyDestroyed: if a value's grant was ended.
        Tampered: if a value does not open in its place.
    """
    return derive_many(vault, function, [(values, target)])[0]


def derive_many(vault: Vault, function: Derivation, work: Sequence[tuple[Sequence[Sealed], Target]]) -> list[Sealed]:
    """Return what the reviewed function makes of each group of values, in one batch.

    Raises:
        NotReviewed, LabelsWouldShrink, KeyDestroyed, Tampered: as for `derive`; then nothing is made.
    """
    if type(function) is not FunctionType or function not in REVIEWED:
        raise NotReviewed  # an object that calls itself equal to a reviewed function is none
    read = [value for values, _ in work for value in values]
    facts = vault.facts(_key_ids(read) | {target.sealer.key_id for _, target in work})
    for values, target in work:
        _check_covered(values, target, facts)
    keys = _keys(vault, read)
    made = []
    for values, target in work:
        text = function(*(_open(value, keys) for value in values))
        made.append(target.sealer.seal(target.table, target.column, target.row_id, text, target.format))
    return made


def order(vault: Vault, function: Derivation, values: Sequence[Sealed | None]) -> list[int]:
    """Return the places of the values, put in order by what the reviewed function makes of each.

    Equal ones stay as they came, those that make nothing and those that are None stand last. The order alone leaves;
    it tells something of every value, so ask only about values that the viewer may see, for that viewer.

    Raises:
        NotReviewed: if the function is not one of ORDERS.
        KeyDestroyed, Tampered: as for `derive`; then nothing is told.
    """
    if type(function) is not FunctionType or function not in ORDERS:
        raise NotReviewed
    keys = _keys(vault, (value for value in values if value is not None))
    made = ["" if value is None else function(_open(value, keys)) for value in values]
    return sorted(range(len(values)), key=lambda place: (not made[place], made[place]))


def reseal(vault: Vault, sealed: Sealed, sealer: Sealer, table: str, column: str, row_id: uuid.UUID) -> Sealed:
    """Return a copy of the value for another place, still marked as what it derives from.

    Raises:
        LabelsWouldShrink, KeyDestroyed, Tampered: as for `derive`.
    """
    place = sealed._place  # noqa: SLF001 -- the guard's own
    target = Target(sealer, table, column, row_id, place.format if place else "text")
    return derive(vault, same, [sealed], target)


def reseal_many(vault: Vault, copies: Sequence[tuple[Sealed, Target]]) -> list[Sealed]:
    """Return a copy of each value for its target, in one batch, each still marked as what it derives from.

    Raises:
        LabelsWouldShrink, KeyDestroyed, Tampered: as for `derive`; then nothing is copied.
    """
    return derive_many(vault, same, [([value], target) for value, target in copies])


def sealer_over(vault: Vault, values: Sequence[Sealed]) -> Sealer:
    """Return a sealer for what derives from all these values: under the narrowest key whose label covers them.

    Of one source its own key; of several of a grant the grant's derived key; of several grants their joint key; of
    what users wrote alone the organisation's content key.

    Raises:
        LabelsWouldShrink: if they are of several organisations, or of a kind that nothing derives from.
        KeyDestroyed: if a grant was ended.
        Tampered: if a value names a key that is none of ours.
    """
    known = vault.facts(_key_ids(values))
    if not known or len(known) != len(_key_ids(values)):
        raise Tampered
    organisations = {facts.organisation_id for facts in known.values()}
    if len(organisations) != 1 or any(facts.purpose not in DERIVABLE for facts in known.values()):
        raise LabelsWouldShrink
    (organisation_id,) = organisations
    union: Labels = NATIVE.union(*(facts.labels for facts in known.values()))
    if not union:
        return vault.sealer(organisation_id, KeyPurpose.CONTENT)
    grants = {origin.grant_id for origin in union}
    if len(union) == 1 and len(grants) == 1:
        (origin,) = union
        return vault.sealer(organisation_id, _PURPOSES[origin.source], origin.grant_id)
    return vault.joint_sealer(organisation_id, grants)


def repeats(vault: Vault, typed: str, values: Sequence[Sealed]) -> list[bool]:
    """Tell of each value whether the text that a user typed says the same: whatever the case, spacing or width.

    What only repeats what Google gave is not the user's own: a field that is saved as it was shown, or retyped equal,
    writes nothing native. Ask only about values that the user may see: the answer would tell a guess right.

    Raises:
        KeyDestroyed, Tampered: as for `derive`.
    """
    keys = _keys(vault, values)
    said = folded(typed)
    return [folded(_open(value, keys)) == said for value in values]


def _key_ids(values: Iterable[Sealed]) -> set[int]:
    wires = {value._wire[:HEAD_SIZE]: value._wire for value in values}  # noqa: SLF001 -- the guard's own
    return {key_id_of(wire) for wire in wires.values()}


def _keys(vault: Vault, values: Iterable[Sealed]) -> dict[int, OpenKey]:
    """Return the keys of these values, none of which was destroyed."""
    key_ids = _key_ids(values)
    with vault.begin() as session:
        vault.check_alive(session, key_ids)
    return vault.opening(key_ids)


def _check_covered(values: Sequence[Sealed], target: Target, facts: dict[int, KeyFacts]) -> None:
    """Accept a target whose label covers the union of the values' labels, in the same organisation."""
    try:
        into = facts[target.sealer.key_id]
        sources = [facts[key_id_of(value._wire)] for value in values]  # noqa: SLF001 -- as above
    except KeyError as error:
        raise Tampered from error
    if any(source.organisation_id != into.organisation_id for source in sources):
        raise LabelsWouldShrink
    union: Labels = NATIVE.union(*(source.labels for source in sources))
    if any(source.purpose not in DERIVABLE for source in sources) or not all(
        origin in into.labels or Origin(Source.DERIVED, origin.grant_id) in into.labels for origin in union
    ):
        raise LabelsWouldShrink


def _open(value: Sealed, keys: dict[int, OpenKey]) -> str:
    wire, field, row_id = value._wire, value._field, value._row_id  # noqa: SLF001 -- as above
    if field is None or row_id is None:
        raise SealedError
    try:
        decrypt = keys[int.from_bytes(wire[1:HEAD_SIZE], "big")].cipher.decrypt
        return decrypt(wire[HEAD_SIZE:NONCE_END], wire[NONCE_END:], field.head + row_id.bytes + field.tail).decode()
    except (InvalidTag, ValueError) as error:  # not this text, none at all, or cut short
        raise Tampered from error
