"""Every presentation in every place it may stand, with texts that try to leave it: what comes out is text, whole."""

import csv
import datetime as dt
import html
import io
import json
import re
from html.parser import HTMLParser

import orjson
import pytest

from kernel.clock import HeldClock, SystemClock
from limited_use.asking import Refused
from limited_use.cipher import BlindIndex
from limited_use.forms import Stamp
from limited_use.release import guard
from limited_use.reviewed import NotReviewed
from limited_use.sealing import Labelled, SealedError
from limited_use.sinks import api, browser, export, presentations, sidebar
from limited_use.sinks.browser import PageSpoiled
from limited_use.sinks.presentations import PRESENTATIONS, Moment, check_presentations

HOSTILE = {
    "tags": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "quotes": "\"' onmouseover='alert(1)' x=\"",
    "ends_attribute": '"><b>bold</b>',
    "ends_textarea": "</textarea></title></p><b>out</b>",
    "entities": "&lt;b&gt; &amp;amp; &#60;i&#62; &quot;",
    "comment": "<!-- --><![CDATA[ ]]><?x ?>",
    "template": "{{ 7*7 }}{% raw %}lu00000000000000000000000000000000-0.",
    "right_to_left": "pay\u202egpj.exe\u2066\u2069\u200f",
    "formula": '=HYPERLINK("https://x.example","go")',
    "nul": "a\x00b\x01\x1b[31mc",
    "half_pairs": "a\ud800b\udfffc",
    "long": "<&\"'> word " * 4_000,
    "lines": "one\r\ntwo\n\n\tthree",
    "scheme": "javascript:alert(1)",
    "address": '"x"@example.test?cc=<b>@example.test',
    "web": 'https://x.example/"onclick=alert(1) <b>',
    "empty": "",
}  # fmt: skip
ARGUMENTS = {
    "plural": ("one", "many"),
    "one_of": ({"a": "b"}, "else"),
    "seen": (Stamp(BlindIndex(bytes(32)), b"bound", 1),),
}
PLAIN = [name for name, one in PRESENTATIONS.items() if not one.makes_markup]
MARKUP = [name for name, one in PRESENTATIONS.items() if one.makes_markup]
OTHERS = {"count": 1_234, "flag": True, "day": dt.date(2026, 3, 9), "time": dt.datetime(2026, 3, 9, 1, tzinfo=dt.UTC)}


class _Parts(HTMLParser):
    """What a browser makes of a page: its tags, their attributes, and the text between."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self.others = [], [""], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))
        self.texts.append("")

    def handle_endtag(self, tag):
        self.tags.append((f"/{tag}", []))
        self.texts.append("")

    def handle_data(self, data):
        self.texts[-1] += data

    def handle_comment(self, data):
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def parsed(page):
    parts = _Parts()
    parts.feed(page)
    parts.close()
    return parts


@pytest.fixture
def clock():
    return HeldClock(SystemClock().now())


@pytest.fixture
def values(tenant):
    """Each hostile text as a subject and as a labelled value, and values of every other type."""
    made = [("sealed", text, tenant.sealed(text)) for text in HOSTILE.values()]
    made += [("labelled", value, tenant.labelled(value)) for value in (*HOSTILE.values(), *OTHERS.values())]
    return made


@pytest.fixture
def expected(tenant):
    def make(name, kind, value):
        moment = Moment(tenant.guard.clock.now())
        if kind == "sealed":
            value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return PRESENTATIONS[name].make(value, moment, *ARGUMENTS.get(name, ()))

    return make


def page_of(tenant, environment, source, name, made):
    shown = [browser.show(value, name, *ARGUMENTS.get(name, ())) for _, _, value in made]
    return browser.page(tenant.guard, tenant.asking(), environment.from_string(source), {"shown": shown})


@pytest.mark.parametrize("name", PLAIN)
def test_in_element_text_and_quoted_attributes_it_is_text(tenant, environment, values, expected, name):
    source = "{% for v in shown %}<p title=\"{{ v }}\" class='{{ v }}'>{{ v }}</p>{% endfor %}"
    parts = parsed(page_of(tenant, environment, source, name, values))
    wanted = [expected(name, kind, value) for kind, value, _ in values]
    begun = parts.tags[0::2]
    assert [tag for tag, _ in begun] == ["p"] * len(wanted)
    assert [tag for tag, _ in parts.tags[1::2]] == ["/p"] * len(wanted)
    assert [dict(attributes) for _, attributes in begun] == [{"title": one, "class": one} for one in wanted]
    assert parts.texts[1::2] == wanted
    assert parts.others == []


@pytest.mark.parametrize("element", ["textarea", "title", "option"])
@pytest.mark.parametrize("name", PLAIN)
def test_in_elements_that_hold_text_alone_it_does_not_end_them(tenant, environment, values, expected, name, element):
    source = f"{{% for v in shown %}}<{element}>{{{{ v }}}}</{element}>{{% endfor %}}"
    page = page_of(tenant, environment, source, name, values)
    found = [piece.partition(f"</{element}>")[0] for piece in page.split(f"<{element}>")[1:]]
    assert [html.unescape(one) for one in found] == [expected(name, kind, value) for kind, value, _ in values]
    assert not any("<" in one for one in found)


@pytest.mark.parametrize("name", MARKUP)
def test_markup_in_element_text_is_of_harmless_tags_alone(tenant, environment, values, name):
    page = page_of(tenant, environment, "{% for v in shown %}<section>{{ v }}</section>{% endfor %}", name, values)
    parts = parsed(page)
    assert [tag for tag, _ in parts.tags].count("section") == len(values)
    assert [tag for tag, _ in parts.tags].count("/section") == len(values)
    allowed = {"a"} if name != "html_mail" else presentations._MAIL_TAGS
    inner = [(tag, dict(attributes)) for tag, attributes in parts.tags if tag not in ("section", "/section")]
    assert all(tag.lstrip("/") in allowed for tag, _ in inner)
    assert all(set(found) <= {"href", "rel", "target", "colspan", "rowspan"} for _, found in inner)
    assert all(found.get("href", "https:").startswith(("https:", "http:", "mailto:")) for _, found in inner)
    assert parts.others == []


@pytest.mark.parametrize(
    "source",
    [
        '<p title="{{ shown[0] }}"></p>',
        "<p class='{{ shown[0] }}'></p>",
        "<textarea>{{ shown[0] }}</textarea>",
        "<title>{{ shown[0] }}</title>",
        "<script>{{ shown[0] }}</script>",
        "<!-- {{ shown[0] }} -->",
    ],
    ids=["double", "single", "textarea", "title", "script", "comment"],
)
@pytest.mark.parametrize("name", MARKUP)
def test_markup_stands_nowhere_else(tenant, environment, name, source):
    with pytest.raises(PageSpoiled):
        page_of(tenant, environment, source, name, [("sealed", "x", tenant.sealed("x"))])
    assert [leaf.reason for leaf in tenant.leaves()] == ["page_spoiled"]


def test_every_page_can_be_encoded(tenant, environment, values):
    for name in PRESENTATIONS:
        page = page_of(tenant, environment, "{% for v in shown %}{{ v }}{% endfor %}", name, values)
        assert "\x00" not in page.encode().decode()


@pytest.mark.parametrize("name", PLAIN)
def test_in_a_card_it_is_text_of_its_field(tenant, values, expected, name):
    widgets = []
    for _, _, value in values:
        shown = sidebar.Present(value, name, *ARGUMENTS.get(name, ()))
        widgets += [
            {"textParagraph": {"text": sidebar.Text("<", shown, ">")}},
            {"decoratedText": {"topLabel": shown, "text": shown, "bottomLabel": shown}},
            {"textInput": {"name": "note", "label": shown, "value": shown}},
        ]
    card = sidebar.card(tenant.guard, tenant.asking("sidebar", "sidebar"), {"sections": [{"widgets": widgets}]})
    made = json.loads(orjson.dumps(card))
    found = made["sections"][0]["widgets"]
    for at, (kind, value, _) in enumerate(values):
        wanted = expected(name, kind, value)
        paragraph, decorated, typed = found[3 * at : 3 * at + 3]
        assert paragraph["textParagraph"]["text"] == html.escape(f"<{wanted}>", quote=True)
        assert decorated["decoratedText"]["text"] == html.escape(wanted, quote=True)
        assert decorated["decoratedText"]["topLabel"] == decorated["decoratedText"]["bottomLabel"] == wanted
        assert typed["textInput"] == {"name": "note", "label": wanted, "value": wanted}
    assert json.loads(json.dumps(made, ensure_ascii=False).encode()) == made


@pytest.mark.parametrize("name", MARKUP)
def test_markup_is_not_for_cards(tenant, name):
    with pytest.raises(SealedError):
        sidebar.Present(tenant.sealed("x"), name)


@pytest.mark.parametrize("place", [("button", "onClick"), ("textInput", "name"), ("image", "imageUrl")], ids=str)
def test_a_value_stands_nowhere_in_a_card_but_where_it_is_read(tenant, place):
    widget, field = place
    tree = {widget: {field: tenant.sealed("x")}}
    with pytest.raises(Refused):
        sidebar.card(tenant.guard, tenant.asking("sidebar", "sidebar"), tree)
    assert [(leaf.reason, leaf.opened) for leaf in tenant.leaves()] == [("wrong_place", 0)]


def _words(text):
    """Return what of a text no cell may lose: all but control characters and apostrophes."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069']", "", text)


def test_in_a_cell_it_is_text_that_no_spreadsheet_acts_on(tenant, values):
    rows = [[value] for _, _, value in values if not isinstance(value, Labelled)]
    made = b"".join(export.csv(tenant.guard, tenant.asking("export", "export"), ["subject"], rows)).decode()
    found = [row[0] for row in list(csv.reader(io.StringIO(made, newline=""), strict=True))[1:]]
    wanted = [value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in HOSTILE.values()]
    assert [_words(cell) for cell in found] == [_words(text) for text in wanted]
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "|", "%")) for cell in found)
    assert found[list(HOSTILE).index("formula")].startswith("'=")


def test_in_json_it_is_a_string_whole(tenant, values):
    tree = {"all": [value for _, _, value in values]}
    made = json.loads(api.json(tenant.guard, tenant.asking("api", "api"), tree))["all"]
    assert len(made) == len(values)
    for got, (_, value, _) in zip(made, values, strict=True):
        if isinstance(value, str):
            assert got == value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_the_presentations_are_as_they_were_reviewed():
    check_presentations()


def test_a_presentation_that_was_changed_keeps_the_product_from_starting(another_runtime, monkeypatch):
    monkeypatch.setattr(presentations, "_MAIL_TAGS", presentations._MAIL_TAGS | {"img"})
    with pytest.raises(NotReviewed) as caught:
        guard(another_runtime())
    assert "limited_use.sinks.presentations.html_mail" in caught.value.told
    assert "Review it" in caught.value.told
