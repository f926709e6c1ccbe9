"""The sink `sidebar`: cards of the Gmail and Calendar add-on, as plain trees with guarded leaves.

Text of a card is of two sorts. Paragraphs and the main text of a decorated text take a small subset of HTML: there
everything opened is escaped. Titles, labels and buttons are plain. Nothing guarded may stand where a card does
something with it other than show it: addresses, functions, parameters, names and ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson

from limited_use.asking import Asking, Sink
from limited_use.release import Guard, Withheld
from limited_use.sealing import Labelled, Refusing, Sealed, SealedError
from limited_use.sinks.presentations import PRESENTATIONS, Moment, Presentation
from limited_use.sinks.trees import GUARDED

WITHHELD = "withheld"
_HTML = frozenset({("textParagraph", "text"), ("decoratedText", "text")})
_SHOWN = frozenset(
    {"title", "subtitle", "header", "text", "topLabel", "bottomLabel", "label", "hintText", "altText", "actionLabel"}
)
"""Fields of a card that are there to be read."""


class Text:
    """Text of a card made of parts: plain text of ours and guarded values, each escaped as its field needs."""

    __slots__ = ("parts",)

    def __init__(self, *parts: Any) -> None:
        if not all(isinstance(part, (str, *_PLACED)) for part in parts):
            raise SealedError("Text of a card is made of plain text and guarded values.")
        self.parts = parts

    def __repr__(self) -> str:
        """Return a constant."""
        return "<text>"


class Present(Refusing):
    """A guarded value in one of the closed list of presentations; those that make markup are not for cards."""

    __slots__ = ("arguments", "presentation", "value")

    def __init__(self, value: Any, name: str, *arguments: Any) -> None:
        presentation = PRESENTATIONS.get(name)
        if presentation is None or presentation.makes_markup or not isinstance(value, GUARDED):
            raise SealedError("A card presents guarded values, as text.")
        self.value = value
        self.presentation: Presentation = presentation
        self.arguments = arguments

    def __repr__(self) -> str:
        """Return a constant."""
        return "<present>"


_PLACED = (Present, *GUARDED)


@dataclass(frozen=True, slots=True)
class _Field:
    """Where in a card something stands."""

    widget: str = ""
    name: str = ""
    acts: bool = False
    """Whether it is inside something that acts: parameters, links, functions."""

    def below(self, key: str) -> "_Field":
        return _Field(self.name, key, self.acts or key in ("parameters", "openLink"))

    @property
    def is_shown(self) -> bool:
        return not self.acts and (self.name in _SHOWN or (self.widget, self.name) == ("textInput", "value"))

    @property
    def is_html(self) -> bool:
        return (self.widget, self.name) in _HTML


def card(guard: Guard, asking: Asking, tree: Mapping[str, Any], *, records: int | None = None) -> orjson.Fragment:
    """Return the card with everything in it opened and escaped: finished JSON, to be put into an answer as it is.

    Raises:
        Refused: if the guard refuses, or a value from Google stands where it would not merely be shown.
    """
    if asking.sink is not Sink.SIDEBAR:
        guard.refuse(asking, "wrong_sink")
    values: list[Any] = []
    try:
        _collect(tree, _Field(), values)
    except SealedError:
        guard.refuse(asking, "wrong_place")

    def deliver(opened: list[Any]) -> orjson.Fragment:
        return orjson.Fragment(orjson.dumps(_Filling(opened, Moment(guard.clock.now())).fill(tree, _Field())))

    return guard.release(asking, values, deliver, records=records)


def _collect(tree: Any, field: _Field, values: list[Any]) -> None:
    """Add every guarded value of the card to `values`, in order; refuse one that would not merely be shown."""
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            _collect(branch, field.below(key), values)
    elif isinstance(tree, list | tuple | Text):
        for branch in tree.parts if isinstance(tree, Text) else tree:
            _collect(branch, field, values)
    else:
        _collect_leaf(tree.value if isinstance(tree, Present) else tree, field, values)


def _collect_leaf(leaf: Any, field: _Field, values: list[Any]) -> None:
    if isinstance(leaf, GUARDED):
        if isinstance(leaf, Sealed | Labelled) and not field.is_shown:
            raise SealedError
        values.append(leaf)
    elif leaf is not None and not isinstance(leaf, str | int | float | bool):
        raise SealedError


class _Filling:
    """Puts opened values into a card, in the order in which they were collected."""

    def __init__(self, opened: list[Any], moment: Moment) -> None:
        self._opened = iter(opened)
        self._moment = moment

    def fill(self, tree: Any, field: _Field) -> Any:
        if isinstance(tree, Mapping):
            return {key: self.fill(branch, field.below(key)) for key, branch in tree.items()}
        if isinstance(tree, list | tuple):
            return [self.fill(branch, field) for branch in tree]
        if isinstance(tree, Text):
            return "".join(self._part(part, field) for part in tree.parts)
        if isinstance(tree, _PLACED):
            return self._part(tree, field)
        return tree

    def _part(self, part: Any, field: _Field) -> str:
        if isinstance(part, str):
            made = part
        else:
            value = next(self._opened)
            made = self._present(part, value)
        return escape(made, quote=True) if field.is_html else made

    def _present(self, part: Any, value: Any) -> str:
        if isinstance(value, Withheld):
            return WITHHELD
        if value is None:
            return ""
        if isinstance(part, Present):
            return part.presentation.make(value, self._moment, *part.arguments)
        return PRESENTATIONS["text"].make(value, self._moment)
