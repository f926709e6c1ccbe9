"""Writing the log: appending leaves, and giving them their place in the tree.

`append` puts a leaf into the caller's transaction: it is durable when the caller's commit is, and gone when the
caller rolls back. `integrate` later numbers what was committed, grows the tiles, and signs a checkpoint, all in
one transaction, under one lock: a crash at any instruction leaves either nothing or all of it.

Identity order is not commit order: a leaf with a lower id may be committed after one with a higher id was
numbered. It simply gets a later index. The index alone is the order of the log.
"""

import uuid
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import cast

from sqlalchemy import BigInteger, Table, bindparam, exists, insert, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from kernel.clock import Clock
from kernel.database import Sessions
from kernel.errors import AppError
from limited_use import policy_file
from limited_use.log.checkpoint import Checkpoint, NoteRefused, open_checkpoint
from limited_use.log.database_store import DatabaseStore, read_head
from limited_use.log.edge import Frontier, StoredNodes, load_frontier
from limited_use.log.leaf import Leaf, LeafRefused
from limited_use.log.models import LogCheckpoint, LogDetail, LogLeaf
from limited_use.log.proof import make_receipt
from limited_use.log.signer import Signer
from limited_use.log.tree import hash_leaf, prove_inclusion

BATCH = 8192
"""Leaves numbered in one transaction: some 6 MB of bodies."""
LOCK = 0x6C6F675F6C6F636B
"""The advisory lock under which leaves are numbered; a number of ours, nothing else uses it."""

_NUMBER = text(
    """
    UPDATE log_leaves AS leaf SET index = :first + place.ordinal - 1
    FROM unnest(:ids) WITH ORDINALITY AS place (id, ordinal)
    WHERE leaf.id = place.id AND leaf.index IS NULL
    """
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)), bindparam("first", type_=BigInteger))

_FILED = ("sink", "decision", "reason", "feature", "purpose", "kind", "opened", "withheld")
_LEAVES = cast("Table", LogLeaf.__table__)
# One statement, made once: it is on the path of every release, and building it costs more than running it.
_APPEND = insert(_LEAVES).returning(_LEAVES.c.id)


class LogBroken(AppError):  # noqa: N818 -- read as the state it reports
    """What is stored is not what was signed; nothing more is signed on top of it."""

    code = "log_broken"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "The stored Limited Use log does not match its signed head. Run 'log verify' and call an admin."


@dataclass(frozen=True, slots=True)
class LeafRef:
    """A leaf that was appended; its index comes later."""

    id: int


def append(
    session: Session,
    leaf: Leaf,
    *,
    organisation_id: uuid.UUID | None,
    actor_id: uuid.UUID | None = None,
    detail: bytes | None = None,
    salt: bytes | None = None,
) -> LeafRef:
    """Add the leaf, and its sealed detail with its sealed salt, to the caller's transaction.

    A leaf that names no policy names the one that is in force: the file that this process came with.

    Raises:
        LeafRefused: if the leaf says anything outside the vocabulary of the log, or the detail lacks its salt
            or its organisation.
    """
    said = leaf if leaf.policy is not None else replace(leaf, policy=policy_file.digest())
    row = {
        "body": said.body(),
        "at": leaf.at.replace(microsecond=leaf.at.microsecond // 1000 * 1000),
        "organisation_id": organisation_id,
        "actor_id": actor_id,
        **{name: getattr(leaf, name) for name in _FILED},
    }
    ref = LeafRef(session.connection().execute(_APPEND, row).scalar_one())
    if detail is not None or salt is not None:
        if detail is None or salt is None or organisation_id is None:
            raise LeafRefused("The detail of a log entry needs its salt and its organisation.")
        add_detail(session, ref, organisation_id=organisation_id, detail=detail, salt=salt)
    return ref


def add_detail(
    session: Session,
    ref: LeafRef,
    *,
    organisation_id: uuid.UUID,
    detail: bytes,
    salt: bytes,
    grant_id: uuid.UUID | None = None,
) -> None:
    """Add a sealed detail of the leaf, about one grant or none: a leaf over several grants has several."""
    kept = {"leaf_id": ref.id, "organisation_id": organisation_id, "grant_id": grant_id}
    session.execute(insert(LogDetail).values(detail=detail, salt=salt, **kept))


def integrate(sessions: Sessions, signer: Signer, clock: Clock, *, wait: bool = True) -> Checkpoint | None:
    """Number every committed leaf, grow the tiles and sign the head; return the head if it is new.

    Without `wait`, returns None at once where another process is at it. The very first call signs the empty log.

    Raises:
        LogBroken: if the stored tiles or head are not what was signed.
    """
    newest: Checkpoint | None = None
    while True:
        with sessions() as session, session.begin():
            # The batch must see what the holder of the lock before us has committed.
            session.connection(execution_options={"isolation_level": "READ COMMITTED"})
            step = _integrate_batch(session, signer, clock, wait=wait)
        if step is None:
            return newest
        newest = step


def _integrate_batch(session: Session, signer: Signer, clock: Clock, *, wait: bool) -> Checkpoint | None:
    if not _anything_to_do(session) or not _take_lock(session, wait=wait):
        return None
    pending = session.execute(
        select(LogLeaf.id, LogLeaf.body).where(LogLeaf.index.is_(None)).order_by(LogLeaf.id).limit(BATCH)
    ).all()
    head = read_head(session)
    if head is not None and not pending:
        return None
    store = DatabaseStore(session)
    frontier = _trusted_frontier(store, signer, head)
    first = frontier.size
    tiles = frontier.grow(b"".join([hash_leaf(row.body) for row in pending]))
    if pending:
        session.execute(_NUMBER, {"first": first, "ids": [row.id for row in pending]})
    store.write_tiles(tiles)
    root = frontier.root()
    note = signer.sign(frontier.size, root)
    session.execute(insert(LogCheckpoint).values(size=frontier.size, root=root, note=note, at=clock.now()))
    return Checkpoint(signer.origin, frontier.size, root)


def _anything_to_do(session: Session) -> bool:
    """Tell it without the lock: the usual answer is no, and several processes ask every moment."""
    pending = exists().where(LogLeaf.index.is_(None))
    return bool(session.scalar(select(pending | ~exists().where(LogCheckpoint.size >= 0))))


def _take_lock(session: Session, *, wait: bool) -> bool:
    call = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    return session.scalar(text(f"SELECT {call}(:lock)"), {"lock": LOCK}) is not False


def _trusted_frontier(store: DatabaseStore, signer: Signer, head: LogCheckpoint | None) -> Frontier:
    """Return the stored right edge, once it is found to be the one that was signed."""
    if head is None:
        return Frontier()
    try:
        signed = open_checkpoint(head.note, signer.verifier)
    except NoteRefused as error:
        raise LogBroken from error
    frontier = load_frontier(store, signed.size)
    if frontier is None or signed.size != head.size or frontier.root() != signed.root:
        raise LogBroken
    return frontier


def receipt_of(session: Session, leaf_id: int) -> bytes | None:
    """Return the receipt of a leaf, `.tlog-proof`, or None until a checkpoint covers it."""
    found = session.execute(select(LogLeaf.index, LogLeaf.body).where(LogLeaf.id == leaf_id)).one_or_none()
    head = read_head(session)
    if found is None or head is None:
        return None
    index, body = found
    if index is None or index >= head.size:
        return None
    path = prove_inclusion(StoredNodes(DatabaseStore(session), head.size), index, head.size)
    return make_receipt(body, index, path, head.note)
