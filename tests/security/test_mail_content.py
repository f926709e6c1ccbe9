"""What the content of a mail can do to who opens it."""

import time

import pytest

from limited_use.sinks.presentations import PRESENTATIONS
from workspace.gmail import _decoded


@pytest.mark.parametrize("charset", ["punycode", "PunyCode", "idna", '"punycode"; x=y'])
def test_no_charset_of_a_mail_makes_its_reading_take_for_ever(charset: str) -> None:
    data = b"a" * 300_000 + b"\xff-" + b"b" * 300_000
    began = time.process_time()
    text = _decoded(data, {"headers": [{"name": "Content-Type", "value": f"text/plain; charset={charset}"}]})
    assert time.process_time() - began < 2
    assert len(text) == len(data)


@pytest.mark.parametrize("href", ["/connections", "//evil.example/x", "connections", "?q=x", "javascript:alert(1)", ""])
def test_a_link_in_a_mail_leads_into_no_page_of_ours(href: str) -> None:
    made = PRESENTATIONS["html_mail"].make(f'<p><a href="{href}">Your account</a></p>', None)
    assert "href" not in made
    assert "Your account" in made


def test_a_link_in_a_mail_to_elsewhere_stays_and_tells_nothing_of_us() -> None:
    made = PRESENTATIONS["html_mail"].make('<a href="HTTPS://acme.example/a?b=1">x</a>', None)
    assert 'href="HTTPS://acme.example/a?b=1"' in made
    assert "noreferrer" in made
