"""Passages: texts as words, and the places of a text by which a passage of it is known again. Pure, and without keys.

Terms: a *word* is a run of letters and digits, whatever its case, width, wrapping, quoting and punctuation; in scripts
that put no blanks between words, one character. A *gram* is four words in a row. An *anchor* is a gram that was chosen
to be kept (winnowing; Schleimer, Wilkerson and Aiken, 2003): the longest in each row of five grams, so that every
passage of eight words has one. Long grams are made of rare words, which are the better thing to look for. A
*neighbourhood* is one small number for each of the four words before and after an anchor: it tells whether a text that
has the anchor goes on as the passage did, eight words in all, even where a word was dropped or put in.

Only what is kept is winnowed. A text that is asked about is looked up by all of its grams, so that nothing that stands
around a passage can hide it.
"""

import html
import re
import unicodedata
import zlib
from dataclasses import dataclass
from itertools import accumulate

import nh3

GRAM = 4
WINDOW = 5
SHORTEST = GRAM + WINDOW - 1
"""Words of the shortest passage that is always found: eight."""
BESIDE = 4
"""Words on each side of an anchor that its neighbourhood tells."""
LOOKED = 6
"""Words on each side in which a neighbourhood is looked for: two may have been put in."""
MOST_PREFIXES = 8
MOST_CHARS = 1_000_000
MOST_WORDS = 50_000

# Thai and Lao, Tibetan, Burmese, Khmer, kana, Bopomofo, Chinese characters: scripts without blanks between words.
_SOLID = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_SOLID}]|[^\W_{_SOLID}]+")
_ASCII_WORD = re.compile(b"[a-z0-9]+")
_UNSEEN = re.compile(
    "[\x80-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Soft hyphens, joiners, marks of direction, variation selectors, tags, controls: no page shows them.

A word with one of them inside is one word.
"""
_ANSWERS = frozenset(b"re aw antw fw fwd wg sv vs tr rv ref enc odp rif".split())
"""How mail programs of several languages begin the subject of an answer."""
_BLOCKS = re.compile(
    r"<(?=/?(?:p|div|br|table|t[rdh]|[uod]l|li|d[td]|h[1-6r]|pre|blockquote|section|article)\b)", re.IGNORECASE
)
_SILENT = frozenset({"script", "style", "title"})


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as words, with one small number for each, never zero. Its repr shows nothing."""

    words: tuple[bytes, ...]
    marks: bytes
    padded: bytes
    """The same, between zeros."""

    def __repr__(self) -> str:
        """Return a constant."""
        return "<passage>"

    def gram(self, at: int) -> bytes:
        """Return the gram that begins with this word."""
        return b" ".join(self.words[at : at + GRAM])

    def anchors(self) -> list[int]:
        """Return where the grams to keep begin: of each row of five, the longest."""
        ends = list(accumulate(map(len, self.words), initial=0))
        sizes = [end - start for start, end in zip(ends, ends[GRAM:], strict=False)]
        chosen: list[int] = []
        kept = -1
        for newest in range(WINDOW - 1, len(sizes)):
            oldest = newest - WINDOW + 1
            if kept < oldest:
                kept = max(range(newest, oldest - 1, -1), key=sizes.__getitem__)
            elif sizes[newest] > sizes[kept]:
                kept = newest
            else:
                continue
            chosen.append(kept)
        return chosen

    def neighbours(self, at: int) -> bytes:
        """Return the neighbourhood of the gram at this word: eight numbers, zero where the text begins or ends."""
        return self.padded[at : at + BESIDE] + self.padded[at + BESIDE + GRAM : at + BESIDE + GRAM + BESIDE]

    def goes_on(self, at: int, neighbours: bytes) -> bool:
        """Tell whether the gram at this word stands among the words that it was kept with.

        Of the twelve words, eight must be there, in order; between them words may be missing or new.
        """
        found = _in_order(neighbours[:BESIDE][::-1], self.marks[max(0, at - LOOKED) : at][::-1])
        found += _in_order(neighbours[BESIDE:], self.marks[at + GRAM : at + GRAM + LOOKED])
        return GRAM + found >= SHORTEST


def passage(text: str, most: int = MOST_WORDS) -> Passage:
    """Return the text as words: of the first million characters, the first `most`."""
    words = tuple(_words(text)[:most])
    marks = bytes([zlib.crc32(word) % 255 + 1 for word in words])
    return Passage(words, marks, bytes(BESIDE) + marks + bytes(BESIDE))


def whole_lines(text: str) -> list[bytes]:
    """Return each line of four to seven words, as whole subjects and titles are compared: without `Re:` before it.

    Longer ones are passages; what shorter ones say, too many people say.
    """
    found = []
    for line in text[:MOST_CHARS].splitlines():
        words = _words(line)
        for _ in range(MOST_PREFIXES):
            if words and words[0] in _ANSWERS:
                del words[0]
        if GRAM <= len(words) < SHORTEST:
            found.append(b" ".join(words))
    return found


def shown_by(markup: str) -> str:
    """Return the text that the HTML of a mail shows, near enough: without mark-up, scripts and styles, blocks apart."""
    apart = _BLOCKS.sub("\n<", markup[: 4 * MOST_CHARS])
    return html.unescape(nh3.clean(apart, tags=set(), clean_content_tags=set(_SILENT)))


def _words(text: str) -> list[bytes]:
    text = text[:MOST_CHARS]
    if text.isascii():
        return _ASCII_WORD.findall(text.lower().encode("ascii"))
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return [word.encode() for word in _WORD.findall(plain)]


def _in_order(told: bytes, seen: bytes) -> int:
    """Return how many of the told marks are seen in their order: the longest common subsequence."""
    row = [0] * (len(seen) + 1)
    for mark in told:
        before = 0
        for place, other in enumerate(seen, 1):
            above = row[place]
            row[place] = before + 1 if mark == other else max(above, row[place - 1])
            before = above
    return row[-1]
