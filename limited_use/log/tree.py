"""The Merkle tree of the log, as in RFC 6962 section 2.1 and RFC 9162 section 2.1.

Terms:
    entry: the bytes of one leaf, as they are published.
    leaf hash: SHA-256(0x00 || entry).
    node: SHA-256(0x01 || left || right); a *complete* node covers 2**level leaves.
    root: the hash of the whole tree at a size; of the empty tree, SHA-256 of nothing.
    path: the hashes that lead from a leaf (or an older root) to the root.

Everything here is pure. Proofs are made from a `Nodes` callable, so that a tree of any size can be
proved from a handful of tiles, without holding it in memory.
"""

import hmac
from collections.abc import Callable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()

Nodes = Callable[[int, int], bytes]
"""`(level, index)` to the hash of the complete node over the 2**level leaves from index * 2**level on."""


def hash_leaf(entry: bytes) -> bytes:
    """Return the leaf hash of an entry."""
    return sha256(b"\x00" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: bytes) -> bytes:
    """Return the root over concatenated hashes, the last of which may stand for an unfinished subtree.

    Pairing from below and lifting a lone last hash unchanged gives the same tree as splitting from above at
    the largest power of two, and does it in one pass.
    """
    if not hashes:
        return EMPTY_ROOT
    while len(hashes) > HASH_SIZE:
        even = len(hashes) // (2 * HASH_SIZE) * (2 * HASH_SIZE)
        lone = hashes[even:]
        hashes = b"".join([sha256(b"\x01" + hashes[i : i + 64]).digest() for i in range(0, even, 64)]) + lone
    return hashes


def root_of(entries: Sequence[bytes]) -> bytes:
    """Return the root over entries; for trees small enough to hold."""
    return fold(b"".join(map(hash_leaf, entries)))


def hash_range(nodes: Nodes, start: int, end: int) -> bytes:
    """Return the hash over leaves [start, end), where `start` is where the recursion of RFC 6962 puts it."""
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(nodes(level, start >> level))
        start += 1 << level
    if not parts:
        return EMPTY_ROOT
    result = parts.pop()
    while parts:
        result = hash_node(parts.pop(), result)
    return result


def prove_inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Return the path from leaf `index` to the root at `size`, the leaf's sibling first.

    Raises:
        ValueError: if no such leaf is in a tree of that size.
    """
    if not 0 <= index < size:
        raise ValueError("The tree of that size has no such leaf.")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(hash_range(nodes, middle, end))
            end = middle
        else:
            path.append(hash_range(nodes, start, middle))
            start = middle
    path.reverse()
    return path


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that the path leads to, or None if the path has not the shape for that place.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or any(len(step) != HASH_SIZE for step in path):
        return None
    number, last, result = index, size - 1, leaf
    for step in path:
        if last == 0:
            return None
        if number & 1 or number == last:
            result = hash_node(step, result)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            result = hash_node(result, step)
        number, last = number >> 1, last >> 1
    return result if last == 0 else None


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the path proves that `leaf` is leaf `index` of the tree with this size and root."""
    found = root_from_inclusion(leaf, index, size, path)
    return found is not None and hmac.compare_digest(found, root)


def prove_consistency(nodes: Nodes, older: int, newer: int) -> list[bytes]:
    """Return the path that shows the tree of size `older` to be the beginning of the tree of size `newer`.

    Nothing needs proving for an empty or an equal older tree: the path is empty.
    Source: RFC 6962 section 2.1.2.

    Raises:
        ValueError: if the older tree is the larger one.
    """
    if not 0 <= older <= newer:
        raise ValueError("The older tree cannot be larger than the newer one.")
    if older in (0, newer):
        return []
    path: list[bytes] = []
    start, end, whole = 0, newer, True
    while older != end:
        middle = start + _split(end - start)
        if older <= middle:
            path.append(hash_range(nodes, middle, end))
            end = middle
        else:
            path.append(hash_range(nodes, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(hash_range(nodes, start, end))
    path.reverse()
    return path


def verify_consistency(older: tuple[int, bytes], newer: tuple[int, bytes], path: Sequence[bytes]) -> bool:
    """Tell whether the path proves that the newer `(size, root)` only appends to the older one.

    Source: RFC 9162 section 2.1.4.2.
    """
    (old_size, old_root), (new_size, new_root) = older, newer
    if not 0 <= old_size <= new_size or any(len(step) != HASH_SIZE for step in path):
        return False
    if old_size == new_size:
        return not path and hmac.compare_digest(old_root, new_root)
    if old_size == 0:
        return not path and hmac.compare_digest(old_root, EMPTY_ROOT)
    steps = list(path)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    found = _roots_from_consistency(old_size, new_size, steps)
    return found is not None and hmac.compare_digest(found[0], old_root) and hmac.compare_digest(found[1], new_root)


def _roots_from_consistency(old_size: int, new_size: int, steps: list[bytes]) -> tuple[bytes, bytes] | None:
    if not steps:
        return None
    number, last = old_size - 1, new_size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if number & 1 or number == last:
            old, new = hash_node(step, old), hash_node(step, new)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            new = hash_node(new, step)
        number, last = number >> 1, last >> 1
    return (old, new) if last == 0 else None


def _split(width: int) -> int:
    """Return the largest power of two smaller than `width`."""
    return 1 << (width - 1).bit_length() - 1
