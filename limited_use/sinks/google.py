"""The sink `google`: tokens and ids go back to Google, under the very grant they came from, and nothing else does.

This adaptor alone gives the plaintext to its caller, for what speaks to Google is its client library. The callers are
token custody, the sync and write-back (a shape test holds the list); the asking's destination is the grant.
"""

from collections.abc import Sequence
from typing import Any

from limited_use.asking import Asking, Sink
from limited_use.release import Guard
from limited_use.sealing import Labelled, Sealed


def open_secret(guard: Guard, asking: Asking, sealed: Sealed | Labelled[str]) -> str:
    """Return one value, to be sent to Google under the asking's grant.

    Raises:
        Refused: if it came from another grant, or the grant is not active.
    """
    return open_many(guard, asking, [sealed])[0]


def open_many(guard: Guard, asking: Asking, values: Sequence[Sealed | Labelled[str]]) -> list[str]:
    """Return the values, in order, to be sent to Google under the asking's grant.

    Raises:
        Refused: as for `open_secret`.
    """
    if asking.sink is not Sink.GOOGLE:
        guard.refuse(asking, "wrong_sink")

    def deliver(opened: list[Any]) -> list[str]:
        if any(
            type(value) is not str for value in opened
        ):  # withheld, which no rule says of this sink: not half a call
            guard.refuse(asking, "limited_use")
        return opened

    return guard.release(asking, values, deliver)
