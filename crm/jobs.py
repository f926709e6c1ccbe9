"""The CRM's work to be done later."""

import uuid

from sqlalchemy import select

from accounts.models import Organisation
from crm import decoys
from crm.tidy import tidy
from kernel.jobs import Lease, Next, register, scheduled
from kernel.runtime import Runtime


@register(decoys.JOB)
def plant_decoys(runtime: Runtime, organisation_id: uuid.UUID, lease: Lease) -> None:
    """The organisation has its decoys."""
    decoys.plant(runtime, organisation_id, lease)


@scheduled("crm.keep_decoys", every_s=86_400)
def keep_decoys(runtime: Runtime, _subject_id: uuid.UUID, _lease: Lease) -> None:
    """Every organisation has a run to come that plants what it lacks."""
    with runtime.sessions() as session:
        everybody = session.scalars(select(Organisation.id)).all()
    for organisation_id in everybody:
        with runtime.begin() as work:
            work.later(decoys.JOB, organisation_id)


@register("crm.tidy")
def tidy_organisation(runtime: Runtime, subject_id: uuid.UUID, lease: Lease) -> Next | None:
    """Records of which nothing is told any more are gone; the subject is the organisation."""
    with runtime.begin() as work:
        lease.check(work.session)
        removed = tidy(work.session, subject_id)
    return Next() if removed else None
