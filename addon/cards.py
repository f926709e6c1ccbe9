"""Cards as plain trees with guarded leaves: built here, opened and escaped by the sidebar sink, never by hand.

Only what add-ons may use of Google's card schema stands here. Text of ours goes beside guarded values as parts of a
`Text`, so that both are escaped alike; addresses, functions and parameters are made of our own ids alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from addon.lookup import Participant
from addon.manifest import ACTION_PATH, NAME
from addon.people import Moment, Panel
from addon.written import DealLine, NoteLine, TaskLine
from crm.matching import Reason
from crm.pen import LONGEST_TEXT
from kernel.clock import Clock
from kernel.settings import Settings
from limited_use.sealing import Native, Sealed, System
from limited_use.sinks.sidebar import Present, Text

Tree = dict[str, Any]
MOST_CHOICES = 40

WHY = {
    Reason.OWN_ADDRESS: "one of your own addresses",
    Reason.OWN_DOMAIN: "a colleague of your own organisation",
    Reason.SUPPRESSED: "this person asked not to be kept",
    Reason.ROBOT: "an automatic sender",
    Reason.MAILING_LIST: "a mailing list",
    Reason.ROLE_ADDRESS: "a shared mailbox, not one person",
    Reason.BULK_ONLY: "newsletter or automatic mail",
    Reason.ONLY_RECEIVED: "you never wrote to them",
    Reason.ONLY_COPIED: "only seen in copy",
    Reason.NOT_YET: "not looked at yet",
}
_KINDS = {"in": "They wrote", "out": "You wrote", "meeting": "You met"}


class Cards:
    """The cards for one signed-in person about one message, or none."""

    def __init__(self, settings: Settings, clock: Clock, email: str, message_id: str | None = None) -> None:
        self._root = settings.public_url.rstrip("/")
        self._now = clock.now()
        self._email = email
        self._message_id = message_id

    def person(self, panel: Panel, *, others: int) -> Tree:
        """Return the card of a person, or of an address that is none yet."""
        sections = [section(self._about(panel)), *self._written(panel), section(self._buttons(panel, others))]
        return self._card(_first(panel.fields, "name", "email"), sections)

    def note(self, panel: Panel) -> Tree:
        """Return the card on which a note is typed."""
        typed = {
            "textInput": {
                "name": "note",
                "label": "Note",
                "type": "MULTIPLE_LINE",
                "hintText": "Only your organisation sees it",
                "validation": {"characterLimit": LONGEST_TEXT},
            }
        }
        here = str(panel.correspondent_id)
        save = self._click("Save note", "save-note", correspondent=here, nonce=secrets.token_urlsafe(24))
        back = self._click("Back", "show", correspondent=here)
        who = _first(panel.fields, "name", "email")
        title = "Note" if who is None else Text("Note on ", who)
        return self._card(title, [section([typed, buttons([save, back])])])

    def choice(self, found: Sequence[Participant], names: Mapping[Any, Mapping[str, Sealed]]) -> Tree:
        """Return the card on which somebody else of the thread is chosen."""
        widgets = []
        for one in found[:MOST_CHOICES]:
            told = names.get(one.correspondent_id, {})
            shown = _first(told, "name", "email")
            if shown is None:
                continue
            line: Tree = {"text": shown, "bottomLabel": "In your CRM" if one.person_id else "Not in your CRM"}
            if "name" in told and "email" in told:
                line["topLabel"] = told["email"]
            clicked = self._action("show", correspondent=str(one.correspondent_id))
            widgets.append({"decoratedText": {**line, "onClick": clicked}})
        back = buttons([self._click("Back", "refresh")])
        return self._card("Who else is in this thread", [section([*widgets, back])])

    def notice(
        self, title: str, sentence: str, *, refresh: bool = False, links: Mapping[str, str] | None = None
    ) -> Tree:
        """Return a card that says one thing, and what can be done."""
        pressed = [self._click("Refresh", "refresh")] if refresh else []
        pressed += [self.link(text, path) for text, path in (links or {}).items()]
        widgets = [paragraph(sentence), *([buttons(pressed)] if pressed else [])]
        return self._card(title, [section(widgets)])

    def home(self, lines: Sequence[Tree], links: Mapping[str, str]) -> Tree:
        """Return the card that is seen when no message is open."""
        welcome = paragraph("Open a message, and this sidebar shows who it is from.")
        pressed = [self.link(text, path) for text, path in links.items()]
        return self._card(NAME, [section([welcome, *lines]), section([buttons(pressed)])])

    @staticmethod
    def stranger(settings: Settings) -> Tree:
        """Return the card for a person who has no account here: plain, for nobody is known to open anything for."""
        url = f"{settings.public_url.rstrip('/')}/"
        click = {"openLink": {"url": url, "openAs": "OVERLAY", "onClose": "RELOAD"}}
        what = (
            "CRM.io is a service of its own, not a part of Google. Signed in, it shows beside a message who it is "
            "from: person, company, last contact, open deals and tasks."
        )
        promise = "It reads nothing of your mail until you connect Gmail yourself; you can end that at any time."
        pressed = buttons([{"text": "Sign in to CRM.io", "onClick": click}])
        return {
            "header": {"title": "Welcome to CRM.io", "subtitle": "Sign in to begin"},
            "sections": [section([paragraph(what), paragraph(promise), pressed])],
        }

    def link(self, text: str, path: str) -> Tree:
        """Return a button that opens a page of ours."""
        return {"text": text, "onClick": {"openLink": {"url": f"{self._root}{path}", "openAs": "FULL_SIZE"}}}

    def _card(self, title: Any, sections: Sequence[Tree]) -> Tree:
        at = Present(System(self._now), "date", "time")
        foot = section([paragraph(Text("Signed in as ", Native(self._email), ". As of ", at, " UTC."))])
        header = {"title": "Somebody" if title is None else title, "subtitle": NAME}
        return {"header": header, "sections": [*sections, foot]}

    def _about(self, panel: Panel) -> list[Tree]:
        shown = panel.fields
        company = panel.company if panel.company is not None else shown.get("organisation")
        lines = [
            decorated(shown["email"], "Email", "EMAIL") if "email" in shown else None,
            decorated(company, "Company", "STORE") if company is not None else None,
            decorated(shown["title"], "Title", "MEMBERSHIP") if "title" in shown else None,
            decorated(shown["phone"], "Phone", "PHONE") if "phone" in shown else None,
            decorated(Present(panel.last_at, "ago"), "Last contact", "CLOCK") if panel.last_at is not None else None,
        ]
        widgets = [line for line in lines if line is not None]
        if panel.reason is not None:
            why = Present(panel.reason, "one_of", WHY, "no rule spoke for it")
            widgets.append(paragraph(Text("Not a person in the CRM: ", why, ".")))
        return widgets or [paragraph("Nothing more is known.")]

    def _written(self, panel: Panel) -> list[Tree]:
        """Return the sections of what there is: timeline, deals, tasks, notes."""
        parts = (
            ("Recent", [_recent(moment) for moment in panel.recent]),
            ("Open deals", [_deal(line) for line in panel.written.deals]),
            ("Open tasks", [_task(line) for line in panel.written.tasks]),
            ("Notes", [_note(line) for line in panel.written.notes]),
        )
        return [section(widgets, header) for header, widgets in parts if widgets]

    def _buttons(self, panel: Panel, others: int) -> list[Tree]:
        here = str(panel.correspondent_id)
        pressed = []
        if panel.person_id is not None:
            pressed.append(self._click("Add note", "note", correspondent=here))
            pressed.append(self.link("Open in CRM.io", f"/people/{panel.person_id}"))
        if panel.can_be_added:
            nonce = secrets.token_urlsafe(24)
            pressed.append(self._click("Add to CRM", "add", correspondent=here, nonce=nonce))
        if others:
            pressed.append(self._click("Show another person of the thread", "others"))
        pressed.append(self._click("Refresh", "show", correspondent=here))
        return [buttons(pressed)]

    def _click(self, text: str, name: str, **parameters: str) -> Tree:
        return {"text": text, "onClick": self._action(name, **parameters)}

    def _action(self, name: str, **parameters: str) -> Tree:
        told = ({"message": self._message_id} if self._message_id else {}) | parameters
        return {
            "action": {
                "function": f"{self._root}{ACTION_PATH}{name}",
                "parameters": [{"key": key, "value": value} for key, value in told.items()],
                "loadIndicator": "SPINNER",
            }
        }


def section(widgets: Sequence[Tree], header: str | None = None) -> Tree:
    """Return a section of a card."""
    return {**({"header": header} if header else {}), "widgets": list(widgets)}


def paragraph(text: Any) -> Tree:
    """Return a paragraph; plain text here is of ours and holds no mark-up."""
    return {"textParagraph": {"text": text}}


def decorated(text: Any, top: Any, icon: str | None = None, *, bottom: Any = None) -> Tree:
    """Return a labelled line; `icon` is one of Google's known icons."""
    line: Tree = {"text": text, "topLabel": top, "wrapText": True}
    if icon:
        line["startIcon"] = {"knownIcon": icon}
    if bottom is not None:
        line["bottomLabel"] = bottom
    return {"decoratedText": line}


def buttons(pressed: Sequence[Tree]) -> Tree:
    """Return a row of buttons."""
    return {"buttonList": {"buttons": list(pressed)}}


def _first(fields: Mapping[str, Sealed], *names: str) -> Sealed | None:
    """Return the first of these fields that is told; a sealed value itself cannot be asked whether it is empty."""
    return next((fields[name] for name in names if name in fields), None)


def _recent(moment: Moment) -> Tree:
    # A subject can be empty, and a line without any text is no line to Gmail.
    title = "(no title)" if moment.title is None else Text(moment.title, "\N{NO-BREAK SPACE}")
    when = Text(Present(moment.kind, "one_of", _KINDS), " ", Present(moment.at, "ago"))
    return decorated(title, when, "INVITE" if moment.is_meeting else "EMAIL")


def _deal(line: DealLine) -> Tree:
    worth = [" · ", Present(line.amount, "number", line.currency)] if line.amount is not None else []
    return decorated(line.title, Text(line.stage, *worth), "DOLLAR")


def _task(line: TaskLine) -> Tree:
    due = Text("Due ", Present(line.due_on, "date")) if line.due_on is not None else "No due date"
    return decorated(line.title, due, "BOOKMARK")


def _note(line: NoteLine) -> Tree:
    return decorated(Present(line.body, "excerpt", 300), Present(line.at, "date"), "DESCRIPTION")
