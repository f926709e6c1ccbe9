"""A visitor who opens every kind of page, and types into every field of every kind of form what no keyboard gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.exceptions import HTTPException

from demo.browser import Form, Page
from tests.signing_in import PUBLIC, Person

NUL = "\0"
TYPED = {
    "address": "zoe@client.example",
    "amount": "12",
    "body": "Likes tea",
    "domain": "client.example",
    "due_on": "2026-12-01",
    "email": "zoe@client.example",
    "since": "2026-12-01",
    "until": "2026-12-01",
    "url": "https://hooks.client.example/in",
}
"""What can be taken of fields that do not take any word."""
Kind = tuple[str, frozenset[str]]
"""A route, and the names that are sent to it."""


@dataclass
class Visitor:
    """A member with a browser; what was met is kept once of each kind."""

    person: Person
    typed: dict[str, str] = field(default_factory=dict)
    """What can be taken of further fields."""
    pages: dict[Kind, str] = field(default_factory=dict)
    forms: dict[Kind, tuple[str, Form]] = field(default_factory=dict)
    """Of each where it goes, and itself."""

    def walk(self, *paths: str) -> None:
        """Follow the links from these pages, as far as they lead to what was not seen yet."""
        ahead = list(paths)
        while ahead:
            address = ahead.pop()
            kind = self._kind(address)
            if not kind[0] or urlsplit(address).netloc or kind in self.pages:
                continue
            self.pages[kind] = address
            page = _page(self.person.get(address))
            for form in page.forms:
                target = form.action or urlsplit(address).path
                names = frozenset(form.names())
                self.forms.setdefault((self.route(target, form.method), names), (target, form))
            ahead += [link for link, _ in page.links]

    def route(self, address: str, method: str = "get") -> str:
        """Return the name of the route that an address leads to; nothing if to none."""
        routes = self.person.app.url_map.bind("localhost")
        try:
            return str(routes.match(urlsplit(address).path, method=method.upper())[0])
        except HTTPException:
            return ""

    def strange_addresses(self) -> Iterator[str]:
        """Yield the pages with each of their parameters broken in turn, those of forms and those of links."""
        asked = [(target, self._filled(form)) for target, form in self.forms.values() if form.method == "get"]
        linked = [(urlsplit(page).path, dict(parse_qsl(urlsplit(page).query))) for page in self.pages.values()]
        for path, sent in asked + linked:
            for name in sent:
                yield f"{path}?{urlencode({**sent, name: broken(sent[name])})}"

    def strange_posts(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield for each form, with each of its fields broken in turn, where it goes and what is sent.

        Those of few fields come last: they take away what others change.
        """
        for target, form in sorted(self.forms.values(), key=lambda found: -len(found[1].names())):
            if form.method == "post":
                sent = self._filled(form)
                for name in sent:
                    yield target, {**sent, name: broken(sent[name])}

    def _kind(self, address: str) -> Kind:
        return self.route(address), frozenset(name for name, _ in parse_qsl(urlsplit(address).query))

    def _filled(self, form: Form) -> dict[str, str]:
        """Return the form filled in so that it can be taken: what stands there, else what can be chosen, else words."""
        chosen = {name: value for name, value, _ in reversed(form.options) if value}
        chosen |= dict(reversed(form.choices)) | dict(reversed(form.buttons))
        words = {**TYPED, **self.typed}
        there = {name: value or chosen.get(name) or words.get(name, "Kestrel") for name, value in form.fields}
        return {name: value for name, value in {**chosen, **there}.items() if name != "csrf_token"}


def broken(text: str) -> str:
    """Return the text with a NUL in it, which PostgreSQL keeps in no text."""
    return text[:1] + NUL + text[1:]


def _page(answer: Any) -> Page:
    return Page(f"{PUBLIC}{answer.request.path}", answer.status_code, answer.data, dict(answer.headers))
