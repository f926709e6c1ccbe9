"""Which root the settings name: a key file, Cloud KMS, or both while keys move from the file to the service."""

from collections.abc import Callable

from kernel.runtime import Runtime
from limited_use.cloud_kms import CLOUD, cloud_kms
from limited_use.keyring import FileKeyring, KeyProvider


class MovingRoot:
    """A new root that wraps, and the one before it, which still unwraps what it once wrapped."""

    def __init__(self, new: KeyProvider, old: KeyProvider, is_new: Callable[[int], bool]) -> None:
        """`is_new` tells by a version whose it is."""
        self._new = new
        self._old = old
        self._is_new = is_new

    def create(self) -> None:
        """Leave the new root ready."""
        self._new.create()

    def renew(self) -> int:
        """Return a new version of the new root."""
        return self._new.renew()

    def newest(self) -> int:
        """Return the new root's version that wraps."""
        return self._new.newest()

    def version_of(self, wrapped: bytes) -> int:
        """Return the version that wrapped this; every version of the new root is above those of the old one."""
        return self._new.version_of(wrapped)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Return the key encrypted by the new root."""
        return self._new.wrap(key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return the key, unwrapped by whichever wrapped it.

        Raises:
            KeyringError: as each of them does.
        """
        return (self._new if self._is_new(self.version_of(wrapped)) else self._old).unwrap(wrapped, context)


def key_provider(runtime: Runtime) -> KeyProvider:
    """Return the root of this installation's keys."""
    settings = runtime.settings
    file = FileKeyring(settings.keyring_path) if settings.keyring_path else None
    cloud = cloud_kms(runtime) if settings.kms_key else None
    if cloud is not None and file is not None:
        return MovingRoot(cloud, file, lambda version: version >= CLOUD)
    found = cloud or file
    assert found is not None  # noqa: S101 -- settings without any root do not load
    return found
