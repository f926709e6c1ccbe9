"""A process that has started holds what it loaded for good, and still collects what comes after."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from kernel import database, memory

memory.settle()
assert gc.get_freeze_count() > 10_000, "what was loaded is looked through again and again"

class Node:
    pass

node = Node()
node.self = node
gone = weakref.ref(node)
del node
gc.collect()
assert gone() is None, "what came after is never collected"
assert gc.isenabled()
"""


def test_what_was_loaded_is_permanent_and_what_comes_after_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
