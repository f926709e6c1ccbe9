"""Receipts: what the owner of a grant is handed when it has ended.

A receipt holds counts and times and no Google data; its proof is the log's own file, `.tlog-proof`, which verifies
offline that the ending stands in the signed log.
"""

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from kernel.errors import NotFound
from limited_use.log.record import receipt_of
from oauth.models import Receipt, Revocation


def write(session: Session, row: Revocation, now: dt.datetime) -> Receipt:
    """Return the receipt of a revocation that is through; written once."""
    found = session.scalars(select(Receipt).where(Receipt.revocation_id == row.id)).one_or_none()
    if found is not None:
        return found
    receipt = Receipt(
        organisation_id=row.organisation_id,
        member_id=row.member_id,
        revocation_id=row.id,
        denied_at=row.requested_at,
        keys_destroyed_at=row.keys_destroyed_at or now,
        keys_destroyed=len(row.keys_destroyed),
        google_answer=row.google_answer or "gave_up",
        google_at=row.google_at,
        purged_at=row.purged_at or now,
        counts=dict(row.counts),
        leaf_id=row.leaf_id,
        proof=_proof(session, row.leaf_id),
        created_at=now,
    )
    session.add(receipt)
    session.flush()
    return receipt


def of_member(session: Session, viewer: Viewer) -> list[Receipt]:
    """Return the viewer's own receipts, the newest first."""
    query = select(Receipt).where(
        Receipt.organisation_id == viewer.organisation_id, Receipt.member_id == viewer.member_id
    )
    return list(session.scalars(query.order_by(Receipt.created_at.desc())))


def get(session: Session, viewer: Viewer, receipt_id: uuid.UUID) -> Receipt:
    """Return a receipt of the viewer, with its proof if the log has been signed that far.

    Raises:
        NotFound: There is none with that id that is theirs.
    """
    receipt = session.get(Receipt, receipt_id)
    if receipt is None or receipt.member_id != viewer.member_id or receipt.organisation_id != viewer.organisation_id:
        raise NotFound
    if receipt.proof is None:
        receipt.proof = _proof(session, receipt.leaf_id)
    return receipt


def _proof(session: Session, leaf_id: int | None) -> str | None:
    made = receipt_of(session, leaf_id) if leaf_id is not None else None
    return None if made is None else made.decode()
