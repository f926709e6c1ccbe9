"""Reading an answer within its limits, and saying in our own words what went wrong."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from urllib3 import BaseHTTPResponse, exceptions

from limited_use.egress import errors

_CHUNK = 16 * 1024


@contextmanager
def told() -> Iterator[None]:
    """Turn what urllib3 says into our errors, which quote nothing."""
    try:
        yield
    except exceptions.SSLError as error:
        raise errors.EgressUntrusted from error
    except exceptions.NewConnectionError as error:  # urllib3 calls this one a time-out, too
        raise errors.EgressFailed from error
    except exceptions.TimeoutError as error:
        raise errors.EgressTimedOut from error
    except exceptions.HTTPError as error:
        raise errors.EgressFailed from error


def read_answer(answer: BaseHTTPResponse, most: int, within_s: float) -> bytes:
    """Return the answer's body, unpacked; its connection is free again, or closed where the answer broke a limit.

    Raises:
        EgressTooLarge: it has more than `most` bytes.
        EgressTimedOut: it was not all there in time.
    """
    try:
        body = b"".join(_pieces(answer, most, time.monotonic() + within_s))
    except BaseException:
        answer.close()
        raise
    answer.release_conn()
    return body


def _pieces(answer: BaseHTTPResponse, most: int, until: float) -> Iterator[bytes]:
    size = 0
    for piece in answer.stream(_CHUNK, decode_content=True):
        size += len(piece)
        if size > most:
            raise errors.EgressTooLarge
        if time.monotonic() > until:
            raise errors.EgressTimedOut
        yield piece
