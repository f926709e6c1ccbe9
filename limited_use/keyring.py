"""The key-encryption key at the root of the key tree, behind one port: a file here, or a key service.

A provider wraps and unwraps small keys and never shows its own. What it returns names the version it used, so that
the root can be renewed by wrapping again. The file keyring is made on first use, readable by its owner alone; it is
never made again beside wrapped keys that already exist, for a new root could not open them. A file that was renewed
is read again, so that no process has to be started anew.
"""

import base64
import fcntl
import json
import os
import secrets
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kernel.errors import AppError

KEY_SIZE = 32
NONCE_SIZE = 12
_VERSION = struct.Struct(">I")


class KeyringError(AppError):
    """The root of the key tree is missing, unreadable or not the one that wrapped these keys."""

    code = "keyring"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = "The key file is missing or is not the one that these keys were made with. Restore it from its backup."


class KeyProvider(Protocol):
    """What holds the key-encryption key, in versions that count from 1."""

    def create(self) -> None:
        """Leave a first version there when there was none; only while no key was ever wrapped."""
        ...

    def renew(self) -> int:
        """Return a new version, which wraps from now on; what older ones wrapped can still be unwrapped."""
        ...

    def newest(self) -> int:
        """Return the version that wraps at present."""
        ...

    def version_of(self, wrapped: bytes) -> int:
        """Return the version that wrapped this."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return the key encrypted, bound to `context`."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key that was wrapped for `context`.

        Raises:
            KeyringError: if it was wrapped by another root, for another context, or was changed.
        """
        ...


class FileKeyring:
    """Versioned key-encryption keys in a private file; the highest version wraps."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[int, AESGCM] = {}
        self._seen: tuple[int, ...] = ()

    def create(self) -> None:
        """Leave the file there, with a first key when it was not."""
        if self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._draft({"1": _fresh()}) as draft:
            try:
                os.link(draft, self._path)  # fails when another process was first: then its file stands
            except FileExistsError:
                return
            self._settle()

    def renew(self) -> int:
        """Leave the file with one version more, and return it; the file as it was stands until the new one does."""
        with self._alone():
            self._loaded()  # refuses a file that cannot be used, rather than write it anew
            kept = dict(json.loads(self._path.read_text()))
            version = max(map(int, kept)) + 1
            with self._draft({**kept, str(version): _fresh()}) as draft:
                draft.replace(self._path)
                self._settle()
        return version

    def newest(self) -> int:
        """Return the highest version in the file."""
        return max(self._loaded())

    def version_of(self, wrapped: bytes) -> int:
        """Return the version that wrapped this.

        Raises:
            KeyringError: if that is not to be seen.
        """
        try:
            return int(_VERSION.unpack(wrapped[:4])[0])
        except struct.error as error:
            raise KeyringError from error

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return the key encrypted under the newest version, bound to `context`."""
        keys = self._loaded()
        version = max(keys)
        nonce = secrets.token_bytes(NONCE_SIZE)
        head = _VERSION.pack(version)
        return head + nonce + keys[version].encrypt(nonce, key, head + context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key that was wrapped for `context`.

        Raises:
            KeyringError: if it was wrapped by another root, for another context, or was changed.
        """
        try:
            head, nonce, body = wrapped[:4], wrapped[4:16], wrapped[16:]
            return self._loaded()[_VERSION.unpack(head)[0]].decrypt(nonce, body, head + context)
        except (KeyError, ValueError, struct.error, InvalidTag) as error:
            raise KeyringError from error

    def _loaded(self) -> dict[int, AESGCM]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise KeyringError from error
        seen = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        if seen != self._seen:
            self._keys, self._seen = self._read(), seen
        return self._keys

    def _read(self) -> dict[int, AESGCM]:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise KeyringError from error
        with os.fdopen(handle) as file:
            found = os.fstat(file.fileno())
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise KeyringError("The key file can be read by others than its owner. Make it private: chmod 600.")
            try:
                keys = {int(version): base64.b64decode(key) for version, key in json.load(file).items()}
                made = {version: AESGCM(key) for version, key in keys.items() if len(key) == KEY_SIZE}
            except (ValueError, AttributeError, TypeError) as error:
                raise KeyringError("The key file cannot be read. Restore it from its backup.") from error
        if not made or len(made) != len(keys):
            raise KeyringError("The key file holds no usable key. Restore it from its backup.")
        return made

    @contextmanager
    def _draft(self, keys: dict[str, str]) -> Iterator[Path]:
        """Yield a durable private file beside the keyring that holds these keys; it is gone afterwards."""
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(json.dumps(keys) + "\n")
                file.flush()
                os.fsync(file.fileno())
            yield draft
        finally:
            draft.unlink(missing_ok=True)

    def _settle(self) -> None:
        """Make the folder's entry as durable as the file."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock: two renewals at once would lose one's version."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _fresh() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_SIZE)).decode()
