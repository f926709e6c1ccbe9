"""The tree against RFC 6962's own values, against the RFC's recursive definition, and against tampering."""

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.log import tree

# The eight inputs and roots that the Certificate Transparency project has published with its first tree tests.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

sizes = st.integers(1, 300)


def leaves(count: int) -> list[bytes]:
    return [tree.hash_leaf(b"entry %d" % i) for i in range(count)]


def defined_root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + defined_root(hashes[:k]) + defined_root(hashes[k:])).digest()


def nodes_over(hashes: list[bytes]) -> tree.Nodes:
    return lambda level, index: defined_root(hashes[index << level : (index + 1) << level])


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.EMPTY_ROOT.hex() == empty
    assert tree.root_of([]).hex() == empty


@pytest.mark.parametrize("count", range(1, 9))
def test_the_published_roots_come_out(count: int) -> None:
    assert tree.root_of(INPUTS[:count]).hex() == ROOTS[count - 1]


def test_a_published_inclusion_path_comes_out() -> None:
    hashes = [tree.hash_leaf(entry) for entry in INPUTS]
    path = tree.prove_inclusion(nodes_over(hashes), 5, 8)
    assert [step.hex() for step in path] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(0, 700))
def test_folding_from_below_is_the_definition(count: int) -> None:
    hashes = leaves(count)
    assert tree.fold(b"".join(hashes)) == defined_root(hashes)


@given(sizes, st.data())
def test_every_inclusion_path_verifies(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path = tree.prove_inclusion(nodes_over(hashes), index, size)
    assert len(path) <= (size - 1).bit_length()
    assert tree.verify_inclusion(hashes[index], index, size, path, defined_root(hashes))


@given(st.integers(2, 300), st.data())
def test_no_changed_inclusion_proof_verifies(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    root = defined_root(hashes)
    path = tree.prove_inclusion(nodes_over(hashes), index, size)
    flip = data.draw(st.integers(0, len(path) - 1))
    bit = bytes([path[flip][0] ^ 1]) + path[flip][1:]
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    assert not tree.verify_inclusion(hashes[index], index, size, [*path[:flip], bit, *path[flip + 1 :]], root)
    assert not tree.verify_inclusion(hashes[index], other, size, path, root)
    assert not tree.verify_inclusion(hashes[other], index, size, path, root)
    assert not tree.verify_inclusion(hashes[index], index, size, path[:-1], root)
    assert not tree.verify_inclusion(hashes[index], index, size, [*path, root], root)
    assert not tree.verify_inclusion(hashes[index], index, size, path, root[::-1])


def test_a_proof_for_a_place_outside_the_tree_is_refused() -> None:
    leaf = tree.hash_leaf(b"")
    assert not tree.verify_inclusion(leaf, 1, 1, [], leaf)
    assert not tree.verify_inclusion(leaf, -1, 1, [], leaf)
    assert not tree.verify_inclusion(leaf, 0, 0, [], leaf)
    with pytest.raises(ValueError, match="no such leaf"):
        tree.prove_inclusion(nodes_over([leaf]), 1, 1)


def test_a_step_of_another_length_is_refused() -> None:
    left, right = leaves(2)
    longer = right + b"\x00"
    root = sha256(b"\x01" + left + longer).digest()
    assert not tree.verify_inclusion(left, 0, 2, [longer], root)


@given(sizes, st.data())
def test_every_consistency_path_verifies(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    older = data.draw(st.integers(0, size))
    path = tree.prove_consistency(nodes_over(hashes), older, size)
    assert tree.verify_consistency((older, defined_root(hashes[:older])), (size, defined_root(hashes)), path)


@given(st.integers(2, 300), st.data())
def test_no_changed_consistency_proof_verifies(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    older = data.draw(st.integers(1, size - 1))
    old_root, root = defined_root(hashes[:older]), defined_root(hashes)
    path = tree.prove_consistency(nodes_over(hashes), older, size)
    flip = data.draw(st.integers(0, len(path) - 1))
    bit = bytes([path[flip][0] ^ 1]) + path[flip][1:]
    changed = [*path[:flip], bit, *path[flip + 1 :]]
    assert not tree.verify_consistency((older, old_root), (size, root), changed)
    assert not tree.verify_consistency((older, old_root[::-1]), (size, root), path)
    assert not tree.verify_consistency((older, old_root), (size, root[::-1]), path)
    assert not tree.verify_consistency((older, old_root), (size, root), path[:-1])
    assert not tree.verify_consistency((older, old_root), (size, root), [*path, root])


@given(st.integers(2, 200), st.data())
def test_a_fork_has_no_consistency_proof(size: int, data: st.DataObject) -> None:
    older = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, older - 1))
    signed, rewritten = leaves(size), leaves(size)
    rewritten[changed] = tree.hash_leaf(b"rewritten")
    path = tree.prove_consistency(nodes_over(rewritten), older, size)
    heads = (older, defined_root(signed[:older])), (size, defined_root(rewritten))
    assert not tree.verify_consistency(*heads, path)


def test_two_roots_of_one_size_are_a_fork_and_need_no_path() -> None:
    one, other = tree.hash_leaf(b"a"), tree.hash_leaf(b"b")
    assert tree.verify_consistency((1, one), (1, one), [])
    assert not tree.verify_consistency((1, one), (1, other), [])
    assert not tree.verify_consistency((1, one), (1, one), [other])


def test_a_path_too_short_for_the_size_that_is_claimed_is_refused() -> None:
    first, second = tree.hash_leaf(b"a"), tree.hash_leaf(b"b")
    two = tree.hash_node(first, second)
    assert tree.verify_consistency((1, first), (2, two), [second])
    assert not tree.verify_consistency((1, first), (3, two), [second]), "the root of two, said to be of three"
    assert not tree.verify_consistency((1, first), (4, two), [second])


def test_only_the_empty_root_is_the_beginning_of_everything() -> None:
    head = (3, tree.root_of([b"a", b"b", b"c"]))
    assert tree.verify_consistency((0, tree.EMPTY_ROOT), head, [])
    assert not tree.verify_consistency((0, head[1]), head, [])
    assert not tree.verify_consistency((4, head[1]), head, [])
    with pytest.raises(ValueError, match="larger"):
        tree.prove_consistency(nodes_over([]), 2, 1)


def test_leaves_and_nodes_cannot_stand_for_each_other() -> None:
    left, right = leaves(2)
    assert tree.hash_leaf(left + right) != tree.hash_node(left, right)
    assert base64.b64encode(tree.hash_node(left, right)) != base64.b64encode(tree.hash_node(right, left))
