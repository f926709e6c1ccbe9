"""A card as something a template can draw, and what was typed into it as an EventObject wants it.

Every action of a card gets a number in the order in which it is met; a form sends the number, never an address. Text
of a card may hold a few marks (bold, links …); all others are removed before it is shown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import nh3
from markupsafe import Markup

from emulator.addon_host.cards import KNOWN_ICONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from werkzeug.datastructures import MultiDict

_TAGS = {"b", "i", "u", "s", "a", "br"}
_HEAD = "in."
_MS = 1_000


class CardView:
    """A card being drawn. `clicks` are its onClick objects by number; `base` is where its pictures may come from."""

    def __init__(self, card: dict[str, Any], base: str) -> None:
        self.clicks: list[dict[str, Any]] = []
        self._base = base
        header = card.get("header") or {}
        self.header = {**header, "picture": self.picture(header.get("imageUrl"))}
        self.sections = [self._section(section) for section in card.get("sections") or []]
        footer = card.get("fixedFooter") or {}
        self.footer = [self._button(footer[key]) for key in ("primaryButton", "secondaryButton") if footer.get(key)]
        self.menu = [
            {"text": action.get("actionLabel", ""), **self.click(action.get("onClick"))}
            for action in card.get("cardActions") or []
        ]

    def click(self, on_click: dict[str, Any] | None) -> dict[str, Any]:
        """Give what a template needs of a click: a number to send, or a link to follow; nothing when there is none."""
        if not on_click:
            return {}
        link = (on_click.get("openLink") or {}).get("url")
        if link:
            return {"href": link} if urlsplit(link).scheme in {"http", "https", "mailto", "tel"} else {}
        self.clicks.append(on_click)
        return {"number": len(self.clicks) - 1}

    def picture(self, url: object) -> str | None:
        """Give the address of a picture of the add-on's own; others are not loaded."""
        return str(url) if self._base and str(url or "").startswith(f"{self._base}/") else None

    def _section(self, section: dict[str, Any]) -> dict[str, Any]:
        widgets = [drawn for widget in section.get("widgets") or [] if (drawn := self._widget(widget)) is not None]
        always = int(section.get("uncollapsibleWidgetsCount") or 0)
        folded = bool(section.get("collapsible"))
        return {
            "header": text(section.get("header")),
            "widgets": widgets[:always] if folded else widgets,
            "folded": widgets[always:] if folded else [],
        }

    def _widget(self, widget: dict[str, Any]) -> dict[str, Any] | None:
        draw: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "textParagraph": lambda given: {"text": text(given.get("text"))},
            "decoratedText": self._decorated,
            "buttonList": lambda given: {"buttons": [self._button(button) for button in given.get("buttons") or []]},
            "image": self._image,
            "textInput": self._input,
            "selectionInput": self._input,
            "dateTimePicker": self._input,
            "divider": lambda _: {},
            "grid": self._grid,
            "chipList": lambda given: {"chips": [self._chip(chip) for chip in given.get("chips") or []]},
        }
        for kind, given in widget.items():
            if kind in draw:
                return {"kind": kind, **draw[kind](given or {})}
        return None

    def _decorated(self, given: dict[str, Any]) -> dict[str, Any]:
        switch = given.get("switchControl")
        return {
            "top": given.get("topLabel"),
            "text": text(given.get("text")),
            "bottom": given.get("bottomLabel"),
            "icon": self._icon(given.get("startIcon")),
            "end": self._icon(given.get("endIcon")),
            "button": self._button(given["button"]) if given.get("button") else None,
            "switch": {**switch, "change": self._change(switch)} if switch else None,
            "click": self.click(given.get("onClick")),
        }

    def _button(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "text": given.get("text"),
            "alt": given.get("altText"),
            "icon": self._icon(given.get("icon")),
            "disabled": bool(given.get("disabled")),
            "main": "color" in given or given.get("type") == "FILLED",
            "click": self.click(given.get("onClick")),
            "menu": [
                {"text": item.get("text", ""), **self.click(item.get("onClick"))}
                for item in ((given.get("onClick") or {}).get("overflowMenu") or {}).get("items", [])
            ],
        }

    def _chip(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**self._button(given), "text": given.get("label")}

    def _image(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "picture": self.picture(given.get("imageUrl")),
            "alt": given.get("altText") or "picture",
            "click": self.click(given.get("onClick")),
        }

    def _input(self, given: dict[str, Any]) -> dict[str, Any]:
        shown = {**given, "field": f"{_HEAD}{given.get('name', '')}", "change": self._change(given)}
        if "valueMsEpoch" in given:
            moment = datetime.fromtimestamp(int(given["valueMsEpoch"]) / _MS, UTC)
            shown["value"] = moment.strftime("%Y-%m-%d" if given.get("type") == "DATE_ONLY" else "%Y-%m-%dT%H:%M")
        return shown

    def _change(self, given: dict[str, Any]) -> dict[str, Any]:
        action = given.get("onChangeAction")
        return self.click({"action": action}) if action else {}

    def _grid(self, given: dict[str, Any]) -> dict[str, Any]:
        items = []
        for place, item in enumerate(given.get("items") or []):
            click = dict(given.get("onClick") or {})
            if "action" in click:
                chosen = [
                    {"key": "grid_item_identifier", "value": str(item.get("id", ""))},
                    {"key": "grid_item_index", "value": str(place)},
                ]
                click["action"] = {**click["action"], "parameters": [*click["action"].get("parameters", []), *chosen]}
            picture = self.picture((item.get("image") or {}).get("imageUri"))
            items.append({**item, "picture": picture, "click": self.click(click or None)})
        return {"title": given.get("title"), "items": items, "columns": int(given.get("columnCount") or 2)}

    def _icon(self, given: dict[str, Any] | None) -> dict[str, Any] | None:
        if not given:
            return None
        return {
            "sign": KNOWN_ICONS.get(str(given.get("knownIcon")), "•"),
            "picture": self.picture(given.get("iconUrl")),
            "alt": given.get("altText") or "",
        }


def text(given: object) -> Markup:
    """Give a card's text with the few marks that cards may have, and no other."""
    clean = nh3.clean(
        str(given or "").replace("\n", "<br>"), tags=_TAGS, attributes={"a": {"href"}}, link_rel="noopener"
    )
    return Markup(clean)  # noqa: S704 -- nh3 left nothing but these tags


def form_inputs(card: dict[str, Any], form: MultiDict[str, str]) -> dict[str, Any]:
    """Give what was typed, by the names of the widgets; an empty widget is missing, as at Google."""
    found: dict[str, Any] = {}
    for kind, given in inputs_of(card):
        name = str(given.get("name", ""))
        values = [value for value in form.getlist(f"{_HEAD}{name}") if value]
        if not values:
            continue
        if kind == "dateTimePicker":
            found[name] = _date_input(str(given.get("type", "DATE_AND_TIME")), values[0])
        else:
            found[name] = {"stringInputs": {"value": values}}
    return {name: value for name, value in found.items() if value}


def inputs_of(card: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the widgets of a card that a person can fill in, with their kinds."""
    for section in card.get("sections") or []:
        for widget in section.get("widgets") or []:
            for kind in ("textInput", "selectionInput", "dateTimePicker"):
                if isinstance(widget.get(kind), dict):
                    yield kind, widget[kind]
            switch = (widget.get("decoratedText") or {}).get("switchControl")
            if switch:
                yield "switchControl", switch


def _date_input(kind: str, value: str) -> dict[str, Any]:
    try:
        if kind == "TIME_ONLY":
            hours, minutes = value.split(":")[:2]
            return {"timeInput": {"hours": int(hours), "minutes": int(minutes)}}
        moment = datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        return {}
    ms = str(int(moment.timestamp() * _MS))
    if kind == "DATE_ONLY":
        return {"dateInput": {"msSinceEpoch": ms}}
    return {"dateTimeInput": {"msSinceEpoch": ms, "hasDate": True, "hasTime": True}}
