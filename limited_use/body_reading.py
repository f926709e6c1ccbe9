"""Whether an organisation has the texts of its members' mails read once, for their fingerprints: off by default."""

import datetime as dt
import uuid

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from limited_use.fingerprint_models import BodyReading


def is_on(session: Session, organisation_id: uuid.UUID) -> bool:
    """Tell whether the texts of mails are read."""
    mine = select(BodyReading.allowed_at).where(BodyReading.organisation_id == organisation_id)
    return session.scalar(mine) is not None


def turn_on(session: Session, organisation_id: uuid.UUID, member_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave them being read from now on; turning it on again changes nothing."""
    new = insert(BodyReading).values(organisation_id=organisation_id, allowed_at=now, allowed_by=member_id)
    session.execute(new.on_conflict_do_nothing())


def turn_off(session: Session, organisation_id: uuid.UUID) -> None:
    """Leave none being read; what was printed stays until its connection ends, for it still protects."""
    session.execute(delete(BodyReading).where(BodyReading.organisation_id == organisation_id))
