"""Several calls in one request, each with its own result.

Google runs the parts of a batch side by side and refuses those that are too many for one person at once, so
a batch is narrow, one is under way at a time, and only the parts that failed are sent again. The library's own batch
spends most of a worker's time in the email package; parts are written and read here as the bytes they are.
Source: the batching guides of Gmail and Calendar.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from workspace.documents import Api, Call
from workspace.errors import AuthFailed, GoogleError, Throttled, Transient
from workspace.quota import units_of
from workspace.refusals import refusal
from workspace.transport import Answer, Transport

TRIES = 4
LONGEST_PAUSE_S = 4.0

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_PART_ID = re.compile(rb"content-id:\s*<?response-(\d+)>?", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"^retry-after:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_OK = range(200, 300)

Result = bytes | GoogleError
T = TypeVar("T")


@dataclass(slots=True)
class _Pending:
    """A call on its way: where its result goes, and how often it was tried."""

    place: int
    call: Call


def send_all(transport: Transport, api: Api, uri: str, calls: Sequence[Call], *, urgent: bool = False) -> list[Result]:
    """Return the result of every call, in order: a body, or the error that remained after a few tries.

    Raises:
        AuthFailed: when Google accepts no token of this grant any more.
        GoogleError: when a whole batch failed; no result of that batch is known then.
    """
    results: list[Result] = [Transient()] * len(calls)
    waiting = [_Pending(place, call) for place, call in enumerate(calls)]
    renewed = False
    for attempt in range(TRIES):
        failed = []
        while waiting:
            batch, waiting = waiting[: transport.breadth], waiting[transport.breadth :]
            failed += _send_batch(transport, api, uri, batch, results, urgent=urgent)
        lost = any(isinstance(results[entry.place], AuthFailed) for entry in failed)
        if lost and renewed:
            raise AuthFailed
        if lost:
            transport.renew()
            renewed = True
        pause = _pause_s(attempt, [results[entry.place] for entry in failed])
        if not failed or pause is None or attempt == TRIES - 1:
            break
        transport.tally.repeated += len(failed)
        if not lost:
            transport.pause(pause)
        waiting = failed
    return results


def _send_batch(
    transport: Transport, api: Api, uri: str, batch: list[_Pending], results: list[Result], *, urgent: bool
) -> list[_Pending]:
    """Put the results of one batch in their places; return the calls that are worth another try."""
    units = sum(units_of(entry.call.method_id) for entry in batch)
    calls = [entry.call for entry in batch]
    found = parse(transport.carry(compose(uri, calls), api, units, urgent=urgent), len(batch))
    failed = []
    for entry, result in zip(batch, found, strict=True):
        results[entry.place] = result
        if isinstance(result, Transient | AuthFailed):
            failed.append(entry)
    if any(isinstance(result, Throttled) for result in found):
        transport.narrow()
    else:
        transport.widen()
    return failed


def _pause_s(attempt: int, results: list[Result]) -> float | None:
    """Return how long to wait before the failed parts are sent again; None when it is too long to hold a worker."""
    longest = 2.0**attempt * 0.5
    for result in results:
        if isinstance(result, Throttled):
            if result.until is not None:
                return None
            longest = max(longest, result.after_s or 0.0)
    return longest + random.random() / 2 if longest <= LONGEST_PAUSE_S else None  # noqa: S311 -- jitter, not a secret


def compose(uri: str, calls: Sequence[Call]) -> Call:
    """Return one call that carries them all; the outer authorisation holds for every part."""
    boundary = f"batch-{random.getrandbits(96):024x}"
    parts = []
    for number, call in enumerate(calls):
        address = urlsplit(call.uri)
        parts.append(
            f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{number}>\r\n\r\n{call.method} {address.path}?{address.query} HTTP/1.1\r\n\r\n\r\n"
        )
    body = "".join((*parts, f"--{boundary}--\r\n")).encode("ascii")
    return Call("batch", uri, "POST", body, f'multipart/mixed; boundary="{boundary}"')


def parse(answer: Answer, count: int) -> list[Result]:
    """Return the results by part number; a part that is missing or unreadable counts as a passing fault."""
    results: list[Result] = [Transient() for _ in range(count)]
    found = _BOUNDARY.search(answer.content_type)
    if found is None:
        return results
    for part in answer.body.split(b"--" + found[1].encode("ascii", "replace"))[1:]:
        head, _, inner = _cut(part)
        number = _PART_ID.search(head)
        if number is not None and int(number[1]) < count:
            results[int(number[1])] = _result(inner)
    return results


def _result(inner: bytes) -> Result:
    """Return the body of an inner HTTP answer, or the error it stands for."""
    head, _, body = _cut(inner.lstrip())
    words = head.split(None, 2)
    if len(words) < 2 or not words[1].isdigit():  # noqa: PLR2004 -- protocol and status
        return Transient()
    status = int(words[1])
    if status in _OK:
        return body.rstrip()
    asked = _RETRY_AFTER.search(head)
    return refusal(status, body, asked[1].decode() if asked else None)


def _cut(text: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what stands before and after the first empty line."""
    text = text.lstrip(b"\r\n")
    cut = text.partition(b"\r\n\r\n")
    return cut if cut[1] else text.partition(b"\n\n")
