"""The policy: a finite table, read from `policy.toml`, of who may see what, where, and why.

Nothing that no rule names is allowed; refuse beats withhold beats open. Some denials are not in the table at all and
cannot be put there: a rule that would open a value from Google for AI, training, advertising, brokers or credit, or to
somebody to whom its owner shares nothing, is refused when the file is read, so that the product does not start with it;
and `decide` would not obey the former either. `explain` says which rule decides, and what sharing has to do with it.
"""

import enum
import hashlib
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any, TypeVar

from accounts.models import Sharing
from accounts.sharing import RANK, opens
from kernel.database import Aspect
from kernel.errors import AppError
from limited_use import policy_file
from limited_use.labels import Source
from limited_use.log.words import Decision, Purpose, Sink


class PolicyError(AppError):
    """The policy file says something that it cannot say; the product does not start with it."""

    code = "policy"
    sentence = "The policy of the Limited Use guard cannot be used."


class Kind(enum.StrEnum):
    """What a value derives from: a source at Google, a user, or ourselves."""

    GMAIL = Source.GMAIL
    CALENDAR = Source.CALENDAR
    CONTACTS = Source.CONTACTS
    DERIVED = Source.DERIVED
    AGGREGATE = Source.AGGREGATE
    TOKENS = Source.TOKENS
    DETAIL = Source.DETAIL
    NATIVE = "native"
    SYSTEM = "system"


class Viewer(enum.StrEnum):
    """How who asks stands to the owner of the grants behind a value."""

    OWNER = "owner"
    SHARED = "shared"
    """A teammate, to whom each owner's sharing opens this aspect of this very row."""
    CONSENTED = "consented"
    """A member to whom the owner's recorded consent opens this item until it runs out."""
    CASE = "case"
    """A member for whom a case on this item was approved by a second person, until it runs out."""
    TEAMMATE = "teammate"
    MEMBER = "member"
    SAME_GRANT = "same_grant"
    OTHER_GRANT = "other_grant"
    NO_GRANT = "no_grant"
    NOBODY = "nobody"


TEAMMATES = frozenset({Viewer.SHARED, Viewer.CONSENTED, Viewer.CASE})
"""Teammates to whom somebody opened something: what holds for any teammate holds for them where no rule opens more."""
OURS = frozenset({Kind.NATIVE, Kind.SYSTEM})
"""Kinds that do not come from Google."""
NEVER_OPEN = frozenset({Sink.AI_TOOL, Sink.TRAINING, Sink.ADS, Sink.BROKER, Sink.CREDIT})
"""Sinks that are never given a value from Google, whatever any configuration says."""
FROM_SOURCES = frozenset({Kind.GMAIL, Kind.CALENDAR, Kind.CONTACTS, Kind.DERIVED})
"""Kinds of what people's accounts hold, which only an owner, Google, or one to whom it was opened may see."""
MAY_SEE = frozenset({Viewer.OWNER, Viewer.SAME_GRANT, *TEAMMATES})
"""Those."""
NEVER_NAMED = NEVER_OPEN - {Sink.AI_TOOL}
"""Of those, sinks for which no rule may speak of values from Google at all, not even to withhold them."""
_STRICTNESS = {Decision.OPEN: 0, Decision.WITHHOLD: 1, Decision.REFUSE: 2}
_RULE_KEYS = {"label", "purpose", "sink", "viewer", "features", "then"}

W = TypeVar("W", bound=enum.StrEnum)
Cell = tuple[Kind, Purpose, Sink, Viewer, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file: its number, from 1, and what the comment above it says."""

    number: int
    said: str


@dataclass(frozen=True, slots=True)
class Question:
    """What `explain` is asked. `shared` and `aspect`: how the grant is shared, and what of a conversation is wanted."""

    kind: Kind
    purpose: Purpose
    sink: Sink
    viewer: Viewer
    feature: str
    shared: Sharing | None = None
    aspect: Aspect | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is decided, and why."""

    decision: Decision
    viewer: Viewer
    """For whom it was decided: where sharing was asked about, what it makes of a teammate."""
    rule: Rule | None
    """The rule that decided; None where none speaks, or where no rule could."""
    why: str
    sharing: str | None
    """What sharing has to do with it; None where nothing."""
    policy: str
    """The hash of the policy, as it stands in the log."""


@dataclass(frozen=True)
class Policy:
    """The table, spread out: one decision for each cell that any rule names; the features; the file's hash.

    `rules` are in the file's order; `deciding` is the number of the rule by which each cell is decided.
    """

    digest: str
    features: Mapping[str, str]
    cells: Mapping[Cell, Decision]
    rules: tuple[Rule, ...] = ()
    deciding: Mapping[Cell, int] = field(default_factory=dict)

    def decide(self, kinds: Collection[Kind], purpose: Purpose, sink: Sink, viewer: Viewer, feature: str) -> Decision:
        """Return the strictest decision over everything that the value derives from."""
        if not kinds:
            return Decision.REFUSE
        decision = strictest(self._cell((kind, purpose, sink, viewer, feature)) for kind in kinds)
        if decision is Decision.OPEN and sink in NEVER_OPEN and not OURS.issuperset(kinds):
            return Decision.REFUSE
        return decision

    def _cell(self, cell: Cell) -> Decision:
        return self.cells.get(self.cell_of(cell), Decision.REFUSE)

    def cell_of(self, cell: Cell) -> Cell:
        """Return the cell that decides: to whom something was opened, is never given less than any teammate."""
        decision = self.cells.get(cell, Decision.REFUSE)
        if decision is Decision.OPEN or cell[3] not in TEAMMATES:
            return cell
        as_teammate = (*cell[:3], Viewer.TEAMMATE, cell[4])
        other = self.cells.get(as_teammate, Decision.REFUSE)
        return as_teammate if loosest((decision, other)) is not decision else cell


def strictest(decisions: Iterable[Decision]) -> Decision:
    """Return refuse if any is, else withhold if any is, else open."""
    return max(decisions, key=_STRICTNESS.__getitem__)


def loosest(decisions: Iterable[Decision]) -> Decision:
    """Return open if any is, else withhold if any is, else refuse."""
    return min(decisions, key=_STRICTNESS.__getitem__)


def read_policy(content: bytes) -> Policy:
    """Return the policy that the file's bytes say.

    Raises:
        PolicyError: naming the rule, if it uses a word that is none, or says what no rule may say.
    """
    try:
        said = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError("The policy file is not TOML.") from error
    if set(said) != {"features", "rules"}:
        raise PolicyError("The policy file holds features and rules, and nothing else.")
    features = said["features"]
    if not all(isinstance(where, str) and where for where in features.values()):
        raise PolicyError("Each feature of the policy file says where people see it.")
    cells: dict[Cell, Decision] = {}
    deciding: dict[Cell, int] = {}
    for number, rule in enumerate(said["rules"], 1):
        decision, named = _read_rule(number, rule, frozenset(features))
        for cell in named:
            before = cells.get(cell)
            cells[cell] = decision if before is None else strictest((before, decision))
            if cells[cell] is not before:
                deciding[cell] = number
    rules = tuple(Rule(number, text) for number, text in enumerate(_comments(content.decode()), 1))
    return Policy(hashlib.sha256(content).hexdigest(), features, cells, rules, deciding)


def _comments(content: str) -> list[str]:
    """Return what stands above each rule; where nothing does, what stood above the one before."""
    found: list[str] = []
    above: list[str] = []
    for line in content.splitlines():
        if line == "[[rules]]":
            found.append(" ".join(above) or (found[-1] if found else ""))
        above = [*above, line.removeprefix("# ").removeprefix("--- ")] if line.startswith("# ") else []
    return found


def explain(asked: Question, table: Policy | None = None) -> Explanation:
    """Return what is decided of a value, by which rule, and what its owner's sharing has to do with it.

    `table`: the shipped policy, unless another is given.
    """
    table = table or shipped_policy()
    viewer, sharing = _as_shared(asked)
    decision = table.decide({asked.kind}, asked.purpose, asked.sink, viewer, asked.feature)
    cell = table.cell_of((asked.kind, asked.purpose, asked.sink, viewer, asked.feature))
    number = table.deciding.get(cell)
    rule = table.rules[number - 1] if number is not None else None
    if asked.kind not in OURS and asked.sink in NEVER_OPEN:
        why = f"No configuration can open a value from Google for {asked.sink}: a policy with such a rule is not read."
    elif rule is None:
        why = "No rule speaks of it, and what no rule allows is refused."
    else:
        why = rule.said
    return Explanation(decision, viewer, rule, why, sharing, table.digest)


def _as_shared(asked: Question) -> tuple[Viewer, str | None]:
    """Return whom the owner's sharing makes of a teammate, and say so."""
    if asked.shared is None or asked.viewer not in {Viewer.TEAMMATE, Viewer.SHARED}:
        return asked.viewer, None
    what = "this" if asked.aspect in (None, Aspect.NONE) else asked.aspect
    says = f"The owner shares {asked.shared.replace('_', ' ')}, which"
    if opens(RANK[asked.shared], asked.aspect):
        return Viewer.SHARED, f"{says} shows teammates {what}, unless an exception hides the row."
    return Viewer.TEAMMATE, f"{says} does not show teammates {what}."


@cache
def shipped_policy() -> Policy:
    """Return the policy that this version of the product came with."""
    return read_policy(policy_file.content())


def _read_rule(number: int, rule: dict[str, Any], features: frozenset[str]) -> tuple[Decision, list[Cell]]:
    if set(rule) != _RULE_KEYS:
        raise PolicyError(f"Rule {number} of the policy needs exactly: {', '.join(sorted(_RULE_KEYS))}.")
    kinds = _words(number, rule["label"], Kind)
    purposes = _words(number, rule["purpose"], Purpose)
    sinks = _words(number, rule["sink"], Sink)
    viewers = _words(number, rule["viewer"], Viewer)
    decision = _words(number, [rule["then"]], Decision)[0]
    named = features if rule["features"] == "all" else rule["features"]
    if not isinstance(named, list | frozenset) or not named or not features.issuperset(named):
        raise PolicyError(f"Rule {number} of the policy names a feature that is not registered.")
    if decision is Decision.EVENT or Purpose.UNKNOWN in purposes or Sink.UNKNOWN in sinks:
        raise PolicyError(f"Rule {number} of the policy decides something that cannot be asked.")
    if not OURS.issuperset(kinds):
        _check_hard_denials(number, decision, sinks)
    if decision is Decision.OPEN and FROM_SOURCES.intersection(kinds) and not MAY_SEE.issuperset(viewers):
        raise PolicyError(
            f"Rule {number} of the policy would open what people's accounts hold to somebody to whom its owner did not."
        )
    return decision, list(product(kinds, purposes, sinks, viewers, sorted(named)))


def _check_hard_denials(number: int, decision: Decision, sinks: Collection[Sink]) -> None:
    """Accept a rule on values from Google that gives nothing to a sink which may have nothing of them."""
    if NEVER_NAMED.intersection(sinks) or (decision is Decision.OPEN and NEVER_OPEN.intersection(sinks)):
        raise PolicyError(
            f"Rule {number} of the policy would send data from Google to AI, training, ads, brokers or credit. "
            "No configuration can allow that."
        )


def _words(number: int, said: object, words: type[W]) -> list[W]:
    try:
        if isinstance(said, list) and said:
            return [words(word) for word in said]
    except ValueError as error:
        raise PolicyError(f"Rule {number} of the policy uses a word that is no {words.__name__.lower()}.") from error
    raise PolicyError(f"Rule {number} of the policy lacks a {words.__name__.lower()}.")
