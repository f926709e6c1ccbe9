"""What a planted text may look like once it has leaked: every disguise in which the hunt knows it again.

Texts from Google are *marked*: `HEAD` + something unique + `TAIL`, so that a part that was cut off is known, too, and
one search finds whichever of them it was. Texts that cannot be marked (a phone number, a token) are searched whole.
"""

import base64
import codecs
import hashlib
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from demo.hunt import ALPHABET

MARK = 9
HEAD, TAIL = ("".join(secrets.choice(ALPHABET) for _ in range(MARK)) for _ in range(2))
DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256")
_KNOWN_BY = 12
"""How many characters of a digest or its base64 are looked for: enough, and what is left of one cut short."""
_LONG = 64
"""How long a line is that is searched once: a text that is spread over lines stands in shorter ones."""
_BYTES = re.compile(rb"(?:[0-9a-f]{2}){12,}")
_BASE64S = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_ESCAPES = re.compile(rb"<[^>]{0,40}>|&#?[a-z0-9]{1,8};|\\[nrt]|%0[ad9]|%20|=\r?\n")
_NO_LETTER = re.compile(rb"[^a-z0-9]+")
_SPACE = re.compile(rb"\s+|\\n|\\r")


def marked() -> str:
    """Return a new unique text that the hunt knows by either end."""
    return HEAD + "".join(secrets.choice(ALPHABET) for _ in range(8)) + TAIL


@dataclass(frozen=True)
class Find:
    """One form of a planted text, found in one channel."""

    channel: str
    planted: str
    form: str


def _inner(encoded: str, before: int, length: int, bits: int) -> str:
    """Return those characters of an encoding that depend on the text alone, `before` bytes having stood before it."""
    return encoded[-(-8 * before // bits) : (before + length) * 8 // bits]


def _base64s(raw: bytes) -> Iterator[tuple[str, str]]:
    for before in range(3):
        padded = b"\x00" * before + raw + b"\x00" * 3
        yield f"base64+{before}", _inner(base64.b64encode(padded).decode(), before, len(raw), 6)
        yield f"base64url+{before}", _inner(base64.urlsafe_b64encode(padded).decode(), before, len(raw), 6)


def _base32s(raw: bytes) -> Iterator[tuple[str, str]]:
    for before in range(5):
        padded = b"\x00" * before + raw + b"\x00" * 5
        yield f"base32+{before}", _inner(base64.b32encode(padded).decode(), before, len(raw), 5)


def folded_forms(text: str) -> dict[str, str]:
    """Return the forms that are searched without regard to case; `clear` finds upper, lower and title alike."""
    text = text.lower()
    raw = text.encode()
    made = {
        "clear": text,
        "reversed": text[::-1],
        "rot13": codecs.encode(text, "rot13"),
        "hex": raw.hex(),
        "hex reversed": raw[::-1].hex(),
        "hex spaced": raw.hex(" "),
        "url": "".join(f"%{byte:02x}" for byte in raw),
        "quoted-printable": "".join(f"={byte:02x}" for byte in raw),
        "unicode escape": "".join(f"\\u{ord(one):04x}" for one in text),
        "hex escape": "".join(f"\\x{byte:02x}" for byte in raw),
        "octal escape": "".join(f"\\{byte:03o}" for byte in raw),
        "entities": "".join(f"&#{ord(one)};" for one in text),
        "hex entities": "".join(f"&#x{ord(one):x};" for one in text),
        "codes": "".join(str(byte) for byte in raw),
        "utf-16": text.encode("utf-16-le").decode("latin-1"),
        **dict(_base32s(raw)),
        **{f"{name} of upper": form for name, form in _base32s(text.upper().encode())},
    }
    return {name: form.lower() for name, form in made.items()}


def exact_forms(text: str) -> dict[str, str]:
    """Return the forms in which case tells something."""
    return {**dict(_base64s(text.encode())), **{f"{n} of upper": v for n, v in _base64s(text.upper().encode())}}


def digests(text: str) -> Iterator[tuple[str, bytes]]:
    """Return the plain digests of a text as people normalise it, by name."""
    for said in dict.fromkeys((text, text.lower(), text.upper(), text.title())):
        for name in DIGESTS:
            yield name, hashlib.new(name, said.encode()).digest()


class Hunt:
    """Searches contents for what was planted, remembering what it has searched already."""

    def __init__(self, planted: Mapping[str, str], hashed: Mapping[str, str]) -> None:
        """Know the planted texts by name, and those whose plain digests would tell them, too."""
        whole = {name: text for name, text in planted.items() if not text.startswith(HEAD)}
        ends = {"<head>": HEAD, "<tail>": TAIL}
        self._folded = _needles({**ends, **whole}, folded_forms)
        self._exact = _needles({**ends, **whole}, exact_forms)
        self._squeezed = [(name, form, text) for name, form, text in self._folded if text.isalnum()]
        marks = {name: text[MARK:-MARK] for name, text in planted.items() if text.startswith(HEAD)}
        self._told_apart = [*_needles(marks, folded_forms), *_needles(marks, exact_forms)]
        self._digests = {
            known: (name, f"{digest} {how}")
            for name, text in hashed.items()
            for digest, raw in digests(text)
            for how, known in (
                ("hex", raw.hex()[:_KNOWN_BY].encode()),
                ("base64url", base64.urlsafe_b64encode(raw)[:_KNOWN_BY]),
                ("base64", base64.b64encode(raw)[:_KNOWN_BY]),
            )
        }
        self._done: dict[bytes, list[tuple[str, str]]] = {}
        self._clean: set[bytes] = set()

    def __repr__(self) -> str:
        """Return a constant: a traceback with locals must not plant what it is searched for."""
        return "<hunt>"

    def search(self, channel: str, content: bytes) -> list[Find]:
        """Return every planted text found in the content, once a form."""
        mark = hashlib.blake2b(content, digest_size=16).digest()
        found = self._done.get(mark)
        if found is None:
            found = self._done[mark] = sorted(self._look_again(content))
        return [Find(channel, name, form) for name, form in found]

    def _look_again(self, content: bytes) -> set[tuple[str, str]]:
        """Search all but the long lines that stood in contents where nothing was found: rows, statements, pages.

        Short lines are always searched with what is around them, for a text may be spread over many.
        """
        lines = content.split(b"\n")
        long = {hashlib.blake2b(line, digest_size=12).digest(): line for line in lines if len(line) >= _LONG}
        known = {line for mark, line in long.items() if mark in self._clean}
        found = self._look(b"\n".join(line for line in lines if line not in known) if known else content)
        if not found:
            self._clean.update(long)
        return found

    def _look(self, content: bytes) -> set[tuple[str, str]]:
        found = set(self._in_text(content)) | set(self._in_digests(content))
        for inner in _decoded(content):
            found |= {(name, f"inner {form}") for name, form in (*self._in_text(inner), *self._in_digests(inner))}
        if not any(name.startswith("<") for name, _ in found):
            return found
        which = self._which(content) or {"some text"}
        return {(one, form) for name, form in found for one in (which if name.startswith("<") else {name})}

    def _in_text(self, content: bytes) -> Iterator[tuple[str, str]]:
        folded = content.lower()
        unspaced = _SPACE.sub(b"", content)
        squeezed = _squeezed(folded)
        yield from ((name, form) for name, form, text in self._folded if text in folded)
        yield from ((name, form) for name, form, text in self._exact if text in content or text in unspaced)
        yield from ((name, f"chunked {form}") for name, form, text in self._squeezed if text in squeezed)

    def _in_digests(self, content: bytes) -> Iterator[tuple[str, str]]:
        if not self._digests:
            return
        for pattern, text in ((_BYTES, content.lower()), (_BASE64S, content)):
            for run in pattern.findall(text):
                for at in range(len(run) - _KNOWN_BY + 1):
                    hit = self._digests.get(run[at : at + _KNOWN_BY])
                    if hit:
                        yield hit

    def _which(self, content: bytes) -> set[str]:
        """Return the names of the marked texts whose ends were found, where the content tells."""
        contents = [content, *_decoded(content)]
        folded = [one.lower() for one in contents]
        squeezed = [_squeezed(one) for one in folded]
        return {
            name
            for name, form, text in self._told_apart
            if any(text in one for one in (contents if "64" in form else (*folded, *squeezed)))
        }


def _squeezed(folded: bytes) -> bytes:
    """Return letters and digits alone, without tags and escapes that could stand between them."""
    return _NO_LETTER.sub(b"", _ESCAPES.sub(b"", folded))


Needle = tuple[str, str, bytes]


def _needles(texts: Mapping[str, str], make: Callable[[str], Mapping[str, str]]) -> list[Needle]:
    return [
        (name, form, disguise.encode("latin-1"))
        for name, text in texts.items()
        for form, disguise in make(text).items()
    ]


def _decoded(content: bytes) -> Iterator[bytes]:
    """Return what stands in the content URL-encoded, or as hexadecimal digits: columns of bytes are dumped so."""
    if b"%" in content:
        yield urllib.parse.unquote_to_bytes(content)
    columns = [bytes.fromhex(run.decode()) for run in _BYTES.findall(content.lower())]
    if columns:
        yield b"\n".join(columns)
