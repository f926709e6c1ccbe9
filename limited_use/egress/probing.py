"""Trying a wall from inside: does a connection that nobody needs get out?"""

from limited_use.egress.connecting import connect


def reaches(host: str, port: int, timeout_s: float) -> bool:
    """Tell whether a TCP connection to that place is made, by no proxy; it is closed at once and nothing is sent."""
    try:
        connect(host, port, timeout_s).close()
    except OSError:
        return False
    return True
