"""The sink `browser`: pages composed sealed by Jinja, opened in one pass; and JSON for scripts in a member's browser.

While a page is rendered each guarded value that is put out leaves a *token*, made of a secret of this rendering and a
number. When the page is done, all values are released together and every token is replaced, escaped for element text
or a quoted attribute, in one pass that never looks at what it has put in. A token that is missing, doubled, changed or
cut spoils the page: then nothing of it is opened.

Rules for templates (held by `limited_use.template_lint`): `{{ v }}` or `{{ v|show('date') }}`, in element text or in
a quoted plain attribute. A value that is withheld leaves a mark. None is put out as nothing.
"""

import datetime as dt
import html
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, NoReturn, final

from jinja2 import Environment, Template
from markupsafe import Markup

from limited_use.asking import Asking, Refused, Sink
from limited_use.release import Guard, Withheld
from limited_use.sealing import Refusing, SealedError
from limited_use.sinks import trees
from limited_use.sinks.presentations import PRESENTATIONS, Moment, Presentation
from limited_use.sinks.trees import GUARDED, Tree

PLAIN_ATTRIBUTES = ("title", "alt", "value", "placeholder", "label", "class", "datetime", "aria-label", "data-label")
"""Attributes in which a guarded value may stand: they are read or matched, and load, run and style nothing."""
WITHHELD = "withheld"
WITHHELD_MARK = f'<span class="withheld">{WITHHELD}</span>'
_RAW = (
    *(
        (f"<{name}", f"</{name}")
        for name in ("script", "style", "iframe", "svg", "math", "template", "noscript", "xmp")
    ),
    ("<!--", "-->"),
    ("<plaintext", "\x00"),
)
"""What begins and ends text that a browser does not read as text: no token may be there, whatever the lint saw."""
_TEXT_ONLY = (("<textarea", "</textarea"), ("<title", "</title"))
"""What begins and ends text in which tags are read as text."""
_SPECIAL = re.compile("[&<>\"']").search
_PLAIN_ATTRIBUTE = re.compile(
    r"""<[a-zA-Z](?:[^"'<>]|"[^"]*"|'[^']*')*"""
    rf"""\s(?:{"|".join(PLAIN_ATTRIBUTES)})\s*=\s*(?:"[^"]*|'[^']*)"""
).fullmatch
_LOOKS_LIKE_A_TOKEN = re.compile("lu[0-9a-f]{32}-[0-9]").search
"""Also one of another rendering: what was composed for one answer is never put into a second."""
_KINDS = frozenset(GUARDED)
_AS_TEXT = PRESENTATIONS["text"]


class PageSpoiled(Refused):
    """A guarded value did not come through the template whole, so the page is not sent."""

    code = "page_spoiled"
    sentence = (
        "This page cannot be shown: a guarded value was changed on its way into it. An admin finds it in the log."
    )


@final
class Shown(Refusing):
    """A guarded value and the presentation it is to be put out in; only `{{ }}` can use it."""

    __slots__ = ("arguments", "presentation", "value")

    def __init__(self, value: Any, presentation: Presentation, arguments: tuple[Any, ...]) -> None:
        self.value = value
        self.presentation = presentation
        self.arguments = arguments

    def __repr__(self) -> str:
        """Return a constant."""
        return "<shown>"


class _Rendering:
    """One page on its way: the secret of its tokens and the values they stand for."""

    __slots__ = ("head", "issued", "secret")

    def __init__(self) -> None:
        self.secret = secrets.token_hex(16)
        self.head = f"lu{self.secret}-"
        self.issued: list[Shown] = []

    def token(self, shown: Shown) -> Markup:
        self.issued.append(shown)
        return str.__new__(Markup, f"{self.head}{len(self.issued) - 1}.")  # letters, digits, a dash and a dot

    def split(self, composed: str) -> list[str]:
        """Return the text between tokens and the tokens' numbers, by turns."""
        return re.split(f"{self.head}([0-9]{{1,9}})\\.", composed)

    def numbers_within(self, lowered: str, elements: tuple[tuple[str, str], ...]) -> set[str]:
        """Return the numbers of the tokens between any of these beginnings and their ends."""
        found: set[str] = set()
        for begin, end in elements:
            at = lowered.find(begin)
            while at >= 0:
                until = lowered.find(end, at)
                until = until if until >= 0 else len(lowered)
                if self.head in lowered[at:until]:
                    found.update(self.split(lowered[at:until])[1::2])
                at = lowered.find(begin, until)
        return found


class _Whole(NamedTuple):
    """A page whose tokens are all there: its text and their numbers by turns, and the values in that order."""

    parts: list[str]
    order: list[tuple[Shown, bool]]


_present: ContextVar[_Rendering | None] = ContextVar("rendering", default=None)


def prepare(environment: Environment) -> None:
    """Leave the environment able to put out guarded values, and unable to reach into one."""
    environment.finalize = _finalize
    environment.filters["show"] = show
    environment.filters["attr"] = _unless_guarded(getattr)
    environment.getattr = _unless_guarded(environment.getattr)  # type: ignore[method-assign] # templates call these
    environment.getitem = _unless_guarded(environment.getitem)  # type: ignore[method-assign] # as above


def show(value: Any, name: str = "text", *arguments: Any) -> Any:
    """Return the value in one of the closed list of presentations, to be put out by `{{ }}`; None stays None."""
    presentation = PRESENTATIONS.get(name)
    if presentation is None:
        raise SealedError(f"There is no presentation {name!r}: the list is closed.")
    if value is None:
        return None
    if not isinstance(value, GUARDED):
        raise SealedError("Only guarded values are presented.")
    return Shown(value, presentation, arguments)


def page(
    guard: Guard, asking: Asking, template: Template, context: Mapping[str, Any], *, zone: dt.tzinfo = dt.UTC
) -> str:
    """Return the page, opened for its viewer, with times in `zone`.

    Raises:
        Refused: if the guard refuses, or a value did not come through the template whole.
        SealedError: if the template uses a guarded value in a way that is not put out.
    """
    if asking.sink is not Sink.BROWSER:
        guard.refuse(asking, "wrong_sink")
    return finished(guard, asking, template, context, zone)


def json(guard: Guard, asking: Asking, tree: Tree) -> bytes:
    """Return the tree as JSON for the member's own browser, opened; what is withheld says so.

    Raises:
        Refused: if a leaf is a bare value, or the guard refuses.
    """
    if asking.sink is not Sink.BROWSER:
        guard.refuse(asking, "wrong_sink")
    return trees.json(guard, asking, tree)


def finished(
    guard: Guard, asking: Asking, template: Template, context: Mapping[str, Any], zone: dt.tzinfo = dt.UTC
) -> str:
    """Return the page, opened for the asking's own sink; for adaptors whose documents are pages, after their checks.

    Raises:
        Refused, SealedError: as for `page`.
    """
    with _rendering() as rendering:
        composed = template.render(context)
    parts, order = _check_whole(guard, asking, rendering, composed)

    def deliver(opened: list[Any]) -> str:
        moment = Moment(guard.clock.now(), zone)
        parts[1::2] = [_put(*spot, value, moment) for spot, value in zip(order, opened, strict=True)]
        return "".join(parts)

    return guard.release(asking, [shown.value for shown, _ in order], deliver)


@contextmanager
def _rendering() -> Iterator[_Rendering]:
    if _present.get() is not None:
        raise SealedError("A page cannot be made inside another page.")
    rendering = _Rendering()
    mark = _present.set(rendering)
    try:
        yield rendering
    finally:
        _present.reset(mark)


def _check_whole(guard: Guard, asking: Asking, rendering: _Rendering, composed: str) -> _Whole:
    """Return the page's parts, and its values in their order, each with whether it stands where no tags may be put.

    Accepts only a page in which each issued token stands once, where it may, and nothing else looks like one.
    """
    parts = rendering.split(composed)
    numbers = [int(number) for number in parts[1::2]]
    if sorted(numbers) != list(range(len(rendering.issued))):
        _spoil(guard, asking)
    rest = "\n".join(parts[0::2]).lower()
    if rendering.secret in rest or rendering.secret[::-1] in rest or _LOOKS_LIKE_A_TOKEN(rest):
        _spoil(guard, asking)
    lowered = composed.lower()
    if rendering.numbers_within(lowered, _RAW):
        _spoil(guard, asking)
    unmarked = {int(number) for number in rendering.numbers_within(lowered, _TEXT_ONLY)}
    order = []
    tag: str | None = None  # the tag that the text so far ends inside of, from its `<`
    for before, number in zip(parts[0::2], numbers, strict=False):
        tag = None if before.endswith(">") else _tag_at_end(tag, before)
        shown = rendering.issued[number]
        bare = tag is not None or number in unmarked
        if (bare and shown.presentation.makes_markup) or (tag is not None and not _PLAIN_ATTRIBUTE(tag)):
            _spoil(guard, asking)
        order.append((shown, bare))
        tag = None if tag is None else tag + "v"
    return _Whole(parts, order)


def _tag_at_end(tag: str | None, text: str) -> str | None:
    """Return the tag that stands open at the end of the text, if one does."""
    opening, closing = text.rfind("<"), text.rfind(">")
    if opening > closing:
        return text[opening:]
    if closing >= 0 or tag is None:
        return None
    return tag + text


def _spoil(guard: Guard, asking: Asking) -> NoReturn:
    try:
        guard.refuse(asking, "page_spoiled")
    except Refused as error:
        raise PageSpoiled from error


def _finalize(value: Any) -> Any:
    """Return what `{{ }}` puts out: for a guarded value its token."""
    kind = type(value)
    if kind is str or kind is Markup:
        return value
    if kind is Shown:
        shown = value
    elif kind in _KINDS:
        shown = Shown(value, _AS_TEXT, ())
    else:
        return "" if value is None else value
    rendering = _present.get()
    if rendering is None:
        raise SealedError("A guarded value can only be put out by a page that the browser adaptor makes.")
    return rendering.token(shown)


def _put(shown: Shown, bare: bool, value: Any, moment: Moment) -> str:  # noqa: FBT001 -- of one tuple, see above
    """Return what stands in the place of a token, escaped for it; `bare` where no tags may be put."""
    if isinstance(value, Withheld):
        if not shown.presentation.tells_mark:
            return WITHHELD if bare else WITHHELD_MARK
        value = WITHHELD
    if value is None:
        return ""
    made = shown.presentation.make(value, moment, *shown.arguments)
    if shown.presentation.makes_markup or not _SPECIAL(made):
        return made
    return html.escape(made, quote=True)


def _unless_guarded(reach: Callable[..., Any]) -> Callable[..., Any]:
    """Return the way into an object, closed for guarded values: a template sees nothing inside them."""

    def reach_in(obj: Any, name: Any) -> Any:
        if isinstance(obj, Refusing):
            raise SealedError
        return reach(obj, name)

    return reach_in
