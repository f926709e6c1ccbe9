"""Gmail: the mailbox's state, its list, its changes, and messages by the cheapest calls.

A message costs 20 units by itself and a thread 40 whatever its length, so three wanted messages of one thread
are fetched as the thread; its other messages come along for nothing and are returned too.
"""

import base64
import binascii
import codecs
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from workspace import batch
from workspace.documents import Api, Call, batch_uri, rooted, service
from workspace.errors import AnswerTooLarge, CursorExpired, Gone, GoogleError
from workspace.mail import HEADERS, Body, Changes, HistoryPage, Mail, Page, Profile, Ref, mail_of, refs_of
from workspace.transport import WIDEST_BATCH, Transport

PAGE = 500
THREAD_PAYS_FROM = 3
MOST_BODY = 5 * 1024 * 1024
_MOST_PARTS = 1000
_NAMED = "MESSAGE"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One call and the messages it is made for."""

    call: Call
    ids: frozenset[str]
    is_thread: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of some calls: messages, wanted ones that are gone, wanted ones that failed and the error."""

    mails: tuple[Mail, ...]
    gone: frozenset[str]
    failed: frozenset[str]
    error: GoogleError | None


class Gmail:
    """One mailbox, over one transport."""

    def __init__(self, transport: Transport, root: str) -> None:
        self._transport = transport
        self._root = rooted(root)
        self._users = _users(self._root)

    def profile(self) -> Profile:
        """Return the mailbox's state."""
        said = self._ask(self._users.users.getProfile(userId="me"))
        return Profile(
            str(said.get("emailAddress", "")).lower(),
            int(said.get("messagesTotal") or 0),
            int(said.get("threadsTotal") or 0),
            str(said["historyId"]),
        )

    def page(self, token: str | None = None, size: int = PAGE) -> Page:
        """Return a page of everything in the mailbox, spam and trash included, newest first."""
        said = self._ask(
            self._users.messages.list(userId="me", maxResults=size, pageToken=token, includeSpamTrash=True)
        )
        return Page(tuple(refs_of(said.get("messages") or ())), said.get("nextPageToken"))

    def history(self, start: str, token: str | None = None) -> HistoryPage:
        """Return a page of what changed since `start`.

        Raises:
            CursorExpired: when Gmail no longer knows that far back.
        """
        try:
            said = self._ask(
                self._users.history.list(userId="me", startHistoryId=start, maxResults=PAGE, pageToken=token)
            )
        except Gone as error:  # of a list, "not found" speaks of the place in it
            raise CursorExpired from error
        changes = Changes()
        for record in said.get("history") or ():
            changes.apply(record)
        return HistoryPage(changes, said.get("nextPageToken"), str(said.get("historyId") or start))

    def own_addresses(self) -> frozenset[str]:
        """Return every address that the owner sends as, lower case."""
        said = self._ask(self._users.send_as.list(userId="me"))
        return frozenset(str(entry.get("sendAsEmail", "")).lower() for entry in said.get("sendAs") or ()) - {""}

    def groups(self, refs: Iterable[Ref]) -> Iterator[tuple[Wanted, ...]]:
        """Yield the cheapest calls for these messages, as many at a time as one batch holds, newest first."""
        calls = tuple(plan_calls(refs, self._root))
        for start in range(0, len(calls), WIDEST_BATCH):
            yield calls[start : start + WIDEST_BATCH]

    def fetch(self, wanted: Sequence[Wanted]) -> Fetched:
        """Return what the calls brought; a message that is gone is no error."""
        uri = batch_uri(Api.GMAIL, self._root)
        results = batch.send_all(self._transport, Api.GMAIL, uri, [entry.call for entry in wanted])
        mails: dict[str, Mail] = {}
        gone: set[str] = set()
        failed: set[str] = set()
        error: GoogleError | None = None
        for entry, result in zip(wanted, results, strict=True):
            if isinstance(result, Gone):
                gone |= entry.ids
            elif isinstance(result, GoogleError):
                failed |= entry.ids
                error = error or result
            else:
                read = _read(result, is_thread=entry.is_thread)
                mails.update(read)
                gone |= entry.ids - read.keys()
        return Fetched(tuple(mails.values()), frozenset(gone), frozenset(failed), error)

    def body(self, message_id: str, *, urgent: bool = True) -> Body | None:
        """Return the text of a message, None when it has none; `urgent` when a person waits for it.

        Raises:
            Gone: when the message is no longer there.
            AnswerTooLarge: when it is over 5 MB.
        """
        call = self._users.messages.get(userId="me", id=message_id, format="full")
        message = orjson.loads(self._transport.ask(call, urgent=urgent))
        part, is_html = _text_part(message.get("payload") or {})
        if part is None:
            return None
        data = self._part_data(message_id, part.get("body") or {}, urgent=urgent)
        if len(data) > MOST_BODY:
            raise AnswerTooLarge
        return Body(_decoded(data, part), is_html)

    def _part_data(self, message_id: str, body: Mapping[str, Any], *, urgent: bool) -> bytes:
        """Return the bytes of a part, fetched apart when Gmail keeps them apart."""
        if int(body.get("size") or 0) > MOST_BODY:
            raise AnswerTooLarge
        if name := body.get("attachmentId"):
            call = self._users.attachments.get(userId="me", messageId=message_id, id=name)
            body = orjson.loads(self._transport.ask(call, urgent=urgent))
        text = str(body.get("data") or "")
        try:
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            return b""

    def _ask(self, call: Call) -> dict[str, Any]:
        said: dict[str, Any] = orjson.loads(self._transport.ask(call))
        return said


@dataclass(frozen=True, slots=True)
class _Users:
    """The library's resources, kept: making them anew costs more than most calls."""

    users: Any
    messages: Any
    attachments: Any
    threads: Any
    history: Any
    send_as: Any


@functools.lru_cache(maxsize=4)
def _users(root: str) -> _Users:
    users = service(Api.GMAIL, root).users()
    messages = users.messages()
    return _Users(users, messages, messages.attachments(), users.threads(), users.history(), users.settings().sendAs())


@functools.lru_cache(maxsize=8)
def _pattern(root: str, *, is_thread: bool) -> Call:
    """Return the call for one message or thread with a name to be put in: made once, not for every message."""
    users = _users(root)
    resource = users.threads if is_thread else users.messages
    call: Call = resource.get(userId="me", id=_NAMED, format="metadata", metadataHeaders=list(HEADERS))
    return call


def plan_calls(refs: Iterable[Ref], root: str) -> Iterator[Wanted]:
    """Yield the cheapest calls that bring all these messages, in the order of their first mention."""
    threads: defaultdict[str, list[str]] = defaultdict(list)
    for ref in refs:
        threads[ref.thread_id].append(ref.id)
    for thread_id, ids in threads.items():
        if len(ids) >= THREAD_PAYS_FROM:
            yield Wanted(_call(root, thread_id, is_thread=True), frozenset(ids), is_thread=True)
        else:
            for name in ids:
                yield Wanted(_call(root, name, is_thread=False), frozenset((name,)), is_thread=False)


def _call(root: str, name: str, *, is_thread: bool) -> Call:
    pattern = _pattern(root, is_thread=is_thread)
    return Call(pattern.method_id, pattern.uri.replace(_NAMED, name, 1))


def _read(body: bytes, *, is_thread: bool) -> dict[str, Mail]:
    said = orjson.loads(body)
    entries = (said.get("messages") or ()) if is_thread else (said,)
    return {mail.id: mail for mail in map(mail_of, entries)}


def _text_part(payload: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the first HTML part that is no attachment, else the first plain one, and whether it is HTML."""
    plain: Mapping[str, Any] | None = None
    waiting: list[Mapping[str, Any]] = [payload]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        part = waiting.pop()
        waiting.extend(reversed(part.get("parts") or []))
        kind = str(part.get("mimeType", "")).lower()
        if part.get("filename"):
            continue
        if kind == "text/html":
            return part, True
        if kind == "text/plain" and plain is None:
            plain = part
    return plain, False


_NO_CHARSETS = frozenset({"idna", "punycode"})
"""Codecs of Python's that are no charsets, and need time by the square of the length: a mail could name one."""


def _decoded(data: bytes, part: Mapping[str, Any]) -> str:
    """Return the text; Gmail gives UTF-8 as a rule, else the charset that the part names, else what can be read."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    for header in part.get("headers") or ():
        if str(header.get("name", "")).lower() == "content-type":
            _, _, charset = str(header.get("value", "")).lower().partition("charset=")
            try:
                codec = codecs.lookup(charset.split(";")[0].strip(" \"'")).name
                if codec not in _NO_CHARSETS:
                    return data.decode(codec, "replace")
            except (LookupError, ValueError):
                pass
            break
    return data.decode("latin-1")
