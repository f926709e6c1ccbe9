"""What notices say, on the start page and by mail, and their way to the mail server.

The words are ours. Names of members and webhooks stand between them as guarded values, of users' own; nothing from
Google is ever in a notice, not even as a mark: what it is about is behind the link, on a page that decides anew.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.models import Member
from accounts.notices import JOB, Notice, NoticeKind
from crm.webhooks.models import Webhook
from kernel.jobs import Lease, Retry, register
from kernel.runtime import Runtime
from limited_use.asking import ActorClass, Asking, Purpose, Refused, Sink
from limited_use.release import guard
from limited_use.sealing import Native
from limited_use.sinks import mail
from limited_use.sinks.mail import Letter, Line, Link
from privacy import post

FEATURE = "notices"
GIVE_UP_AFTER = dt.timedelta(days=2)
FIRST_WAIT_S = 60.0
LONGEST_WAIT_S = 3600.0

Part = str | Native[str]


@dataclass(frozen=True, slots=True)
class Told:
    """A notice in words: parts of our own and guarded values by turns, and the page where it goes on."""

    id: uuid.UUID
    parts: tuple[Part, ...]
    path: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class _Says:
    """What a kind of notice says around the name that it tells, and where it leads."""

    before: str
    after: str
    path: str
    name_of: Callable[[Session, Notice], Any] | None = None


def _actor(session: Session, notice: Notice) -> Any:
    return session.scalar(select(Member.name).where(Member.id == notice.actor_id))


def _webhook(session: Session, notice: Notice) -> Any:
    return session.scalar(select(Webhook.name).where(Webhook.id == notice.about_id))


_SAYS = {
    NoticeKind.OPENING_ASKED: _Says("", " asks to see something of your Google account.", "/requests", _actor),
    NoticeKind.OPENING_ALLOWED: _Says("", " let you see what you asked for, for a time.", "/requests", _actor),
    NoticeKind.OPENING_REFUSED: _Says("", " did not let you see what you asked for.", "/requests", _actor),
    NoticeKind.CASE_WAITS: _Says("", " asks for a second person: a case waits for your decision.", "/cases", _actor),
    NoticeKind.CASE_ALLOWED: _Says(
        "", " answered what you asked to see as staff. Its page says how.", "/cases", _actor
    ),
    NoticeKind.CASE_ON_YOURS: _Says(
        "A case, decided by two people of your organisation, opened one item of your Google account to one of them.",
        "",
        "/requests",
    ),
    NoticeKind.WEBHOOK_OFF: _Says(
        "The webhook ", " turned itself off. Its page says why.", "/settings/webhooks", _webhook
    ),
    NoticeKind.DECOY_OPENED: _Says(
        "Something opened rows that nobody is ever shown, as reading everything at once would. It was refused; the log "
        "says when.",
        "",
        "/log?kind=security_event",
    ),
    NoticeKind.GRANT_SUSPENDED: _Says(
        "Google no longer accepts our access to your account. Nothing from it is shown until you connect again; after "
        "thirty days it is deleted.",
        "",
        "/connections",
    ),
}
_SOMEBODY = "Somebody"


def told(session: Session, notice: Notice) -> Told:
    """Return the notice in words."""
    says = _SAYS[NoticeKind(notice.kind)]
    name = None if says.name_of is None else says.name_of(session, notice)
    named: tuple[Part, ...] = (Native(name),) if name else () if says.name_of is None else (_SOMEBODY,)
    return Told(notice.id, (says.before, *named, says.after), says.path, notice.told_at)


@register(JOB)
def send(runtime: Runtime, subject_id: uuid.UUID, lease: Lease) -> None:
    """The notice went to the member's address, unless no mail server is set, or it was put aside or sent already."""
    if not runtime.settings.smtp_url:
        return
    composed = _compose(runtime, subject_id, lease)
    if composed is None:
        return
    problem = _post(runtime, *composed)
    with runtime.begin() as work:
        lease.check(work.session)
        notice = work.session.get_one(Notice, subject_id)
        now = runtime.clock.now()
        notice.mailed_at, notice.mail_problem = (None, problem.code) if problem else (now, None)
        again = problem is not None and problem.may_pass and now - notice.told_at < GIVE_UP_AFTER
    if again and problem is not None:
        raise Retry(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(lease.attempts, 6)), problem.code)


def _compose(runtime: Runtime, notice_id: uuid.UUID, lease: Lease) -> tuple[Asking, Letter] | None:
    with runtime.begin() as work:
        lease.check(work.session)
        notice = work.session.get(Notice, notice_id)
        member = None if notice is None else work.session.get(Member, notice.member_id)
        if notice is None or member is None or member.left_at is not None or notice.seen_at or notice.mailed_at:
            return None
        said = told(work.session, notice)
        address = Native(member.email)
    settings = runtime.settings
    letter = Letter(
        to=address,
        subject=Line(*said.parts),
        body=(
            Line(*said.parts),
            Link("Open the page", settings.public_url + said.path),
            Line("You get this mail because you are a member of an organisation here. Nothing from Google is in it."),
        ),
        message_id=f"<{notice_id.hex}@{post.host_of(settings)}>",
        sender=settings.mail_from,
    )
    return _asking(notice), letter


def _asking(notice: Notice) -> Asking:
    return Asking(notice.organisation_id, notice.member_id, ActorClass.WORKER, FEATURE, Purpose.USER_FEATURE, Sink.MAIL)


def _post(runtime: Runtime, asking: Asking, letter: Letter) -> post.Problem | None:
    """Return what kept the letter from being taken, None if nothing did."""
    try:
        finished = mail.letter(guard(runtime), asking, letter)
    except Refused as error:
        return post.Problem(error.code, may_pass=error.retry)
    return post.send(runtime, finished)
