"""What people do here, noted for the webhooks that are to be told: a row and a run, in the transaction of the act."""

import datetime as dt
import enum
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from crm.webhooks.models import Progress, State, Webhook, WebhookDelivery
from kernel import work
from kernel.ids import new_id

JOB = "crm.webhook"


class Event(enum.StrEnum):
    """Everything that a webhook may be told."""

    PERSON_ADDED = "person.added"
    PERSON_CHANGED = "person.changed"
    NOTE_ADDED = "note.added"
    TASK_DONE = "task.done"
    DEAL_ADDED = "deal.added"
    DEAL_STAGE_CHANGED = "deal.stage_changed"
    CHALLENGE = "webhook.challenge"
    TEST = "webhook.test"


CHOSEN = tuple(event for event in Event if event not in (Event.CHALLENGE, Event.TEST))
"""Events that a rule may name; the others are sent by a click."""
_OWN = frozenset({Event.TASK_DONE})
"""Events about what one member alone sees: told to that member's own webhooks."""


def happened(session: Session, viewer: Viewer, event: Event, subject_id: uuid.UUID, now: dt.datetime) -> None:
    """Note that the viewer did it, once for each webhook that is on and names the event."""
    told = select(Webhook).where(
        Webhook.organisation_id == viewer.organisation_id,
        Webhook.state == State.ON,
        Webhook.events.contains([event.value]),
    )
    if event in _OWN:
        told = told.where(Webhook.maker_id == viewer.member_id)
    for webhook in session.scalars(told.order_by(Webhook.id)):
        deliver(session, webhook, event, viewer.member_id, now, subject_id)


def deliver(
    session: Session,
    webhook: Webhook,
    event: Event,
    actor_id: uuid.UUID,
    now: dt.datetime,
    subject_id: uuid.UUID | None = None,
) -> WebhookDelivery:
    """Return a new delivery to the webhook; a run of it is planned."""
    made = WebhookDelivery(
        id=new_id(),
        organisation_id=webhook.organisation_id,
        webhook_id=webhook.id,
        event=event,
        subject_id=subject_id,
        actor_id=actor_id,
        happened_at=now,
        progress=Progress.DUE,
    )
    session.add(made)
    session.flush()
    work.later(session, JOB, made.id, now)
    return made
