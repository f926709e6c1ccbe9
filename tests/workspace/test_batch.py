"""Batches: written, read, and only their failed parts sent again."""

import json

import pytest

from workspace import batch
from workspace.documents import Api, Call
from workspace.errors import AuthFailed, Gone, Throttled, Transient
from workspace.transport import WIDEST_BATCH, Answer, Tally

CALLS = [Call("gmail.users.messages.get", f"http://x/gmail/v1/users/me/messages/{n}?alt=json") for n in range(60)]
OK = (200, b"{}")
BUSY = (429, b'{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}')
MISSING = (404, b'{"error":{"errors":[{"reason":"notFound"}]}}')
DENIED = (401, b'{"error":{"errors":[{"reason":"authError"}]}}')


def answer(parts, line="\r\n"):
    lines = []
    for number, (status, body) in parts:
        head = f"--b{line}Content-Type: application/http{line}Content-ID: <response-{number}>{line}{line}"
        lines.append(
            f"{head}HTTP/1.1 {status} X{line}Content-Type: application/json{line}{line}".encode() + body + line.encode()
        )
    return Answer(b"".join(lines) + f"--b--{line}".encode(), 'multipart/mixed; boundary="b"')


class FakeTransport:
    """Answers each part by a script: what it says at its first try, its second …"""

    def __init__(self, script):
        self.tally, self.breadth, self.pauses, self.sizes, self.renewed = Tally(), WIDEST_BATCH, [], [], 0
        self.script, self.tries = script, {}

    def carry(self, call, api, units, *, urgent=False):
        names = [line.split("/messages/")[1].split("?")[0] for line in call.body.decode().splitlines() if "GET" in line]
        self.sizes.append(len(names))
        assert units == 20 * len(names)
        parts = []
        for number, name in enumerate(names):
            seen = self.tries[name] = self.tries.get(name, 0) + 1
            says = self.script.get(int(name), [])
            parts.append((number, says[seen - 1] if seen <= len(says) else OK))
        return answer(reversed(parts))

    def pause(self, seconds):
        self.pauses.append(seconds)

    def narrow(self):
        self.breadth //= 2

    def widen(self):
        pass

    def renew(self):
        self.renewed += 1


def send(transport, calls=CALLS):
    return batch.send_all(transport, Api.GMAIL, "http://x/batch", calls)


def test_no_batch_is_wider_than_google_takes():
    transport = FakeTransport({})
    assert send(transport) == [b"{}"] * 60
    assert transport.sizes == [25, 25, 10]


def test_only_the_parts_that_failed_are_sent_again():
    transport = FakeTransport({3: [BUSY], 40: [BUSY, BUSY]})
    assert send(transport) == [b"{}"] * 60
    assert transport.tries["3"] == 2
    assert transport.tries["40"] == 3
    assert sum(transport.sizes) == 63
    assert transport.tally.repeated == 3
    assert transport.breadth < WIDEST_BATCH


def test_each_part_has_its_own_result():
    results = send(FakeTransport({1: [MISSING], 2: [BUSY] * 9}))
    assert isinstance(results[1], Gone)
    assert isinstance(results[2], Throttled)
    assert results[3] == b"{}"


def test_a_token_that_ran_out_is_renewed_once():
    transport = FakeTransport({5: [DENIED]})
    assert send(transport)[5] == b"{}"
    assert transport.renewed == 1
    with pytest.raises(AuthFailed):
        send(FakeTransport({5: [DENIED] * 9}))


@pytest.mark.parametrize("line", ["\r\n", "\n"])
def test_parts_come_in_any_order_and_with_either_line_end(line):
    body = json.dumps({"id": "a"}).encode()
    found = batch.parse(answer([(1, (200, body)), (0, MISSING)], line), 3)
    assert isinstance(found[0], Gone)
    assert json.loads(found[1]) == {"id": "a"}
    assert type(found[2]) is Transient


@pytest.mark.parametrize("kind", ["", "multipart/mixed", "text/html"])
def test_an_answer_that_is_no_batch_counts_as_a_passing_fault(kind):
    assert all(type(result) is Transient for result in batch.parse(Answer(b"<html>", kind), 2))
