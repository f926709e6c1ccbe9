"""What `measure laundering` does: prints mails, asks about texts, and tells how many of each kind were found.

Printed are first the heads of the mails alone (subject and first line, as every sync does), then their texts too, as
where an organisation has them read. Nothing of what is asked or found is told, but counts and times.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from kernel.ids import new_id
from kernel.runtime import Runtime
from limited_use.fingerprint_models import Fingerprint
from limited_use.fingerprints import Printer, findings, keep
from limited_use.keys import vault
from limited_use.labels import Source

AT_ONCE = 100
Mail = Mapping[str, str]


def of_laundering(
    runtime: Runtime,
    organisation_id: uuid.UUID,
    grant_id: uuid.UUID,
    mails: Sequence[Mail],
    asked: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Return for each kind of text how many there were and how many were found by heads, and by texts too."""
    ids = [new_id() for _ in mails]
    printer = Printer(vault(runtime), organisation_id, grant_id, Source.GMAIL)

    def put(part: str, names: tuple[str, ...]) -> float:
        began = time.process_time()
        rows = [
            printer.row(item_id, part, mail["thread"], [mail[name] for name in names])
            for item_id, mail in zip(ids, mails, strict=True)
        ]
        cpu = time.process_time() - began
        for at in range(0, len(rows), AT_ONCE):
            with runtime.begin() as work:
                keep(work.session, rows[at : at + AT_ONCE])
        return cpu / max(1, len(mails)) * 1_000_000

    head_us = put("head", ("subject", "first"))
    heads = _asked(runtime, organisation_id, asked)
    body_us = put("body", ("body",))
    began = time.perf_counter()
    bodies = _asked(runtime, organisation_id, asked)
    texts = sum(map(len, asked.values()))
    with runtime.sessions() as session:
        size = session.scalar(select(func.pg_total_relation_size(Fingerprint.__tablename__)))
    return {
        "mails": len(mails),
        "texts": {kind: len(found) for kind, found in asked.items()},
        "heads": heads,
        "bodies": bodies,
        "print_head_cpu_us": head_us,
        "print_body_cpu_us": body_us,
        "check_ms": (time.perf_counter() - began) * 1000 / max(1, texts),
        "bytes_per_mail": (size or 0) / max(1, len(mails)),
    }


def _asked(runtime: Runtime, organisation_id: uuid.UUID, asked: Mapping[str, Sequence[str]]) -> dict[str, int]:
    with runtime.begin() as work:
        return {
            kind: sum(one is not None for one in findings(work.session, vault(runtime), organisation_id, texts))
            for kind, texts in asked.items()
        }
