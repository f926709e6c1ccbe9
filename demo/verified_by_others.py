"""The log of the product, verified by packages that its makers did not write.

Reads the public form of the log (C2SP tlog-tiles), from a folder or over HTTP, and hands the judging to others:

- the signature of the checkpoint, to securesystemslib (the library under TUF and in-toto);
- the root over all leaves, and the path of each receipt, to pymerkle (an RFC 6962 tree of its own).

What is done here is carrying: fetching files, cutting bundles at their lengths, reading base64. No hash and no
signature is computed here.
"""

import base64
import json
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pymerkle import InclusionProof, InmemoryTree, InvalidProof, verify_inclusion
from pymerkle.core import _inclusion_path_layout
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer._key import SSlibKey
from securesystemslib.signer._signature import Signature

Read = Callable[[str], bytes]
PACKAGES = ("securesystemslib", "pymerkle")
_WIDTH = 256
_TIMEOUT_S = 30
_MOST_BYTES = 64 * 1024 * 1024


class NotVerifiedError(Exception):
    """Another's package did not accept the log; the message says which part."""


@dataclass(frozen=True)
class Verified:
    """What the others accepted: a log of this origin, size and root, and so many paths to leaves of it."""

    origin: str
    size: int
    root: str
    paths: int
    packages: tuple[str, ...] = PACKAGES


@dataclass(frozen=True)
class _Head:
    origin: str
    size: int
    root: bytes


def verify_by_others(source: str | Path, vkey: str, receipts: Sequence[bytes] = ()) -> Verified:
    """Return what the others accepted of the log in a folder, or below a base URL such as `http://host/log`.

    `vkey` is the public key of the log as it is known from elsewhere. Each receipt must be of a leaf in the log.

    Raises:
        NotVerifiedError: if a package refuses, or what is fetched is not of the format.
    """
    read = _reader(source)
    try:
        head = _verified_head(read("checkpoint"), vkey)
        tree = InmemoryTree(algorithm="sha256", capacity=1 << 24)
        for entry in _entries(read, head.size):
            tree.append_entry(entry)
        if tree.get_size() != head.size or tree.get_root() != head.root:
            raise NotVerifiedError("The leaves do not give the root that was signed.")
        for index in sorted({0, head.size // 2, head.size - 1} if head.size else ()):
            proof = tree.prove_inclusion(index + 1, head.size)
            verify_inclusion(tree.get_leaf(index + 1), head.root, proof)
        paths = [_verify_receipt(receipt, vkey, tree) for receipt in receipts]
    except (ValueError, LookupError, OSError, InvalidProof) as error:
        raise NotVerifiedError(f"What was read is not a log that holds: {error}") from error
    return Verified(head.origin, head.size, head.root.hex(), len(paths) + min(head.size, 3))


def _verified_head(note: bytes, vkey: str) -> _Head:
    """Return the head in a note, once securesystemslib accepts its signature."""
    name, key_id, key = vkey.strip().split("+", 2)
    public = base64.b64decode(key, validate=True)[1:]
    text, _, lines = note.decode().rpartition("\n\n")
    signed = [line.split(" ")[2] for line in lines.split("\n") if line.startswith(f"\u2014 {name} ")]
    raws = [base64.b64decode(line, validate=True) for line in signed]
    signatures = [raw[4:] for raw in raws if raw[:4].hex() == key_id]
    if not signatures:
        raise NotVerifiedError("The checkpoint is not signed by the key.")
    known = SSlibKey(key_id, "ed25519", "ed25519", {"public": public.hex()})
    try:
        known.verify_signature(Signature(key_id, signatures[0].hex()), f"{text}\n".encode())
    except (UnverifiedSignatureError, VerificationError) as error:
        raise NotVerifiedError("securesystemslib refuses the signature of the checkpoint.") from error
    origin, size, root = text.split("\n")
    if origin != name:
        raise NotVerifiedError("The checkpoint is of another log.")
    return _Head(origin, int(size), base64.b64decode(root, validate=True))


def _verify_receipt(receipt: bytes, vkey: str, tree: InmemoryTree) -> int:
    """Return the index of the leaf that a `.tlog-proof` file carries, once pymerkle accepts its path."""
    top, _, note = receipt.partition(b"\n\n")
    magic, extra, index_line, *steps = top.decode().split("\n")
    found = re.fullmatch(r"index (0|[1-9][0-9]*)", index_line)
    if magic != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra ") or found is None:
        raise NotVerifiedError("The receipt is not of the format.")
    head, index = _verified_head(note, vkey), int(found[1])
    if not index < head.size <= tree.get_size() or tree.get_root(head.size) != head.root:
        raise NotVerifiedError("The receipt is of another log than the one at hand.")
    leaf = tree.hash_buff(base64.b64decode(extra.removeprefix("extra "), validate=True))
    # pymerkle counts leaves from one, begins a path with the leaf itself, and wants the turns spelt out: the RFC's
    # path has none, they follow from index and size. It works them out once more and refuses any other.
    turns, _ = _inclusion_path_layout(index + 1, head.size)
    path = [leaf, *(base64.b64decode(step, validate=True) for step in steps)]
    proof = InclusionProof("sha256", True, head.size, index + 1, turns, path)  # noqa: FBT003 -- the order of the package
    proof.verify(leaf, head.root, index=index + 1, size=head.size)
    return index


def _entries(read: Read, size: int) -> Iterator[bytes]:
    for first in range(0, size, _WIDTH):
        number = str(first // _WIDTH)
        number = number.zfill(-(-len(number) // 3) * 3)
        parts = [number[at : at + 3] for at in range(0, len(number), 3)]
        name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        partial = f".p/{size - first}" if size - first < _WIDTH else ""
        bundle = read(f"tile/entries/{name}{partial}")
        at = 0
        while at < len(bundle):
            length = int.from_bytes(bundle[at : at + 2], "big")
            yield bundle[at + 2 : at + 2 + length]
            at += 2 + length


def _reader(source: str | Path) -> Read:
    base = str(source).rstrip("/")
    if not base.startswith(("http://", "https://")):
        return lambda path: (Path(base) / path).read_bytes()

    def fetch(path: str) -> bytes:
        with urllib.request.urlopen(f"{base}/{path}", timeout=_TIMEOUT_S) as answer:  # noqa: S310 -- http(s), seen above
            body: bytes = answer.read(_MOST_BYTES)
        return body

    return fetch


def main(arguments: Sequence[str]) -> int:
    """Verify `SOURCE VKEY [RECEIPT]...`; print what was accepted, or what was not."""
    source, vkey, *receipts = arguments
    try:
        found = verify_by_others(source, vkey, [Path(path).read_bytes() for path in receipts])
    except NotVerifiedError as error:
        print(f"NOT VERIFIED: {error}")
        return 1
    print(json.dumps({"origin": found.origin, "size": found.size, "root": found.root, "packages": found.packages}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
