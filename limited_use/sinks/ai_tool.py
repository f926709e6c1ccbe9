"""The sink `ai_tool`: what users wrote, for AI tools, one JSON record a line, once an admin has allowed it.

There is nothing to open of Google's: the policy cannot allow it, and a value from there leaves a mark that names its
source. Which records are in the export is decided by its query: one that only Google knows is not among them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from limited_use.asking import Asking, Sink
from limited_use.release import Guard
from limited_use.sinks.batches import in_batches
from limited_use.sinks.trees import Tree, Unguarded, collect, fill, plain


def jsonl(guard: Guard, asking: Asking, records: Iterable[Mapping[str, Tree]]) -> Iterator[bytes]:
    """Return the records as lines of JSON, a thousand at a time, each thousand with its leaf.

    Raises:
        AiNotAllowed: if the organisation's admins have not allowed AI tools.
        Refused: if a leaf is a bare value, or the credential is of another class.
    """
    if asking.sink is not Sink.AI_TOOL:
        guard.refuse(asking, "wrong_sink")

    def release(batch: list[Mapping[str, Tree]]) -> bytes:
        values: list[Any] = []
        try:
            collect(batch, values)
        except Unguarded:
            guard.refuse(asking, "unknown_origin")

        def deliver(opened: list[Any]) -> bytes:
            filled = fill(batch, opened, plain)
            return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in filled)

        return guard.release(asking, values, deliver, records=len(batch))

    return in_batches(records, release)
