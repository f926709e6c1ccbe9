"""The leaf of a release: what the log says of it, without content, addresses or names."""

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from sqlalchemy.orm import Session

from accounts.openings import How
from kernel.clock import Clock
from limited_use.asking import Asking
from limited_use.key_tree import KeyUnknown
from limited_use.keys import Vault
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind, Sink
from limited_use.policy import OURS, Policy
from limited_use.survey import Survey

if TYPE_CHECKING:
    from limited_use.release import Verdict

ALWAYS = frozenset({Sink.AI_TOOL, Sink.EXPORT, Sink.WEBHOOK, Sink.MAIL, Sink.STAFF})
"""Sinks whose every answer is in the log, even one with nothing from Google in it."""
_FEATURE = re.compile("[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Account:
    """What is told of a release."""

    survey: Survey
    verdict: "Verdict"
    policy: str
    decision: Decision
    opened: int
    withheld: int

    @classmethod
    def of(cls, survey: Survey, verdict: "Verdict", policy: Policy) -> Self:
        """Return the account of a release: how many values from Google were opened, how many not."""
        google = [group for group in survey.groups if group.from_google]
        total = sum(group.count for group in google)
        if verdict.refused:
            return cls(survey, verdict, policy.digest, Decision.REFUSE, 0, total)
        decided = {id(group): decision for group, decision in zip(survey.groups, verdict.decisions, strict=True)}
        opened = sum(group.count for group in google if decided[id(group)] is Decision.OPEN)
        decision = Decision.WITHHOLD if total and not opened else Decision.OPEN
        return cls(survey, verdict, policy.digest, decision, opened, total - opened)


def is_due(asking: Asking, survey: Survey, *, refused: bool) -> bool:
    """Tell whether a release needs a leaf: a refusal, anything from Google, or a sink that is always told."""
    return refused or asking.sink in ALWAYS or any(group.from_google for group in survey.groups)


def write(session: Session, vault: Vault, clock: Clock, asking: Asking, account: Account) -> None:
    """Append the leaf to the caller's transaction."""
    survey = account.survey
    kinds = {kind for group in survey.groups for kind in group.kinds if kind not in OURS}
    who = _pseudonyms(vault, asking, survey)
    leaf = Leaf(
        at=clock.now(),
        kind=Kind.RELEASE,
        decision=account.decision,
        actor_class=ActorClass(asking.actor),
        org=who.org,
        actor=who.actor,
        purpose=asking.purpose,
        feature=asking.feature if _FEATURE.fullmatch(asking.feature) else None,
        sink=asking.sink,
        destination=who.destination,
        reason=account.verdict.reason,
        policy=account.policy,
        labels=tuple(kinds),
        grants=who.grants,
        fields=tuple(survey.fields),
        opened=account.opened,
        withheld=account.withheld,
        records=survey.records,
        rows=survey.rows,
        consent=_only(survey, How.CONSENT),
        ticket=_only(survey, How.CASE),
    )
    record.append(session, leaf, organisation_id=asking.organisation_id, actor_id=asking.member_id)
    if account.opened and len(survey.openings) > 1:
        _write_each(session, vault, clock, asking, survey, who)


def _only(survey: Survey, how: How) -> str | None:
    """Return the record by which an item was opened, where it is one; several have an entry each."""
    found = [opened for opened in survey.openings if opened.how is how]
    return str(found[0].opening_id) if len(survey.openings) == len(found) == 1 else None


def _write_each(session: Session, vault: Vault, clock: Clock, asking: Asking, survey: Survey, who: "_Who") -> None:
    """Append an entry for each record by which something was opened: the release's own has place for one."""
    for opened in sorted(survey.openings, key=lambda one: one.opening_id):
        is_case = opened.how is How.CASE
        leaf = Leaf(
            at=clock.now(),
            kind=Kind.STAFF_CASE if is_case else Kind.CONSENT,
            decision=Decision.EVENT,
            actor_class=ActorClass(asking.actor),
            org=who.org,
            actor=who.actor,
            feature="openings",
            reason="opened",
            grants=(vault.pseudonym(asking.organisation_id, "grant", opened.grant_id),),
            records=1,
            consent=None if is_case else str(opened.opening_id),
            ticket=str(opened.opening_id) if is_case else None,
        )
        record.append(session, leaf, organisation_id=asking.organisation_id, actor_id=asking.member_id)


@dataclass(frozen=True, slots=True)
class _Who:
    org: str | None
    actor: str | None
    destination: str | None
    grants: tuple[str, ...]


def _pseudonyms(vault: Vault, asking: Asking, survey: Survey) -> _Who:
    """Return who is told of, by pseudonym; of an organisation without keys, nobody."""
    organisation_id = asking.organisation_id

    def name(kind: str, subject_id: uuid.UUID) -> str:
        return vault.pseudonym(organisation_id, kind, subject_id)

    try:
        grants = {str(grant_id): name("grant", grant_id) for grant_id in survey.grants}
        actor = name("member", asking.member_id) if asking.member_id else None
        org = name("organisation", organisation_id)
    except KeyUnknown:
        return _Who(None, None, None, ())
    destination = asking.destination or None
    if asking.sink is Sink.GOOGLE:
        destination = grants.get(asking.destination)
    return _Who(org, actor, destination, tuple(grants.values()))
