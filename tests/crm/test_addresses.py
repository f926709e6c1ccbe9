"""Addresses, names, numbers and search terms as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm import addresses, facts, names, phones, terms

emails = st.from_regex(r"[a-z0-9._+-]{1,20}@[a-z0-9-]{1,10}\.(com|co\.uk|example|de)", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Jane.Doe@Acme.COM", "jane.doe@acme.com"),
        ("  jane+crm@acme.com ", "jane+crm@acme.com"),
        ("J.Doe+news@GoogleMail.com", "jdoe@gmail.com"),
        ("a@B\u00fccher.de", "a@xn--bcher-kva.de"),
        ('"quoted"@acme.com', "quoted@acme.com"),
        ("root@localhost", "root@localhost"),
        ("not an address", None),
        ("two words@acme.com", None),
        ("@acme.com", None),
        ("jane@", None),
        ("jane@acme..com", None),
        ("j@" + "x" * 400, None),
    ],
)
def test_an_address_has_one_normal_form(text, normal):
    assert addresses.normalise(text) == normal


@given(st.text(max_size=60))
def test_normalising_never_fails_and_is_stable(text):
    once = addresses.normalise(text)
    if once is not None:
        assert addresses.normalise(once) == once


@pytest.mark.parametrize(
    ("domain", "own"),
    [
        ("mail.acme.co.uk", "acme.co.uk"),
        ("a.b.github.io", "b.github.io"),
        ("co.uk", None),
        ("localhost", None),
        ("x.y.internal", "y.internal"),
    ],
)
def test_the_registrable_domain_follows_the_public_suffix_list(domain, own):
    assert addresses.registrable(domain) == own


def test_free_mail_and_machines_are_no_company():
    assert addresses.company_domain("kim@gmail.com") is None
    assert addresses.company_domain("kim@eu.yahoo.com") is None
    assert addresses.company_domain("room@resource.calendar.google.com") is None
    assert addresses.company_domain("jane@mail.acme.co.uk") == "acme.co.uk"


@pytest.mark.parametrize(
    "address",
    [
        "no-reply@a.com",
        "noreply+x@a.com",
        "MAILER-DAEMON@a.com",
        "bounces+1-ann=own.com@a.com",
        "dev-request@lists.a.com",
        "team-noreply@a.com",
        "c_18@resource.calendar.google.com",
        "x@reply.github.com",
    ],
)
def test_robots_are_known(address):
    assert addresses.is_robot(address)


@pytest.mark.parametrize("address", ["info@a.com", "Sales@a.com", "support2@a.com", "customer-service@a.com"])
def test_role_addresses_are_known(address):
    assert addresses.is_role(address)


@pytest.mark.parametrize("address", ["jane@a.com", "salesha.grant@a.com", "replyanna@a.com", "robot.smith@a.com"])
def test_people_are_not_taken_for_machines(address):
    assert not addresses.is_robot(address)
    assert not addresses.is_role(address)


def test_a_list_is_known_by_its_headers():
    found = addresses.list_addresses("<mailto:dev@lists.example?subject=x>", '"Dev" <dev-talk.lists.example>')
    assert found == {"dev@lists.example", "dev-talk@lists.example"}
    assert addresses.list_addresses(None, None) == frozenset()
    assert addresses.list_addresses("NO", "plain") == frozenset()


@given(emails)
def test_an_address_is_found_by_itself_and_by_its_domain(email):
    found = set(terms.terms_of_address(email))
    normal = addresses.normalise(email)
    assert normal in found
    assert addresses.domain_of(normal) in found
    assert len(found) <= terms.MOST


@given(
    st.lists(st.text(st.characters(categories=["Ll", "Lu"], max_codepoint=0x24F), min_size=3), min_size=1, max_size=3)
)
def test_a_name_is_found_by_the_beginning_of_each_of_its_words(words):
    found = set(terms.terms_of_name(" ".join(words)))
    for word in words:
        for length in range(3, len(word) + 1):
            asked = terms.terms_of_query(word[:length])
            if all(len(term) >= 3 for term in asked):  # folding may take letters apart
                assert set(asked) <= found or len(found) == terms.MOST


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Jos\u00e9 \u00c1lvarez", "jose alv"),
        ("Jane Doe", "doe JANE"),
        ("Bo Li", "li"),
        ("\u738b\u5c0f\u660e", "\u5c0f\u660e"),
        ("\u738b\u5c0f\u660e", "\u738b\u5c0f"),
        ("Maximiliana Wolfeschlegelsteinhausen", "wolfeschlegelstein"),
    ],
)
def test_names_are_found_as_people_type_them(name, query):
    assert set(terms.terms_of_query(query)) <= set(terms.terms_of_name(name))


@pytest.mark.parametrize("query", ["jane", "doe", "jane.doe", "acme.co.uk", "@mail.acme.co.uk", "acm", "jane@acm"])
def test_addresses_are_found_as_people_type_them(query):
    assert set(terms.terms_of_query(query)) <= set(terms.terms_of_address("Jane.Doe@mail.acme.co.uk"))


def test_two_letters_find_no_half_word_and_nothing_finds_nothing():
    assert not set(terms.terms_of_query("ja")) <= set(terms.terms_of_name("Jane"))
    assert terms.terms_of_query("  ,; ") == ()


@given(st.text(max_size=200))
def test_terms_of_any_text_are_bounded(text):
    for found in (terms.terms_of_name(text), terms.terms_of_address(text), terms.terms_of_query(text)):
        assert len(found) <= terms.MOST


@pytest.mark.parametrize(
    ("shown", "address", "name"),
    [
        ("'Doe, Jane'", "", "Jane Doe"),
        ("Jane Doe via Lists", "", "Jane Doe"),
        ("Jane Doe (Google Docs)", "", "Jane Doe"),
        ("jane@acme.com", "jane@acme.com", None),
        ("jane", "jane@acme.com", None),
        ("\u202eeooD\u202c", "", "eooD"),
        ("42", "", None),
        (None, "", None),
    ],
)
def test_a_display_name_becomes_a_persons_name(shown, address, name):
    assert names.person_name(shown, address) == name


def test_a_domain_gives_a_company_its_name():
    assert names.company_name("mail.acme-labs.co.uk") == "Acme Labs"
    assert names.company_name("xn--bcher-kva.de") == "B\u00fccher"
    assert names.company_name("localhost") is None


def test_numbers_have_one_form():
    assert phones.normalise("+1 (415) 555-0100") == phones.normalise("415 555 0100", "US") == "+14155550100"
    assert phones.normalise("call me") is None


class _Plain:
    def digest(self, kind, value):
        return f"{kind}={value}".encode()


def test_equal_values_have_equal_indexes():
    index = _Plain()
    assert facts.index_of(index, "email", "Jane@Acme.com") == b"address=jane@acme.com"
    assert facts.index_of(index, "phone", "+1 415 555 0100") == b"phone=+14155550100"
    assert facts.index_of(index, "domain", "www.acme.com") == b"domain=acme.com"
    assert facts.index_of(index, "name", " Jane  Doe ") == facts.index_of(index, "name", "Jane Doe")
    assert facts.index_of(index, "title", "CEO") != facts.index_of(index, "name", "CEO")
