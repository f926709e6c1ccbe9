"""The lint of templates: what it lets pass, and what it tells."""

from pathlib import Path

import jinja2
import pytest

from limited_use.template_lint import faults_of

TEMPLATES = Path(__file__).parents[2] / "web" / "templates"


@pytest.fixture(scope="module")
def parser():
    return jinja2.Environment(autoescape=True)


@pytest.mark.parametrize(
    "source",
    [
        "<p>{{ v }}</p>",
        "{{ v }}",
        "<p title=\"{{ v }}\" class='a {{ b }}'>{{ v|show('date', 'time') }} < 3 & {{ w }}</p>",
        "<a href=\"{{ url_for('people.page', id=row.id.value) }}\">{{ v|show('mail_link') }}</a>",
        "<a href=\"/people?x={{ url_for('x') }}#a\">x</a>",
        "{% if v is none %}<b>{% else %}{{ v }}{% endif %}{# {{ v|safe }} #}",
        '<textarea name="a">{{ v }}</textarea><title>{{ v }}</title>',
        '<input value="{{ v }}" {% if on %}checked{% endif %}>',
        '{% macro cell(v) %}<td data-label="{{ v }}">{{ v }}</td>{% endmacro %}',
        "{% raw %}<script>{{ v }}</script>{% endraw %}",
        "<script src=\"{{ url_for('static', filename='a.js') }}\"></script>",
        "<link rel=\"stylesheet\" href=\"{{ url_for('static', filename='a.css') }}\">",
        "<!-- a comment --><!doctype html><p>{{ v }}</p>",
        "<p title=\"a > b\">{{ v|show('html_mail') }}</p>",
    ],
)
def test_good_templates_pass(parser, source):
    assert faults_of(parser, source) == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("<script>{{ v }}</script>", "inside <script>"),
        ("<SCRIPT type=x>let a = {{ v }}</SCRIPT>", "inside <script>"),
        ("<script>{{ v }}", "inside <script>"),
        ("<style>{{ v }}</style>", "inside <style>"),
        ("<svg><text>{{ v }}</text></svg>", "inside <svg>"),
        ("<!-- {{ v }} -->", "in a comment"),
        ('<a href="{{ v }}">', "an address"),
        ("<a href='https://x/{{ v }}'>", "an address"),
        ('<a HREF="{{ v }}">', "an address"),
        ('<img src="{{ v }}">', "an address"),
        ('<form action="{{ v }}">', "an address"),
        ('<button formaction="{{ v }}">', "an address"),
        ('<p style="{{ v }}">', "runs or styles"),
        ('<p onclick="{{ v }}">', "runs or styles"),
        ('<p hx-get="{{ v }}">', "runs or styles"),
        ('<iframe srcdoc="{{ v }}"></iframe>', "runs or styles"),
        ("<p title={{ v }}>", "without quotes"),
        ("<p {{ v }}>", "inside a tag"),
        ('<p {{ v }}="x">', "inside a tag"),
        ('<p data-{{ v }}="x">', "inside a tag"),
        ("<{{ v }}>", "inside a tag"),
        ('<p title="a > b" {{ v }}>', "inside a tag"),
        ('<p title="x" href="{{ v }}', "does not end"),
        ('<P title="x" HREF="{{ v }}', "does not end"),
        ("<p title=\"{{ v|show('web_link') }}\">", "makes markup"),
        ("{{ v|safe }}", "filter safe"),
        ("{{ v|tojson }}", "filter tojson"),
        ("{{ v|attr('x') }}", "filter attr"),
        ("{{ v|show('none_such') }}", "closed list"),
        ("{{ v|show(name) }}", "closed list"),
        ("{{ v._value }}", "private parts"),
        ("{{ v.__class__ }}", "private parts"),
        ("{% filter upper %}{{ v }}{% endfilter %}", "filter block"),
        ("{% autoescape false %}{{ v }}{% endautoescape %}", "never switched off"),
        ("{{ Markup(v) }}", "make markup"),
    ],
)
def test_what_could_let_a_value_out_is_told_with_its_line(parser, source, told):
    faults = faults_of(parser, "<p>fine</p>\n" + source)
    assert any(told in fault.sentence for fault in faults), faults
    assert all(fault.line == 2 for fault in faults)


@pytest.mark.skipif(not TEMPLATES.is_dir(), reason="there are no templates")
def test_every_template_of_the_product_passes(parser):
    told = {
        f"{path.relative_to(TEMPLATES)}:{fault.line} {fault.sentence}"
        for path in TEMPLATES.rglob("*.html")
        for fault in faults_of(parser, path.read_text())
    }
    assert told == set()
