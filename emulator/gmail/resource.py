"""A message as the API gives it, in each of its formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.gmail import content, headers, mailbox, payload
from emulator.gmail.snippet import LOOKED_AT, snippet

if TYPE_CHECKING:
    import sqlite3


def message(
    db: sqlite3.Connection, row: sqlite3.Row, form: str, wanted: list[str] | None = None, nonce: int = 0
) -> dict[str, Any]:
    """Give the resource of a message; `wanted` narrows the header fields of the form `metadata`."""
    raw = content.read(db, row, LOOKED_AT if form in {"minimal", "metadata"} else None)
    resource: dict[str, Any] = {
        "id": row["id"],
        "threadId": row["thread"],
        "labelIds": ordered(mailbox.labels_of(row)),
        "snippet": snippet(raw),
        "sizeEstimate": row["length"],
        "historyId": str(row["history_id"]),
        "internalDate": str(row["internal_date"]),
    }
    if not resource["labelIds"]:
        del resource["labelIds"]
    if form == "metadata":
        resource["payload"] = _metadata(raw, wanted)
    elif form == "full":
        resource["payload"] = payload.tree(headers.parse(raw), row["id"], nonce)
    elif form == "raw":
        resource["raw"] = payload.encoded(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return resource


def ordered(labels: frozenset[str]) -> list[str]:
    """Give labels in Gmail's order: its own first, then people's."""
    known = [label for label in mailbox.SYSTEM_LABELS if label in labels]
    return known + sorted(labels.difference(known))


def _metadata(raw: bytes, wanted: list[str] | None) -> dict[str, Any]:
    head = headers.parse_head(raw)
    names = {name.lower() for name in wanted or ()}
    fields = [
        {"name": name, "value": headers.decoded(name, value)}
        for name, value in head.raw_items()
        if not names or name.lower() in names
    ]
    return {"mimeType": head.get_content_type(), "headers": fields}
