"""The log as a folder that an outsider can keep, serve and verify without us: the outsider's kit."""

import base64
import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from kernel.database import Sessions
from kernel.errors import AppError
from limited_use.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from limited_use.log.kit import FORMAT, SCRIPT
from limited_use.log.sources import CHECKPOINT_FILE, HISTORY_FILE, VKEY_FILE, DatabaseSource, StoredHead
from limited_use.log.stores import FolderStore
from limited_use.log.tiles import Place, pack, tile_places


class NothingSigned(AppError):  # noqa: N818 -- read as the state it reports
    """There is no checkpoint yet, or what it covers is not all there."""

    code = "log_not_exportable"
    sentence = "The Limited Use log has no complete signed head to hand out. Run 'log verify' to see why."


def export_kit(sessions: Sessions, known: VerifierKey, folder: Path) -> Checkpoint:
    """Write the log up to its signed head into the folder, with key, format page and script; return the head.

    The checkpoint is written last: a folder in which the writing was broken off has none, or its older one.

    Raises:
        NothingSigned: if there is no checkpoint, or tiles or leaves that it covers are missing.
        NoteRefused: if the checkpoint is not signed by the known key.
    """
    source = DatabaseSource(sessions, known)
    note = source.head()
    if note is None:
        raise NothingSigned
    head = open_checkpoint(note, known)
    folder.mkdir(parents=True, exist_ok=True)
    store = FolderStore(folder)
    for place in tile_places(head.size):
        tile = source.tile(place.level or 0, place.index, place.width)
        if tile is None:
            raise NothingSigned
        store.write(place, tile)
    written = 0
    for stored in source.entries(head.size):
        store.write(Place(None, stored.index, len(stored.entries)), pack(stored.entries))
        written += len(stored.entries)
    if written != head.size:
        raise NothingSigned
    _write_history(folder / HISTORY_FILE, source.heads(head.size))
    (folder / VKEY_FILE).write_text(f"{known.encode()}\n")
    (folder / "FORMAT.md").write_text(FORMAT)
    shutil.copyfile(SCRIPT, folder / "verify.py")
    (folder / CHECKPOINT_FILE).write_bytes(note)
    return head


def _write_history(path: Path, heads: Iterable[StoredHead]) -> None:
    with path.open("wb") as out:
        for kept in heads:
            out.write(orjson.dumps({"size": kept.size, "note": base64.b64encode(kept.note).decode()}) + b"\n")
