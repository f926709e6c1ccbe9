"""The shapes of Gmail: what a mailbox, a message and a page of changes look like once read."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

HEADERS = (
    "From", "To", "Cc", "Bcc", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "Return-Path",
    "List-Id", "List-Post", "List-Unsubscribe", "Precedence", "Feedback-ID", "X-Campaign-Id",
    "Auto-Submitted", "X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond", "X-Failed-Recipients",
)  # fmt: skip
"""What is asked of every message: the participants and what tells a machine or a crowd from a person."""

_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Profile:
    """A mailbox: its address, its size, and the number of its latest change."""

    address: str
    messages: int
    threads: int
    history_id: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A message as lists name it."""

    id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest first; without `next` it is the last."""

    refs: tuple[Ref, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A message without its body. `headers` by lower-case name, each with all its values, as sent."""

    id: str
    thread_id: str
    label_ids: tuple[str, ...]
    accepted_ms: int
    size: int
    snippet: str
    headers: Mapping[str, list[str]]


@dataclass(slots=True)
class Changes:
    """What a page of history comes to, event by event in order: later events undo earlier ones.

    `added` holds the labels that were named with a message, None when none were; `labels` says of each changed
    message which label ids it has now (True) and which it no longer has (False).
    """

    added: dict[str, frozenset[str] | None] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    labels: dict[str, dict[str, bool]] = field(default_factory=dict)
    threads: dict[str, str] = field(default_factory=dict)

    def apply(self, record: Mapping[str, Any]) -> None:
        """The record's events are folded in."""
        for event in _events(record, "messagesAdded"):
            self._note_added(event)
        for event in _events(record, "labelsAdded"):
            self._note_labels(event, present=True)
        for event in _events(record, "labelsRemoved"):
            self._note_labels(event, present=False)
        for event in _events(record, "messagesDeleted"):
            self._note_deleted(event)

    def _note_added(self, event: Mapping[str, Any]) -> None:
        if name := self._named(event):
            labels = event["message"].get("labelIds")
            self.added[name] = frozenset(map(str, labels)) if isinstance(labels, list) else None
            self.deleted.discard(name)

    def _note_labels(self, event: Mapping[str, Any], *, present: bool) -> None:
        if name := self._named(event):
            changed = self.labels.setdefault(name, {})
            changed.update({str(label): present for label in event.get("labelIds") or ()})

    def _note_deleted(self, event: Mapping[str, Any]) -> None:
        if name := self._named(event):
            self.added.pop(name, None)
            self.labels.pop(name, None)
            self.deleted.add(name)

    def _named(self, event: Mapping[str, Any]) -> str | None:
        message = event.get("message")
        ref = ref_of(message) if isinstance(message, dict) else None
        if ref is None:
            return None
        self.threads[ref.id] = ref.thread_id
        return ref.id


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of history, folded; without `next` it is the last, and `history_id` is where the mailbox stands."""

    changes: Changes
    next: str | None
    history_id: str


@dataclass(frozen=True, slots=True)
class Body:
    """The text of one message, plain or HTML."""

    text: str
    is_html: bool


def ref_of(entry: Mapping[str, Any]) -> Ref | None:
    """Return the message an entry names; None when its id cannot be one."""
    name = str(entry.get("id", ""))
    return Ref(name, str(entry.get("threadId") or name)) if _ID.fullmatch(name) else None


def refs_of(entries: Iterable[Mapping[str, Any]]) -> Iterator[Ref]:
    """Yield the messages that a listing names."""
    for entry in entries:
        if (ref := ref_of(entry)) is not None:
            yield ref


def mail_of(entry: Mapping[str, Any]) -> Mail:
    """Return one message as Gmail's `metadata` format gives it; missing parts are empty, never an error."""
    headers: dict[str, list[str]] = {}
    for header in (entry.get("payload") or {}).get("headers") or ():
        headers.setdefault(str(header.get("name", "")).lower(), []).append(str(header.get("value", "")))
    snippet = entry.get("snippet") or ""
    name = str(entry["id"])
    return Mail(
        id=name,
        thread_id=entry.get("threadId") or name,
        label_ids=tuple(entry.get("labelIds") or ()),
        accepted_ms=int(entry.get("internalDate") or 0),
        size=int(entry.get("sizeEstimate") or 0),
        snippet=html.unescape(snippet) if "&" in snippet else snippet,
        headers=headers,
    )


def _events(record: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return record.get(kind) or []
