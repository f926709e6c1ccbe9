"""What can be told of the keys without one: versions, uses, how far rotations are."""

import uuid
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from limited_use.key_store import KeyStore
from limited_use.key_tree import ROTATED, KeyPurpose
from limited_use.key_uses import RENEW_AT
from limited_use.models import Key, KeyRotation
from limited_use.rotation import Phase


@dataclass(frozen=True, slots=True)
class Figures:
    """The state of the key tree."""

    root_version: int
    wraps_by_root_version: dict[int, int]
    """How many organisations' wrap keys each version of the root wraps."""
    alive: int
    old: int
    """Living versions that have a successor: their values still open."""
    emptied: int
    """Those of them that nothing uses, kept for the sake of backups."""
    destroyed: int
    seals: int
    unwraps: int
    most_used: int
    """Seals of the most used living key; at `renew_at` it gets a successor by itself."""
    renew_at: int = RENEW_AT


def figures(store: KeyStore) -> Figures:
    """Return the state of the key tree, with this process's own uses counted in."""
    store.flush()
    alive = Key.wrapped.is_not(None)
    last = func.max(Key.version).over(partition_by=(Key.organisation_id, Key.grant_id, Key.joint, Key.purpose))
    wearing = Key.purpose.in_([one.value for one in ROTATED])
    key = select(
        alive.label("alive"),
        (Key.version < last).label("followed"),
        Key.emptied_at.is_not(None).label("emptied"),
        wearing.label("wearing"),
        Key.seals,
        Key.unwraps,
    ).subquery()
    with store.sessions() as session:
        row = session.execute(
            select(
                func.count().filter(key.c.alive),
                func.count().filter(key.c.alive, key.c.followed),
                func.count().filter(key.c.alive, key.c.emptied),
                func.count().filter(~key.c.alive),
                func.coalesce(func.sum(key.c.seals), 0),
                func.coalesce(func.sum(key.c.unwraps), 0),
                func.coalesce(func.max(key.c.seals).filter(key.c.alive, key.c.wearing), 0),
            ).select_from(key)
        ).one()
        wraps = session.scalars(select(Key.wrapped).where(alive, Key.purpose == KeyPurpose.WRAP.value))
        by_root = Counter(store.provider.version_of(wrapped) for wrapped in wraps if wrapped)
    numbers = [int(number) for number in row]
    return Figures(store.provider.newest(), dict(sorted(by_root.items())), *numbers)


def under_way(session: Session) -> list[KeyRotation]:
    """Return the rotations that are not done, the oldest first."""
    found = select(KeyRotation).where(KeyRotation.phase != Phase.DONE).order_by(KeyRotation.started_at)
    return list(session.scalars(found))


def last_done(session: Session) -> KeyRotation | None:
    """Return the rotation that was done last, if any was."""
    done = select(KeyRotation).where(KeyRotation.finished_at.is_not(None)).order_by(KeyRotation.finished_at.desc())
    return session.scalar(done.limit(1))


def rotation_of(session: Session, rotation_id: uuid.UUID) -> KeyRotation:
    """Return the rotation as it is now."""
    return session.get_one(KeyRotation, rotation_id, populate_existing=True)
