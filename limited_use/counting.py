"""The hourly entry of counts: how often keys were unwrapped, beside how many releases and refusals the log tells of.

An entry of kind `counter` and reason `key_uses` holds, since the one before: in `opened` how many releases opened
something, in `withheld` how many were refused; and in `records` how often any key was unwrapped since the beginning.
Keys that are unwrapped while no release is logged show here, and beside a key service's own record.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.clock import Clock
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.models import LogLeaf
from limited_use.log.words import ActorClass, Decision, Kind

REASON = "key_uses"


def tell(session: Session, clock: Clock, unwraps: int) -> None:
    """Leave the entry of the time since the one before."""
    mine = (LogLeaf.kind == Kind.COUNTER.value, LogLeaf.reason == REASON)
    last = select(func.coalesce(func.max(LogLeaf.id), 0)).where(*mine).scalar_subquery()
    releases = select(
        func.count().filter(LogLeaf.decision == Decision.OPEN.value),
        func.count().filter(LogLeaf.decision == Decision.REFUSE.value),
    ).where(LogLeaf.id > last, LogLeaf.kind == Kind.RELEASE.value)
    opened, refused = session.execute(releases).one()
    leaf = Leaf(
        at=clock.now(),
        kind=Kind.COUNTER,
        decision=Decision.EVENT,
        actor_class=ActorClass.SYSTEM,
        reason=REASON,
        opened=opened,
        withheld=refused,
        records=unwraps,
    )
    record.append(session, leaf, organisation_id=None)
