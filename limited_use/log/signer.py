"""The key that signs checkpoints.

The private key is a PEM file that only its owner can read, made on first use. Losing it ends the log's
identity: a new key is a new log to everyone who knew the old one. So it is made once, never over a file.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kernel.errors import AppError
from limited_use.log.checkpoint import Checkpoint, VerifierKey, sign_checkpoint


class SigningKeyUnusable(AppError):  # noqa: N818 -- read as the state it reports
    """The file with the log's key is not one we may use."""

    code = "log_key_unusable"
    sentence = "The Limited Use log cannot be signed: its key file is not usable."


class Signer:
    """Holds the key of one log; signs checkpoints under its origin. Its repr shows the public key alone."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = VerifierKey(origin, key.public_key().public_bytes_raw())

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.verifier.name

    @property
    def vkey(self) -> str:
        """The public key in one line, to be published."""
        return self.verifier.encode()

    def sign(self, size: int, root: bytes) -> bytes:
        """Return the signed note of the checkpoint with this size and root."""
        return sign_checkpoint(Checkpoint(self.origin, size, root), self._key)

    def __repr__(self) -> str:
        """Return the public key, never the private one."""
        return f"Signer({self.vkey!r})"

    def __reduce__(self) -> str:
        """Refuse to be pickled: the key stays in its process."""
        raise TypeError("the key of the log cannot be pickled")


def signer_from_bytes(origin: str, seed: bytes) -> Signer:
    """Return the signer whose private key is these 32 bytes."""
    return Signer(origin, Ed25519PrivateKey.from_private_bytes(seed))


def open_signer(path: Path, origin: str) -> Signer:
    """Return the signer with the key in the file; made there, readable by its owner alone, on first use.

    Two processes that start together agree on one key: the file appears whole, under its name, once.

    Raises:
        SigningKeyUnusable: if the file is no Ed25519 key, or others may read it.
    """
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise SigningKeyUnusable(
            "The key file of the Limited Use log can be read by others. Give it mode 600, and ask who read it."
        )
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise SigningKeyUnusable("The key file of the Limited Use log does not hold a PEM key.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable("The key file of the Limited Use log does not hold an Ed25519 key.")
    return Signer(origin, key)


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            out.write(pem)
            out.flush()
            os.fsync(out.fileno())
        # A link fails where a rename would overwrite: whoever comes second uses the first one's key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
