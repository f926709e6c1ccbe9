"""What happens to grants, told to the Limited Use log: connected, suspended, ended, purged, consented."""

import uuid

from sqlalchemy.orm import Session

from kernel.runtime import Runtime
from limited_use.keys import vault
from limited_use.log import record as log
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind


def record(  # noqa: PLR0913 -- an entry names who, what and why
    runtime: Runtime,
    session: Session,
    kind: Kind,
    organisation_id: uuid.UUID,
    *,
    grant_id: uuid.UUID | None = None,
    member_id: uuid.UUID | None = None,
    reason: str | None = None,
    labels: tuple[str, ...] = (),
    records: int = 0,
    consent_id: uuid.UUID | None = None,
    feature: str = "connections",
) -> int:
    """Add the event to the caller's transaction and return the entry's id in the log."""
    keys = vault(runtime)

    def name(what: str, subject_id: uuid.UUID) -> str:
        return keys.pseudonym(organisation_id, what, subject_id)

    leaf = Leaf(
        at=runtime.clock.now(),
        kind=kind,
        decision=Decision.EVENT,
        actor_class=ActorClass.MEMBER if member_id else ActorClass.WORKER,
        org=name("organisation", organisation_id),
        actor=name("member", member_id) if member_id else None,
        feature=feature,
        reason=reason,
        grants=(name("grant", grant_id),) if grant_id else (),
        labels=labels,
        records=records,
        consent=str(consent_id) if consent_id else None,
    )
    return log.append(session, leaf, organisation_id=organisation_id, actor_id=member_id).id
