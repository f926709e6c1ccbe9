"""The lint of templates: where `{{ }}` may stand, and what may not be done in a template at all.

A guarded value may stand in element text and in quoted plain attributes. This reads a template's HTML with each
`{{ }}` as a mark and tells every mark that stands elsewhere: in a script, a style, a comment, a tag, an attribute
without quotes, or one that loads, runs or styles. An address is made by `url_for`, which refuses guarded values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, nodes

from limited_use.sinks.presentations import PRESENTATIONS

URL_ATTRIBUTES = frozenset(
    {"href", "src", "action", "formaction", "srcset", "poster", "data", "cite", "background", "ping", "manifest"}
    | {"codebase", "xlink:href", "longdesc", "usemap", "profile"}
)
BANNED_ATTRIBUTES = re.compile(r"on.*|style|srcdoc|http-equiv|hx-.*|x-.*|v-.*|@.*|:.*")
BANNED_FILTERS = frozenset({"safe", "tojson", "attr", "xmlattr", "urlize", "forceescape", "pprint", "string"})
RAW_ELEMENTS = ("script", "style", "iframe", "noembed", "noframes", "noscript", "xmp", "plaintext", "template", "svg")
_MARK = "\ue000"
_TOKENS = re.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))"
    rf"|(?P<raw><(?P<element>{'|'.join(RAW_ELEMENTS)})\b(?P<head>[^>]*)>(?P<inner>.*?)(?:</(?P=element)\s*>|\Z))"
    r"|(?P<tag></?[a-zA-Z\ue000](?:[^>\"']|\"[^\"]*\"|'[^']*')*>)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s\"'<>/=]+)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s\"'>]+)))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that a template may not do, and its line."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class _Placed:
    line: int
    expression: str

    @property
    def is_address(self) -> bool:
        return re.match(r"url_for\s*\(", self.expression) is not None

    @property
    def makes_markup(self) -> bool:
        shown = re.search(r"\|\s*show\s*\(\s*['\"](\w+)['\"]", self.expression)
        return shown is not None and shown[1] in PRESENTATIONS and PRESENTATIONS[shown[1]].makes_markup


def faults_of(environment: Environment, source: str) -> list[Fault]:
    """Return everything in the template that could let a guarded value out of its place, by line."""
    text, placed = _mark(environment, source)
    found = [*_faults_of_places(text, placed), *_faults_of_code(environment.parse(source))]
    return sorted(found, key=lambda fault: fault.line)


def _mark(environment: Environment, source: str) -> tuple[str, list[_Placed]]:
    """Return the HTML of the template with a mark for each `{{ }}`, and what those are."""
    html: list[str] = []
    placed: list[_Placed] = []
    inside: list[str] | None = None
    for line, kind, value in environment.lex(source):
        if kind == "variable_begin":
            inside = []
        elif kind == "variable_end":
            placed.append(_Placed(line, "".join(inside or ()).strip()))
            html.append(_MARK)
            inside = None
        elif inside is not None:
            inside.append(value)
        elif kind == "data":
            html.append(value.replace(_MARK, ""))
    return "".join(html), placed


def _faults_of_places(text: str, placed: list[_Placed]) -> Iterator[Fault]:
    marks = iter(placed)
    at = 0
    for token in _TOKENS.finditer(text):
        yield from _in_text(text[at : token.start()], marks)
        if token["comment"]:
            yield from _all(token["comment"], marks, "in a comment")
        elif token["raw"]:
            yield from _in_tag(token["head"], marks)
            yield from _all(token["inner"], marks, f"inside <{token['element'].lower()}>")
        else:
            yield from _in_tag(token["tag"], marks)
        at = token.end()
    yield from _in_text(text[at:], marks)


def _in_text(text: str, marks: Iterator[_Placed]) -> Iterator[Fault]:
    if re.search(r"<[a-zA-Z/!]", text):
        yield from _all(text, marks, "near a tag that does not end")
        return
    for _ in range(text.count(_MARK)):
        next(marks)


def _all(text: str, marks: Iterator[_Placed], where: str) -> Iterator[Fault]:
    for _ in range(text.count(_MARK)):
        yield Fault(next(marks).line, f"An expression stands {where}, where nothing guarded may stand.")


def _in_tag(tag: str, marks: Iterator[_Placed]) -> Iterator[Fault]:
    at = 0
    for attribute in _ATTRIBUTE.finditer(tag):
        yield from _all(tag[at : attribute.start()], marks, "inside a tag")
        at = attribute.end()
        quoted = attribute["double"] or attribute["single"]
        if _MARK in attribute["name"] or not quoted:
            yield from _all(attribute[0], marks, "inside a tag without quotes around it")
        else:
            for _ in range(quoted.count(_MARK)):
                yield from _in_attribute(attribute["name"].lower(), next(marks))
    yield from _all(tag[at:], marks, "inside a tag")


def _in_attribute(name: str, mark: _Placed) -> Iterator[Fault]:
    if BANNED_ATTRIBUTES.fullmatch(name):
        yield Fault(mark.line, f"An expression stands in the attribute {name}, which runs or styles.")
    elif name in URL_ATTRIBUTES and not mark.is_address:
        yield Fault(mark.line, f"The attribute {name} is an address: make it with url_for().")
    elif mark.makes_markup:
        yield Fault(mark.line, f"A presentation that makes markup stands in the attribute {name}.")


def _faults_of_code(tree: nodes.Template) -> Iterator[Fault]:
    yield from _faults_of_filters(tree)
    for kind, sentence in _BANNED_NODES.items():
        for node in tree.find_all(kind):
            yield Fault(node.lineno, sentence)
    for reached in tree.find_all(nodes.Getattr):
        if reached.attr.startswith("_"):
            yield Fault(reached.lineno, "A template does not use private parts of a value.")
    for name in tree.find_all(nodes.Name):
        if name.name == "Markup":
            yield Fault(name.lineno, "A template does not make markup of text.")


def _faults_of_filters(tree: nodes.Template) -> Iterator[Fault]:
    for used in tree.find_all(nodes.Filter):
        if used.name in BANNED_FILTERS:
            yield Fault(used.lineno, f"The filter {used.name} is not for templates here.")
        if used.name == "show" and used.args and not _is_presentation(used.args[0]):
            yield Fault(used.lineno, "show() names one of the closed list of presentations.")


_BANNED_NODES: dict[type[nodes.Node], str] = {
    nodes.FilterBlock: "A filter block would change guarded values on their way.",
    nodes.ScopedEvalContextModifier: "Escaping is never switched off.",
    nodes.EvalContextModifier: "Escaping is never switched off.",
}


def _is_presentation(argument: nodes.Expr) -> bool:
    return isinstance(argument, nodes.Const) and argument.value in PRESENTATIONS
