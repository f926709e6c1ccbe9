"""Gmail's search language, as far as programs use it, turned into SQL.

Understood: `in:` `is:` `label:` `from:` `to:` `cc:` `bcc:` `subject:` `after:` `before:` `newer:` `older:`
`newer_than:` `older_than:` `rfc822msgid:`, plain words and "phrases"; `-` before a term excludes, `OR`
between two terms takes either; all other terms must hold together.
Differs from Google: no brackets, no stemming; unknown operators are searched as words; days begin at
midnight UTC (Google takes Pacific time for API calls).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from emulator.gmail import content, mailbox, words
from emulator.gmail.snippet import LOOKED_AT, text
from emulator.store import register_function

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

_TERM = re.compile(r'(?P<not>-)?(?:(?P<operator>[A-Za-z0-9_]+):)?(?P<value>"[^"]*"?|[^\s"]+|(?<=:))')
_AGE = re.compile(r"(\d+)([dmyh])")
_AGE_S = {"h": 3_600, "d": 86_400, "m": 30 * 86_400, "y": 365 * 86_400}
_PLACES = {"inbox": "INBOX", "sent": "SENT", "drafts": "DRAFT", "draft": "DRAFT", "spam": "SPAM", "trash": "TRASH"}
_PLACES |= {"chats": "CHAT", "chat": "CHAT", "important": "IMPORTANT", "starred": "STARRED", "unread": "UNREAD"}
_COLUMNS = {
    "from": "sender_words",
    "to": "recipient_words",
    "cc": "recipient_words",
    "bcc": "recipient_words",
    "subject": "subject_words",
}


@dataclass
class Filter:
    """A condition on rows of `message m`: SQL with question marks, and their values.

    `shows_hidden` says that spam and trash are not left out, because the search names them.
    """

    clauses: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    shows_hidden: bool = False

    def add(self, clause: str, values: Iterable[Any] = ()) -> None:
        """Add a condition that must hold too."""
        self.clauses.append(clause)
        self.values.extend(values)

    @property
    def sql(self) -> str:
        """All conditions together."""
        return " AND ".join(f"({clause})" for clause in self.clauses) or "1"


def _text_has(db: sqlite3.Connection) -> Callable[..., bool]:
    def text_has(source: int | None, start: int, length: int, phrase: str) -> bool:
        raw = content.read_at(db, source, start, min(length, LOOKED_AT))
        return phrase in words.key(text(raw))

    return text_has


register_function("text_has", 4, _text_has)


def parse(db: sqlite3.Connection, account: str, query: str, now: float) -> Filter:
    """Give the condition that a search stands for, within one mailbox."""
    found = Filter()
    reader = _Reader(db, account, now, found)
    pending: list[tuple[str, list[Any]]] = []
    joins_next = False
    for match in _TERM.finditer(query):
        if match.group() == "OR":
            joins_next = bool(pending)
            continue
        term = reader.read(match)
        if not joins_next:
            _flush(found, pending)
            pending = []
        pending.append(term)
        joins_next = False
    _flush(found, pending)
    return found


def has_label(label: str) -> tuple[str, list[Any]]:
    """Give the condition that a message carries a label."""
    clause = "EXISTS (SELECT 1 FROM message_label l WHERE l.account = m.account AND l.label = ? AND l.message = m.id)"
    return clause, [label]


def _flush(found: Filter, alternatives: list[tuple[str, list[Any]]]) -> None:
    if alternatives:
        found.add(" OR ".join(clause for clause, _ in alternatives), [v for _, vs in alternatives for v in vs])


class _Reader:
    """Turns single terms into conditions."""

    def __init__(self, db: sqlite3.Connection, account: str, now: float, found: Filter) -> None:
        self._db = db
        self._account = account
        self._now = now
        self._found = found

    def read(self, match: re.Match[str]) -> tuple[str, list[Any]]:
        operator = (match["operator"] or "").lower()
        value = match["value"].strip('"')
        clause, values = self._condition(operator, value)
        return (f"NOT ({clause})" if match["not"] else clause), values

    def _condition(self, operator: str, value: str) -> tuple[str, list[Any]]:
        if operator in {"in", "is", "label"}:
            return self._place(operator, value)
        if operator in _COLUMNS:
            return f"instr(m.{_COLUMNS[operator]}, ?) > 0", [words.key(value)]
        if operator == "rfc822msgid":
            return "m.rfc_id = ?", [value.strip("<>")]
        if operator in {"after", "newer", "before", "older", "newer_than", "older_than"}:
            return self._time(operator, value)
        phrase = words.key(f"{operator} {value}")
        clause = "instr(m.subject_words, ?) > 0 OR instr(m.sender_words, ?) > 0 OR instr(m.recipient_words, ?) > 0"
        return f"{clause} OR text_has(m.source, m.start, m.length, ?)", [phrase] * 4

    def _place(self, operator: str, value: str) -> tuple[str, list[Any]]:
        place = value.lower()
        if operator == "in" and place == "anywhere":
            self._found.shows_hidden = True
            return "1", []
        if operator == "is" and place == "read":
            clause, values = has_label("UNREAD")
            return f"NOT ({clause})", values
        label = _PLACES.get(place) or self._label(value)
        if label in mailbox.HIDING:
            self._found.shows_hidden = True
        return has_label(label)

    def _label(self, value: str) -> str:
        wanted = value.lower().replace(" ", "-").replace("/", "-")
        for label, name in mailbox.user_labels(self._db, self._account).items():
            if wanted in {label.lower(), name.lower().replace(" ", "-").replace("/", "-")}:
                return label
        upper = value.upper()
        return upper if upper in mailbox.SYSTEM_LABELS else f"CATEGORY_{upper}"

    def _time(self, operator: str, value: str) -> tuple[str, list[Any]]:
        if operator.endswith("_than"):
            age = _AGE.fullmatch(value.lower())
            moment = None if age is None else self._now - int(age[1]) * _AGE_S[age[2]]
        else:
            moment = _moment(value)
        if moment is None:
            return "0", []
        sign = ">=" if operator in {"after", "newer", "newer_than"} else "<"
        return f"m.internal_date {sign} ?", [int(moment * 1000)]


def _moment(value: str) -> float | None:
    if value.isdigit() and len(value) > len("20261122"):
        return float(value)
    for form in ("%Y/%m/%d", "%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
