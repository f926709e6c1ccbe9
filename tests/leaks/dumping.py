"""A program that loads every row with sealed values, as a worker has them at hand, and writes out its own memory.

The address of the database comes by standard input; the memory goes to standard output.
"""

import re
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from crm.models import Fact, Meeting, Message
from kernel.database import connect, sessions_on


def main() -> None:
    """Load, and dump what is readable and writable."""
    engine = connect(sys.stdin.read().strip())
    held: list[Any] = []
    with sessions_on(engine)() as session:
        for model in (Message, Fact, Meeting):
            held += session.scalars(select(model)).all()
    with Path("/proc/self/maps").open() as maps, Path("/proc/self/mem").open("rb", 0) as memory:
        for begin, end, access in re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)", maps.read(), re.MULTILINE):
            if access.startswith("rw"):
                memory.seek(int(begin, 16))
                try:
                    sys.stdout.buffer.write(memory.read(int(end, 16) - int(begin, 16)))
                except OSError:
                    continue
    assert held


main()
