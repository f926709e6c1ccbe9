"""The signing key: made once, kept to its owner, never shown."""

import pickle
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from limited_use.log.checkpoint import open_checkpoint, parse_vkey
from limited_use.log.signer import SigningKeyUnusable, open_signer, signer_from_bytes

ORIGIN = "crm.example/log"


def test_the_key_is_made_on_first_use_for_its_owner_alone(tmp_path) -> None:
    path = tmp_path / "keys" / "log.pem"
    first = open_signer(path, ORIGIN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert open_signer(path, ORIGIN).vkey == first.vkey
    assert [p.name for p in path.parent.iterdir()] == ["log.pem"]


def test_many_that_start_together_agree_on_one_key(tmp_path) -> None:
    path, found, barrier = tmp_path / "log.pem", set(), threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.add(open_signer(path, ORIGIN).vkey)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1


def test_a_key_that_others_can_read_is_not_used(tmp_path) -> None:
    path = tmp_path / "log.pem"
    open_signer(path, ORIGIN)
    path.chmod(0o640)
    with pytest.raises(SigningKeyUnusable, match="mode 600"):
        open_signer(path, ORIGIN)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
)
def test_a_file_that_is_no_such_key_is_not_used_nor_replaced(tmp_path, content: bytes) -> None:
    path = tmp_path / "log.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyUnusable):
        open_signer(path, ORIGIN)
    assert path.read_bytes() == content


def test_what_it_signs_opens_with_what_it_publishes() -> None:
    signer = signer_from_bytes(ORIGIN, b"k" * 32)
    head = open_checkpoint(signer.sign(5, b"r" * 32), parse_vkey(signer.vkey))
    assert (head.origin, head.size, head.root) == (ORIGIN, 5, b"r" * 32)


def test_the_private_key_does_not_leave_the_signer() -> None:
    seed = bytes(range(32))
    signer = signer_from_bytes(ORIGIN, seed)
    assert seed.hex() not in repr(signer)
    assert Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw() == signer.verifier.public
    with pytest.raises(TypeError):
        pickle.dumps(signer)
