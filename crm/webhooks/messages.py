"""What a delivery says: a tree of guarded values, composed anew at each try, as the webhook's maker may see it.

Of a person or company each value is there once, users' own as it is, Google's as a value that the policy withholds. Of
where somebody works there is such a mark at most: neither the company's id nor its name, which a user may have typed
while only Google tells that this person works there.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.members import Viewer
from accounts.models import Member
from crm import companies, copies, exporting
from crm.models import Deal, Note, Task
from crm.webhooks.happenings import Event
from crm.webhooks.models import WebhookDelivery
from limited_use.sealing import Native, System
from limited_use.sinks.trees import Tree


def compose(session: Session, viewer: Viewer, delivery: WebhookDelivery) -> Tree | None:
    """Return what is told of the delivery's happening, None where nothing is left, or allowed, to be told of."""
    about = _ABOUT.get(Event(delivery.event))
    data = {} if about is None else about(session, viewer, delivery.subject_id)
    return None if data is None else frame(session, delivery, data)


def frame(session: Session, delivery: WebhookDelivery, data: Mapping[str, Tree]) -> Tree:
    """Return the message around the data: what happened, when, by whom."""
    name = session.scalar(select(Member.name).where(Member.id == delivery.actor_id))
    return {
        "type": System(delivery.event),
        "timestamp": System(delivery.happened_at),
        "by": {"id": System(delivery.actor_id), "name": Native(name)},
        "data": data,
    }


def _person_event(session: Session, viewer: Viewer, person_id: uuid.UUID | None) -> dict[str, Tree] | None:
    person = _person(session, viewer, person_id)
    return None if person is None else {"person": person}


def _note_event(session: Session, viewer: Viewer, note_id: uuid.UUID | None) -> dict[str, Tree] | None:
    note = session.scalar(select(Note).where(Note.id == note_id, Note.organisation_id == viewer.organisation_id))
    if note is None:
        return None
    told = {"id": System(note.id), "body": note.body, "created_at": Native(note.created_at)}
    return {"note": {**told, "quotes": _quoted(session, viewer, note.id)}, **_about(session, viewer, note)}


def _task_event(session: Session, viewer: Viewer, task_id: uuid.UUID | None) -> dict[str, Tree] | None:
    own = (Task.organisation_id == viewer.organisation_id, Task.owner_id == viewer.member_id)
    task = session.scalar(select(Task).where(Task.id == task_id, *own))
    if task is None:
        return None
    times = {"due_on": Native(task.due_on), "done_at": Native(task.done_at)}
    told = {"id": System(task.id), "title": task.title, **times, "quotes": _quoted(session, viewer, task.id)}
    return {"task": told, "person": _person(session, viewer, task.person_id)}


def _deal_event(session: Session, viewer: Viewer, deal_id: uuid.UUID | None) -> dict[str, Tree] | None:
    deal = session.scalar(select(Deal).where(Deal.id == deal_id, Deal.organisation_id == viewer.organisation_id))
    if deal is None:
        return None
    told = {
        "id": System(deal.id),
        "title": deal.title,
        "stage": Native(deal.stage),
        "amount": Native(deal.amount),
        "currency": Native(deal.currency),
    }
    return {"deal": told, **_about(session, viewer, deal)}


def _quoted(session: Session, viewer: Viewer, record_id: uuid.UUID) -> Tree | None:
    """Return what stands beside the words of a mail, to be withheld in sight; None where nothing does."""
    found = copies.beside(session, viewer, [record_id]).get(record_id)
    return None if found is None else {"subject": found.subject, "text": found.text}


def _about(session: Session, viewer: Viewer, found: Note | Deal) -> dict[str, Tree]:
    return {
        "person": _person(session, viewer, found.person_id),
        "company": _company(session, viewer, found.company_id),
    }


def _person(session: Session, viewer: Viewer, person_id: uuid.UUID | None) -> Tree | None:
    """Return a person; None for nobody, and for one whom only Google knows."""
    found = exporting.records_of(session, viewer, [person_id]) if person_id else []
    if not found or not found[0].row.is_users.value:
        return None
    return {"id": found[0].row.id, **_values(found[0].facts), "works_at": found[0].row.works_at}


def _company(session: Session, viewer: Viewer, company_id: uuid.UUID | None) -> Tree | None:
    found = companies.rows_of(session, viewer, [company_id]) if company_id else []
    if not found or not found[0].is_users.value or company_id is None:
        return None
    return {"id": found[0].id, **_values(companies.get(session, viewer, company_id).facts)}


def _values(facts: Any) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = defaultdict(list)
    for fact in facts:
        values[str(fact.field.value)].append(fact.value)
    return values


_ABOUT: dict[Event, Callable[[Session, Viewer, uuid.UUID | None], dict[str, Tree] | None]] = {
    Event.PERSON_ADDED: _person_event,
    Event.PERSON_CHANGED: _person_event,
    Event.NOTE_ADDED: _note_event,
    Event.TASK_DONE: _task_event,
    Event.DEAL_ADDED: _deal_event,
    Event.DEAL_STAGE_CHANGED: _deal_event,
}
