"""The texts of mails as fingerprints: of one that is opened, always; of all, where the organisation has them read.

A text that is read here is printed (`limited_use.fingerprints`) and dropped: it is stored nowhere, shown to nobody. The
job of a grant reads the newest message that has no prints of its text yet, then the next, paced by Google's quota; a
message whose text cannot be had is printed as an empty one, so that it is not asked for again.
"""

import time
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Grant, GrantStatus
from crm.models import Message
from kernel.errors import AppError
from kernel.jobs import Lease, Next, Retry
from kernel.runtime import Runtime
from kernel.work import Work
from limited_use import body_reading, fingerprints
from limited_use.asking import GrantEnded
from limited_use.fingerprint_models import Fingerprint
from limited_use.fingerprints import Printer
from limited_use.keys import KeyDestroyed, vault
from limited_use.labels import Source
from limited_use.passages import shown_by
from oauth.errors import NotConnected, RefusedByGoogle
from sync.access import open_access
from sync.apply.mail import READ_BODIES
from sync.errors import GrantNotActive
from workspace import errors as google
from workspace.mail import Body

PART = "body"
SLICE_S = 2.0
AT_ONCE = 20
RETRY_S = 60.0
_AT_REST = (
    *(google.AuthFailed, google.ScopeMissing, google.Terminal),
    *(GrantNotActive, NotConnected, RefusedByGoogle, GrantEnded, KeyDestroyed),
)
"""Until the owner connects again; then the next mail that comes in makes the job due."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A message whose text has no prints yet."""

    id: uuid.UUID
    organisation_id: uuid.UUID
    grant_id: uuid.UUID
    gmail_id: str
    thread_id: str


def keep_prints(runtime: Runtime, message: Unread, body: Body | None, lease: Lease | None = None) -> None:
    """The text of the message is printed, in place of what was printed of it before.

    Raises:
        GrantNotActive: if its grant was suspended or ended.
        LeaseLost: if a lease was given and is lost.
    """
    printer = Printer(vault(runtime), message.organisation_id, message.grant_id, Source.GMAIL)
    texts = [shown_by(body.text) if body.is_html else body.text] if body is not None else []
    row = printer.row(message.id, PART, message.thread_id, texts)
    with runtime.begin() as work:
        if lease is not None:
            lease.check(work.session)
        held = select(Grant.status).where(Grant.id == message.grant_id).with_for_update(read=True)
        if work.session.scalar(held) != GrantStatus.ACTIVE:
            raise GrantNotActive
        there = select(Message.id).where(Message.id == message.id).with_for_update(read=True)
        if work.session.scalar(there) is not None:
            fingerprints.keep(work.session, [row])


def read_some(runtime: Runtime, grant_id: uuid.UUID, lease: Lease) -> Next | None:
    """Print texts of the grant's mails for a slice of time; return when to go on, None when there is nothing to do.

    Raises:
        Retry: when Google asks to wait, or does not answer.
        LeaseLost: when another worker has the job.
    """
    began = time.monotonic()
    while waiting := _unread(runtime, grant_id):
        for message in waiting:
            try:
                keep_prints(runtime, message, _read(runtime, message), lease)
            except _AT_REST:
                return None
            except google.Throttled as error:
                raise Retry(error.wait_s(runtime.clock.now(), RETRY_S), error.code) from error
            except AppError as error:
                if not error.retry:
                    raise
                raise Retry(RETRY_S, error.code) from error
            if lease.stopping or time.monotonic() - began > SLICE_S:
                return Next()
    return None


def begin(work: Work, organisation_id: uuid.UUID) -> None:
    """The texts of all mails of the organisation's active connections are due to be printed."""
    active = select(Grant.id).where(Grant.organisation_id == organisation_id, Grant.status == GrantStatus.ACTIVE)
    for grant_id in work.session.scalars(active):
        work.later(READ_BODIES, grant_id)


def _read(runtime: Runtime, message: Unread) -> Body | None:
    try:
        return open_access(runtime, message.grant_id).gmail().body(message.gmail_id, urgent=False)
    except (google.Gone, google.AnswerTooLarge):
        return None


def _unread(runtime: Runtime, grant_id: uuid.UUID) -> list[Unread]:
    """Return some of the grant's newest messages that have no prints of their text; none where none may be read."""
    with runtime.sessions() as session:
        grant = session.get(Grant, grant_id)
        if grant is None or not body_reading.is_on(session, grant.organisation_id):
            return []
        return _newest(session, grant_id)


def _newest(session: Session, grant_id: uuid.UUID) -> list[Unread]:
    printed = select(Fingerprint.item_id).where(Fingerprint.item_id == Message.id, Fingerprint.part == PART)
    query = (
        select(Message.id, Message.organisation_id, Message.grant_id, Message.gmail_id, Message.thread_id)
        .where(Message.grant_id == grant_id, ~printed.exists())
        .order_by(Message.sent_at.desc(), Message.id)
        .limit(AT_ONCE)
    )
    return [Unread(*row) for row in session.execute(query)]
