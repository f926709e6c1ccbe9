"""New versions of keys, everything wrapped anew, and the end of old versions: the keys' own database in a rotation.

An old version is *emptied* when no row is sealed, and no key wrapped, under it any more. It is kept for thirty days
then, so that a backup from before the rotation can still be read, and *retired*: destroyed, and recorded as such.
Every step may be repeated, and may be done by several processes at once.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, all_, and_, any_, func, literal, select, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import BigInteger, LargeBinary

from limited_use.cipher import HEAD_SIZE, wire_head
from limited_use.key_store import KeyStore
from limited_use.key_tree import (
    ROTATED,
    KeyDestroyed,
    KeyName,
    KeyPurpose,
    KeyUnknown,
    newest,
    unwrap_below,
    wrap_below,
    wrapped_by,
)
from limited_use.models import Key

BATCH = 200
_told = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Renewed:
    """What the renewal of an organisation's keys came to."""

    made: int
    """Versions made now: those that this rotation made before are not made again."""
    damaged: int
    """Living keys that do not unwrap: they stay as they are, and older values under them stay closed."""


def renew_organisation(store: KeyStore, organisation_id: uuid.UUID, rotation_id: uuid.UUID) -> Renewed:
    """Leave the organisation with a new wrap key, its keys wrapped by it, and new versions of those that seal.

    A damaged key gets a new version like any other, so that what comes in from now on can be read.
    """
    wrap = KeyName(organisation_id, (), KeyPurpose.WRAP)
    with store.sessions() as session:
        last = newest(session, wrap)
    if last is None or last.wrapped is None:  # an organisation without keys has nothing to renew
        return Renewed(0, 0)
    made = int(store.renew(wrap, rotation_id))
    damaged = rewrap_below(store, organisation_id)
    with store.sessions() as session:
        alive = select(Key).where(
            Key.organisation_id == organisation_id,
            Key.purpose.in_([purpose.value for purpose in ROTATED]),
            Key.destroyed_at.is_(None),
        )
        rows = session.scalars(alive).all()
    there = {KeyName.of(row) for row in rows if row.made_by == rotation_id}  # a run that was ended goes on from these
    names = {KeyName.of(row) for row in rows} - there
    return Renewed(made + sum(store.renew(name, rotation_id) for name in names), damaged)


def rewrap_below(store: KeyStore, organisation_id: uuid.UUID) -> int:
    """Leave every living key of the organisation wrapped by its newest wrap key, but for damaged ones; return how many.

    Those stay as they are: a backup of the keys' database may mend them, as long as what wraps them is there.
    """
    name = KeyName(organisation_id, (), KeyPurpose.WRAP)
    store.cache.forget_current(name)
    above = store.current(name)
    others = and_(
        Key.organisation_id == organisation_id,
        Key.purpose != KeyPurpose.WRAP.value,
        Key.wrapped.is_not(None),
        _head_of(Key) != wire_head(above.facts.id),
    )
    damaged: list[int] = []
    while True:
        with store.sessions() as session:
            left = select(Key).where(others, Key.id != all_(literal(damaged, ARRAY(BigInteger))))
            rows = session.scalars(left.order_by(Key.id).limit(BATCH)).all()
        if not rows:
            return len(damaged)
        keys = {row.id: _unwrapped(store, row) for row in rows}
        with store.sessions.begin() as session:
            for row in rows:
                key = keys[row.id]
                if key is None:
                    damaged.append(row.id)
                    continue
                wrapped = wrap_below(above.facts.id, above.cipher, key, KeyName.of(row).context(row.version))
                _replace(session, row, wrapped)


def _unwrapped(store: KeyStore, row: Key) -> bytes | None:
    """Return the key that a row holds, None where it is damaged; a key service that does not answer is an error."""
    try:
        above = wrapped_by(row.wrapped or b"")
        return unwrap_below(store.opening([above])[above].cipher, row)
    except (KeyUnknown, KeyDestroyed) as error:
        _told.error("wrapped_key_damaged", key=row.id, organisation=str(row.organisation_id), code=error.code)
        return None


def rewrap_root(store: KeyStore, after_id: int = 0) -> tuple[int | None, int]:
    """Wrap a batch of organisations' wrap keys by the newest root; return where to go on (None: all done), how many."""
    version = store.provider.newest()
    with store.sessions() as session:
        wraps = select(Key).where(Key.purpose == KeyPurpose.WRAP.value, Key.wrapped.is_not(None), Key.id > after_id)
        rows = session.scalars(wraps.order_by(Key.id).limit(BATCH)).all()
    count = 0
    for row in rows:
        if row.wrapped is None or store.provider.version_of(row.wrapped) >= version:
            continue
        context = KeyName.of(row).context(row.version)
        wrapped = store.provider.wrap(store.provider.unwrap(row.wrapped, context), context)
        with store.sessions.begin() as session:
            count += _replace(session, row, wrapped)
    return (rows[-1].id if len(rows) == BATCH else None), count


def _replace(session: Session, row: Key, wrapped: bytes) -> int:
    """Compare and set: a key that was destroyed or wrapped anew meanwhile stays as it is."""
    same = (Key.id == row.id, Key.wrapped == row.wrapped)
    changed = update(Key).where(*same).values(wrapped=wrapped).returning(Key.id)
    return len(session.scalars(changed.execution_options(synchronize_session=False)).all())


def superseded(store: KeyStore, rotation_id: uuid.UUID) -> list[int]:
    """Return the living versions that seal and are older than what this rotation made."""
    newer = aliased(Key)
    older = (
        select(Key.id)
        .join(newer, and_(_same_name(newer), newer.version > Key.version, newer.made_by == rotation_id))
        .where(Key.wrapped.is_not(None), Key.purpose != KeyPurpose.WRAP.value)
        .order_by(Key.id)
    )
    with store.sessions() as session:
        return list(session.scalars(older))


def _same_name(other: type[Key]) -> ColumnElement[bool]:
    """Return what joins the versions of a key, in a form that can be hashed: an organisation may have very many."""
    nobody, none = literal(uuid.UUID(int=0)), literal(b"", LargeBinary)
    return and_(
        other.organisation_id == Key.organisation_id,
        func.coalesce(other.grant_id, nobody) == func.coalesce(Key.grant_id, nobody),
        func.coalesce(other.joint, none) == func.coalesce(Key.joint, none),
        other.purpose == Key.purpose,
    )


def mark_emptied(store: KeyStore, key_ids: Collection[int], at: dt.datetime | None) -> None:
    """Leave it noted since when nothing uses these versions; with None, that something does.

    Where that is noted already it stays: rotations in quick succession keep no old version for longer.
    """
    ids = literal(sorted(key_ids), ARRAY(BigInteger))
    with store.sessions.begin() as session:
        since = None if at is None else func.coalesce(Key.emptied_at, at)
        session.execute(update(Key).where(Key.id == any_(ids)).values(emptied_at=since))


def mark_emptied_wraps(store: KeyStore, at: dt.datetime) -> None:
    """Leave it noted which older wrap keys wrap nothing any more."""
    newer, below = aliased(Key), aliased(Key)
    followed = select(newer.id).where(_same_name(newer), newer.version > Key.version).exists()
    own_head = literal(b"\x01", LargeBinary).op("||")(func.decode(func.lpad(func.to_hex(Key.id), 8, "0"), "hex"))
    wraps = select(below.id).where(below.organisation_id == Key.organisation_id, _head_of(below) == own_head).exists()
    old = (Key.purpose == KeyPurpose.WRAP.value, Key.wrapped.is_not(None), Key.emptied_at.is_(None), followed, ~wraps)
    with store.sessions.begin() as session:
        session.execute(update(Key).where(*old).values(emptied_at=at).execution_options(synchronize_session=False))


def emptied_before(store: KeyStore, moment: dt.datetime) -> Sequence[Key]:
    """Return the versions that nothing has used since that moment, and which are not retired yet.

    A wrap key that wraps something again, because a backup was put back, is not among them.
    """
    due = select(Key).where(Key.emptied_at <= moment, Key.wrapped.is_not(None)).order_by(Key.id)
    with store.sessions() as session:
        return [row for row in session.scalars(due).all() if not _wraps_something(session, row)]


def _wraps_something(session: Session, row: Key) -> bool:
    below = (
        select(Key.id).where(Key.organisation_id == row.organisation_id, _head_of(Key) == wire_head(row.id)).limit(1)
    )
    return row.purpose == KeyPurpose.WRAP and session.scalar(below) is not None


def retire(store: KeyStore, key_id: int, now: dt.datetime) -> None:
    """Leave the version without its wrapped key, for ever."""
    with store.sessions.begin() as session:
        gone = update(Key).where(Key.id == key_id, Key.destroyed_at.is_(None))
        session.execute(gone.values(wrapped=None, destroyed_at=now))
    store.cache.drop([key_id])


def _head_of(keys: type[Key]) -> ColumnElement[bytes]:
    """Return what a wrapped key begins with: which key it is wrapped by."""
    return func.substring(type_coerce(keys.wrapped, LargeBinary), 1, HEAD_SIZE, type_=LargeBinary)
