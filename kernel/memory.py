"""Memory of a process that has started: what was loaded stays, and is not looked through for garbage again.

Modules, mappers and tables of ours and of libraries are some hundred thousand objects. Python's collector would go
through all of them each time a page of mail or a card has made enough new ones: a sixth of the import's CPU time.
"""

import gc

_YOUNG = 10_000
"""New objects between two looks at the young ones; Python's own 700 is made for small programs."""


def settle() -> None:
    """Hold all that lives now as permanent; call it once, when the process is ready to work (Python's `gc.freeze`)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
