"""The policy's file as it lies beside the code, read once a process.

So what is decided by (`limited_use.policy`) and what every entry of the log names (`limited_use.log.record`) are the
same bytes, and the log needs to know no more of the policy than its hash.
"""

import hashlib
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("policy.toml")


@cache
def content() -> bytes:
    """Return the bytes of the file."""
    return FILE.read_bytes()


@cache
def digest() -> str:
    """Return the SHA-256 of the file, hex."""
    return hashlib.sha256(content()).hexdigest()
