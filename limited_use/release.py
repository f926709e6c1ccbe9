"""Release: the one gate through which anything guarded leaves.

`Guard.release` takes a whole document's values at once. In one short transaction it locks the grants behind them (and
the organisation's switches, where they matter) for share, decides each group of values, and writes the leaf; after the
commit it opens what may be opened, in one batch and without a session, and hands it to the sink adaptor's `deliver`.
The plaintext goes there and nowhere else: the caller gets what `deliver` makes of it, the finished document.

Ending a grant locks the same rows for update, so after its commit no release passes, whatever is cached where.
An answer is refused as a whole (and nothing of it opened) when a value has no known origin, belongs to another
organisation, does not open in its place, or comes from a grant that was ended. Values of a suspended grant, and those
that the policy keeps back, are withheld: a mark stands in their place.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

from cryptography.exceptions import InvalidTag
from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus
from kernel.clock import Clock
from kernel.database import Sessions
from kernel.errors import TooLarge
from limited_use import leaves, repeats
from limited_use.asking import (
    AiNotAllowed,
    Asking,
    GrantEnded,
    LogUnavailable,
    Purpose,
    Refused,
    Sink,
    Tampered,
    WrongSink,
)
from limited_use.cipher import HEAD_SIZE, NONCE_END, wire_head
from limited_use.decoys import DecoyOpened
from limited_use.derive import check_reviewed
from limited_use.key_tree import KeyDestroyed, KeyUnknown
from limited_use.keys import Vault, vault
from limited_use.log.leaf import LeafRefused
from limited_use.log.words import Decision
from limited_use.models import PolicyState
from limited_use.policy import Policy, loosest, shipped_policy, strictest
from limited_use.relation import relate, ways_of
from limited_use.sealing import Labelled, Sealed
from limited_use.sinks.presentations import check_presentations
from limited_use.survey import Group, Survey, survey_values

if TYPE_CHECKING:
    from kernel.runtime import Runtime

__all__ = ["AiNotAllowed", "Asking", "Guard", "Purpose", "Refused", "Sink", "Withheld", "guard"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Withheld:
    """What stands where a value was left out."""

    source: str
    """Where the value came from: gmail, calendar, contacts …"""
    reason: str = "limited_use"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided for each group, in their order, and why not."""

    decisions: tuple[Decision, ...]
    reasons: tuple[str | None, ...]

    @property
    def refused(self) -> bool:
        """Tell whether the whole answer is refused."""
        return Decision.REFUSE in self.decisions

    @property
    def reason(self) -> str | None:
        """Return the reason of the strictest decision: what the leaf says."""
        for strict in (Decision.REFUSE, Decision.WITHHOLD):
            if strict in self.decisions:
                return self.reasons[self.decisions.index(strict)]
        return None


class _Grant(NamedTuple):
    """What a decision needs to know of a grant."""

    id: uuid.UUID
    member_id: uuid.UUID
    status: str


def _refusal(reason: str) -> Verdict:
    return Verdict((Decision.REFUSE,), (reason,))


_ERRORS: dict[str, type[Refused]] = {
    "ai_not_allowed": AiNotAllowed,
    "grant_revoked": GrantEnded,
    "grant_gone": GrantEnded,
    "key_destroyed": GrantEnded,
    "key_unknown": Tampered,
    "tampered": Tampered,
    "wrong_sink": WrongSink,
}


class Guard:
    """The gate. It holds the vault, and is the only thing besides derive and the log that opens with it."""

    def __init__(self, vault_: Vault, policy: Policy, sessions: Sessions, clock: Clock) -> None:
        self.vault = vault_
        self.policy = policy
        self.clock = clock
        self._sessions = sessions

    def __repr__(self) -> str:
        """Return a constant."""
        return "<guard>"

    def release(
        self, asking: Asking, values: Sequence[Any], deliver: Callable[[list[Any]], R], *, records: int | None = None
    ) -> R:
        """Return what `deliver` makes of the opened values; the leaf is durable before the first is opened.

        `deliver` is given one item a value, in order: its plaintext, or a `Withheld`. `records` is how many records
        the document shows, where that is not the number of rows its sealed values are from.

        Raises:
            Refused: if the answer may not be given; a leaf says why.
            LogUnavailable: if the leaf cannot be written.
        """
        within = _within(values)
        parts = [*values, *within.values()]
        survey = survey_values(self.vault, asking, parts)
        if records is not None:
            survey.records = records
        verdict = self._decide(asking, survey, parts)
        if verdict.refused:
            raise _ERRORS.get(verdict.reason or "", Refused)
        opened = self._open(asking, survey, verdict, values, within)
        if asking.sink in repeats.CHECKED:
            self._keep_back_repeats(asking, values, opened)
        return deliver(opened)

    def refuse(self, asking: Asking, reason: str) -> NoReturn:
        """Write the leaf of a refusal that an adaptor found, and raise it.

        Raises:
            Refused: always, unless the leaf cannot be written.
        """
        self._log(asking, Survey(), _refusal(reason))
        raise _ERRORS.get(reason, Refused)

    def _keep_back_repeats(self, asking: Asking, values: Sequence[Any], opened: list[Any]) -> None:
        """Put marks in place of users' texts that repeat what Google gave; a leaf more says how many they were."""
        try:
            with self._sessions.begin() as session:
                found = repeats.find(session, self.vault, asking.organisation_id, values, opened)
                if found:
                    told = repeats.account_of(values, found)
                    decisions = (Decision.WITHHOLD,) * len(told.groups)
                    self._write(session, asking, told, Verdict(decisions, (repeats.REASON,) * len(told.groups)))
        except TooLarge:
            self.refuse(asking, "too_large")
        except (SQLAlchemyError, LeafRefused) as error:
            raise LogUnavailable from error
        for at, source in found.items():
            opened[at] = Withheld(source, repeats.REASON)

    def _log(self, asking: Asking, survey: Survey, verdict: Verdict) -> None:
        try:
            with self._sessions.begin() as session:
                self._write(session, asking, survey, verdict)
        except (SQLAlchemyError, LeafRefused) as error:
            raise LogUnavailable from error

    def _write(self, session: Session, asking: Asking, survey: Survey, verdict: Verdict) -> None:
        leaves.write(session, self.vault, self.clock, asking, leaves.Account.of(survey, verdict, self.policy))

    def _decide(self, asking: Asking, survey: Survey, values: Sequence[Any]) -> Verdict:
        """Return the verdict, once the leaf that it needs is durable."""
        try:
            with self._sessions.begin() as session:
                verdict = self._judge(session, asking, survey, values)
                if leaves.is_due(asking, survey, refused=verdict.refused):
                    self._write(session, asking, survey, verdict)
            return verdict
        except (SQLAlchemyError, LeafRefused) as error:
            raise LogUnavailable from error

    def _judge(self, session: Session, asking: Asking, survey: Survey, values: Sequence[Any]) -> Verdict:
        fault = survey.fault or self._fault_of(session, asking)
        if fault:
            return _refusal(fault)
        grants = _lock_grants(session, asking.organisation_id, survey.grants)
        try:
            self.vault.check_alive(session, survey.key_ids)
        except DecoyOpened as alarm:
            return _refusal(alarm.code)
        except KeyDestroyed:
            return _refusal("key_destroyed")
        relate(session, asking, survey, values, grants, self.clock.now())
        judged = [self._judge_group(asking, group, grants) for group in survey.groups]
        verdict = Verdict(tuple(decision for decision, _ in judged), tuple(reason for _, reason in judged))
        if not verdict.refused:
            shown = zip(survey.groups, verdict.decisions, strict=True)
            survey.openings = frozenset().union(*(group.openings for group, done in shown if done is Decision.OPEN))
        return verdict

    def _fault_of(self, session: Session, asking: Asking) -> str | None:
        """Return what forbids any answer to this asking."""
        if asking.feature not in self.policy.features:
            return "unknown_feature"
        if asking.purpose is Purpose.UNKNOWN:
            return "unknown_purpose"
        if asking.sink is Sink.AI_TOOL:
            switches = select(PolicyState).where(PolicyState.organisation_id == asking.organisation_id)
            state = session.scalar(switches.with_for_update(read=True))
            if state is None or state.ai_allowed_at is None:
                return "ai_not_allowed"
        return None

    def _judge_group(
        self, asking: Asking, group: Group, grants: dict[uuid.UUID, _Grant]
    ) -> tuple[Decision, str | None]:
        found = [grants.get(grant_id) for grant_id in group.grants]
        mine = [grant for grant in found if grant is not None]
        if len(mine) != len(found):
            return Decision.REFUSE, "grant_gone"
        if any(grant.status == GrantStatus.REVOKED for grant in mine):
            return Decision.REFUSE, "grant_revoked"
        decision = strictest(
            loosest(
                self.policy.decide(group.kinds, asking.purpose, asking.sink, viewer, asking.feature) for viewer in way
            )
            for way in ways_of(asking, group, mine)
        )
        if decision is Decision.OPEN and any(grant.status != GrantStatus.ACTIVE for grant in mine):
            return _suspended(asking)
        return decision, None if decision is Decision.OPEN else "limited_use"

    def _open(
        self, asking: Asking, survey: Survey, verdict: Verdict, values: Sequence[Any], within: Mapping[int, Sealed]
    ) -> list[Any]:
        """Return the plaintexts and marks; on any that does not open, a leaf more and nothing at all.

        The survey's members are those of the values, then those of what stands `within` some of them.
        """
        marks: dict[int, Withheld] = {}
        key_ids = []
        for group, decision, reason in zip(survey.groups, verdict.decisions, verdict.reasons, strict=True):
            if decision is not Decision.OPEN:
                marks[id(group)] = Withheld(",".join(sorted(group.kinds)), reason or "limited_use")
            elif group.key_id is not None:
                key_ids.append(group.key_id)
        try:
            opened = {wire_head(key_id): key.cipher.decrypt for key_id, key in self.vault.opening(key_ids).items()}
            shown = [
                (marks and marks.get(id(group)))
                or (_decrypt(value, opened) if type(value) is Sealed else _clear(value))
                for value, group in zip(values, survey.members, strict=False)
            ]
            for (at, sealed), group in zip(within.items(), survey.members[len(values) :], strict=True):
                if shown[at] is sealed:  # its standing there is open, so it is asked of itself
                    shown[at] = marks.get(id(group)) or _decrypt(sealed, opened)
            return shown
        except KeyDestroyed:
            self.refuse(asking, "key_destroyed")
        except (InvalidTag, KeyUnknown, UnicodeDecodeError):
            self.refuse(asking, "tampered")


def _within(values: Sequence[Any]) -> dict[int, Sealed]:
    """Return the sealed values that stand inside labelled ones, by where these are."""
    labelled = ((at, value._value) for at, value in enumerate(values) if type(value) is Labelled)  # noqa: SLF001 -- the guard reads what a value holds
    return {at: inner for at, inner in labelled if type(inner) is Sealed}


def _decrypt(value: Sealed, opened: Mapping[bytes, Callable[[bytes, bytes, bytes], bytes]]) -> str:
    wire, field, row_id = value._wire, value._field, value._row_id  # noqa: SLF001 -- the one place where content is opened
    if field is None or row_id is None:
        raise InvalidTag
    decrypt = opened[wire[:HEAD_SIZE]]
    return decrypt(wire[HEAD_SIZE:NONCE_END], wire[NONCE_END:], field.head + row_id.bytes + field.tail).decode()


def _clear(value: Any) -> Any:
    return value._value if hasattr(value, "_value") else value.value  # noqa: SLF001 -- Labelled, or Native and System


_LOCK_GRANTS = (
    select(Grant.id, Grant.member_id, Grant.status)
    .where(
        Grant.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
        Grant.organisation_id == bindparam("organisation_id", type_=Uuid),
    )
    .order_by(Grant.id)
    .with_for_update(read=True)
)
"""Made once: building it anew costs as much as running it."""


def _lock_grants(
    session: Session, organisation_id: uuid.UUID, grant_ids: frozenset[uuid.UUID]
) -> dict[uuid.UUID, _Grant]:
    """Return these grants of the organisation, locked so that none is ended before this transaction is."""
    if not grant_ids:
        return {}
    found = session.execute(_LOCK_GRANTS, {"ids": list(grant_ids), "organisation_id": organisation_id})
    return {row[0]: _Grant(*row) for row in found}


def _suspended(asking: Asking) -> tuple[Decision, str | None]:
    """Return what becomes of an opening under a suspended grant, which is kept until its owner connects again.

    The page around its values stays readable; at Google nothing is done under it but to end it there too.
    """
    if asking.sink is not Sink.GOOGLE:
        return Decision.WITHHOLD, "grant_suspended"
    return (Decision.OPEN, None) if asking.purpose is Purpose.SECURITY else (Decision.REFUSE, "grant_suspended")


def check_rules() -> Policy:
    """Return the policy by which everything is decided; the product starts with nothing before this has passed.

    Raises:
        PolicyError: if the policy cannot be used.
        NotReviewed: if a function that reads guarded values was changed without a review.
    """
    check_reviewed()
    check_presentations()
    return shipped_policy()


def guard(runtime: "Runtime") -> Guard:
    """Return this runtime's guard; its policy has been read and its vault is ready.

    Raises:
        PolicyError, NotReviewed: as for `check_rules`.
    """

    def make() -> Guard:
        rules = check_rules()
        return Guard(vault(runtime), rules, runtime.sessions, runtime.clock)

    return runtime.part("limited_use.guard", make)
