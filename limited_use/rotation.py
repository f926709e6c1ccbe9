"""Rotation: new versions of an organisation's keys, and everything sealed under the old ones sealed anew.

It is a row and a run, so that web and workers go on meanwhile, and so that a worker that dies at any instruction loses
nothing: the next one goes on from the row. The phases: *keys*, organisation by organisation, with an entry in the log
before anything is opened; *reseal*, table by table; *settle*, a wait until no process can hold a sealer of an old
version any more; then another pass, until not one row is under an old version. Old versions are kept for thirty
days more (`limited_use.key_versions`), for the sake of backups.

The blind-index key, the pseudonyms' key and the keys of log details keep their version: see the decision record.

What is damaged, a wrapped key or a value, stops nothing: it stays where it is, is counted in the row, and is told of.
"""

import datetime as dt
import enum
import time
import uuid
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from accounts.models import Organisation
from kernel.ids import new_id
from kernel.jobs import Lease, Next
from kernel.work import Work
from limited_use import key_versions
from limited_use.key_tree import KeyUnknown
from limited_use.keys import record_destroyed, vault
from limited_use.log import record
from limited_use.log.leaf import Leaf
from limited_use.log.words import ActorClass, Decision, Kind
from limited_use.models import KeyRotation
from limited_use.resealing import Resealer, SealedTable, keys_in_use, sealed_tables

if TYPE_CHECKING:
    from kernel.runtime import Runtime

JOB = "limited_use.rotate_keys"
SETTLE = dt.timedelta(seconds=1_200)
"""Longer than a cached key lives (60 s) and a piece of work lasts (1,000 s): then old sealers are gone everywhere."""
KEPT = dt.timedelta(days=30)
"""How long an emptied version is kept: as long as backups are."""
SLICE_S = 20.0
AGAIN_S = 5.0
MOST_PASSES = 5
"""After so many, what is still under an old version does not open: that version is kept, and the rotation is done."""
_told = structlog.get_logger(__name__)


class Phase(enum.StrEnum):
    """How far a rotation has come."""

    KEYS = "keys"
    RESEAL = "reseal"
    SETTLE = "settle"
    DONE = "done"


def begin(work: Work, now: dt.datetime, organisation_id: uuid.UUID | None) -> KeyRotation:
    """Return the rotation of these keys that is under way, planned now if there is none; None: every organisation's."""
    work.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(JOB, 0)))
    )  # two may ask at one instant
    mine = (KeyRotation.organisation_id.is_not_distinct_from(organisation_id), KeyRotation.phase != Phase.DONE)
    rotation = work.session.scalar(select(KeyRotation).where(*mine).with_for_update())
    if rotation is None:
        rotation = KeyRotation(
            id=new_id(), organisation_id=organisation_id, phase=Phase.KEYS, started_at=now, passes=0, missed=0
        )
        rotation.walked = rotation.resealed = rotation.damaged_keys = rotation.damaged_values = 0
        work.session.add(rotation)
        work.session.flush()
    work.later(JOB, rotation.id)
    return rotation


def advance(runtime: "Runtime", rotation_id: uuid.UUID, lease: Lease) -> Next | None:
    """Carry the rotation on for a slice of time; None when it is done."""
    until = time.monotonic() + SLICE_S
    with runtime.sessions() as session:
        rotation = session.get(KeyRotation, rotation_id)
    if rotation is None or rotation.phase == Phase.DONE:
        return None
    resealer = Resealer(vault(runtime), rotation.organisation_id)
    while not lease.stopping and time.monotonic() < until:
        with runtime.sessions() as session:
            phase = session.get_one(KeyRotation, rotation_id).phase
        if phase == Phase.DONE:
            return None
        if phase == Phase.KEYS:
            _renew_next(runtime, rotation_id, lease)
        elif phase == Phase.RESEAL:
            if not _reseal_next(runtime, rotation_id, lease, resealer) and not _finish(runtime, rotation_id, lease):
                return Next(AGAIN_S)
        elif wait := _settle(runtime, rotation_id, lease):
            return Next(wait)
    return Next()


def _held(session: Session, rotation_id: uuid.UUID, lease: Lease) -> KeyRotation:
    """Return the rotation, locked, while this lease holds."""
    lease.check(session)
    query = select(KeyRotation).where(KeyRotation.id == rotation_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _renew_next(runtime: "Runtime", rotation_id: uuid.UUID, lease: Lease) -> None:
    """New versions of the next organisation's keys, and their entry in the log; after the last, the next phase."""
    with runtime.sessions() as session:
        rotation = session.get_one(KeyRotation, rotation_id)
        following = select(Organisation.id).order_by(Organisation.id).limit(1)
        if rotation.organisation_id is not None:
            following = following.where(Organisation.id == rotation.organisation_id)
        if rotation.organisation_cursor is not None:
            following = following.where(Organisation.id > rotation.organisation_cursor)
        organisation_id = session.scalar(following)
    renewed = key_versions.Renewed(0, 0)
    if organisation_id is not None:
        renewed = key_versions.renew_organisation(vault(runtime).store, organisation_id, rotation_id)
    with runtime.begin() as work:
        rotation = _held(work.session, rotation_id, lease)
        if organisation_id is None:
            rotation.phase, rotation.keys_at = Phase.RESEAL, runtime.clock.now()
            return
        rotation.organisation_cursor = organisation_id
        rotation.damaged_keys += renewed.damaged
        tell(runtime, work.session, organisation_id, "begun", renewed.made)


def _reseal_next(runtime: "Runtime", rotation_id: uuid.UUID, lease: Lease, resealer: Resealer) -> bool:
    """Seal a batch anew and note how far that is; return False at the end of a pass that may be the last."""
    with runtime.sessions() as session:
        rotation = session.get_one(KeyRotation, rotation_id)
        sealed, after = _table_of(rotation), rotation.row_cursor
        is_under_way = rotation.table is not None
        look = None if sealed is None else resealer.look(session, sealed, after)
    if look is not None:
        resealer.learn(look)  # may ask the key service, so no transaction is open
    with runtime.begin() as work:
        rotation = _held(work.session, rotation_id, lease)
        if sealed is None or look is None:
            return _end_pass(rotation)
        did = resealer.reseal(work.session, sealed, look)
        rotation.walked += len(look.rows)
        rotation.resealed += did.resealed
        rotation.missed += did.missed
        rotation.damaged_values = did.damaged + (rotation.damaged_values if is_under_way else 0)
        rotation.table = _after(sealed.table.name) if look.is_last else sealed.table.name
        rotation.row_cursor = None if look.is_last else max(look.rows)
    return True


def _end_pass(rotation: KeyRotation) -> bool:
    """Go on to the next phase or pass; return False where there may be nothing more to do."""
    rotation.passes += 1
    missed, rotation.missed, rotation.table, rotation.row_cursor = rotation.missed, 0, None, None
    if rotation.passes == 1:
        rotation.phase = Phase.SETTLE
    return rotation.passes == 1 or missed > 0


END = "\uffff"


def _table_of(rotation: KeyRotation) -> SealedTable | None:
    """Return the table to go on with, None at the end of a pass."""
    tables = sealed_tables()
    if rotation.table is None:
        return tables[0] if tables else None
    return next((one for one in tables if one.table.name >= rotation.table), None)


def _after(name: str) -> str:
    """Return what stands for the table after this one; a name that is no table's stands for the end."""
    return next((one.table.name for one in sealed_tables() if one.table.name > name), END)


def _settle(runtime: "Runtime", rotation_id: uuid.UUID, lease: Lease) -> float:
    """Begin the second pass when it is time; else return in how many seconds that is."""
    with runtime.begin() as work:
        rotation = _held(work.session, rotation_id, lease)
        wait = ((rotation.keys_at or runtime.clock.now()) + SETTLE - runtime.clock.now()).total_seconds()
        if wait <= 0:
            rotation.phase = Phase.RESEAL
    return max(0.0, wait)


def _finish(runtime: "Runtime", rotation_id: uuid.UUID, lease: Lease) -> bool:
    """Note which old versions nothing is under any more; while there are others, another pass follows, up to a limit.

    A value that is damaged stays where it is, and its version with it: some day its place may be mended.
    """
    store, now = vault(runtime).store, runtime.clock.now()
    old = key_versions.superseded(store, rotation_id)
    with runtime.sessions() as session:
        used = keys_in_use(session, old)
        passes = session.get_one(KeyRotation, rotation_id).passes
    if left := used & readable(runtime, used):
        if passes < MOST_PASSES:
            return False
        _told.error("old_key_versions_in_use", keys=sorted(left))
    key_versions.mark_emptied(store, set(old) - left, now)
    key_versions.mark_emptied_wraps(store, now)
    with runtime.begin() as work:
        rotation = _held(work.session, rotation_id, lease)
        rotation.phase, rotation.finished_at = Phase.DONE, now
        tell(runtime, work.session, rotation.organisation_id, "finished", rotation.resealed)
    return True


def readable(runtime: "Runtime", key_ids: set[int]) -> set[int]:
    """Return those of the keys that were not destroyed with their grant: rows of the others wait for their purge."""
    with runtime.sessions() as session:
        return vault(runtime).alive(session, key_ids)


def retire(runtime: "Runtime", kept: dt.timedelta = KEPT) -> int:
    """Destroy the versions that nothing has used for that long, and record it; return how many.

    A version that a row is found to use again (a backup was put back) is kept, and needs another rotation.
    """
    store, now = vault(runtime).store, runtime.clock.now()
    due = key_versions.emptied_before(store, now - kept)
    with runtime.sessions() as session:
        used = keys_in_use(session, [row.id for row in due])
    if used:
        key_versions.mark_emptied(store, used, None)
        _told.warning("old_key_versions_in_use", keys=sorted(used))
    gone = [row for row in due if row.id not in used]
    for row in gone:
        row.destroyed_at = now
        with runtime.begin() as work:  # recorded first: a crash in between is completed by the next call
            record_destroyed(work.session, [row])
            tell(runtime, work.session, row.organisation_id, "retired", 1)
        key_versions.retire(store, row.id, now)
    return len(gone)


def tell(runtime: "Runtime", session: Session, organisation_id: uuid.UUID | None, reason: str, records: int) -> None:
    """Add an entry on a rotation to the caller's transaction."""
    org = None
    if organisation_id is not None:
        try:
            org = vault(runtime).pseudonym(organisation_id, "organisation", organisation_id)
        except KeyUnknown:
            org = None
    leaf = Leaf(
        at=runtime.clock.now(),
        kind=Kind.KEY_ROTATED,
        decision=Decision.EVENT,
        actor_class=ActorClass.WORKER,
        org=org,
        reason=reason,
        records=records,
    )
    record.append(session, leaf, organisation_id=organisation_id)
