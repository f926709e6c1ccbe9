"""The closed list of ways in which an opened value may be put out: reviewed pure functions, applied by adaptors alone.

Most make plain text, which the adaptor escapes for its medium. Those that make markup escape by themselves, stand in
element text only, and are for the browser alone. None of them fails on any value of its type: what cannot be presented
as asked is put out as text. Each is pinned to its review with all that it uses (`limited_use.reviewed`): the product
does not start with one that was changed since.
"""

import datetime as dt
import decimal
import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import nh3

from limited_use.forms import Stamp
from limited_use.reviewed import check_pins

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_AGO = ((31_557_600, "year"), (2_629_800, "month"), (604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"))
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]+")
_HOST = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:[/?#]\S*)?")
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that reorder text, and halves of surrogate pairs, which no encoding can carry."""
_HALVES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Moment:
    """When and in which time zone a value is presented."""

    now: dt.datetime
    zone: dt.tzinfo = dt.UTC


@dataclass(frozen=True, slots=True)
class Presentation:
    """One way of putting a value out."""

    make: Callable[..., str]
    pin: str
    """The hash of `make` and all that it uses, at its review."""
    makes_markup: bool = False
    tells_mark: bool = False
    """Whether it is applied to the mark of a withheld value too."""


def text(value: Any, moment: Moment) -> str:
    """Return the value as it reads, without characters that would reorder or hide the text around it."""
    if type(value) is str:
        return value if value.isprintable() and value.isascii() else _INVISIBLE.sub("", value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.date):
        return date(value, moment, "time")
    if isinstance(value, int | float | decimal.Decimal):
        return number(value, moment)
    return _INVISIBLE.sub("", str(value))


def excerpt(value: Any, moment: Moment, length: int = 140) -> str:
    """Return the beginning of the text on one line, cut between words."""
    line = " ".join(text(value, moment).split())
    if len(line) <= length:
        return line
    cut = line[:length]
    kept = cut.rpartition(" ")[0] if " " in cut[length // 2 :] else cut
    return kept.rstrip(" ,;:.-") + "…"


def initials(value: Any, moment: Moment) -> str:
    """Return up to two capital letters: of the first and the last word that begin with a letter."""
    letters = [word[0] for word in re.split(r"[\s.@_-]+", text(value, moment).partition("@")[0]) if word[:1].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()[:2]


def date(value: Any, moment: Moment, style: str = "day") -> str:
    """Return a moment or day as people write it; `style` is day, time (day and time) or hour (time alone)."""
    if not isinstance(value, dt.date):
        return text(value, moment)
    local = value.astimezone(moment.zone) if isinstance(value, dt.datetime) else value
    day = f"{local.day} {_MONTHS[local.month - 1]} {local.year}"
    if style == "day" or not isinstance(local, dt.datetime):
        return day
    return f"{local:%H:%M}" if style == "hour" else f"{day}, {local:%H:%M}"


def ago(value: Any, moment: Moment) -> str:
    """Return how long ago, or how far ahead, a moment is, in its largest whole unit."""
    if not isinstance(value, dt.date):
        return text(value, moment)
    if not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(), moment.zone)
    seconds = (moment.now - value).total_seconds()
    for size, unit in _AGO:
        count = int(abs(seconds) // size)
        if count:
            spoken = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"{spoken} ago" if seconds > 0 else f"in {spoken}"
    return "just now"


def number(value: Any, moment: Moment, unit: str = "") -> str:
    """Return a number with its thousands apart, and its unit or currency after it."""
    if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal):
        return text(value, moment)
    return f"{value:,}{' ' + unit if unit else ''}"


def plural(value: Any, moment: Moment, one: str, many: str) -> str:
    """Return a count with its noun."""
    return f"{number(value, moment)} {one if value == 1 else many}"


def one_of(value: Any, _moment: Moment, choices: Mapping[Any, str], otherwise: str = "") -> str:
    """Return the text that stands for the value among `choices`, which the template gives."""
    return choices.get(value, otherwise)


def seen(value: Any, moment: Moment, stamp: Stamp) -> str:
    """Return the keyed digest by which a form knows again what a field showed."""
    return stamp.digest_of(text(value, moment))


def mail_link(value: Any, moment: Moment) -> str:
    """Return an address as a link that begins a mail to it; anything else as text."""
    shown = text(value, moment).strip()
    if not _ADDRESS.fullmatch(shown):
        return html.escape(shown)
    return f'<a href="mailto:{quote(shown, safe="@")}">{html.escape(shown)}</a>'


def web_link(value: Any, moment: Moment) -> str:
    """Return a web address as a link that tells the other side nothing of us; anything else as text."""
    shown = text(value, moment).strip()
    address = f"https://{shown}" if _HOST.fullmatch(shown) else shown
    if not _is_web(address):
        return html.escape(shown)
    target = html.escape(quote(address, safe="/:?#[]@!$&()*+,;=%~"))
    return f'<a href="{target}" rel="noopener noreferrer nofollow" target="_blank">{html.escape(shown)}</a>'


def html_mail(value: Any, _moment: Moment) -> str:
    """Return the HTML of a mail with its text, lists, tables and links, and nothing that loads, runs, or sends."""
    return nh3.clean(
        _HALVES.sub("", str(value)),
        tags=_MAIL_TAGS,
        clean_content_tags={"script", "style", "title", "head", "template", "noscript", "svg", "math", "textarea"},
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        attribute_filter=_elsewhere,
        url_schemes={"http", "https", "mailto"},
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def _elsewhere(_tag: str, name: str, value: str) -> str | None:
    """Return the attribute's value; of a link that names no scheme nothing, for it would lead into our own pages."""
    whole = name != "href" or value.strip().lower().startswith(("http://", "https://", "mailto:"))
    return value if whole else None


_MAIL_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4"),
    *("h5", "h6", "hr", "i", "ins", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        return False


PRESENTATIONS: Mapping[str, Presentation] = {
    "text": Presentation(text, "aec2d7f3d9e7142eaeb3a5ef4a802f842022ddf4eb04d09bc7c01a79888f6684"),
    "excerpt": Presentation(excerpt, "3a9c27a418539495b519e69a39199249e84ec1c26d3214da1e53b1c2c4f41aca"),
    "initials": Presentation(initials, "9de7cfdbd7903c829cfd4cf6a936a2f7c27e0684a770371dbb5757016b45953f"),
    "date": Presentation(date, "f3b8fb4c1d90d553521e33e34b4742eccac9b48d32058e81d06ceaf685fc9bfe"),
    "ago": Presentation(ago, "8680cecab2ea9b0159611892beef2d5db86e5d42b116ac91b003203819b3a242"),
    "number": Presentation(number, "7d27ab2920ead6233dd7949c59b323a533503746218fd8828c67d66ccb1b4bc7"),
    "plural": Presentation(plural, "33f9112723cdd9ab75a2d801c6bec214d3358d92c86b957e49b4916739af8cdd"),
    "one_of": Presentation(one_of, "0172c7ad6436e8b73359dcede431b5293671d15543e281071350fa7599bac3de"),
    "seen": Presentation(seen, "4560606d295ee77d9f78cf87020779437c1be87ef7fd4826cc1ad52f0e237f69", tells_mark=True),
    "mail_link": Presentation(
        mail_link, "b2b30d46306f1bf100d879a5acc9a1926b950886a8cabe0a34a6ee28ddf0f89e", makes_markup=True
    ),
    "web_link": Presentation(
        web_link, "231f7717ebb63fb5d6fe16b5c9a6136ff48c950e680120d6c13fec07901e04fa", makes_markup=True
    ),
    "html_mail": Presentation(
        html_mail, "3ec513237da64ddf9cea9921ecc3324ad46c7502dd18ef02928aa714f0a4d51f", makes_markup=True
    ),
}
"""The whole list: a template can name nothing else."""


def check_presentations() -> None:
    """Accept the presentations as they are now.

    Raises:
        NotReviewed: if one, or something that it uses, was changed since its review.
    """
    check_pins({one.make: one.pin for one in PRESENTATIONS.values()}, "limited_use/sinks/presentations.py")
