"""Verify a C2SP tiled log, or a receipt from it, with nothing but Python and the `cryptography` package.

    python verify.py FOLDER [--vkey KEY] [--held OLDER_CHECKPOINT]... [--receipt FILE.tlog-proof]...

Give the key as you know it from elsewhere; the one in the folder only shows that the folder is whole. The exit
code is 0 if everything holds, else 1, with the first thing that does not.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Peaks = list[tuple[int, bytes]]
"""The complete subtrees of a tree, largest first: how many leaves each has, and its hash."""


class FaultError(Exception):
    """Something does not hold; the message says what."""


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node of the tree."""
    return sha256(b"\x01" + left + right).digest()


def add(peaks: Peaks, leaf: bytes) -> None:
    """Add a leaf hash to the tree."""
    count = 1
    while peaks and peaks[-1][0] == count:
        size, left = peaks.pop()
        leaf, count = node(left, leaf), count + size
    peaks.append((count, leaf))


def root_of(peaks: Peaks) -> bytes:
    """Return the root of the tree."""
    if not peaks:
        return sha256(b"").digest()
    root = peaks[-1][1]
    for _, peak in reversed(peaks[:-1]):
        root = node(peak, root)
    return root


def decode(text: str) -> bytes:
    """Return what base64 says, refusing any but the one way to write it."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise FaultError("A base64 text is not in its canonical form.")
    return raw


def open_note(note: bytes, vkey: str) -> tuple[int, bytes]:
    """Return size and root of a checkpoint, once the key is found to have signed it."""
    name, key_id, key = vkey.strip().split("+", 2)
    public = decode(key)
    if public[:1] != b"\x01" or sha256(f"{name}\n".encode() + public).hexdigest()[:8] != key_id:
        raise FaultError("The key is not an Ed25519 key, or not the one of its own id.")
    text, _, signatures = note.decode().rpartition("\n\n")
    if not signatures.endswith("\n"):
        raise FaultError("The checkpoint is cut short.")
    for line in signatures[:-1].split("\n"):
        dash, signer, encoded = line.split(" ")
        if dash != "\u2014":
            raise FaultError("A signature line is malformed.")
        raw = decode(encoded)
        if signer == name and raw[:4].hex() == key_id:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], f"{text}\n".encode())
            origin, size, root = text.split("\n")[:3]
            if origin != name:
                raise FaultError("The checkpoint is of another log.")
            return int(size), decode(root)
    raise FaultError("The checkpoint is not signed by the key.")


def entries(folder: Path, size: int) -> Iterator[bytes]:
    """Yield the entries of the log, in order."""
    for first in range(0, size, 256):
        digits = str(first // 256).zfill(-(-len(str(first // 256)) // 3) * 3)
        parts = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        path = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        partial = f".p/{size - first}" if size - first < 256 else ""  # noqa: PLR2004 -- entries to a bundle
        bundle = (folder / f"tile/entries/{path}{partial}").read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2], "big")
            yield bundle[2 : 2 + length]
            bundle = bundle[2 + length :]


def verify_log(folder: Path, vkey: str, held: list[bytes]) -> int:
    """Return the size of the log, once its leaves give the root of every checkpoint, ours and the held ones."""
    head = open_note((folder / "checkpoint").read_bytes(), vkey)
    history = folder / "history.jsonl"
    due = [head, *(open_note(note, vkey) for note in held)]
    for line in history.read_text().splitlines() if history.is_file() else []:
        said = json.loads(line)
        due.append(open_note(decode(said["note"]), vkey))
        if due[-1][0] != said["size"]:
            raise FaultError("The history gives a checkpoint another size than was signed.")
    due.sort()
    peaks: Peaks = []
    size = 0
    for entry in entries(folder, head[0]):
        while due and due[0][0] == size:
            check_root(due.pop(0), peaks)
        add(peaks, sha256(b"\x00" + entry).digest())
        size += 1
    for one in due:
        if one[0] != size:
            raise FaultError(f"The log has {size} leaves, but a signed checkpoint has {one[0]}.")
        check_root(one, peaks)
    return size


def check_root(head: tuple[int, bytes], peaks: Peaks) -> None:
    """Accept a checkpoint whose root is that of the tree so far."""
    if root_of(peaks) != head[1]:
        raise FaultError(f"The leaves do not give the root that was signed for {head[0]} of them.")


def verify_receipt(receipt: bytes, vkey: str) -> bytes:
    """Return the leaf that a receipt carries, once it is found to be in a signed log."""
    top, _, note = receipt.partition(b"\n\n")
    first, extra, index, *path = top.decode().split("\n")
    if first != "c2sp.org/tlog-proof@v1" or not extra.startswith("extra ") or not index.startswith("index "):
        raise FaultError("The file is not a receipt.")
    leaf = decode(extra[6:])
    size, root = open_note(note, vkey)
    number, last, found = int(index[6:]), size - 1, sha256(b"\x00" + leaf).digest()
    if not 0 <= number <= last:
        raise FaultError("The receipt names a leaf that its checkpoint does not cover.")
    for step in (decode(line) for line in path):
        if last == 0:
            raise FaultError("The path of the receipt is too long.")
        if number % 2 or number == last:
            found = node(step, found)
            while number and number % 2 == 0:
                number, last = number // 2, last // 2
        else:
            found = node(found, step)
        number, last = number // 2, last // 2
    if last or found != root:
        raise FaultError("The receipt does not lead to the signed root.")
    return leaf


def main(arguments: list[str] | None = None) -> int:
    """Verify what the command line names; return the exit code."""
    parser = argparse.ArgumentParser(description="Verify a tiled transparency log, or receipts from it.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vkey", help="the public key, as published elsewhere")
    parser.add_argument("--held", type=Path, action="append", default=[], help="an older checkpoint that you kept")
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="a .tlog-proof file")
    asked = parser.parse_args(arguments)
    try:
        vkey = asked.vkey or (asked.folder / "vkey").read_text()
        size = verify_log(asked.folder, vkey, [path.read_bytes() for path in asked.held])
        sys.stdout.write(f"The log holds: {size} leaves, signed by {vkey.split('+')[0]}.\n")
        for path in asked.receipt:
            sys.stdout.write(f"{path.name} holds: {verify_receipt(path.read_bytes(), vkey).decode()}\n")
    except (FaultError, InvalidSignature, OSError, ValueError, LookupError, TypeError) as error:
        sys.stdout.write(f"DOES NOT HOLD: {str(error) or 'a signature is wrong.'}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
