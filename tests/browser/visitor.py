"""Somebody at a browser: goes where people go, and has every page judged on the way.

A page is judged by what no page may do: scroll sideways, write an error to the console, break its own security policy,
ask another host for anything, or keep out who cannot see or point. Pictures are taken of it as large and small screens,
light and dark, show it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

SCREEN, PHONE = 1280, 390
HEIGHTS = {SCREEN: 800, PHONE: 844}
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (PHONE, "light"),
    (PHONE, "dark"),
    (SCREEN, "dark"),
    (SCREEN, "light"),
)
AXE = Axe()
COLOURS: dict[str, object] = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
ALL_BUT_COLOURS: dict[str, object] = {"rules": {"color-contrast": {"enabled": False}}}
RULES: dict[tuple[int, str], dict[str, object]] = {
    (PHONE, "light"): ALL_BUT_COLOURS,
    (SCREEN, "dark"): COLOURS,
    (SCREEN, "light"): {},
}
GRAVE = """async (rules) => {
  const found = await axe.run({ resultTypes: ["violations"], ...rules });
  return found.violations.filter(one => ["serious", "critical"].includes(one.impact)).map(one =>
    `${one.id} (${one.impact}), ${one.help}: ` +
    one.nodes.slice(0, 4).map(n => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`).join(" | "));
}"""
SIDEWAYS = """() => {
  const root = document.scrollingElement, over = root.scrollWidth - window.innerWidth;
  if (over <= 0) return null;
  const far = window.innerWidth + 1;
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > far);
  return `${over} px too wide: ` + wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join(" | ");
}"""
SQUEEZED = """() => {
  const own = e => [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join(" ");
  return [...document.querySelectorAll("main *")].filter(e => {
    const longest = Math.max(...own(e).split(/\\s+/).map(word => word.length)), box = e.getClientRects();
    const line = parseFloat(getComputedStyle(e).fontSize) * 1.9;
    const lines = e.getBoundingClientRect().height / line, width = Math.max(...[...box].map(one => one.width), 0);
    return longest > 3 && width > 1 && width < 45 && lines > 2;
  }).slice(0, 3).map(e => `squeezed: ${e.outerHTML.slice(0, 120)}`);
}"""
FOCUSED = """() => {
  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
  const picker = e.type === "date" && !e.matches(":focus-visible");  // its calendar button wears the browser's own ring
  const ring = picker || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none";
  const words = e.labels?.[0]?.innerText || e.getAttribute("aria-label") || e.innerText || e.title || e.name || "";
  const shown = r.width > 0 && r.height > 0;
  return { words: words.trim().split("\\n")[0], tag: e.tagName.toLowerCase(), ring, shown };
}"""


@dataclass(frozen=True)
class Place:
    """Where the product and the local Google answer, the product's data folder, and where pictures go."""

    url: str
    google: str
    data: Path
    pictures: Path
    all_looks: bool = False

    def is_ours(self, address: str) -> bool:
        """Say whether a request to the address stays with us."""
        parts = urlsplit(address)
        here = {urlsplit(self.url).netloc, urlsplit(self.google).netloc}
        return parts.scheme in {"data", "about", "blob"} or parts.netloc in here


@dataclass
class Visitor:
    """A person with a browser of their own: cookies, one page, and what went wrong on it."""

    browser: Browser
    place: Place
    faults: list[str] = field(default_factory=list)
    context: BrowserContext = field(init=False)
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.context = self.browser.new_context(viewport={"width": SCREEN, "height": HEIGHTS[SCREEN]}, locale="en-GB")
        self.context.set_default_timeout(15_000)
        self.context.on("request", self._hold_request)
        self.page = self.context.new_page()
        self.page.on("console", self._hold_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))

    def _hold_request(self, request: Request) -> None:
        if not self.place.is_ours(request.url):
            self.faults.append(f"{self.page.url} asked another host: {request.url}")

    def _hold_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{self.page.url} wrote to the console: {message.text}")

    # --- going

    def open(self, path: str) -> None:
        """The page of the product at the path is open."""
        answer = self.page.goto(self.place.url + path)
        assert answer is not None
        assert answer.ok, f"{path} answered {answer.status}"

    def follow(self, words: str, *, exact: bool = True) -> None:
        """The first link with these words was followed."""
        self.page.get_by_role("link", name=words, exact=exact).first.click()

    def press(self, words: str, *, exact: bool = True) -> None:
        """The first button with these words was pressed."""
        self.page.get_by_role("button", name=words, exact=exact).first.click()

    def fill(self, label: str, text: str) -> None:
        """The field with this label holds the text."""
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str) -> None:
        """The text stands on the page, or comes to stand on it soon."""
        expect(self.page.get_by_text(text).first).to_be_visible(timeout=15_000)

    def text(self) -> str:
        """Return all text of the page."""
        return self.page.locator("body").inner_text()

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Within the block an answer of one of these statuses is no fault: the browser tells the console of it."""
        yield
        told = [f"the server responded with a status of {status}" for status in statuses]
        self.faults[:] = [fault for fault in self.faults if not any(words in fault for words in told)]

    # --- judging

    def judge(self, name: str) -> None:
        """The open page is fit to be shown on every screen; its pictures carry the name."""
        problems = list(self.faults)
        self.faults.clear()
        self.page.wait_for_load_state()  # a link that was just followed may have brought half of its page
        for width, scheme in LOOKS:
            self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            if self.place.all_looks or (width, scheme) == LOOKS[-1]:
                picture = self.place.pictures / f"{name}-{width}-{scheme}.png"
                self.page.screenshot(path=picture, full_page=True, animations="disabled", scale="css")
            wide = self.page.evaluate(SIDEWAYS)
            problems += [f"at {width} px: {one}" for one in [wide, *self.page.evaluate(SQUEEZED)] if one]
            problems += self._barriers(width, scheme)
        assert not problems, f"{name} ({self.page.url}):\n" + "\n".join(problems)

    def _barriers(self, width: int, scheme: str) -> list[str]:
        """Return what axe holds against the page; colours do not depend on the width, nor most else on the colours."""
        rules = RULES.get((width, scheme))
        if rules is None:
            return []
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.axe_script)
        found = self.page.evaluate(GRAVE, rules)
        return [f"at {width} px, {scheme}: {one}" for one in found]

    def tab_through(self, most: int = 60) -> list[str]:
        """Return the words on what the Tab key reaches, in order; each of them was seen to have the focus."""
        reached: list[str] = []
        for _ in range(most):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUSED)
            if focus["tag"] == "body":
                break
            assert focus["ring"], f"no visible focus on {focus}"
            assert focus["shown"], f"the focus is on something invisible: {focus}"
            reached.append(focus["words"])
        return reached

    def leave(self) -> None:
        """The browser is closed, and nothing went wrong on the pages that were not judged."""
        faults = list(self.faults)
        self.context.close()
        assert not faults, "\n".join(faults)
