"""Aggregating: figures over many people and several grants, which tell nothing of any one of them.

A *part* is what one person adds under one grant. Parts are counted only over at least PEOPLE people and GRANTS grants;
what comes out is labelled `aggregate` with every grant it was computed from. The policy opens that label to members
on pages, and to nothing else: it derives from Google like all the rest, and no AI tool, training or ad is given it.

Against *differencing* the population of each answer (who, under which grants, as keyed digests) is kept by *shape* (a
query of a closed list) and *window* (a closed time; windows of one shape never overlap). A later answer is over the
same population, or over one that differs in at least PEOPLE people and GRANTS grants; where it would differ by less, it
is given over the earlier population. Where that is gone (a grant ended, people were merged), nothing is said. What is
kept of a grant ends with it; an answer that it was part of then stands in the way of others, for the difference of the
two would be that grant. All is forgotten after KEPT_DAYS, so only windows that ended lately may be asked for.

Residual: figures of one population may change as late mail arrives, and whoever knows all others of a population knows
the last one.
"""

import datetime as dt
import enum
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from kernel.ids import new_id
from limited_use.aggregate_models import AggregatePart
from limited_use.keys import Vault
from limited_use.labels import Labels, Origin, Source
from limited_use.reviewed import NotReviewed
from limited_use.sealing import Labelled, SealedError

PEOPLE = 5
"""Over fewer people nothing is told, in no cell of a histogram either."""
GRANTS = 3
"""Over fewer grants nothing is told: of two, each owner would read the other's from the sum."""
MOST_SHARE = 0.8
"""Of a sum to which one person, or one grant, adds more than this share, nothing is told."""
MOST_RELEASES = 8
"""Populations of one shape and window that are told of: after these only the same ones again."""
KEPT_DAYS = 60
SHAPES = frozenset({"conversations"})
"""The queries that are asked. Two that overlap could be subtracted from one another: adding one needs a review."""

Pair = tuple[uuid.UUID, bytes]
"""A grant, and the digest of a person under it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one person adds under one grant; for counting alone."""

    person_id: uuid.UUID
    grant_id: uuid.UUID
    value: Labelled[int]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a shape of SHAPES, over a closed time, in an organisation."""

    organisation_id: uuid.UUID
    shape: str
    window: str


class Suppressed(enum.StrEnum):
    """Why nothing is told."""

    FEW = "few"
    """There are too few people or grants behind it."""
    NEAR = "near"
    """It would differ from an earlier answer by too few, and the earlier population is not there any more."""
    ENDED = "ended"
    """A grant that an earlier answer was computed from was ended since."""
    FULL = "full"
    """Too many populations were told of already."""


class Population:
    """Enough people and grants, and the figures over them; each is Google-derived, None where it would tell too much.

    Made by `admit` alone.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._labels: Labels = frozenset(Origin(Source.AGGREGATE, part.grant_id) for part in parts)
        self._people: dict[uuid.UUID, int] = defaultdict(int)
        self._grants: dict[uuid.UUID, int] = defaultdict(int)
        self._told_by: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        for part in parts:
            amount = part.value._value  # noqa: SLF001 -- the guard counts what it shows to nobody
            self._people[part.person_id] += amount
            self._grants[part.grant_id] += amount
            self._told_by[part.person_id].add(part.grant_id)

    def __repr__(self) -> str:
        """Return a constant."""
        return "<population>"

    def count(self) -> Labelled[int]:
        """Return how many people there are."""
        return self._told(len(self._people))

    def total(self) -> Labelled[int] | None:
        """Return the sum; None if one person or one grant makes most of it."""
        whole = sum(self._people.values())
        most = max(*self._people.values(), *self._grants.values())
        return None if most > MOST_SHARE * whole else self._told(whole)

    def lowest(self) -> Labelled[int]:
        """Return what at least PEOPLE people stay at or below."""
        return self._told(self._sorted()[PEOPLE - 1])

    def highest(self) -> Labelled[int]:
        """Return what at least PEOPLE people reach or pass."""
        return self._told(self._sorted()[-PEOPLE])

    def median(self) -> Labelled[int]:
        """Return the mean of the PEOPLE amounts in the middle: the median itself would be one person's own."""
        begin = (len(self._people) - PEOPLE) // 2
        middle = self._sorted()[begin : begin + PEOPLE]
        return self._told(round(sum(middle) / len(middle)))

    def histogram(self, bounds: Sequence[int]) -> list[Labelled[int] | None]:
        """Return how many people are below the first bound, from each bound up to the next, and from the last on.

        Cells over too few are None. The count of all is told, so if they hold anybody further cells are None, the
        smallest first, until they are two at least and together hold enough people.
        """
        cells: list[list[uuid.UUID]] = [[] for _ in range(len(bounds) + 1)]
        for person_id, amount in self._people.items():
            cells[sum(amount >= bound for bound in bounds)].append(person_id)
        hidden = {at for at, cell in enumerate(cells) if not self._is_enough(cell)}
        others = sorted((at for at in range(len(cells)) if at not in hidden), key=lambda at: -len(cells[at]))
        while others and (held := sum(len(cells[at]) for at in hidden)) and (len(hidden) == 1 or held < PEOPLE):
            hidden.add(others.pop())
        return [None if at in hidden else self._told(len(cell)) for at, cell in enumerate(cells)]

    def _is_enough(self, people: Sequence[uuid.UUID]) -> bool:
        grants = {grant_id for person_id in people for grant_id in self._told_by[person_id]}
        return len(people) >= PEOPLE and len(grants) >= GRANTS

    def _sorted(self) -> list[int]:
        return sorted(self._people.values())

    def _told(self, figure: int) -> Labelled[int]:
        return Labelled(figure, self._labels)


@dataclass(frozen=True, slots=True)
class _Release:
    """The population of an earlier answer, as far as its grants still live."""

    pairs: frozenset[Pair]
    is_whole: bool


def admit(
    session: Session, vault: Vault, question: Question, parts: Sequence[Part], now: dt.datetime
) -> Population | Suppressed:
    """Return the population that may be told of, with the memory of it stored; or why none may.

    Raises:
        NotReviewed: if the question's shape is not on the list.
        SealedError: if a part's value does not derive from the part's own grant alone.
    """
    if question.shape not in SHAPES:
        raise NotReviewed
    if any({origin.grant_id for origin in part.value._labels} != {part.grant_id} for part in parts):  # noqa: SLF001 -- as above
        raise SealedError("A part of a figure derives from its own grant.")
    named = _named(vault, question, parts)
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_name(question), 0))))
    earlier = _read(session, question)
    if any(not release.is_whole for release in earlier):
        return Suppressed.ENDED
    told = _choose(frozenset(named), earlier)
    if isinstance(told, Suppressed):
        return told
    if all(told != release.pairs for release in earlier):
        _keep(session, question, told, now)
    return Population([part for pair, part in named.items() if pair in told])


def _named(vault: Vault, question: Question, parts: Iterable[Part]) -> dict[Pair, Part]:
    """Return the parts by grant and person: those of one person under one grant in one."""
    index = vault.indexer(question.organisation_id)
    named: dict[Pair, Part] = {}
    for part in parts:
        pair = (part.grant_id, index.digest("aggregate", part.person_id.bytes))
        known = named.get(pair)
        if known is not None:
            both = known.value._value + part.value._value  # noqa: SLF001 -- as above
            part = replace(part, value=Labelled(both, part.value._labels))  # noqa: PLW2901, SLF001 -- as above
        named[pair] = part
    return named


def _choose(pairs: frozenset[Pair], earlier: Sequence[_Release]) -> frozenset[Pair] | Suppressed:
    """Return the population to tell of: this one, or an earlier one that it holds whole."""
    if not _are_enough(pairs):
        return Suppressed.FEW
    if any(pairs == release.pairs for release in earlier):
        return pairs
    if all(_are_apart(pairs, release.pairs) for release in earlier):
        return pairs if len(earlier) < MOST_RELEASES else Suppressed.FULL
    return next((release.pairs for release in reversed(earlier) if release.pairs <= pairs), Suppressed.NEAR)


def _are_enough(pairs: frozenset[Pair]) -> bool:
    return len({person for _, person in pairs}) >= PEOPLE and len({grant for grant, _ in pairs}) >= GRANTS


def _are_apart(pairs: frozenset[Pair], others: frozenset[Pair]) -> bool:
    """Tell whether one answer less the other would be over enough, in sums as in counts of people."""
    newcomers_or_gone = {person for _, person in pairs} ^ {person for _, person in others}
    return _are_enough(pairs ^ others) and (not newcomers_or_gone or len(newcomers_or_gone) >= PEOPLE)


def _name(question: Question) -> str:
    return f"aggregate {question.organisation_id} {question.shape} {question.window}"


def _read(session: Session, question: Question) -> list[_Release]:
    """Return what was told of this question's shape and window, the earliest first."""
    rows = session.scalars(
        select(AggregatePart)
        .where(
            AggregatePart.organisation_id == question.organisation_id,
            AggregatePart.shape == question.shape,
            AggregatePart.window == question.window,
        )
        .order_by(AggregatePart.released_at, AggregatePart.id)
    )
    by_release: dict[uuid.UUID, list[AggregatePart]] = defaultdict(list)
    for row in rows:
        by_release[row.release_id].append(row)
    return [
        _Release(
            frozenset((part.grant_id, person) for part in kept for person in part.people),
            is_whole=len(kept) == kept[0].of_grants,
        )
        for kept in by_release.values()
    ]


def _keep(session: Session, question: Question, pairs: frozenset[Pair], now: dt.datetime) -> None:
    """The population is known to later askers; what is too old is forgotten."""
    old = now - dt.timedelta(days=KEPT_DAYS)
    session.execute(
        delete(AggregatePart).where(
            AggregatePart.organisation_id == question.organisation_id, AggregatePart.released_at < old
        )
    )
    by_grant: dict[uuid.UUID, list[bytes]] = defaultdict(list)
    for grant_id, person in pairs:
        by_grant[grant_id].append(person)
    release_id = new_id()
    session.add_all(
        AggregatePart(
            organisation_id=question.organisation_id,
            grant_id=grant_id,
            release_id=release_id,
            shape=question.shape,
            window=question.window,
            of_grants=len(by_grant),
            people=sorted(people),
            released_at=now,
        )
        for grant_id, people in by_grant.items()
    )
    session.flush()
