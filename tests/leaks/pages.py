"""Documents composed of guarded values by an attempt's own templates, cards and trees, through the real adaptors."""

from typing import Any

import jinja2

from limited_use.sinks import browser


def environment(**more: Any) -> jinja2.Environment:
    """Return a Jinja environment as the web has it."""
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, **more)
    browser.prepare(made)
    return made


def browser_page(house: Any, value: Any, template: str = "<p>{{ v }}</p>", w: Any = None, **said: Any) -> str:
    """Return the template with the value in it, as the browser adaptor makes it."""
    return browser.page(house.guard, house.asking(**said), environment().from_string(template), {"v": value, "w": w})
