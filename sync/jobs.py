"""The jobs of the sync: one a kind of collection, each a slice of work on one collection."""

import uuid

from kernel import jobs
from kernel.runtime import Runtime
from sync import bodies, calendar, calendars, contacts, mail, running
from sync.apply.mail import READ_BODIES


@jobs.register("sync.mail")
def sync_mail(runtime: Runtime, collection_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """The mailbox is some pages further."""
    return running.run(runtime, collection_id, lease, mail.advance)


@jobs.register("sync.calendars")
def sync_calendars(runtime: Runtime, collection_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """Every calendar of the account has its collection."""
    return running.run(runtime, collection_id, lease, calendars.advance)


@jobs.register("sync.calendar")
def sync_calendar(runtime: Runtime, collection_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """The calendar is some pages further."""
    return running.run(runtime, collection_id, lease, calendar.advance)


@jobs.register("sync.contacts")
def sync_contacts(runtime: Runtime, collection_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """The contacts are some pages further."""
    return running.run(runtime, collection_id, lease, contacts.advance)


@jobs.register(READ_BODIES)
def read_bodies(runtime: Runtime, grant_id: uuid.UUID, lease: jobs.Lease) -> jobs.Next | None:
    """Some more texts of mails are printed."""
    return bodies.read_some(runtime, grant_id, lease)
