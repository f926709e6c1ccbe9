"""The sink `webhook`: a message to an address that an admin entered, as JSON, signed.

What is given back is the whole request as it leaves: address, headers, body. The secret is opened with the body, signs
it, and goes no further. The signature is that of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, in
base64, one for each secret in force. Values from Google are withheld by the policy, and say so in the body.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from limited_use.asking import Asking, Sink
from limited_use.release import Guard
from limited_use.sealing import Sealed
from limited_use.sinks.trees import Tree, Unguarded, collect, fill, plain

SECRET_PREFIX = "whsec_"  # noqa: S105 -- marks a secret of ours, for scanners
LARGEST = 512 * 1024


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Where a message goes, under which id it is told again, and what signs it."""

    url: Sealed
    secrets: Sequence[Sealed]
    message_id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A request as it leaves. Its repr shows nothing."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def message(guard: Guard, asking: Asking, head: Letterhead, tree: Tree) -> Finished:
    """Return the message, opened and signed, ready to be sent.

    Raises:
        Refused: if a leaf is a bare value, the asking is of another class, or the guard refuses or withholds what is
            needed to send at all.
    """
    if asking.sink is not Sink.WEBHOOK or not asking.destination:
        guard.refuse(asking, "wrong_sink")
    values: list[Any] = [head.url, *head.secrets]
    count = len(values)
    try:
        collect(tree, values)
    except Unguarded:
        guard.refuse(asking, "unknown_origin")

    def deliver(opened: list[Any]) -> Finished:
        needed, content = opened[:count], opened[count:]
        if not head.secrets or any(type(value) is not str for value in needed):
            guard.refuse(asking, "limited_use")
        body = orjson.dumps(fill(tree, content, plain))
        if len(body) > LARGEST:
            guard.refuse(asking, "too_large")
        stamp = str(int(guard.clock.now().timestamp()))
        signed = f"{head.message_id}.{stamp}.".encode() + body
        headers = {
            "Content-Type": "application/json",
            "webhook-id": head.message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": " ".join(_signature(secret, signed) for secret in needed[1:]),
        }
        return Finished(needed[0], body, headers)

    return guard.release(asking, values, deliver, records=1)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
