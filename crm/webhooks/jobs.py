"""Sending deliveries: one run each, tried ever more seldom, under one id, until it is answered or given up."""

import datetime as dt
import uuid
from dataclasses import dataclass
from http import HTTPStatus

from sqlalchemy.orm import Session

from accounts import members
from accounts.members import Viewer
from accounts.models import Member
from crm.webhooks import rules
from crm.webhooks.happenings import JOB, Event
from crm.webhooks.messages import compose, frame
from crm.webhooks.models import Progress, State, Webhook, WebhookDelivery
from kernel.jobs import Lease, Retry, register
from kernel.runtime import Runtime
from limited_use import egress
from limited_use.asking import ActorClass, Asking, Purpose, Refused, Sink
from limited_use.egress.errors import EgressFailed, UrlRefused
from limited_use.release import guard
from limited_use.sealing import System
from limited_use.sinks import webhook as sink
from limited_use.sinks.trees import Tree

FEATURE = "webhooks"
TIMEOUT_S = 10.0
WAITS_S = (5.0, 60.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 72_000.0)
"""How long after each failure it is tried again; after the last, a day and a half later, it is given up."""
LONGEST_REST_S = 300.0
"""How long at most other deliveries wait after a failure: one that does not answer must not hold up the worker."""
GIVE_UP_AFTER = dt.timedelta(days=1)
"""How long an address may do nothing but fail before its webhook turns itself off."""
_BY_A_CLICK = frozenset({Event.CHALLENGE, Event.TEST})
"""Not tried again: who clicked sees that it failed, and clicks."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A delivery ready to be opened: for whom, where, what."""

    asking: Asking
    head: sink.Letterhead
    tree: Tree


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one try: the answer's status, or the code of what went wrong; how long to wait, if it said so."""

    status: int | None = None
    problem: str | None = None
    wait_s: float = 0.0
    final: bool = False


@register(JOB)
def send(runtime: Runtime, subject_id: uuid.UUID, lease: Lease) -> None:
    """Try the delivery once, if it is still to be made; raise Retry while it may yet come through."""
    letter = _prepare(runtime, subject_id, lease)
    if letter is None:
        return
    outcome = _post(runtime, letter)
    with runtime.begin() as work:
        lease.check(work.session)
        again = _note(work.session, subject_id, outcome, runtime.clock.now())
    if again is not None:
        raise again


def _prepare(runtime: Runtime, delivery_id: uuid.UUID, lease: Lease) -> _Letter | None:
    """Return what is to be sent, None where nothing is: ended, switched off, or nothing left to tell of."""
    now = runtime.clock.now()
    with runtime.begin() as work:
        lease.check(work.session)
        found = _find(work.session, delivery_id)
        if found is None or found[0].progress != Progress.DUE:
            return None
        delivery, webhook = found
        event = Event(delivery.event)
        if webhook.state != (State.WAITING if event is Event.CHALLENGE else State.ON):
            _finish(delivery, Progress.DROPPED, now, webhook.state)
            return None
        viewer = _maker(work.session, webhook)
        if viewer is None:
            rules.switch_off(work.session, webhook, now, State.UNOWNED)
            return None
        if event not in _BY_A_CLICK and webhook.rest_until is not None and webhook.rest_until > now:
            raise Retry((webhook.rest_until - now).total_seconds(), "resting")
        tree = _tree(work.session, viewer, webhook, delivery, now)
        if tree is None:
            _finish(delivery, Progress.DROPPED, now, "nothing_left")
            return None
        secrets = rules.secrets_of(work.session, webhook, now)
        return _Letter(_asking(webhook), sink.Letterhead(webhook.url, secrets, f"msg_{delivery.id.hex}"), tree)


def _find(session: Session, delivery_id: uuid.UUID) -> tuple[WebhookDelivery, Webhook] | None:
    """Return the delivery and its webhook, locked until the transaction ends; None if an admin ended it."""
    delivery = session.get(WebhookDelivery, delivery_id)
    webhook = None if delivery is None else session.get(Webhook, delivery.webhook_id, with_for_update=True)
    if delivery is None or webhook is None:
        return None
    session.refresh(delivery)
    return delivery, webhook


def _maker(session: Session, webhook: Webhook) -> Viewer | None:
    """Return for whom the webhook acts; None once they left, or may no longer manage."""
    member = session.get(Member, webhook.maker_id)
    viewer = None if member is None or member.left_at is not None else members.viewer_of(member)
    return viewer if viewer is not None and viewer.manages else None


def _tree(
    session: Session, viewer: Viewer, webhook: Webhook, delivery: WebhookDelivery, now: dt.datetime
) -> Tree | None:
    if delivery.event == Event.CHALLENGE:
        # Only here, on its way out, is the code in clear; what is kept of it cannot be sent again.
        return frame(session, delivery, {"code": System(rules.new_code(webhook, now))})
    return compose(session, viewer, delivery)


def _asking(webhook: Webhook) -> Asking:
    return Asking(
        organisation_id=webhook.organisation_id,
        member_id=webhook.maker_id,
        actor=ActorClass.WORKER,
        feature=FEATURE,
        purpose=Purpose.USER_FEATURE,
        sink=Sink.WEBHOOK,
        destination=str(webhook.destination_id),
    )


def _post(runtime: Runtime, letter: _Letter) -> _Outcome:
    try:
        finished = sink.message(guard(runtime), letter.asking, letter.head, letter.tree)
    except Refused as error:
        if error.retry:  # a connection behind it ended just now: composed anew, it is without
            raise
        return _Outcome(problem=error.code, final=True)
    out = egress.client(runtime)
    try:
        answer = out.post_user_url(finished.url, finished.body, finished.headers, timeout_s=TIMEOUT_S)
    except (EgressFailed, UrlRefused) as error:
        return _Outcome(problem=error.code)
    if HTTPStatus(200) <= answer.status < HTTPStatus(300):
        return _Outcome(answer.status)
    return _Outcome(answer.status, f"http_{answer.status // 100}xx", answer.retry_after or 0.0)


def _note(session: Session, delivery_id: uuid.UUID, outcome: _Outcome, now: dt.datetime) -> Retry | None:
    """Keep what became of the try; return when to try again, None if not."""
    found = _find(session, delivery_id)
    if found is None:
        return None
    delivery, webhook = found
    delivery.attempts, delivery.tried_at, delivery.status = delivery.attempts + 1, now, outcome.status
    if delivery.progress != Progress.DUE:  # switched off meanwhile
        return None
    if outcome.problem is None:
        webhook.failing_since = webhook.rest_until = None
        _finish(delivery, Progress.DELIVERED, now)
        return None
    delivery.problem = outcome.problem
    if outcome.status == HTTPStatus.GONE:
        rules.switch_off(session, webhook, now, State.GONE)
        return None
    return _after_failure(session, delivery, webhook, outcome, now)


def _after_failure(
    session: Session, delivery: WebhookDelivery, webhook: Webhook, outcome: _Outcome, now: dt.datetime
) -> Retry | None:
    if delivery.event in _BY_A_CLICK or outcome.final or delivery.attempts > len(WAITS_S):
        _finish(delivery, Progress.FAILED, now, outcome.problem)
    if outcome.final or delivery.event in _BY_A_CLICK:  # tells nothing of the address, or a human looks at it
        return None
    webhook.failing_since = webhook.failing_since or now
    if now - webhook.failing_since >= GIVE_UP_AFTER:
        rules.switch_off(session, webhook, now, State.FAILING)
        return None
    if delivery.progress != Progress.DUE:
        return None
    wait_s = max(WAITS_S[delivery.attempts - 1], outcome.wait_s)
    webhook.rest_until = now + dt.timedelta(seconds=min(wait_s, LONGEST_REST_S))
    return Retry(wait_s, outcome.problem or "failed")


def _finish(delivery: WebhookDelivery, progress: Progress, now: dt.datetime, problem: str | None = None) -> None:
    delivery.progress, delivery.finished_at, delivery.problem = progress, now, problem
