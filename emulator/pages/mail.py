"""The mailbox page: lists, one message, and what a person may do with it."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, getaddresses
from typing import TYPE_CHECKING, Any

import nh3
from flask import Response, request
from markupsafe import Markup

from emulator.gmail import content, headers, intake, mailbox, resource
from emulator.pages.frame import PAGE, blueprint, page_number, person_at, show, to
from emulator.pages.sidebar import sidebar_of
from emulator.refusals import Refusal
from emulator.state import current

if TYPE_CHECKING:
    import sqlite3
    from email.message import Message

    from emulator.accounts import Account

FOLDERS = (
    ("INBOX", "Inbox"), ("STARRED", "Starred"), ("SENT", "Sent"), ("DRAFT", "Drafts"), ("ALL", "All mail"),
    ("SPAM", "Spam"), ("TRASH", "Trash"),
)  # fmt: skip
_SHOWN = ["From", "To", "Subject", "Date"]
_HTML_TAGS = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "hr", "i", "li", "ol", "p", "pre",
    "small", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
_ACTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "archive": ((), ("INBOX",)),
    "inbox": (("INBOX",), ("TRASH", "SPAM")),
    "read": ((), ("UNREAD",)),
    "unread": (("UNREAD",), ()),
    "star": (("STARRED",), ()),
    "unstar": ((), ("STARRED",)),
    "trash": (("TRASH",), ("INBOX",)),
    "spam": (("SPAM",), ("INBOX",)),
}


@blueprint.get("/u/<int:number>/mail")
def list_mail(number: int) -> str:
    """Show a folder, newest first."""
    person, folder, page = person_at(number), request.args.get("folder", "INBOX"), page_number()
    with current().store.read() as db:
        made = mailbox.user_labels(db, person.sub)
        rows, total = _rows(db, person, folder, page)
        lines = [_line(db, row) for row in rows]
    return show("mail.html", number, "mail", folders=[*FOLDERS, *made.items()], folder=folder, lines=lines, total=total,
                page=page, last=max(0, (total - 1) // PAGE))  # fmt: skip


@blueprint.get("/u/<int:number>/mail/<message>")
def open_mail(number: int, message: str) -> str:
    """Show one message, its labels, and the add-on beside it."""
    person = person_at(number)
    with current().store.read() as db:
        row = mailbox.get(db, person.sub, message)
        parsed = headers.parse(content.read(db, row))
        made = mailbox.user_labels(db, person.sub)
        siblings = db.execute(
            "SELECT * FROM message WHERE account = ? AND thread = ? ORDER BY internal_date", (person.sub, row["thread"])
        ).fetchall()
        others = [_line(db, sibling) for sibling in siblings if sibling["id"] != message]
    text, html = _body(parsed)
    fields = [(name, headers.field(parsed, name)) for name in ("From", "To", "Cc", "Date")]
    return show(
        "message.html",
        number,
        "mail",
        id=message,
        subject=headers.field(parsed, "Subject") or "(no subject)",
        fields=[(name, value) for name, value in fields if value],
        text=text,
        html=html,
        files=_files(parsed),
        labels=resource.ordered(mailbox.labels_of(row)),
        known=[*((label, label.title().replace("_", " ")) for label in mailbox.SYSTEM_LABELS), *made.items()],
        others=others,
        sidebar=sidebar_of(person, number, "mail", message),
    )


@blueprint.get("/u/<int:number>/mail/new")
def write_mail(number: int) -> str:
    """Show the form for a message that arrives or is sent."""
    person = person_at(number)
    values = {"sender": "", "to": person.email, "subject": "", "text": "", "answers": ""}
    answered = request.args.get("answers")
    if answered:
        with current().store.read() as db:
            head = headers.parse_head(content.read(db, mailbox.get(db, person.sub, answered)))
        subject = headers.field(head, "Subject")
        values |= {
            "sender": person.email,
            "to": headers.field(head, "From"),
            "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
            "answers": answered,
        }
    return show("write.html", number, "mail", values=values)


@blueprint.post("/u/<int:number>/mail/new")
def take_mail(number: int) -> Response:
    """Have the message in the mailbox: sent when it is from the account's own address, else arrived."""
    person = person_at(number)
    state = current()
    with state.store.write() as db:
        raw, thread = _composed(db, person)
        own = any(address.lower() == person.email for _, address in getaddresses([request.form.get("sender", "")]))
        labels = frozenset({"SENT"} if own else {"INBOX", "UNREAD"})
        message = intake.take_in(db, person.sub, raw, intake.Filing(labels=labels, thread=thread))
    return to("open_mail", number=number, message=message)


@blueprint.post("/u/<int:number>/mail/<message>/labels")
def set_labels(number: int, message: str) -> Response:
    """Have exactly the ticked labels on a message."""
    person, state = person_at(number), current()
    wanted = frozenset(request.form.getlist("label"))
    with state.store.write() as db:
        known = {*mailbox.SYSTEM_LABELS, *mailbox.user_labels(db, person.sub)}
        row = mailbox.get(db, person.sub, message)
        before = mailbox.labels_of(row)
        mailbox.change_labels(db, row, (wanted & known, before - wanted), state.clock.now())
    return to("open_mail", number=number, message=message)


@blueprint.post("/u/<int:number>/mail/<message>/do/<action>")
def act_on_mail(number: int, message: str, action: str) -> Response:
    """Archive, star, bin … or delete a message for good."""
    person, state = person_at(number), current()
    with state.store.write() as db:
        row = mailbox.get(db, person.sub, message)
        if action == "delete":
            mailbox.delete(db, row, state.clock.now())
            return to("list_mail", number=number)
        if action not in _ACTIONS:
            raise Refusal(404, "notFound", "There is no such action.")
        mailbox.change_labels(db, row, _ACTIONS[action], state.clock.now())
    return to("open_mail", number=number, message=message)


def _rows(db: sqlite3.Connection, person: Account, folder: str, page: int) -> tuple[list[sqlite3.Row], int]:
    if folder == "ALL":
        where, values = "m.account = ? AND m.hidden = 0", [person.sub]
    else:
        where = "m.account = ? AND m.id IN (SELECT message FROM message_label WHERE account = ? AND label = ?)"
        values = [person.sub, person.sub, folder]
        if folder not in mailbox.HIDING:
            where += " AND m.hidden = 0"
    total = db.execute(f"SELECT COUNT(*) FROM message m WHERE {where}", values).fetchone()[0]  # noqa: S608 -- values are bound
    rows = db.execute(
        f"SELECT m.* FROM message m WHERE {where} ORDER BY m.internal_date DESC, m.id LIMIT ? OFFSET ?",  # noqa: S608 -- same
        [*values, PAGE, page * PAGE],
    ).fetchall()
    return rows, int(total)


def _line(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    shown = resource.message(db, row, "metadata", _SHOWN)
    fields = {field["name"].lower(): field["value"] for field in shown["payload"]["headers"]}
    labels = mailbox.labels_of(row)
    who = fields.get("to", "") if "SENT" in labels else fields.get("from", "")
    name, address = (getaddresses([who]) or [("", "")])[0]
    return {
        "id": row["id"],
        "who": ("To: " if "SENT" in labels else "") + (name or address or who or "(nobody)"),
        "subject": fields.get("subject") or "(no subject)",
        "snippet": Markup(shown["snippet"]),  # noqa: S704 -- Gmail's snippets are escaped text
        "at": row["internal_date"] / 1000,
        "unread": "UNREAD" in labels,
        "starred": "STARRED" in labels,
    }


def _body(message: Message) -> tuple[str, Markup | None]:
    """Give the plain text of a message, or its HTML reduced to harmless marks when there is no plain text."""
    plain = [part for part in message.walk() if part.get_content_type() == "text/plain" and not part.get_filename()]
    if plain:
        return "\n\n".join(_text(part) for part in plain), None
    for part in message.walk():
        if part.get_content_type() == "text/html" and not part.get_filename():
            clean = nh3.clean(
                _text(part), tags=_HTML_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"}
            )
            return "", Markup(clean)  # noqa: S704 -- nh3 left nothing but these tags
    return "", None


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    raw = data if isinstance(data, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    try:
        return raw.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return raw.decode("utf-8", "replace")


def _files(message: Message) -> list[tuple[str, str]]:
    return [(part.get_filename() or "", part.get_content_type()) for part in message.walk() if part.get_filename()]


def _composed(db: sqlite3.Connection, person: Account) -> tuple[bytes, str | None]:
    form, now = request.form, current().clock.now()
    message, thread = EmailMessage(policy=SMTP), None
    for name, field in (("From", "sender"), ("To", "to"), ("Subject", "subject")):
        message[name] = " ".join(form.get(field, "").split())
    message["Date"] = formatdate(now)
    message["Message-ID"] = f"<{int(now * 1000):x}.{next(current().numbers)}@pages.example>"
    if form.get("answers"):
        row = mailbox.get(db, person.sub, form["answers"])
        head = headers.parse_head(content.read(db, row))
        known = headers.message_ids(headers.field(head, "References")) + headers.message_ids(
            headers.field(head, "Message-ID")
        )
        if known:
            message["In-Reply-To"] = f"<{known[-1]}>"
            message["References"] = " ".join(f"<{found}>" for found in known)
        thread = row["thread"]
    message.set_content(form.get("text", "").replace("\r\n", "\n") + "\n", cte="quoted-printable")
    return message.as_bytes(), thread
