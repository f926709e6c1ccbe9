"""Search keys: texts cut into words, so that a search finds whole words and phrases, in any case.

A key is the words of a text with a space before and after each: ` ann lee example com `. A phrase is in
the text when its own key is a part of it. So `from:ann@example.com`, `from:example.com` and `from:Ann`
find the same sender, and `from:jo` does not find Joanna.
"""

from __future__ import annotations

import re

_CUT = re.compile(r"[\W_]+")


def key(text: str) -> str:
    """Give the search key of a text."""
    words = _CUT.sub(" ", text.casefold()).strip()
    return f" {words} " if words else " "
