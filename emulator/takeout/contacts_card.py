"""One vCard as the People resource that Google would hold.

Cards of version 2.1, 3.0 and 4.0 differ in how a line is written, not in what it says. `normal_lines` gives every
line the form that `vobject` reads best: unfolded, decoded from quoted-printable and whatever charset it names, without
pictures and keys, which the address book does not need. A line that cannot be read is left out; its card stays.

Rules: a card without a name is still a contact; the first value of a kind, or the one marked as preferred, is the
primary one; several notes become one biography, because Google keeps one.
"""

import codecs
import quopri
import re
from collections.abc import Iterable, Iterator
from typing import Any

import vobject
from vobject.base import ParseError, VObjectError, parseLine

Resource = dict[str, Any]

_UNUSED = frozenset({"PHOTO", "LOGO", "SOUND", "KEY", "AGENT", "LABEL", "X-MS-OL-DESIGN", "X-MS-CARDPICTURE"})
_LISTS = frozenset({"N", "ADR", "ORG", "CATEGORIES"})
_BARE_COMMA = re.compile(r"(?<!\\),")
_APPLE = re.compile(r"^_\$!<(.*)>!\$_$")
_BIRTHDAY = re.compile(r"^(?:(\d{4})|--?)-?(\d{2})-?(\d{2})(?:T.*)?$")
_PHONES = (
    ("CELL", "mobile"),
    ("MOBILE", "mobile"),
    ("PAGER", "pager"),
    ("MAIN", "main"),
    ("HOME", "home"),
    ("WORK", "work"),
)
_PLACES = (("HOME", "home"), ("WORK", "work"))


def normal_lines(content: bytes) -> list[str]:
    """The lines of one card, unfolded and in plain UTF-8, as `vobject` wants them."""
    lines: list[str] = []
    for raw in _unfolded(content):
        line = _plain(raw)
        if line is not None and _parses(line):
            lines.append(line)
    return lines


def _unfolded(content: bytes) -> Iterator[bytes]:
    held = b""
    for line in content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        soft = held.endswith(b"=") and b"QUOTED-PRINTABLE" in held.upper().partition(b":")[0]
        if soft:
            held = held[:-1] + line.lstrip(b" \t") if line[:1] in {b" ", b"\t"} else held[:-1] + line
        elif line[:1] in {b" ", b"\t"}:
            held += line[1:]
        else:
            if held.strip():
                yield held
            held = line
    if held.strip():
        yield held


def _plain(raw: bytes) -> str | None:
    head, colon, value = raw.partition(b":")
    names = head.decode("ascii", "replace").upper()
    name = names.split(";")[0].rpartition(".")[2]
    if not colon or name in _UNUSED:
        return None
    if "QUOTED-PRINTABLE" in names:
        value = quopri.decodestring(value)
    text = _text(value, _charset(names)).replace("\r\n", "\n").replace("\n", "\\n").strip()
    if name not in _LISTS:
        # vobject takes everything behind a bare comma for a second value and drops it; people write such commas.
        text = _BARE_COMMA.sub(r"\\,", text)
    kept = ";".join(part for part in head.decode("utf-8", "replace").split(";") if not _is_transfer(part))
    return f"{kept}:{text}"


def _is_transfer(part: str) -> bool:
    return part.upper().partition("=")[0] in {"ENCODING", "CHARSET"} or part.upper() == "QUOTED-PRINTABLE"


def _charset(names: str) -> str | None:
    found = re.search(r"CHARSET=\"?([\w.:-]+)", names)
    if found is None:
        return None
    try:
        return codecs.lookup(found.group(1)).name
    except LookupError:
        return None


def _text(value: bytes, charset: str | None) -> str:
    """The text in the charset it names, with marks for what does not fit; unnamed it is UTF-8, else Windows' own."""
    try:
        return str(value, charset or "utf-8", "replace" if charset else "strict")
    except (UnicodeError, ValueError, LookupError):
        return value.decode("cp1252", "replace")


def _parses(line: str) -> bool:
    try:
        parseLine(line)
    except (VObjectError, ValueError):
        return False
    return True


def read_card(content: bytes) -> Resource:
    """The People resource of one card, its fields without metadata except which value is primary.

    Raises:
        ValueError: when `vobject` makes nothing of the card.
    """
    lines = normal_lines(content)
    inner = [line for line in lines if line.upper().strip() not in {"BEGIN:VCARD", "END:VCARD"}]
    try:
        card = vobject.readOne("\r\n".join(["BEGIN:VCARD", *inner, "END:VCARD", ""]))
    except (VObjectError, ParseError, ValueError, AttributeError, IndexError, TypeError) as error:
        raise ValueError("The card cannot be read.") from error
    if card is None:
        raise ValueError("The card cannot be read.")
    return _person(card)


def _person(card: Any) -> Resource:
    fields: dict[str, Iterable[Resource]] = {
        "names": _names(card),
        "nicknames": ({"value": text} for text in _texts(card, "nickname")),
        "emailAddresses": _values(card, "email", _PLACES),
        "phoneNumbers": _values(card, "tel", _PHONES),
        "organizations": _organizations(card),
        "addresses": _addresses(card),
        "urls": _values(card, "url", _PLACES),
        "birthdays": _birthdays(card),
        "biographies": _notes(card),
    }
    found = {name: values for name, given in fields.items() if (values := list(given))}
    return {name: _primary_first(values) for name, values in found.items()}


def _primary_first(values: list[Resource]) -> list[Resource]:
    chosen = next((place for place, value in enumerate(values) if value.pop("preferred", False)), 0)
    for value in values:
        value.pop("preferred", None)
    values[chosen]["metadata"] = {"primary": True}
    return values


def _texts(card: Any, name: str) -> list[str]:
    found = []
    for line in card.contents.get(name, []):
        value = line.value
        text = ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
        if text := text.replace("\\:", ":").replace("\\,", ",").replace("\\;", ";").strip():
            found.append(text)
    return found


def _names(card: Any) -> Iterator[Resource]:
    formatted = next(iter(_texts(card, "fn")), "")
    lines = card.contents.get("n", [])
    name: Resource = {}
    if lines:
        for key, part in (
            ("familyName", "family"),
            ("givenName", "given"),
            ("middleName", "additional"),
            ("honorificPrefix", "prefix"),
            ("honorificSuffix", "suffix"),
        ):
            if text := _part(lines[0].value, part):
                name[key] = text
    built = " ".join(
        name[key]
        for key in ("honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix")
        if key in name
    )
    if formatted or built:
        name["displayName"] = name["unstructuredName"] = formatted or built
        if "givenName" not in name and "familyName" not in name:
            name["givenName"] = formatted or built
        yield name


def _part(value: Any, name: str) -> str:
    part = getattr(value, name, "")
    text = " ".join(str(item) for item in part) if isinstance(part, list) else str(part or "")
    return " ".join(text.replace("\\,", ",").split()) if name != "street" else text.strip()


def _kinds(line: Any) -> set[str]:
    kinds: set[str] = set()
    for values in [line.params.get("TYPE", []), line.singletonparams]:
        for value in values:
            kinds.update(part.strip().strip('"').upper() for part in str(value).split(","))
    return kinds


def _is_preferred(line: Any) -> bool:
    return "PREF" in _kinds(line) or "1" in [str(value) for value in line.params.get("PREF", [])]


def _kind(card: Any, line: Any, known: tuple[tuple[str, str], ...]) -> str | None:
    kinds = _kinds(line)
    label = _label(card, line)
    if label:
        return label
    found = next((name for marker, name in known if marker in kinds), None)
    if "FAX" in kinds:
        return f"{found}Fax" if found in {"home", "work"} else "otherFax"
    return found


def _label(card: Any, line: Any) -> str | None:
    if not line.group:
        return None
    for label in card.contents.get("x-ablabel", []):
        if label.group == line.group:
            own = _APPLE.match(str(label.value))
            return own.group(1) if own else str(label.value)
    return None


def _values(card: Any, name: str, known: tuple[tuple[str, str], ...]) -> Iterator[Resource]:
    for line in card.contents.get(name, []):
        text = str(line.value).replace("\\:", ":").replace("\\,", ",").replace("\\;", ";").strip()
        text = re.sub(r"^(mailto|tel):", "", text, flags=re.IGNORECASE)
        if not text:
            continue
        value: Resource = {"value": text, "preferred": _is_preferred(line)}
        if kind := _kind(card, line, known):
            value["type"] = kind
            value["formattedType"] = kind[:1].upper() + kind[1:]
        yield value


def _organizations(card: Any) -> Iterator[Resource]:
    titles = _texts(card, "title") or _texts(card, "role")
    lines = card.contents.get("org", [])
    for place in range(max(len(lines), min(len(titles), 1))):
        organization: Resource = {}
        if place < len(lines):
            value = lines[place].value
            parts = [str(part).strip() for part in (value if isinstance(value, list) else [value])]
            organization["name"] = parts[0] if parts else ""
            if len(parts) > 1 and parts[1]:
                organization["department"] = parts[1]
        if place < len(titles):
            organization["title"] = titles[place]
        if any(organization.values()):
            yield {key: text for key, text in organization.items() if text}


def _addresses(card: Any) -> Iterator[Resource]:
    for line in card.contents.get("adr", []):
        address: Resource = {}
        for key, part in (
            ("poBox", "box"),
            ("extendedAddress", "extended"),
            ("streetAddress", "street"),
            ("city", "city"),
            ("region", "region"),
            ("postalCode", "code"),
            ("country", "country"),
        ):
            if text := _part(line.value, part):
                address[key] = text
        if not address:
            continue
        address["formattedValue"] = "\n".join(str(text) for text in address.values())
        if kind := _kind(card, line, _PLACES):
            address["type"] = kind
        yield {**address, "preferred": _is_preferred(line)}


def _birthdays(card: Any) -> Iterator[Resource]:
    for text in _texts(card, "bday")[:1]:
        found = _BIRTHDAY.match(text)
        if found is None:
            yield {"text": text}
            continue
        date = {"month": int(found.group(2)), "day": int(found.group(3))}
        yield {"date": {"year": int(found.group(1)), **date} if found.group(1) else date}


def _notes(card: Any) -> Iterator[Resource]:
    if notes := _texts(card, "note"):
        yield {"value": "\n".join(notes), "contentType": "TEXT_PLAIN"}
