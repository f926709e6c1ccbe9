"""Names as text: what a header calls a person, and what a domain calls a company. Pure."""

import re
import unicodedata

from crm.addresses import registrable

LONGEST = 200
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_VIA = re.compile(r"\s+(?:via|from)\s+.*$", re.IGNORECASE)
_REMARK = re.compile(r"\s*[\(\[][^()\[\]]*[\)\]]\s*$")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d "
_SURNAME_FIRST = re.compile(r"([^,@]{2,40}),\s*([^,@]{1,40})")


def person_name(text: str | None, address: str = "") -> str | None:
    """Return a display name as a person would write it; None when it says nothing beyond the address.

    Quotes, "via …" remarks, bracketed remarks and invisible characters go; "Doe, Jane" becomes "Jane Doe".
    """
    name = _BLANKS.sub(" ", unicodedata.normalize("NFC", text or "")).strip(_QUOTES)
    name = _REMARK.sub("", _VIA.sub("", name)).strip(_QUOTES)
    if turned := _SURNAME_FIRST.fullmatch(name):
        name = f"{turned[2].strip()} {turned[1].strip()}"
    if not name or "@" in name or name.lower() == address.lower().rpartition("@")[0]:
        return None
    return name[:LONGEST] if any(char.isalpha() for char in name) else None


def company_name(domain: str) -> str | None:
    """Return a name for the company of a domain: its registrable label, capitalised (acme-labs.co.uk: Acme Labs)."""
    own = registrable(domain)
    if own is None:
        return None
    label = own.partition(".")[0]
    if label.startswith("xn--"):
        try:
            label = label.encode("ascii").decode("idna")
        except UnicodeError:
            return own
    words = [word for word in re.split(r"[-_]+", label) if word]
    return " ".join(word[:1].upper() + word[1:] for word in words) or own
