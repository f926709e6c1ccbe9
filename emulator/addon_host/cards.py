"""Whether a card is one that Gmail and Calendar would show.

First Google's own schema, strictly: `google-apps-card` by ParseDict. Then what the schema cannot say: fields that
only Chat knows, limits, names that must differ, addresses, icons, text marks. A problem is a sentence with the place
in front.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from google.protobuf import json_format

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 100
_CHAT_ONLY = {
    "textParagraph": {"textSyntax"}, "textInput": {"placeholderText"}, "action": {"interaction"},
    "selectionInput": {"externalDataSource", "platformDataSource"},
    "decoratedText": {"topLabelText", "contentText", "bottomLabelText", "startIconVerticalAlignment", "icon"},
    "startIcon": {"materialIcon"}, "endIcon": {"materialIcon"}, "icon": {"materialIcon"}, "card": {"peekCardHeader"},
}  # fmt: skip
_WIDGETS = {
    "textParagraph", "image", "decoratedText", "buttonList", "textInput", "selectionInput", "dateTimePicker", "divider",
    "grid", "columns", "carousel", "chipList",
}  # fmt: skip
_NOT_IN_SIDEBAR = {"carousel": "only Chat shows it", "columns": "only compose and attachment dialogs show it"}
_CLICKS = {"action", "openLink", "openDynamicLinkAction", "card", "overflowMenu"}
KNOWN_ICONS = {
    "AIRPLANE": "✈", "BOOKMARK": "⚑", "BUS": "🚌", "CAR": "🚗", "CLOCK": "◷", "CONFIRMATION_NUMBER_ICON": "#",
    "DESCRIPTION": "≡", "DOLLAR": "$", "EMAIL": "✉", "EVENT_PERFORMER": "🎤", "EVENT_SEAT": "💺",
    "FLIGHT_ARRIVAL": "🛬", "FLIGHT_DEPARTURE": "🛫", "HOTEL": "🏨", "HOTEL_ROOM_TYPE": "🛏", "INVITE": "▦",
    "MAP_PIN": "📍", "MEMBERSHIP": "◈", "MULTIPLE_PEOPLE": "👥", "OFFER": "🏷", "PERSON": "👤", "PHONE": "☎",
    "RESTAURANT_ICON": "🍽", "SHOPPING_CART": "🛒", "STAR": "★", "STORE": "⌂", "TICKET": "🎟", "TRAIN": "🚆",
    "VIDEO_CAMERA": "📹", "VIDEO_PLAY": "▶",
}  # fmt: skip
"""Every icon that Gmail knows by name, with a sign that looks a little like it; the commoner need no emoji font."""
_TAG = re.compile(r"<\s*/?\s*([A-Za-z][\w-]*)")
_TEXT_TAGS = {"b", "i", "u", "s", "font", "a", "time", "br"}


def card_problems(card: object, base: str) -> list[str]:
    """Give what is wrong with a card; nothing when it would be shown. `base` is the add-on's own address."""
    if not isinstance(card, dict):
        return ["a card is an object."]
    schema = _schema_problem(card)
    return [*([schema] if schema else []), *_meaning(card, base)]


@functools.cache
def _card_class() -> Any:
    from google.apps import card_v1  # slow to import, and needed only where an add-on is called

    return type(card_v1.Card.pb(card_v1.Card()))


def _schema_problem(card: dict[str, Any]) -> str | None:
    try:
        json_format.ParseDict(card, _card_class()(), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        return f"not a card by Google's schema: {str(error)[:200]}"
    return None


def _meaning(card: dict[str, Any], base: str) -> Iterator[str]:
    if "header" in card and not (card["header"] or {}).get("title"):
        yield "header: a title is required."
    sections = card.get("sections") or []
    if not sections:
        yield "sections: a card without content shows nothing."
    widgets = [widget for section in sections if isinstance(section, dict) for widget in section.get("widgets") or []]
    if len(widgets) > _MOST or len(sections) > _MOST:
        yield f"sections: more than {_MOST} widgets or sections; what is too much is dropped silently."
    for place, section in enumerate(sections):
        yield from (f"sections[{place}]{problem}" for problem in _section(section))
    if "fixedFooter" in card and not (card["fixedFooter"] or {}).get("primaryButton"):
        yield "fixedFooter: a primary button is required."
    yield from _same_names(widgets)
    yield from _walk("card", card, "", base)


def _section(section: object) -> Iterator[str]:
    if not isinstance(section, dict) or not section.get("widgets"):
        yield ": a section has at least one widget."
    elif len(set(section.get("collapseControl") or {}) & {"expandButton", "collapseButton"}) == 1:
        yield ".collapseControl: set both buttons or neither."


def _same_names(widgets: list[Any]) -> Iterator[str]:
    kinds = ("textInput", "selectionInput", "dateTimePicker")
    inputs = [widget.get(kind) for widget in widgets if isinstance(widget, dict) for kind in kinds]
    names = [given.get("name") for given in inputs if isinstance(given, dict)]
    if len(set(names)) != len(names):
        yield "inputs: two of them have the same name."


def _walk(kind: str, value: Any, path: str, base: str) -> Iterator[str]:
    if value is None:
        yield f"{path}: a value is missing."
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _walk("widget" if kind == "widgets" else kind, item, f"{path}[{place}]", base)
    elif isinstance(value, dict):
        yield from (f"{path}.{key}: only Chat knows it." for key in _CHAT_ONLY.get(kind, set()) & set(value))
        check = _CHECKS.get(kind)
        if check is not None:
            yield from (f"{path}: {problem}" for problem in check(value, base))
        for key, child in value.items():
            yield from _walk(key, child, f"{path}.{key}" if path else key, base)


def _widget(value: dict[str, Any], _: str) -> Iterator[str]:
    kinds = set(value) & _WIDGETS
    if len(kinds) != 1:
        yield "a widget has exactly one kind."
    for kind in kinds & set(_NOT_IN_SIDEBAR):
        yield f"{kind}: {_NOT_IN_SIDEBAR[kind]}."
    if "horizontalAlignment" in value:
        yield "horizontalAlignment: only Chat knows it."


def _text(value: dict[str, Any], _: str) -> Iterator[str]:
    text = str(value.get("text") or "")
    if not text:
        yield "text is required."
    for tag in {found.group(1).lower() for found in _TAG.finditer(text)} - _TEXT_TAGS:
        yield f"the text mark <{tag}> is not known."


def _decorated(value: dict[str, Any], base: str) -> Iterator[str]:
    yield from _text(value, base)
    if len(set(value) & {"button", "switchControl", "endIcon"}) > 1:
        yield "one of button, switchControl and endIcon."


def _button(value: dict[str, Any], _: str) -> Iterator[str]:
    if not value.get("text") and not value.get("icon"):
        yield "a button has a text or an icon."
    if "onClick" not in value and not value.get("disabled"):
        yield "a button does something: onClick is required."


def _text_input(value: dict[str, Any], _: str) -> Iterator[str]:
    if not value.get("name"):
        yield "name is required."
    if not value.get("label") and not value.get("hintText"):
        yield "label or hintText is required."


def _selection(value: dict[str, Any], _: str) -> Iterator[str]:
    if not value.get("name"):
        yield "name is required."
    items = value.get("items") or []
    if not items or len(items) > _MOST:
        yield f"between 1 and {_MOST} items."


def _named(value: dict[str, Any], _: str) -> Iterator[str]:
    if not value.get("name"):
        yield "name is required."


def _icon(value: dict[str, Any], base: str) -> Iterator[str]:
    if len(set(value) & {"knownIcon", "iconUrl", "materialIcon"}) != 1:
        yield "an icon has one of knownIcon and iconUrl."
    if "knownIcon" in value and value["knownIcon"] not in KNOWN_ICONS:
        yield "knownIcon: Gmail has no icon of this name."
    yield from _image_url(value.get("iconUrl"), base)


def _image(value: dict[str, Any], base: str) -> Iterator[str]:
    yield from _image_url(value.get("imageUrl") or value.get("imageUri"), base)


def _image_url(url: object, base: str) -> Iterator[str]:
    if url is None:
        return
    if not str(url).startswith("https://") and not _below(str(url), base):
        yield "an image has an https address."
    if urlsplit(str(url)).path.endswith(".svg"):
        yield "Gmail does not show SVG."


def _on_click(value: dict[str, Any], _: str) -> Iterator[str]:
    if len(set(value) & _CLICKS) != 1:
        yield "a click does exactly one thing."


def _action(value: dict[str, Any], base: str) -> Iterator[str]:
    function = str(value.get("function") or "")
    if not _below(function, base):
        yield "function is a full address below the add-on's own."
    elif not function.startswith("https://") and urlsplit(function).hostname not in {"127.0.0.1", "localhost"}:
        yield "function is an https address."
    keys = [parameter.get("key") for parameter in value.get("parameters") or [] if isinstance(parameter, dict)]
    if len(set(keys)) != len(keys):
        yield "two parameters have the same key."


def _open_link(value: dict[str, Any], base: str) -> Iterator[str]:
    url = str(value.get("url") or "")
    if not url.startswith(("https://", "mailto:", "tel:")) and not _below(url, base):
        yield "a link is https, mailto or tel."


def _chip(value: dict[str, Any], _: str) -> Iterator[str]:
    if not value.get("label") and not value.get("icon"):
        yield "a chip has a label or an icon."


def _below(url: str, base: str) -> bool:
    return url == base or url.startswith(f"{base}/")


_CHECKS = {
    "widget": _widget, "textParagraph": _text, "decoratedText": _decorated, "buttons": _button, "button": _button,
    "primaryButton": _button, "secondaryButton": _button, "textInput": _text_input, "selectionInput": _selection,
    "switchControl": _named, "dateTimePicker": _named, "icon": _icon, "startIcon": _icon, "endIcon": _icon,
    "image": _image, "header": _image, "onClick": _on_click, "action": _action, "onChangeAction": _action,
    "autoCompleteAction": _action, "openLink": _open_link, "chips": _chip,
}  # fmt: skip
