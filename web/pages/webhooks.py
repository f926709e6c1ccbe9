"""Settings → Webhooks: which of an organisation's own programs are told what its people do, and how that goes.

An admin makes a rule, agrees to the text beside it, and proves the address by typing the code that was sent there. The
secret that signs is shown once, on the page that answers its making. What was sent is not kept: the history holds
times, answers and codes.
"""

import uuid

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import consents
from accounts.consents import Disclosure
from crm.pen import pen
from crm.webhooks import rules
from crm.webhooks.happenings import CHOSEN, Event
from crm.webhooks.models import Progress, State, Webhook, WebhookDelivery
from crm.webhooks.rules import Typed, WrongCode
from kernel.errors import BadInput
from kernel.work import Work
from limited_use import egress
from limited_use.log.words import Kind
from limited_use.sealing import System
from oauth import events
from web.callers import caller, current_viewer, this_runtime
from web.render import page

blueprint = Blueprint("webhooks", __name__)

FEATURE = "webhooks"
DISCLOSURE = Disclosure(
    "webhook",
    "2026-11-23",
    "Each time one of your members does what you choose here, a message goes to the address that you enter: what was "
    "done, when, by whom, and what your members wrote about it themselves: people as they typed them, notes, deals, "
    "and your own tasks. Nothing that came from Gmail, Calendar or Contacts is in it: such values appear as withheld, "
    "and people known only from Google are never told of. What the receiver does with it is between you and them. Each "
    "message is an entry in the Limited Use log. You can turn this off at any time; what was sent cannot be taken "
    "back.",
)
EVENTS = {
    Event.PERSON_ADDED: "Somebody adds a person",
    Event.PERSON_CHANGED: "Somebody changes what your team knows of a person",
    Event.NOTE_ADDED: "Somebody writes a note",
    Event.TASK_DONE: "You do a task of yours",
    Event.DEAL_ADDED: "Somebody begins a deal",
    Event.DEAL_STAGE_CHANGED: "Somebody moves a deal to another stage",
    Event.CHALLENGE: "Code to prove the address",
    Event.TEST: "Test",
}
STATES = {
    State.WAITING: ("waits for its code", "warn"),
    State.ON: ("on", "good"),
    State.OFF: ("off", "plain"),
    State.FAILING: ("turned off: it failed for a day", "bad"),
    State.GONE: ("turned off: the address said that it is gone", "bad"),
    State.UNOWNED: ("turned off: its maker left or is no admin any more", "warn"),
}
PROGRESS = {
    Progress.DUE: ("on its way", "plain"),
    Progress.DELIVERED: ("delivered", "good"),
    Progress.FAILED: ("failed", "bad"),
    Progress.DROPPED: ("not sent", "warn"),
}


@blueprint.get("/settings/webhooks")
@caller("admin")
def index() -> Response:
    """Answer with the organisation's webhooks and the form for one more."""
    with this_runtime().sessions() as session:
        found = rules.list_all(session, current_viewer())
    chosen = {event: EVENTS[event] for event in CHOSEN}
    shown = [(webhook, _tone(webhook), System(webhook.created_at)) for webhook in found]
    return page("webhooks/index.html", feature=FEATURE, webhooks=shown, events=chosen, consent=DISCLOSURE.text)


@blueprint.post("/settings/webhooks")
@caller("admin")
def create() -> Response:
    """Make a webhook, have its address challenged, and answer with its secret, this once."""
    runtime, viewer, form = this_runtime(), current_viewer(), request.form
    _check_agreed()
    url = egress.client(runtime).check_user_url(form.get("url", "").strip(), looked_up=False)
    typed = Typed(form.get("name", ""), url, form.get("region", ""), form.getlist("events"))
    writer = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        now = runtime.clock.now()
        consent = consents.record(work.session, viewer, DISCLOSURE, now)
        made, secret = rules.create(work.session, writer, viewer, typed, consent.id, now)
        _log(work, "webhook_registered", consent.id)
    return _show(made.id, secret)


@blueprint.get("/settings/webhooks/<uuid:webhook_id>")
@caller("admin")
def show(webhook_id: uuid.UUID) -> Response:
    """Answer with a webhook and its last deliveries."""
    return _show(webhook_id, None)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/confirm")
@caller("admin")
def confirm(webhook_id: uuid.UUID) -> AnyResponse:
    """Turn the webhook on if the code is the one that was sent to its address."""
    with this_runtime().begin() as work:
        webhook = rules.get(work.session, current_viewer(), webhook_id)
        right = rules.confirm(webhook, request.form.get("code", "")[:100], this_runtime().clock.now())
        if right:
            _log(work, "webhook_proved")
    if not right:  # only now: the wrong try was counted
        raise WrongCode
    flash("The address is yours, so the webhook is on.", "good")
    return _back(webhook_id)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/challenge")
@caller("admin")
def challenge(webhook_id: uuid.UUID) -> AnyResponse:
    """Have a new code sent."""
    with this_runtime().begin() as work:
        viewer = current_viewer()
        rules.challenge(work.session, viewer, rules.get(work.session, viewer, webhook_id), this_runtime().clock.now())
    flash("A new code is on its way to the address.", "good")
    return _back(webhook_id)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/test")
@caller("admin")
def test(webhook_id: uuid.UUID) -> AnyResponse:
    """Have a test message sent."""
    with this_runtime().begin() as work:
        viewer = current_viewer()
        rules.test(work.session, viewer, rules.get(work.session, viewer, webhook_id), this_runtime().clock.now())
    flash("A test is on its way. It appears in the history below.", "good")
    return _back(webhook_id)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/rotate")
@caller("admin")
def rotate(webhook_id: uuid.UUID) -> Response:
    """Give the webhook a new secret and answer with it, this once."""
    runtime, viewer = this_runtime(), current_viewer()
    writer = pen(runtime, viewer.organisation_id)
    with runtime.begin() as work:
        webhook = rules.get(work.session, viewer, webhook_id)
        secret = rules.rotate(work.session, writer, webhook, runtime.clock.now())
        _log(work, "webhook_rotated")
    return _show(webhook_id, secret)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/switch")
@caller("admin")
def switch(webhook_id: uuid.UUID) -> AnyResponse:
    """Turn the webhook off at once, or on again, with the consent recorded anew."""
    runtime, viewer = this_runtime(), current_viewer()
    on = request.form.get("to") == "on"
    if on:
        _check_agreed()
    with runtime.begin() as work:
        webhook, now = rules.get(work.session, viewer, webhook_id), runtime.clock.now()
        if on:
            consent = consents.record(work.session, viewer, DISCLOSURE, now)
            rules.switch_on(work.session, viewer, webhook, consent.id, now)
            _log(work, "webhook_on", consent.id)
        else:
            rules.switch_off(work.session, webhook, now)
            _log(work, "webhook_off")
    flash("The webhook acts for you from now on." if on else "Nothing is sent any more.", "good")
    return _back(webhook_id)


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/remove")
@caller("admin")
def remove(webhook_id: uuid.UUID) -> AnyResponse:
    """End the webhook; its history goes with it."""
    with this_runtime().begin() as work:
        rules.remove(work.session, rules.get(work.session, current_viewer(), webhook_id))
        _log(work, "webhook_removed")
    flash("The webhook is ended.", "good")
    return redirect(url_for("webhooks.index"), code=303)


def _show(webhook_id: uuid.UUID, secret: str | None) -> Response:
    runtime = this_runtime()
    with runtime.begin() as work:
        webhook = rules.get(work.session, current_viewer(), webhook_id)
        sent = rules.history(work.session, webhook)
        both_sign = len(rules.secrets_of(work.session, webhook, runtime.clock.now())) > 1
    return page(
        "webhooks/show.html",
        feature=FEATURE,
        webhook=webhook,
        state=_tone(webhook),
        since=System(webhook.state_at),
        is_on=webhook.state == State.ON,
        is_waiting=webhook.state == State.WAITING,
        both_sign=both_sign,
        events=[EVENTS[Event(event)] for event in webhook.events],
        history=[_line(delivery) for delivery in sent],
        secret=secret,
        consent=DISCLOSURE.text,
    )


def _tone(webhook: Webhook) -> tuple[str, str]:
    return STATES[State(webhook.state)]


def _line(delivery: WebhookDelivery) -> dict[str, object]:
    """Return a delivery for the list: when, what kind, how it went."""
    return {
        "at": System(delivery.happened_at),
        "event": EVENTS[Event(delivery.event)],
        "progress": PROGRESS[Progress(delivery.progress)],
        "answer": delivery.status,
        "problem": delivery.problem,
        "attempts": delivery.attempts,
        "tried_at": System(delivery.tried_at),
    }


def _check_agreed() -> None:
    if request.form.get("agree") != "yes":
        raise BadInput("Nothing is sent before you agree to what leaves: tick the box beside the text.")


def _log(work: Work, what: str, consent_id: uuid.UUID | None = None) -> None:
    viewer = current_viewer()
    events.record(
        this_runtime(),
        work.session,
        Kind.DESTINATION,
        viewer.organisation_id,
        member_id=viewer.member_id,
        reason=what,
        consent_id=consent_id,
        feature=FEATURE,
    )


def _back(webhook_id: uuid.UUID) -> AnyResponse:
    return redirect(url_for("webhooks.show", webhook_id=webhook_id), code=303)
