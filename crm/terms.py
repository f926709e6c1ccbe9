"""Search terms: the words and prefixes under which a fact can be found, and those that a question asks for.

One alphabet for both sides, so that a term of the question equals a term of the fact or nothing is found. A *term*
is lower case without accents: a whole address, a domain, or a prefix of a word of three letters or more (two for
scripts without spaces). Only keyed digests of terms are ever stored (`crm.models.FactTerm`). Pure.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from crm.addresses import ascii_domain, domain_of, has_known_suffix, normalise, registrable

MOST = 64
LONGEST_PREFIX = 12
SHORTEST_PREFIX = 3
LONGEST_RUN = 4
MOST_WORDS = 8
_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")


def terms_of_name(text: str) -> tuple[str, ...]:
    """Return the terms of a name, a title or any line of words; at most MOST."""
    return _bounded(term for word in _words(text) for term in _prefixes(word))


def terms_of_address(text: str) -> tuple[str, ...]:
    """Return the terms of a mail address: itself, its domain, and the words of its two halves; at most MOST."""
    address = normalise(text)
    if address is None:
        return terms_of_name(text)
    local = unicodedata.normalize("NFC", text.strip()).rpartition("@")[0]
    words = (term for word in _words(local) for term in _prefixes(word))
    return _bounded((address, *terms_of_domain(domain_of(address)), *words))


def terms_of_domain(text: str) -> tuple[str, ...]:
    """Return the terms of a domain: itself, its registrable part, and prefixes of the words before the suffix."""
    host = ascii_domain(text)
    if host is None:
        return terms_of_name(text)
    own = registrable(host) or host
    labels = host.removesuffix(own.partition(".")[2]) if "." in own else host
    words = (term for word in _words(labels) for term in _prefixes(word))
    return _bounded((host, own, *words))


def terms_of_query(text: str) -> tuple[str, ...]:
    """Return the terms that must all be found for the question as typed; empty when it asks for nothing."""
    terms = [term for piece in text.split()[:MOST_WORDS] for term in _asked(piece)]
    return tuple(dict.fromkeys(terms))[: 2 * MOST_WORDS]


def _asked(piece: str) -> Iterator[str]:
    """Yield the terms of one piece between spaces: an address, a domain, or words."""
    piece = piece.strip("<>()[],;\"'")
    address = normalise(piece)
    if address and has_known_suffix(domain_of(address)):
        yield address
        return
    if has_known_suffix(piece.removeprefix("@")):
        yield ascii_domain(piece.removeprefix("@")) or piece
        return
    local, _, host = piece.partition("@")
    for word in _words(local):
        yield from _asked_word(word)
    for word in _words(host):  # an address half typed: the beginning of a domain is no word yet
        if len(word) >= SHORTEST_PREFIX:
            yield from _asked_word(word)


def _asked_word(word: str) -> Iterator[str]:
    if not _CJK.fullmatch(word):
        yield word[:LONGEST_PREFIX]
        return
    yield word[:LONGEST_RUN]
    if len(word) > LONGEST_RUN:
        yield word[-LONGEST_RUN:]


def _words(text: str) -> Iterator[str]:
    """Yield the words of a text, folded; a run of a script without spaces is a word of its own."""
    for word in _WORD.findall(_fold(text)):
        rest = 0
        for run in _CJK.finditer(word):
            if run.start() > rest:
                yield word[rest : run.start()]
            yield run.group()
            rest = run.end()
        if rest < len(word):
            yield word[rest:]


def _fold(text: str) -> str:
    """Return the text in lower case, compatibility forms and accents folded away."""
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in bare if not unicodedata.combining(char)))


def _prefixes(word: str) -> Iterator[str]:
    """Yield what a word can be found by; a word shorter than a prefix only as a whole."""
    if _CJK.fullmatch(word):
        yield word[:LONGEST_RUN]
        for start in range(len(word)):
            for length in range(2, LONGEST_RUN + 1):
                if start + length <= len(word):
                    yield word[start : start + length]
        return
    if len(word) < SHORTEST_PREFIX:
        yield word
    for length in range(SHORTEST_PREFIX, min(len(word), LONGEST_PREFIX) + 1):
        yield word[:length]


def _bounded(terms: Iterable[str]) -> tuple[str, ...]:
    """Return the first MOST distinct terms."""
    return tuple(dict.fromkeys(terms))[:MOST]
