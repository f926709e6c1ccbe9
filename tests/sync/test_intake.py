"""Reading what mail headers may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.intake.participants import MOST, Reader
from sync.intake.senders import is_auto, is_bulk
from sync.intake.text import LONGEST, decoded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?= an alle", "Grüße an alle"),
        ("=?x-unknown?Q?abc?=", "abc"),
        ("two\r\n lines", "two lines"),
        ("nul\x00led", "nulled"),
    ],
)
def test_text_is_read_as_a_person_reads_it(value, text):
    assert decoded(value) == text


@given(st.text())
def test_no_text_raises_or_grows(value):
    assert len(decoded(value)) <= LONGEST


@given(st.dictionaries(st.sampled_from(["from", "to", "cc", "bcc", "reply-to"]), st.lists(st.text(), max_size=3)))
def test_no_header_raises(headers):
    assert len(Reader().parties(headers)) <= MOST


def test_parties_are_read_with_their_roles_names_and_places():
    headers = {
        "from": ["=?utf-8?Q?J=C3=B6rg?= <J@Client.example>"],
        "to": ["a@x.example, A <A@x.example>, Bea <b@x.example>"],
        "cc": ["Team: c@x.example;"],
    }
    found = [(party.role, party.position, party.address, party.name) for party in Reader().parties(headers)]
    assert found == [
        ("from", 0, "j@client.example", "Jörg"),
        ("to", 0, "a@x.example", None),
        ("to", 1, "b@x.example", "Bea"),
        ("cc", 0, "c@x.example", None),
    ]


def test_a_party_does_not_show_its_address():
    party = Reader().parties({"from": ["Ann <ann@client.example>"]})[0]
    assert "ann" not in repr(party).lower()


@pytest.mark.parametrize(
    ("header", "value", "bulk", "auto"),
    [
        ("list-id", "<x.y>", True, False),
        ("list-unsubscribe", "<mailto:x>", True, False),
        ("precedence", "bulk", True, False),
        ("precedence", "auto_reply", False, True),
        ("auto-submitted", "auto-replied; owner-email=x", False, True),
        ("auto-submitted", "no", False, False),
        ("x-auto-response-suppress", "All", False, True),
        ("x-auto-response-suppress", "None", False, False),
        ("feedback-id", "1:2:3", True, False),
        ("return-path", "<>", False, True),
        ("x-failed-recipients", "x", False, True),
        ("subject", "hello", False, False),
    ],
)
def test_machines_and_crowds_are_told_from_people(header, value, bulk, auto):
    headers = {header: [value]}
    assert (is_bulk(headers), is_auto(headers)) == (bulk, auto)
