"""Pages: composed sealed, opened in one pass, refused when a guarded value did not come through whole."""

import datetime as dt
from decimal import Decimal

import orjson
import pytest

from limited_use.asking import Refused, WrongSink
from limited_use.sealing import Native, SealedError, System
from limited_use.sinks import browser
from limited_use.sinks.browser import PageSpoiled

CANARY = "canary-3f9a1c"


@pytest.fixture
def page(tenant, environment):
    def make(source, asking=None, **context):
        template = environment.from_string(source)
        return browser.page(tenant.guard, asking or tenant.asking(), template, context)

    return make


def test_the_owner_reads_what_the_template_placed(tenant, page):
    made = page('<p title="{{ v }}">{{ w }}</p>', v=tenant.sealed("Hi"), w=tenant.sealed("Bob"))
    assert made == '<p title="Hi">Bob</p>'
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.opened, leaf.withheld, leaf.fields) == ("open", 2, 0, ("messages.subject",))
    assert (leaf.sink, leaf.feature, leaf.purpose, leaf.labels) == ("browser", "people", "user_feature", ("gmail",))
    assert leaf.policy == tenant.guard.policy.digest
    assert leaf.records == 2


def test_every_class_of_value_is_put_out(tenant, page):
    made = page(
        "{{ a }}|{{ b }}|{{ c }}|{{ d }}|{{ e }}|{{ f }}",
        a=tenant.sealed("note", "content"),
        b=tenant.labelled(7),
        c=Native(Decimal("12345.50")),
        d=System("open"),
        e=None,
        f="plain",
    )
    assert made == "note|7|12,345.50|open||plain"


def test_a_page_without_anything_from_google_writes_no_leaf(tenant, page):
    assert page("{{ a }}{{ b }}", a=tenant.sealed("note", "content"), b=Native(1)) == "note1"
    assert tenant.leaves() == []


def test_opened_text_is_escaped_in_text_and_attributes(tenant, page):
    evil = "\"'><script>alert(1)</script>&"
    made = page(
        "<p title=\"{{ v }}\" class='{{ v2 }}'>{{ w }}</p>", **{n: tenant.sealed(evil) for n in ("v", "v2", "w")}
    )
    assert "<script" not in made
    assert made.count("&#x27;&gt;&lt;script&gt;") == 3
    assert made.count('"') == 2


def test_opened_text_is_never_scanned_for_tokens_or_templates(tenant, page, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda size: "ab" * size)
    again = f"lu{'ab' * 16}-1. {{{{ 7*7 }}}}"
    made = page("{{ v }} {{ w }}", v=tenant.sealed(again), w=tenant.sealed(CANARY))
    assert made == f"{again} {CANARY}"


def test_a_token_of_another_rendering_spoils_the_page(tenant, environment, page):
    kept = []
    environment.filters["keep"] = lambda text: kept.append(text) or text
    page("{% set x %}{{ v }}{% endset %}{{ x|keep }}", v=tenant.sealed("first"))
    with pytest.raises(PageSpoiled):
        page("{{ v }}{{ old }}", v=tenant.sealed(CANARY), old=kept[0])
    with pytest.raises(PageSpoiled):
        page("{{ old }}", old=kept[0])
    assert [leaf.reason for leaf in tenant.leaves()][1:] == ["page_spoiled", "page_spoiled"]


def test_tokens_differ_with_each_rendering(tenant, environment):
    seen = set()

    def spy(text):
        seen.add(str(text))
        return text

    environment.filters["spy"] = spy
    template = environment.from_string("{% set x %}{{ v }}{% endset %}{{ x|spy }}")
    for _ in range(2):
        browser.page(tenant.guard, tenant.asking(), template, {"v": tenant.sealed("x")})
    assert len(seen) == 2
    assert all(len(token) > 34 for token in seen)


@pytest.mark.parametrize(
    "source",
    [
        "{% set x %}{{ v }}{% endset %}nothing",
        "{% set x %}{{ v }}{% endset %}{{ x }}{{ x }}",
        "{% filter upper %}{{ v }}{% endfilter %}",
        "{% filter reverse %}{{ v }}{% endfilter %}",
        "{% set x %}{{ v }}{% endset %}{{ x }}{{ x|upper }}",
        "{% set x %}{{ v }}{% endset %}{{ x[:20] }}",
        "{% set x %}{{ v }}{% endset %}{{ x|replace('-0.', '-1.') }}",
        "{% set x %}{{ v }}{% endset %}{{ x|replace('-0.', '-00.') }}{{ w }}{{ x }}",
        "{% set x %}{{ v }}{% endset %}{{ x }}{{ x|reverse }}",
        "{% set x %}{{ v }}{% endset %}{{ x|wordwrap(10) }}",
        "{% set x %}{{ v }}{% endset %}{{ x|urlencode|replace('-', '%2D') }}",
        "{% set x %}{{ v }}{% endset %}{{ x|truncate(12, True) }}",
        "{% set x %}{{ v }}{% endset %}{% set y %}{{ w }}{% endset %}{{ x[:9] }}{{ y }}{{ x[9:] }}",
        "{% set x %}{{ v }}{% endset %}{% set y %}{{ w }}{% endset %}{{ x|replace('-', y) }}",
        "{% set x %}{{ v }}{% endset %}{{ x }}{{ x[:34] }}",
    ],
)
def test_a_token_that_is_missing_doubled_or_changed_spoils_the_page(tenant, page, source):
    with pytest.raises(PageSpoiled):
        page(source, v=tenant.sealed(CANARY), w=tenant.sealed(CANARY))
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.reason, leaf.opened) == ("refuse", "page_spoiled", 0)


@pytest.mark.parametrize(
    "source",
    [
        '<a href="{{ v }}">x</a>',
        "<a href='{{ v }}'>x</a>",
        '<a onclick="{{ v }}">x</a>',
        '<a style="{{ v }}">x</a>',
        "<a title={{ v }}>x</a>",
        "<a {{ v }}>x</a>",
        "<{{ v }}>x",
        '<img alt="a" src="{{ v }}">',
        '<a title="a" {{ v }}="">',
        '<a title="{{ v }}" href="{{ w }}">x</a>',
        '<a data-bs-content="{{ v }}">x</a>',
        "<a title=\"{{ v|show('mail_link') }}\">x</a>",
        "<script>let a = '{{ v }}'</script>",
        "<SCRIPT>{{ v }}",
        "<style>p{content:'{{ v }}'}</style>",
        "<!-- {{ v }} -->",
        "<svg><text>{{ v }}</text></svg>",
        "<p>a</p><script src='x'></script><script>{{ v }}</script>",
        "<script>{{ v }}</script><p>a</p><script src='x'></script>",
        "<style>{{ v }}</style><p>a</p><!-- b -->",
        "<script>a</script><script>{{ v }}</script><script>b</script>",
        "<textarea>{{ w }}{{ v|show('html_mail') }}</textarea>",
        '<p>a</p><a href="{{ v }}">x</a>',
        '<p title="a">b</p> c > d <a class="e" href="{{ v }}">x</a>',
        "<textarea>{{ v|show('html_mail') }}</textarea>",
        "<title>{{ v|show('web_link') }}</title>",
        "<a title=\"{{ w }}{{ v|show('html_mail') }}\">x</a>",
    ],
)
def test_a_value_where_it_may_not_stand_spoils_the_page(tenant, page, source):
    with pytest.raises(PageSpoiled):
        page(source, v=tenant.sealed(CANARY), **({"w": tenant.sealed(CANARY)} if "w" in source else {}))
    assert [leaf.decision for leaf in tenant.leaves()] == ["refuse"]


@pytest.mark.parametrize(
    "expression",
    [
        "{{ v|upper }}", "{{ v|length }}", "{{ v|safe }}", "{{ v|string }}", "{{ v|join }}", "{{ v|list }}",
        "{{ v|first }}", "{{ v|tojson }}", "{{ v|urlencode }}", "{{ v|e }}", "{{ v|trim }}",
        "{{ v|format(1) }}", "{{ v|pprint|upper }}{{ v|pprint|length + 'x' }}", "{{ v ~ 'x' }}", "{{ 'x' ~ v }}",
        "{{ v + 'x' }}", "{{ 'x' + v }}", "{{ v * 2 }}", "{{ 'a%s' % v }}", "{{ '%s'|format(v) }}", "{{ v == 'x' }}",
        "{{ v != 'x' }}", "{{ 'x' in v }}", "{{ v in ['x'] }}", "{{ v < 'x' }}", "{% if v %}x{% endif %}",
        "{% if not v %}x{% endif %}", "{{ v and 1 }}", "{% for c in v %}x{% endfor %}", "{{ v[0] }}", "{{ v[:3] }}",
        "{{ v._wire }}", "{{ v._value }}", "{{ v['_value'] }}", "{{ v|attr('_value') }}", "{{ v.__class__ }}",
        "{{ [v]|map(attribute='_value')|list }}", "{{ [v]|map('upper')|list }}", "{{ [v, w]|sort }}",
        "{{ [v]|unique|list }}", "{{ [v]|join(',') }}", "{{ {v: 1} }}", "{{ v is in ['x'] }}", "{{ v is eq 'x' }}",
        "{{ (v|show('date'))|upper }}", "{{ (v|show('date')) ~ 'x' }}", "{{ v|show('none_such') }}",
        "{{ v|show|length }}", "{{ (v|show).value|upper }}", "{{ 'plain'|show('date') }}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["sealed", "labelled"])
def test_a_template_can_do_nothing_else_with_a_value(tenant, page, expression, kind):
    made = {name: tenant.sealed(CANARY) if kind == "sealed" else tenant.labelled(CANARY) for name in ("v", "w")}
    with pytest.raises((SealedError, TypeError)) as caught:
        page(expression, **made)
    assert CANARY not in str(caught.value)
    assert all(leaf.opened == 0 for leaf in tenant.leaves())


def test_a_filter_with_a_default_gives_nothing_but_its_default(tenant, page):
    assert page("{{ v|int(1) }}{{ w|float(2) }}", v=tenant.sealed("5"), w=tenant.labelled(5)) == "12"


def test_a_value_put_out_outside_a_page_raises(tenant, environment):
    template = environment.from_string("{{ v }}")
    for value in (tenant.sealed(CANARY), tenant.labelled(1), Native(1), System(1)):
        with pytest.raises(SealedError):
            template.render(v=value)


def test_a_page_cannot_be_made_inside_another(tenant, environment, page):
    inner = environment.from_string("{{ v }}")
    with pytest.raises(SealedError):
        page("{{ make() }}", make=lambda: browser.page(tenant.guard, tenant.asking(), inner, {"v": tenant.sealed("x")}))
    assert page("{{ v }}", v=tenant.sealed("again")) == "again"


def test_a_teammate_sees_a_mark(tenant, page):
    asking = tenant.asking(member_id=tenant.teammate_id)
    made = page('<p title="{{ v }}">{{ w }}</p>', asking, v=tenant.sealed(CANARY), w=tenant.labelled(CANARY))
    assert made == '<p title="withheld"><span class="withheld">withheld</span></p>'
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.opened, leaf.withheld, leaf.reason) == ("withhold", 0, 2, "limited_use")


def test_where_tags_are_text_the_mark_has_none(tenant, page):
    asking = tenant.asking(member_id=tenant.teammate_id)
    source = "<title>{{ a }}</title><script src='x'></script><textarea>{{ b }}</textarea><p>{{ c }}</p>"
    made = page(source, asking, **{name: tenant.sealed(CANARY) for name in "abc"})
    assert made == (
        "<title>withheld</title><script src='x'></script><textarea>withheld</textarea>"
        '<p><span class="withheld">withheld</span></p>'
    )


def test_macros_includes_and_loops_work(tenant, environment):
    source = "{% macro cell(v) %}<td>{{ v }}</td>{% endmacro %}{% for v in vs %}{{ cell(v) }}{% endfor %}"
    template = environment.from_string(source)
    made = browser.page(tenant.guard, tenant.asking(), template, {"vs": [tenant.sealed(x) for x in "abc"]})
    assert made == "<td>a</td><td>b</td><td>c</td>"


def test_presentations_apply_after_opening(tenant, page):
    at = tenant.runtime.clock.now() - dt.timedelta(days=3, minutes=1)
    made = page(
        "{{ a|show('ago') }}|{{ b|show('plural', 'mail', 'mails') }}|{{ c|show('one_of', {'in': 'got'}) }}"
        "|{{ d|show('mail_link') }}|{{ n|show('date') }}",
        a=tenant.labelled(at),
        b=tenant.labelled(2),
        c=tenant.labelled("in"),
        d=tenant.sealed("a@b.example"),
        n=None,
    )
    assert made == '3 days ago|2 mails|got|<a href="mailto:a@b.example">a@b.example</a>|'


def test_a_tree_is_opened_as_json_for_the_members_own_browser(tenant):
    tree = {"crm": {"messages": tenant.labelled(3)}, "kind": System("mail")}
    assert orjson.loads(browser.json(tenant.guard, tenant.asking(), tree)) == {"crm": {"messages": 3}, "kind": "mail"}
    (leaf,) = tenant.leaves()
    assert (leaf.sink, leaf.opened, leaf.labels) == ("browser", 1, ("gmail",))
    mark = {"withheld": "limited_use", "source": "gmail"}
    foreign = orjson.loads(browser.json(tenant.guard, tenant.asking(member_id=tenant.teammate_id), tree))
    assert foreign == {"crm": {"messages": mark}, "kind": "mail"}
    for asking, bare in ((tenant.asking("api", "api"), tree), (tenant.asking(), {"messages": 3})):
        with pytest.raises(Refused):
            browser.json(tenant.guard, asking, bare)
    assert [leaf.reason for leaf in tenant.leaves()][-2:] == ["wrong_sink", "unknown_origin"]


def test_only_the_browser_sink_makes_pages(tenant, page):
    with pytest.raises(WrongSink):
        page("{{ v }}", tenant.asking("api", "api"), v=tenant.sealed(CANARY))
    with pytest.raises(Refused):
        page("{{ v }}", tenant.asking(feature="none_such"), v=tenant.sealed(CANARY))
    assert {leaf.reason for leaf in tenant.leaves()} == {"wrong_sink", "unknown_feature"}
