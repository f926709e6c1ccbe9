"""Making, proving, switching and ending webhooks, and what their pages show."""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from accounts import members, notices
from accounts.members import Viewer
from accounts.notices import NoticeKind
from crm.pen import Pen, line
from crm.webhooks.happenings import CHOSEN, Event, deliver
from crm.webhooks.models import Progress, State, Webhook, WebhookDelivery, WebhookSecret
from kernel.errors import AppError, BadInput, NotFound
from kernel.ids import new_id
from limited_use import destinations
from limited_use.asking import Sink
from limited_use.sealing import Sealed
from limited_use.sinks.webhook import SECRET_PREFIX

MOST = 20
MOST_TRIES = 5
SHOWN = 100
CODE_GOOD_FOR = dt.timedelta(days=1)
BOTH_SIGN_FOR = dt.timedelta(days=1)
_SECRET_BYTES = 32
_CODE_LETTERS = "BCDFGHJKMNPQRSTVWXZ23456789"
_CODE_LENGTH = 10


class WrongCode(AppError):  # noqa: N818 -- read as the state it reports
    """The code is not the one that was sent, or no longer good."""

    code = "wrong_code"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "This is not the code that was last sent to the address, or it ran out. Have a new one sent."


class NotOn(AppError):  # noqa: N818 -- as above
    """The webhook is not on, so nothing is sent."""

    code = "webhook_not_on"
    status = HTTPStatus.CONFLICT
    sentence = "This webhook is not on, so nothing is sent to it."


@dataclass(frozen=True, slots=True)
class Typed:
    """What an admin typed of a webhook; the address was checked. Its repr shows nothing."""

    name: str = field(repr=False)
    url: str = field(repr=False)
    region: str = field(repr=False)
    events: Sequence[str]


def create(
    session: Session, pen: Pen, viewer: Viewer, typed: Typed, consent_id: uuid.UUID, now: dt.datetime
) -> tuple[Webhook, str]:
    """Return a new webhook, which waits for its challenge, and its secret, which is shown this once.

    Raises:
        BadInput: if there are too many already, no event was chosen, or a field cannot be taken.
        TooLarge: if a field is too long.
    """
    name, events = line(typed.name, "name", longest=120), _events(typed.events)
    mine = select(func.count()).select_from(Webhook).where(Webhook.organisation_id == viewer.organisation_id)
    if (session.scalar(mine) or 0) >= MOST:
        raise BadInput(f"An organisation has at most {MOST} webhooks. End one first.")
    place = destinations.register_destination(
        session,
        viewer.organisation_id,
        name,
        Sink.WEBHOOK,
        line(typed.region, "place", required=False, longest=40),
        now,
    )
    made = Webhook(id=new_id(), organisation_id=viewer.organisation_id, destination_id=place.id, name=name)
    made.maker_id, made.consent_id, made.events = viewer.member_id, consent_id, events
    made.url = pen.seal("webhooks", "url", made.id, typed.url)
    made.state, made.state_at, made.created_at = State.WAITING, now, now
    _unprove(made)
    session.add(made)
    session.flush()
    deliver(session, made, Event.CHALLENGE, viewer.member_id, now)
    return made, _add_secret(session, pen, made, now)


def list_all(session: Session, viewer: Viewer) -> Sequence[Webhook]:
    """Return the organisation's webhooks, the oldest first."""
    mine = select(Webhook).where(Webhook.organisation_id == viewer.organisation_id)
    return session.scalars(mine.order_by(Webhook.created_at, Webhook.id)).all()


def get(session: Session, viewer: Viewer, webhook_id: uuid.UUID) -> Webhook:
    """Return a webhook of the viewer's organisation, locked until the transaction ends.

    Raises:
        NotFound: if there is none.
    """
    mine = select(Webhook).where(Webhook.id == webhook_id, Webhook.organisation_id == viewer.organisation_id)
    found = session.scalar(mine.with_for_update())
    if found is None:
        raise NotFound
    return found


def history(session: Session, webhook: Webhook) -> Sequence[WebhookDelivery]:
    """Return the last deliveries to the webhook, the newest first."""
    its = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id)
    return session.scalars(its.order_by(WebhookDelivery.id.desc()).limit(SHOWN)).all()


def new_code(webhook: Webhook, now: dt.datetime) -> str:
    """Return a code that proves, when it is typed within a day, that its reader gets what is sent to the address."""
    code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))
    webhook.code_hash, webhook.code_until, webhook.code_tries = _digest(code), now + CODE_GOOD_FOR, 0
    return code


def confirm(webhook: Webhook, typed: str, now: dt.datetime) -> bool:
    """Turn the webhook on if the code is the one that was last sent; return whether it was.

    A wrong code is counted, and after some of them none is good: the caller commits in either case.
    """
    right = (
        webhook.state == State.WAITING
        and webhook.code_hash is not None
        and webhook.code_until is not None
        and webhook.code_until > now
        and webhook.code_tries < MOST_TRIES
        and hmac.compare_digest(webhook.code_hash, _digest(typed))
    )
    if not right:
        webhook.code_tries += 1
        return False
    webhook.code_hash = webhook.code_until = None
    set_state(webhook, State.ON, now)
    return True


def challenge(session: Session, viewer: Viewer, webhook: Webhook, now: dt.datetime) -> None:
    """Have a new code sent; the one before is no longer good once it is.

    Raises:
        BadInput: if the address was proved already.
    """
    if webhook.state != State.WAITING:
        raise BadInput("This address was proved already.")
    deliver(session, webhook, Event.CHALLENGE, viewer.member_id, now)


def test(session: Session, viewer: Viewer, webhook: Webhook, now: dt.datetime) -> None:
    """Have a message sent that is about nothing.

    Raises:
        NotOn: if the webhook is not on.
    """
    if webhook.state != State.ON:
        raise NotOn
    deliver(session, webhook, Event.TEST, viewer.member_id, now)


def rotate(session: Session, pen: Pen, webhook: Webhook, now: dt.datetime) -> str:
    """Return the webhook's new secret, which is shown this once; the one before signs too for a day."""
    present = (WebhookSecret.webhook_id == webhook.id, WebhookSecret.until.is_(None))
    session.execute(
        delete(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id, WebhookSecret.until.is_not(None))
    )
    session.execute(update(WebhookSecret).where(*present).values(until=now + BOTH_SIGN_FOR))
    return _add_secret(session, pen, webhook, now)


def secrets_of(session: Session, webhook: Webhook, now: dt.datetime) -> Sequence[Sealed]:
    """Return the secrets that sign now, the newest first."""
    good = or_(WebhookSecret.until.is_(None), WebhookSecret.until > now)
    its = select(WebhookSecret).where(WebhookSecret.webhook_id == webhook.id, good)
    return [row.secret for row in session.scalars(its.order_by(WebhookSecret.created_at.desc(), WebhookSecret.id))]


def switch_on(session: Session, viewer: Viewer, webhook: Webhook, consent_id: uuid.UUID, now: dt.datetime) -> None:
    """Leave the webhook on and acting for the viewer.

    One whose address was never proved proves it first, whatever turned it off; one that said it is gone does anew.
    """
    webhook.maker_id, webhook.consent_id = viewer.member_id, consent_id
    webhook.failing_since = webhook.rest_until = None
    if webhook.state in (State.GONE, State.WAITING) or webhook.code_hash is not None:
        _unprove(webhook)
        set_state(webhook, State.WAITING, now)
        deliver(session, webhook, Event.CHALLENGE, viewer.member_id, now)
    else:
        set_state(webhook, State.ON, now)


def switch_off(session: Session, webhook: Webhook, now: dt.datetime, state: State = State.OFF) -> None:
    """Leave the webhook off; what waited for it is dropped, not kept for later."""
    set_state(webhook, state, now)
    if state is State.GONE:
        _unprove(webhook)
    waiting = (WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.progress == Progress.DUE)
    dropped = {"progress": Progress.DROPPED, "finished_at": now, "problem": state.value}
    session.execute(update(WebhookDelivery).where(*waiting).values(dropped))
    if state is not State.OFF:  # nobody clicked: whoever manages is told
        for member in members.list_members(session, webhook.organisation_id):
            if member.role in members.MANAGERS:
                notices.tell(session, member.id, NoticeKind.WEBHOOK_OFF, webhook.id, now)


def remove(session: Session, webhook: Webhook) -> None:
    """The webhook and its deliveries are gone; where it went stays known as a destination, for the log."""
    session.delete(webhook)


def set_state(webhook: Webhook, state: State, now: dt.datetime) -> None:
    """Leave the webhook in that state, since now if it was in another."""
    if webhook.state != state:
        webhook.state, webhook.state_at = state, now


def _events(chosen: Sequence[str]) -> list[str]:
    events = sorted(set(chosen))
    if not events or not set(events) <= set(CHOSEN):
        raise BadInput("Choose what the address is to be told: at least one of the events.")
    return events


def _add_secret(session: Session, pen: Pen, webhook: Webhook, now: dt.datetime) -> str:
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    made = WebhookSecret(id=new_id(), organisation_id=webhook.organisation_id, webhook_id=webhook.id, created_at=now)
    made.secret = pen.seal("webhook_secrets", "secret", made.id, secret)
    session.add(made)
    session.flush()
    return secret


def _unprove(webhook: Webhook) -> None:
    """Leave the webhook with a code that nobody has: until one is typed, its address counts as not proved."""
    webhook.code_hash, webhook.code_until = secrets.token_bytes(32), None


def _digest(code: str) -> bytes:
    return hashlib.sha256("".join(code.split()).upper().encode("utf-8", "replace")).digest()
