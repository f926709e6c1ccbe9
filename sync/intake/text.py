"""Text as headers carry it: encoded words of any charset, bounded, without control characters. Pure."""

import contextlib
import re
from email.errors import HeaderParseError
from email.header import decode_header

LONGEST = 998
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")


def decoded(value: str, longest: int = LONGEST) -> str:
    """Return a header's text as a person reads it; what cannot be decoded stays as it is."""
    value = value[: 8 * longest]
    if "=?" in value:
        with contextlib.suppress(HeaderParseError, ValueError):  # then shown as sent: better than nothing
            value = "".join(_piece(text, charset) for text, charset in decode_header(value))
    return clean(value, longest)


def clean(value: str, longest: int = LONGEST) -> str:
    """Return the text without control characters, on one line, cut to its longest."""
    if not value.isprintable():
        value = _CONTROL.sub("", _BLANKS.sub(" ", value))
    return value.strip()[:longest]


def _piece(text: str | bytes, charset: str | None) -> str:
    if isinstance(text, str):
        return text
    for name in (charset or "utf-8", "utf-8"):
        try:
            return text.decode(name)
        except (LookupError, ValueError):
            continue
    return text.decode("latin-1")
