"""Decoys: rows in the large tables that nothing of the product ever shows, and an alarm that goes when one is opened.

Whoever opens everything that a table holds (a dump through the guard, an endpoint without its query's condition, a
function that derives from all rows) opens decoys, too. They are sealed like all others, under the keys of a grant of
their own that counts as ended: no query of a living grant, no count, no list and no sync meets it. That its keys are
decoys' stands in the keys' database alone.

The opening is refused as a whole, the log has an entry of the alarm beside that of the refusal, every owner, admin and
auditor of the organisation is told, and the process says so in its own log.
"""

import uuid
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts import notices
from accounts.models import Member, Role
from accounts.notices import NoticeKind
from kernel.clock import Clock
from limited_use.key_tree import KeyDestroyed
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind

if TYPE_CHECKING:
    from limited_use.keys import Vault

REASON = "decoy_opened"
_TOLD = (Role.OWNER, Role.ADMIN, Role.AUDITOR)
_log = structlog.get_logger(__name__)


class DecoyOpened(KeyDestroyed):
    """Something opened a row that nothing of the product ever shows."""

    code = REASON
    sentence = "This opened what nobody is ever shown, so it was stopped. The organisation's admins have been told."


def sound(session: Session, keys: "Vault", clock: Clock, organisation_id: uuid.UUID) -> None:
    """Leave the alarm in the log, and with everybody who looks after the organisation."""
    _log.error(REASON, organisation=str(organisation_id))
    now = clock.now()
    leaf = Leaf(
        at=now,
        kind=Kind.SECURITY_EVENT,
        decision=Decision.EVENT,
        actor_class=ActorClass.SYSTEM,
        org=keys.pseudonym(organisation_id, "organisation", organisation_id),
        reason=REASON,
    )
    record.append(session, leaf, organisation_id=organisation_id)
    lookers = select(Member.id).where(
        Member.organisation_id == organisation_id, Member.role.in_(_TOLD), Member.left_at.is_(None)
    )
    for member_id in session.scalars(lookers).all():
        notices.tell(session, member_id, NoticeKind.DECOY_OPENED, organisation_id, now)
