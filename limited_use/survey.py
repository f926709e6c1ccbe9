"""What stands in a document before it is opened: values in groups of one origin, and what a leaf says of them.

All values of one key, or of one set of labels, are decided alike, so a page of two hundred fields needs a handful of
decisions. Nothing is opened here.
"""

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from accounts.openings import Opened
from kernel.database import Aspect
from limited_use.asking import Asking
from limited_use.cipher import HEAD_SIZE, SHORTEST, key_id_of
from limited_use.key_tree import KeyFacts, KeyPurpose
from limited_use.keys import Vault
from limited_use.labels import Labels
from limited_use.policy import OURS, Kind, Viewer
from limited_use.sealing import Field, Labelled, Native, Sealed, SealedError, System

NATIVE_KINDS = frozenset({Kind.NATIVE})
SYSTEM_KINDS = frozenset({Kind.SYSTEM})
_KINDS_OF_PURPOSES = {
    KeyPurpose.CONTENT: NATIVE_KINDS,
    KeyPurpose.DETAIL: frozenset({Kind.DETAIL}),
    KeyPurpose.ENDING: frozenset({Kind.TOKENS}),
}


@dataclass(slots=True)
class Group:
    """Values that are decided alike."""

    kinds: frozenset[Kind] = frozenset()
    grants: frozenset[uuid.UUID] = frozenset()
    key_id: int | None = None
    count: int = 0
    ways: frozenset[tuple[Viewer, ...]] = frozenset()
    """How the grants behind them let who asks see them, where that differs from row to row (`limited_use.relation`)."""
    openings: frozenset[Opened] = frozenset()
    """What may let who asks see some of them, opened one by one."""

    @property
    def from_google(self) -> bool:
        """Tell whether any of it came from Google."""
        return not OURS.issuperset(self.kinds)


@dataclass(slots=True)
class Survey:
    """The groups of a document, which of them each value is in, and the first thing that is wrong with it."""

    members: list[Group] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    fields: frozenset[str] = frozenset()
    rows: str | None = None
    records: int = 0
    fault: str | None = None
    openings: frozenset[Opened] = frozenset()
    """What was opened one by one, of what is shown."""

    @property
    def key_ids(self) -> list[int]:
        """Return the keys of its sealed values."""
        return [group.key_id for group in self.groups if group.key_id is not None]

    @property
    def grants(self) -> frozenset[uuid.UUID]:
        """Return every grant that any of it came from."""
        return frozenset().union(*(group.grants for group in self.groups))


def survey_values(vault: Vault, asking: Asking, values: Sequence[Any]) -> Survey:
    """Return what stands in the document."""
    survey = Survey()
    by_head: dict[bytes, Group] = {}
    by_labels: dict[int, Group] = {}
    native, system = Group(NATIVE_KINDS), Group(SYSTEM_KINDS)
    sealed = []
    join = survey.members.append
    for value in values:
        kind = type(value)
        if kind is Sealed:
            wire = value._wire  # noqa: SLF001 -- as above
            known = by_head.get(wire[:HEAD_SIZE]) if len(wire) >= SHORTEST else None
            group = known or _sealed(wire, by_head, survey)
            sealed.append(value)
        elif kind is Labelled:
            group = _labelled(value._labels, by_labels)  # noqa: SLF001 -- as above
        elif kind is Native:
            group = native
        elif kind is System:
            group = system
        else:
            survey.fault = survey.fault or "unknown_origin"
            group = Group()
        group.count += 1
        join(group)
    survey.groups = [g for g in (*by_head.values(), *by_labels.values(), native, system) if g.count]
    _learn_keys(vault, asking, by_head.values(), survey)
    _check_places(survey, asking, sealed)
    if not survey.fault:
        _note_places(survey, values)
    return survey


def _sealed(wire: bytes, by_head: dict[bytes, Group], survey: Survey) -> Group:
    """Return a new group for a key that the document had no value of yet; a damaged value belongs to none."""
    try:
        group = Group(key_id=key_id_of(wire))
    except SealedError:
        survey.fault = survey.fault or "tampered"
        return Group()
    by_head[wire[:HEAD_SIZE]] = group
    return group


def _labelled(labels: Labels, by_labels: dict[int, Group]) -> Group:
    group = by_labels.get(id(labels))  # the values keep their labels alive while the survey lasts
    if group is None:
        kinds = frozenset(Kind(origin.source) for origin in labels)
        group = by_labels[id(labels)] = Group(kinds, frozenset(origin.grant_id for origin in labels))
    return group


def _learn_keys(vault: Vault, asking: Asking, groups: Collection[Group], survey: Survey) -> None:
    by_key = {group.key_id: group for group in groups if group.key_id is not None}
    facts = vault.facts(by_key) if by_key else {}
    for key_id, group in by_key.items():
        known = facts.get(key_id)
        if known is None:
            survey.fault = survey.fault or "key_unknown"
        elif known.organisation_id != asking.organisation_id:
            survey.fault = survey.fault or "other_organisation"
        else:
            group.kinds = _kinds_of(known)
            group.grants = frozenset(origin.grant_id for origin in known.labels)


def _kinds_of(key: KeyFacts) -> frozenset[Kind]:
    """Return what a value under this key derives from; of keys that seal no values, nothing, which is refused."""
    fixed = _KINDS_OF_PURPOSES.get(key.purpose)
    if fixed is not None:
        return fixed
    return frozenset(Kind(origin.source) for origin in key.labels)


def _check_places(survey: Survey, asking: Asking, sealed: Sequence[Sealed]) -> None:
    """Find values that stand nowhere or elsewhere."""
    fields = {value._field for value in sealed}  # noqa: SLF001 -- the guard reads where a value stands
    if None in fields:
        survey.fault = survey.fault or "unplaced"
    elif any(field.organisation_id != asking.organisation_id for field in fields if field):
        survey.fault = survey.fault or "other_organisation"


def _note_places(survey: Survey, values: Sequence[Any]) -> None:
    """Keep, for the leaf, in which columns what came from Google stands, and a digest over its rows."""
    google = {id(group) for group in survey.groups if group.from_google}
    if not google:
        return
    columns: set[Field | tuple[str, Aspect] | None] = set()
    row_ids: dict[int, uuid.UUID | None] = {}  # by identity, for a row's values share one: hashing ids is dear
    for value, group in zip(values, survey.members, strict=True):
        if id(group) not in google:
            continue
        if type(value) is Sealed:
            columns.add(value._field)  # noqa: SLF001 -- the guard reads where a value stands
            row_ids[id(value._row_id)] = value._row_id  # noqa: SLF001 -- as above
        elif value._about is not None:  # noqa: SLF001 -- as above
            table, row_id = value._about  # noqa: SLF001 -- as above
            row_ids[id(row_id)] = row_id
            columns.add((table, value._aspect) if value._aspect else None)  # noqa: SLF001 -- as above
    survey.fields = frozenset(_name(column) for column in columns if column)
    rows = sorted({row_id.bytes for row_id in row_ids.values() if row_id})
    survey.records = len(rows)
    survey.rows = hashlib.sha256(b"".join(rows)).hexdigest() if rows else None


def _name(column: Field | tuple[str, Aspect]) -> str:
    """Return the column as a leaf tells it; values that are clear at rest know their aspect alone."""
    return f"{column.table}.{column.column}" if isinstance(column, Field) else ".".join(column)
