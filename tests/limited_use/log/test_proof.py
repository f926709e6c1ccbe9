"""Receipts: one file that proves its entry, and nothing else."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from limited_use.log import tree
from limited_use.log.checkpoint import Checkpoint, NoteRefused, VerifierKey, sign_checkpoint
from limited_use.log.edge import Frontier, StoredNodes
from limited_use.log.proof import MAX_PROOF, Proof, ProofRefused, make_receipt, parse_proof, verify_proof
from limited_use.log.stores import FolderStore

ORIGIN = "crm.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KNOWN = VerifierKey(ORIGIN, KEY.public_key().public_bytes_raw())
ENTRIES = [b"entry %d" % i for i in range(300)]
NOTE = sign_checkpoint(Checkpoint(ORIGIN, len(ENTRIES), tree.root_of(ENTRIES)), KEY)


@pytest.fixture(scope="module")
def receipt(tmp_path_factory) -> bytes:
    store = FolderStore(tmp_path_factory.mktemp("log"))
    store.write_tiles(Frontier().grow(b"".join(map(tree.hash_leaf, ENTRIES))))
    path = tree.prove_inclusion(StoredNodes(store, 300), 217, 300)
    return make_receipt(ENTRIES[217], 217, path, NOTE)


def test_a_receipt_proves_its_entry(receipt: bytes) -> None:
    proved = verify_proof(receipt, KNOWN)
    assert (proved.entry, proved.index, proved.head.size) == (b"entry 217", 217, 300)
    assert verify_proof(receipt, KNOWN, b"entry 217") == proved
    assert parse_proof(receipt).encode() == receipt


def test_a_receipt_of_a_million_leaves_is_small() -> None:
    path = tree.prove_inclusion(lambda *_: bytes(32), 777_777, 1_000_000)
    assert len(path) == 20
    assert len(Proof(777_777, tuple(path), NOTE).encode()) <= 1536


def test_a_receipt_has_the_lines_of_the_standard(receipt: bytes) -> None:
    lines = receipt.decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert lines[1] == "extra " + base64.b64encode(b"entry 217").decode()
    assert lines[2] == "index 217"
    blank = lines.index("")
    assert all(len(base64.b64decode(step)) == 32 for step in lines[3:blank])
    assert "\n".join(lines[blank + 1 :]).encode() == NOTE


def test_a_receipt_proves_no_other_entry(receipt: bytes) -> None:
    with pytest.raises(ProofRefused):
        verify_proof(receipt, KNOWN, b"entry 218")


def test_no_flipped_bit_of_a_receipt_is_accepted(receipt: bytes) -> None:
    for at in range(len(receipt)):
        for bit in (1, 32):
            changed = receipt[:at] + bytes([receipt[at] ^ bit]) + receipt[at + 1 :]
            with pytest.raises((ProofRefused, NoteRefused)):
                verify_proof(changed, KNOWN)


def test_no_truncated_receipt_is_accepted(receipt: bytes) -> None:
    for end in range(len(receipt)):
        with pytest.raises((ProofRefused, NoteRefused)):
            verify_proof(receipt[:end], KNOWN)


@pytest.mark.parametrize("change", ["drop", "repeat", "swap", "order"])
def test_a_path_in_another_order_is_refused(receipt: bytes, change: str) -> None:
    proof = parse_proof(receipt)
    path = list(proof.path)
    path = {"drop": path[1:], "repeat": [path[0], *path], "swap": [path[1], path[0], *path[2:]], "order": path[::-1]}[
        change
    ]
    with pytest.raises(ProofRefused):
        verify_proof(Proof(proof.index, tuple(path), NOTE, proof.extra).encode(), KNOWN)


def test_a_receipt_with_the_checkpoint_of_a_fork_is_refused(receipt: bytes) -> None:
    proof = parse_proof(receipt)
    fork = sign_checkpoint(Checkpoint(ORIGIN, 300, tree.root_of([b"rewritten", *ENTRIES[1:]])), KEY)
    older = sign_checkpoint(Checkpoint(ORIGIN, 299, tree.root_of(ENTRIES[:299])), KEY)
    for note in (fork, older):
        with pytest.raises(ProofRefused):
            verify_proof(Proof(proof.index, proof.path, note, proof.extra).encode(), KNOWN)


def test_a_proof_without_an_entry_asks_for_one(receipt: bytes) -> None:
    proof = parse_proof(receipt)
    bare = Proof(proof.index, proof.path, proof.note).encode()
    with pytest.raises(ProofRefused, match="give the entry"):
        verify_proof(bare, KNOWN)
    assert verify_proof(bare, KNOWN, ENTRIES[217]).index == 217


def test_a_file_without_a_checkpoint_or_larger_than_a_proof_can_be_is_none(receipt: bytes) -> None:
    parse_proof(receipt.ljust(MAX_PROOF, b" "))  # as large as may be: what it says is looked at later
    for data in (receipt.ljust(MAX_PROOF + 1, b" "), receipt.partition(b"\n\n")[0]):
        with pytest.raises(ProofRefused, match="is not a log proof"):
            parse_proof(data)


@pytest.mark.parametrize(
    "line", ["index -1", "index 01", "index", "extra eA=", "extra eB==", "extra x y", "index 1\nAAAA"]
)
def test_a_line_that_is_none_of_the_standards_is_refused(line: str) -> None:
    with pytest.raises(ProofRefused, match="is not a log proof"):
        parse_proof(f"c2sp.org/tlog-proof@v1\n{line}\n\n".encode() + NOTE)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_proof(data: bytes) -> None:
    with pytest.raises(ProofRefused):
        parse_proof(data)
