"""Sync on request: the collections of a member are looked at at once."""

from sqlalchemy import select

from accounts.grants import active_ids
from accounts.members import Viewer
from kernel.runtime import Runtime
from sync.collections import job_of
from sync.models import Collection, CollectionState


def sync_now(runtime: Runtime, viewer: Viewer) -> int:
    """Return how many of the viewer's collections are looked at now; stopped ones stay so until reconnected."""
    with runtime.begin() as work:
        grants = active_ids(work.session, viewer.organisation_id, viewer.member_id)
        rows = work.session.scalars(
            select(Collection).where(Collection.grant_id.in_(grants), Collection.state != CollectionState.STOPPED)
        ).all()
        for row in rows:
            work.later(job_of(row.kind), row.id)
        return len(rows)
