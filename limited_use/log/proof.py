"""Proofs that an entry is in the log, in one file that verifies offline: C2SP tlog-proof.

A receipt is such a file with the entry itself in its `extra` line, so that one file shows what was logged and
proves that it was. The extra line is not authenticated by the format; it is here, because the proof is of it.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from kernel.errors import AppError
from limited_use.log.checkpoint import Checkpoint, VerifierKey, open_checkpoint
from limited_use.log.tree import HASH_SIZE, hash_leaf, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF = 256 * 1024
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ProofRefused(AppError):  # noqa: N818 -- read as the state it reports
    """A proof does not show that the entry is in the log."""

    code = "proof_refused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    sentence = "The proof does not show that this entry is in the log."


@dataclass(frozen=True, slots=True)
class Proof:
    """An index, the path from that leaf to the root, the note that signs the root, and perhaps the entry."""

    index: int
    path: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        """Return the file; its name should end in `.tlog-proof`."""
        lines = [HEADER]
        if self.extra is not None:
            lines.append("extra " + base64.b64encode(self.extra).decode())
        lines.append(f"index {self.index}")
        lines += [base64.b64encode(step).decode() for step in self.path]
        return "\n".join([*lines, "", ""]).encode() + self.note


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof that held has shown: this entry stands at this index of the log with this head."""

    entry: bytes
    index: int
    head: Checkpoint


def parse_proof(data: bytes) -> Proof:
    """Return the parts of a proof file; nothing of it is verified yet.

    Raises:
        ProofRefused: if the file is not of the format.
    """
    head, blank, note = data.partition(b"\n\n")
    if not blank or len(data) > MAX_PROOF:
        raise ProofRefused("The file is not a log proof.")
    try:
        lines = head.decode("ascii").split("\n")
        extra = None
        if lines[1:2] and lines[1].startswith("extra "):
            extra = _decode(lines.pop(1).removeprefix("extra "))
        index = _INDEX.fullmatch(lines[1] if len(lines) > 1 else "")
        path = tuple(_decode(line) for line in lines[2:])
    except ValueError as error:
        raise ProofRefused("The file is not a log proof.") from error
    if lines[0] != HEADER or index is None or any(len(step) != HASH_SIZE for step in path):
        raise ProofRefused("The file is not a log proof.")
    return Proof(int(index[1]), path, note, extra)


def verify_proof(data: bytes, known: VerifierKey, entry: bytes | None = None) -> Proved:
    """Return what the file proves, about `entry` or, without one, about the entry that it carries.

    Raises:
        ProofRefused: if the file is not of the format, names no entry, or the path does not lead to the root.
        NoteRefused: if the checkpoint in it is not signed by the known key.
    """
    proof = parse_proof(data)
    body = entry if entry is not None else proof.extra
    if body is None:
        raise ProofRefused("The proof carries no entry: give the entry that it should prove.")
    head = open_checkpoint(proof.note, known)
    if not verify_inclusion(hash_leaf(body), proof.index, head.size, proof.path, head.root):
        raise ProofRefused
    return Proved(body, proof.index, head)


def make_receipt(entry: bytes, index: int, path: Sequence[bytes], note: bytes) -> bytes:
    """Return the proof file that carries its entry."""
    return Proof(index, tuple(path), note, entry).encode()


def _decode(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise binascii.Error("not in canonical form")
    return raw
