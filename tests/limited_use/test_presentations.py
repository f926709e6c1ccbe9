"""The closed list of presentations: pure, total, and safe for every text there is."""

import datetime as dt
import re
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limited_use.cipher import BlindIndex
from limited_use.forms import Stamp
from limited_use.sinks.presentations import PRESENTATIONS, Moment

NOW = Moment(dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC))


def present(name, value, *arguments, moment=NOW):
    return PRESENTATIONS[name].make(value, moment, *arguments)


def test_the_list_is_closed():
    assert sorted(PRESENTATIONS) == [
        "ago", "date", "excerpt", "html_mail", "initials", "mail_link",
        "number", "one_of", "plural", "seen", "text", "web_link",
    ]  # fmt: skip
    assert [name for name, one in PRESENTATIONS.items() if one.tells_mark] == ["seen"]
    assert {name for name, one in PRESENTATIONS.items() if one.makes_markup} == {"mail_link", "web_link", "html_mail"}


@pytest.mark.parametrize(
    ("name", "value", "arguments", "made"),
    [
        ("text", "a\nb", (), "a\nb"),
        ("text", "pay\u202egpj.exe", (), "paygpj.exe"),
        ("text", True, (), "yes"),
        ("text", dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), (), "2 Jan 2026, 03:04"),
        ("text", Decimal("1234.5"), (), "1,234.5"),
        ("excerpt", "one  two\nthree", (), "one two three"),
        ("excerpt", "one two three", (8,), "one two…"),
        ("excerpt", "x" * 20, (8,), "xxxxxxxx…"),
        ("initials", "Ada King Lovelace", (), "AL"),
        ("initials", "ada.lovelace@example.test", (), "AL"),
        ("initials", "zoé", (), "Z"),
        ("initials", "123", (), ""),
        ("date", dt.date(2026, 3, 9), (), "9 Mar 2026"),
        ("date", dt.datetime(2026, 3, 9, 23, 5, tzinfo=dt.UTC), ("time",), "9 Mar 2026, 23:05"),
        ("date", dt.datetime(2026, 3, 9, 23, 5, tzinfo=dt.UTC), ("hour",), "23:05"),
        ("date", "soon", (), "soon"),
        ("ago", NOW.now - dt.timedelta(seconds=5), (), "just now"),
        ("ago", NOW.now - dt.timedelta(minutes=1), (), "1 minute ago"),
        ("ago", NOW.now - dt.timedelta(days=400), (), "1 year ago"),
        ("ago", NOW.now + dt.timedelta(hours=5), (), "in 5 hours"),
        ("ago", dt.date(2026, 11, 20), (), "2 days ago"),
        ("ago", "once", (), "once"),
        ("number", 1234567, (), "1,234,567"),
        ("number", Decimal("10.50"), ("EUR",), "10.50 EUR"),
        ("number", "many", (), "many"),
        ("plural", 1, ("mail", "mails"), "1 mail"),
        ("plural", 0, ("mail", "mails"), "0 mails"),
        ("one_of", "in", ({"in": "Received"},), "Received"),
        ("one_of", "x", ({"in": "Received"}, "Other"), "Other"),
        ("mail_link", "a+b@x.example", (), '<a href="mailto:a%2Bb@x.example">a+b@x.example</a>'),
        ("mail_link", "a?cc=b@x.example", (), '<a href="mailto:a%3Fcc%3Db@x.example">a?cc=b@x.example</a>'),
        ("mail_link", "<b>no</b>", (), "&lt;b&gt;no&lt;/b&gt;"),
        ("web_link", "javascript:alert(1)", (), "javascript:alert(1)"),
        ("web_link", "https://user@x.example", (), "https://user@x.example"),
    ],
)
def test_values_read_as_people_write_them(name, value, arguments, made):
    assert present(name, value, *arguments) == made


def test_times_are_in_the_viewers_zone():
    zone = dt.timezone(dt.timedelta(hours=2))
    at = dt.datetime(2026, 3, 9, 23, 5, tzinfo=dt.UTC)
    assert present("date", at, "time", moment=Moment(NOW.now, zone)) == "10 Mar 2026, 01:05"


def test_a_web_link_opens_apart_and_tells_nothing():
    made = present("web_link", "example.test/a?b=c&d")
    assert made.startswith(
        '<a href="https://example.test/a?b=c&amp;d" rel="noopener noreferrer nofollow" target="_blank">'
    )


_HOSTILE_MAIL = """
<html><head><title>t</title><style>p{background:url(https://x.example/1)}</style></head><body onload=alert(1)>
<p style="background:url(https://x.example/2)" class=a id=b>Hello <b>Bob</b></p><img src=https://x.example/3>
<img src="cid:1"><script>alert(1)</script><form action=https://x.example/4><input name=a><button>go</button></form>
<a href="https://x.example/5" onclick="x()">link</a><a href="javascript:alert(1)">b</a><a href="data:text/html,x">d</a>
<iframe src=https://x.example/6></iframe><object data=https://x.example/7></object><embed src=https://x.example/8>
<video poster=https://x.example/9><source src=https://x.example/10></video>
<link rel=stylesheet href=https://x.example/11>
<base href=https://x.example/><meta http-equiv=refresh content="0;url=https://x.example/12">
<svg><a xlink:href="x"/></svg><table background="https://x.example/13"><tr><td colspan=2 background=x>cell</td></tr>
</table><!-- c --><math><mi>x</mi></math>
</body></html>
"""


class _Collector(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def _tags(markup):
    collector = _Collector()
    collector.feed(markup)
    return collector.tags


def test_an_html_mail_loads_runs_and_sends_nothing():
    made = present("html_mail", _HOSTILE_MAIL)
    assert "Hello <b>Bob</b>" in made
    assert "alert" not in made
    assert "cell" in made
    for tag, attributes in _tags(made):
        assert tag not in {"img", "script", "style", "form", "input", "button", "iframe", "object", "embed", "video"}
        assert tag not in {"source", "link", "base", "meta", "svg", "math", "body", "html", "title"}
        assert set(attributes) <= {"href", "rel", "target", "colspan", "rowspan"}
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert attributes["target"] == "_blank"
            assert re.match(r"(https?|mailto):", attributes.get("href") or "https:")
    assert re.findall(r"x\.example/(\d+)", made) == ["5"]


_values = st.one_of(
    st.text(),
    st.integers(),
    st.booleans(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.dates(),
    st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(1, 1, 3), max_value=dt.datetime(9999, 12, 29)),  # noqa: DTZ001 -- bounds of Hypothesis are naive
)
_ARGUMENTS = {
    "plural": ("one", "many"),
    "one_of": ({"a": "b"},),
    "seen": (Stamp(BlindIndex(bytes(32)), b"bound", 1),),
}


@pytest.mark.parametrize("name", PRESENTATIONS)
@given(value=_values)
def test_no_presentation_fails_on_any_value(name, value):
    assert isinstance(present(name, value, *_ARGUMENTS.get(name, ())), str)


@pytest.mark.parametrize("name", ["mail_link", "web_link", "html_mail"])
@given(
    value=st.one_of(
        st.text(),
        st.text(alphabet="<>\"'&=/ abcjxonrhefsi:?#@.()\t\n\x00"),
        st.from_regex(r"(https?://)?[a-z]+\.[a-z]+/[<>\"'& a-z]*"),
        st.from_regex(r"[a-z\"'<>&?%]+@[a-z\"'<>&?]+\.[a-z]+"),
    )
)
def test_what_makes_markup_makes_only_harmless_markup(name, value):
    for tag, attributes in _tags(present(name, value)):
        assert name == "html_mail" or tag == "a"
        assert not any(attribute.startswith("on") or attribute in {"style", "src"} for attribute in attributes)
        assert re.match(r"(https?|mailto):", attributes.get("href") or "https:")
