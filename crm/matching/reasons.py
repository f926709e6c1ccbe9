"""The rule for one address as one grant knows it. Pure."""

import enum
from dataclasses import dataclass


class Decision(enum.StrEnum):
    """What became of an address: not yet looked at, a person, or none."""

    WAITING = "waiting"
    PERSON = "person"
    SKIPPED = "skipped"


class Reason(enum.StrEnum):
    """Why: a closed list, stored with each correspondent and shown to its owner."""

    WROTE_TO = "wrote_to"
    MET = "met"
    IS_CONTACT = "is_contact"
    IN_CRM = "in_crm"
    ADDED = "added"
    OWN_ADDRESS = "own_address"
    OWN_DOMAIN = "own_domain"
    SUPPRESSED = "suppressed"
    ROBOT = "robot"
    MAILING_LIST = "mailing_list"
    ROLE_ADDRESS = "role_address"
    BULK_ONLY = "bulk_only"
    ONLY_RECEIVED = "only_received"
    ONLY_COPIED = "only_copied"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one grant saw of one address, in all its sources together."""

    is_own: bool = False
    is_colleague: bool = False
    is_suppressed: bool = False
    is_role: bool = False
    is_robot: bool = False
    is_list: bool = False
    written_to: int = 0
    received_from: int = 0
    received_bulk: int = 0
    met: int = 0

    @property
    def is_excluded(self) -> bool:
        """Tell whether nothing that the grant saw can make it a person."""
        return self.is_own or self.is_colleague or self.is_suppressed

    @property
    def is_generic(self) -> bool:
        """Tell whether it names a function, a machine or a list: several people may stand behind it."""
        return self.is_role or self.is_robot or self.is_list


def decide(evidence: Evidence, *, is_held: bool, is_in_crm: bool) -> tuple[Decision, Reason]:
    """Return the decision and its reason.

    `is_held`: a contact of this grant is identified by the address. `is_in_crm`: it is an address of a person whom a
    user of the organisation made or touched; such a person is no secret to this grant's owner.
    """
    for holds, reason in _exclusions(evidence):
        if holds:
            return Decision.SKIPPED, reason
    for holds, reason in _inclusions(evidence, is_held=is_held, is_in_crm=is_in_crm):
        if holds:
            return Decision.PERSON, reason
    return Decision.SKIPPED, _shortfall(evidence)


def _exclusions(evidence: Evidence) -> tuple[tuple[bool, Reason], ...]:
    return (
        (evidence.is_own, Reason.OWN_ADDRESS),
        (evidence.is_colleague, Reason.OWN_DOMAIN),
        (evidence.is_suppressed, Reason.SUPPRESSED),
    )


def _inclusions(evidence: Evidence, *, is_held: bool, is_in_crm: bool) -> tuple[tuple[bool, Reason], ...]:
    single = not evidence.is_generic
    return (
        (single and evidence.written_to > 0, Reason.WROTE_TO),
        (single and evidence.met > 0, Reason.MET),
        (is_held, Reason.IS_CONTACT),
        (is_in_crm, Reason.IN_CRM),
    )


def _shortfall(evidence: Evidence) -> Reason:
    """Return why nothing spoke for the address."""
    if evidence.is_robot:
        return Reason.ROBOT
    if evidence.is_list:
        return Reason.MAILING_LIST
    if evidence.is_role:
        return Reason.ROLE_ADDRESS
    if evidence.received_from > evidence.received_bulk:
        return Reason.ONLY_RECEIVED
    return Reason.BULK_ONLY if evidence.received_from else Reason.ONLY_COPIED
