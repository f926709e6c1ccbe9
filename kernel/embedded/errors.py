"""What can keep the embedded servers from starting, each with one sentence that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel.errors import AppError


class EmbeddedError(AppError):
    """The embedded servers cannot be used; nothing was deleted."""

    code = "embedded"
    sentence = "The embedded servers cannot be used."


class EmbeddedMissingError(EmbeddedError):
    """This machine has no binary of a server."""

    code = "embedded_missing"


class EmbeddedRunningError(EmbeddedError):
    """The same folder is already served."""

    code = "embedded_running"
    retry = True


class EmbeddedFolderError(EmbeddedError):
    """The folder cannot be used by this account."""

    code = "embedded_folder"


class EmbeddedCorruptError(EmbeddedError):
    """The data in the folder cannot be read."""

    code = "embedded_corrupt"


class EmbeddedFullError(EmbeddedError):
    """The disk is full."""

    code = "embedded_full"
    retry = True


class EmbeddedFailedError(EmbeddedError):
    """A server did not start for another reason."""

    code = "embedded_failed"
    retry = True


def full(folder: Path) -> EmbeddedFullError:
    """Return the error for a disk without room under `folder`."""
    return EmbeddedFullError(
        f"The disk that holds {folder} is full: free some space and start again; nothing was lost."
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an error of the file system under `folder` into one that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(folder) from error
        raise EmbeddedFolderError(
            f"{folder} cannot be used by this user ({error.strerror}): choose another data folder, "
            "or start as the user who owns it."
        ) from error
