"""A browser without a screen: keeps cookies, reads forms, fills them in and sends them, as a person would."""

import html.parser
import urllib.parse
from dataclasses import dataclass, field

import requests

TIMEOUT_S = 30


class DriveError(AssertionError):
    """The product answered otherwise than its user was told it would."""


@dataclass
class Form:
    """A form as it stands on a page: where it goes, its fields with their present values, its buttons."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    options: list[tuple[str, str, str]] = field(default_factory=list)

    def option(self, name: str, text: str) -> str:
        """Return the value of the option of that list whose text holds `text`."""
        for listed, value, said in self.options:
            if listed == name and text in said:
                return value
        msg = f"no option like that in the list {name!r}"
        raise DriveError(msg)

    def names(self) -> set[str]:
        """Return the names of all that can be filled in, ticked or pressed."""
        return {name for name, _ in self.fields + self.choices + self.buttons} | {name for name, _, _ in self.options}


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self._open: Form | None = None
        self._text_of: str | None = None
        self._href: str | None = None
        self._text: list[str] = []
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "a" and "href" in given:
            self._href, self._text = given["href"], []
        elif self._open is not None:
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name = given.get("name", "")
        if tag == "button" and name and given.get("type", "submit") == "submit":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and name:
            self._input(form, name, given)
        elif tag == "textarea" and name:
            self._text_of, self._text = name, []
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select:
            form.options.append((self._select, given.get("value", ""), ""))
            self._text = []
            if "selected" in given:
                form.fields.append((self._select, given.get("value", "")))

    @staticmethod
    def _input(form: Form, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        value = given.get("value", "on" if kind in {"checkbox", "radio"} else "")
        if kind in {"checkbox", "radio"}:
            form.choices.append((name, value))
            if "checked" in given:
                form.fields.append((name, value))
        elif kind == "submit":
            form.buttons.append((name, value))
        else:
            form.fields.append((name, value))

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._text_of is not None and self._open is not None:
            self._open.fields.append((self._text_of, "".join(self._text)))
            self._text_of = None
        elif tag == "option" and self._select and self._open is not None and self._open.options:
            name, value, _ = self._open.options[-1]
            self._open.options[-1] = (name, value, " ".join("".join(self._text).split()))
        elif tag == "select":
            self._select = None
        elif tag == "a" and self._href is not None:
            self.links.append((self._href, " ".join("".join(self._text).split())))
            self._href = None


@dataclass(frozen=True)
class Page:
    """An answer as the browser sees it after redirects."""

    url: str
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def _read(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader

    @property
    def forms(self) -> list[Form]:
        """The forms of the page, in order."""
        return self._read().forms

    @property
    def links(self) -> list[tuple[str, str]]:
        """The links of the page: address and text."""
        return self._read().links

    def form(self, *, action: str = "", having: str = "") -> Form:
        """Return the first form whose action ends with or contains `action` and that has the field `having`."""
        for form in self.forms:
            if action in form.action and (not having or having in form.names()):
                return form
        msg = f"no form {action or having!r} on {urllib.parse.urlsplit(self.url).path} (status {self.status})"
        raise DriveError(msg)


class Browser:
    """One person's browser."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "crmio-demo"
        self.seen: list[bytes] = []

    def _keep(self, answer: requests.Response) -> Page:
        self.seen.append(answer.content)
        return Page(answer.url, answer.status_code, answer.content, dict(answer.headers))

    def get(self, path: str, *, expect: int | None = 200) -> Page:
        """Open an address or a path of the product and follow redirects."""
        answer = self.session.get(urllib.parse.urljoin(self.home, path), timeout=TIMEOUT_S)
        return self._checked(self._keep(answer), expect)

    def submit(
        self, page: Page, form: Form, values: dict[str, str | list[str]] | None = None, *, expect: int | None = 200
    ) -> Page:
        """Send a form with its present values, those given put in their place (a list ticks several boxes)."""
        changed = values or {}
        data = [(name, value) for name, value in form.fields if name not in changed]
        for name, value in changed.items():
            data.extend((name, one) for one in ([value] if isinstance(value, str) else value))
        target = urllib.parse.urljoin(page.url, form.action or page.url)
        headers = {"Referer": page.url, "Origin": "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(page.url))}
        if form.method == "post":
            answer = self.session.post(target, data=data, headers=headers, timeout=TIMEOUT_S)
        else:
            answer = self.session.get(target, params=data, timeout=TIMEOUT_S)
        return self._checked(self._keep(answer), expect)

    @staticmethod
    def _checked(page: Page, expect: int | None) -> Page:
        if expect is not None and page.status != expect:
            msg = f"{urllib.parse.urlsplit(page.url).path} answered {page.status}, not {expect}"
            raise DriveError(msg)
        return page
