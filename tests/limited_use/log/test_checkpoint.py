"""Signed notes and checkpoints: vectors that others made, and every way in which one can be wrong."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from limited_use.log.checkpoint import (
    Checkpoint,
    NoteRefused,
    VerifierKey,
    open_checkpoint,
    open_note,
    parse_vkey,
    sign_checkpoint,
    sign_note,
)

# The example of Go's golang.org/x/mod/sumdb/note package documentation.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
SUM_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

ORIGIN = "crm.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KNOWN = VerifierKey(ORIGIN, KEY.public_key().public_bytes_raw())
HEAD = Checkpoint(ORIGIN, 73, bytes(range(32)))
NOTE = sign_checkpoint(HEAD, KEY)


def test_a_note_that_others_signed_opens() -> None:
    text = open_note(GO_NOTE, parse_vkey(GO_VKEY))
    assert text.startswith("If you think cryptography")
    assert text.endswith("problem is.\n")


@pytest.mark.parametrize("vkey", [GO_VKEY, SUM_VKEY])
def test_keys_that_others_published_parse_and_print_back(vkey: str) -> None:
    assert parse_vkey(vkey).encode() == vkey


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("Peter", "Paul"),
        GO_VKEY[:-4],
        GO_VKEY.replace("+ARpc", "+BRpc"),
        GO_VKEY.replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_a_damaged_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefused):
        parse_vkey(vkey)


def test_a_checkpoint_opens_to_what_was_signed() -> None:
    assert open_checkpoint(NOTE, parse_vkey(KNOWN.encode())) == HEAD
    assert NOTE.decode().split("\n")[:4] == [ORIGIN, "73", base64.b64encode(HEAD.root).decode(), ""]


def test_no_flipped_bit_of_a_checkpoint_is_accepted() -> None:
    for at in range(len(NOTE)):
        changed = NOTE[:at] + bytes([NOTE[at] ^ 1]) + NOTE[at + 1 :]
        with pytest.raises(NoteRefused):
            open_checkpoint(changed, KNOWN)


def test_a_signature_has_one_spelling() -> None:
    head, _, said = NOTE.decode().rpartition(" ")
    raw = base64.b64decode(said.strip())
    last = said.rstrip("=\n")[-1]
    spare = chr(ord(last) + 1)  # the lowest of the last character's bits says nothing
    for other in (said.replace(f"{last}=", f"{spare}=", 1), f"{said[:8]}!{said[8:]}", f"{said[:8]} {said[8:]}"):
        assert other != said
        assert base64.b64decode(other) == raw, "a lax reader would take it for the same"
        with pytest.raises(NoteRefused):
            open_checkpoint(f"{head} {other}".encode(), KNOWN)


def test_no_truncated_checkpoint_is_accepted() -> None:
    for end in range(len(NOTE)):
        with pytest.raises(NoteRefused):
            open_checkpoint(NOTE[:end], KNOWN)


def test_a_checkpoint_of_another_key_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    with pytest.raises(NoteRefused, match="not signed by the key"):
        open_checkpoint(sign_checkpoint(HEAD, other), KNOWN)


def test_a_signature_of_another_key_under_our_id_is_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
    forged = base64.b64encode(KNOWN.key_id + other.sign(HEAD.text().encode())).decode()
    with pytest.raises(NoteRefused):
        open_checkpoint(f"{HEAD.text()}\n— {ORIGIN} {forged}\n".encode(), KNOWN)


def test_signatures_of_unknown_witnesses_are_passed_over() -> None:
    witness = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
    line = sign_note(HEAD.text(), "witness.example", witness).split(b"\n\n")[1]
    assert open_checkpoint(NOTE + line, KNOWN) == HEAD


def test_a_good_signature_does_not_save_a_bad_one() -> None:
    bad = base64.b64encode(KNOWN.key_id + bytes(64)).decode()
    with pytest.raises(NoteRefused):
        open_checkpoint(NOTE + f"— {ORIGIN} {bad}\n".encode(), KNOWN)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n73\n",
        f"{ORIGIN}\n073\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(HEAD.root).decode()}\n",
        f"{ORIGIN}\n73\n{base64.b64encode(HEAD.root[:-1]).decode()}\n",
        f"{ORIGIN}\n73\n{base64.b64encode(HEAD.root).decode()}\n\nlater\n",
        f"{ORIGIN}\n73\n{base64.b64encode(HEAD.root).decode()}\n\n",
        f"another.example/log\n73\n{base64.b64encode(HEAD.root).decode()}\n",
        "\n",
    ],
)
def test_a_well_signed_note_that_is_no_checkpoint_of_ours_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        open_checkpoint(sign_note(text, ORIGIN, KEY), KNOWN)


def test_an_oversized_note_and_a_crowd_of_signatures_are_refused() -> None:
    line = NOTE.split(b"\n\n")[1]
    with pytest.raises(NoteRefused, match="too many"):
        open_checkpoint(NOTE + line * 64, KNOWN)
    with pytest.raises(NoteRefused, match="too large"):
        open_checkpoint(NOTE + line * 1000, KNOWN)


def test_a_text_with_control_characters_is_not_signed() -> None:
    for text in ("no line end", "bell\x07\n"):
        with pytest.raises(NoteRefused):
            sign_note(text, ORIGIN, KEY)
