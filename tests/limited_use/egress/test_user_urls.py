"""User-given addresses: a table of nasty ones, and every special network."""

import ipaddress
import re
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.provisional import domains
from urllib3.util import parse_url

from limited_use.egress import errors
from limited_use.egress.addresses import is_public
from limited_use.egress.user_urls import Rules, read_user_url
from tests.limited_use.egress.conftest import PUBLIC

NASTY = {
    "empty": ("", errors.UrlMalformed),
    "no-scheme": ("hooks.example.com/x", errors.UrlMalformed),
    "http": ("http://hooks.example.com/", errors.UrlScheme),
    "ftp": ("ftp://hooks.example.com/", errors.UrlScheme),
    "file": ("file:///etc/passwd", errors.UrlMalformed),
    "gopher": ("gopher://hooks.example.com/", errors.UrlScheme),
    "javascript": ("javascript:alert(1)", errors.UrlMalformed),
    "user": ("https://user@hooks.example.com/", errors.UrlMalformed),
    "user-and-password": ("https://a:b@hooks.example.com/", errors.UrlMalformed),
    "two-ats": ("https://hooks.example.com@10.0.0.1@hooks.example.com/", errors.UrlMalformed),
    "backslash": ("https://hooks.example.com\\@127.0.0.1/", errors.UrlMalformed),
    "backslashes-for-slashes": ("https:\\\\hooks.example.com/", errors.UrlMalformed),
    "fragment": ("https://hooks.example.com/#x", errors.UrlMalformed),
    "fragment-before-at": ("https://127.0.0.1#@hooks.example.com/", errors.UrlMalformed),
    "space": ("https://hooks.example.com/ x", errors.UrlMalformed),
    "leading-space": (" https://hooks.example.com/", errors.UrlMalformed),
    "line-feed": ("https://hooks.example.com/\nHost: x", errors.UrlMalformed),
    "carriage-return": ("https://hooks.example.com/\r\nX: y", errors.UrlMalformed),
    "tab-in-host": ("https://127\t.0.0.1/", errors.UrlMalformed),
    "nul": ("https://hooks.example.com\x00.evil.example/", errors.UrlMalformed),
    "delete": ("https://hooks.example.com/\x7f", errors.UrlMalformed),
    "percent-in-host": ("https://127%2e0%2e0%2e1/", errors.UrlMalformed),
    "zone": ("https://[fe80::1%25eth0]/", errors.UrlMalformed),
    "bad-bracket": ("https://[::1/", errors.UrlMalformed),
    "port-zero": ("https://hooks.example.com:0/", errors.UrlMalformed),
    "port-empty": ("https://hooks.example.com:/", errors.UrlMalformed),
    "port-word": ("https://hooks.example.com:https/", errors.UrlMalformed),
    "port-too-high": ("https://hooks.example.com:65536/", errors.UrlMalformed),
    "port-ssh": ("https://hooks.example.com:22/", errors.UrlPort),
    "port-http": ("https://hooks.example.com:80/", errors.UrlPort),
    "port-redis": ("https://hooks.example.com:6379/", errors.UrlPort),
    "too-long": ("https://hooks.example.com/" + "x" * 2048, errors.UrlMalformed),
    "path-not-ascii": ("https://hooks.example.com/é", errors.UrlMalformed),
    "loopback-name": ("https://localhost/", errors.UrlPrivate),
    "loopback": ("https://127.0.0.1/", errors.UrlPrivate),
    "loopback-other": ("https://127.0.0.2/", errors.UrlHost),
    "loopback-six": ("https://[::1]/", errors.UrlPrivate),
    "loopback-six-long": ("https://[0:0:0:0:0:0:0:1]/", errors.UrlHost),
    "mapped": ("https://[::ffff:127.0.0.1]/", errors.UrlHost),
    "mapped-hex": ("https://[::ffff:7f00:1]/", errors.UrlHost),
    "decimal": ("https://2130706433/", errors.UrlHost),
    "hexadecimal": ("https://0x7f000001/", errors.UrlHost),
    "hexadecimal-parts": ("https://0x7f.0x0.0x0.0x1/", errors.UrlHost),
    "hexadecimal-bare": ("https://127.0.0.0x/", errors.UrlHost),
    "octal": ("https://0177.0.0.1/", errors.UrlHost),
    "octal-long": ("https://00000177.0.0.01/", errors.UrlHost),
    "short": ("https://127.1/", errors.UrlHost),
    "shorter": ("https://0/", errors.UrlHost),
    "trailing-dot-number": ("https://127.0.0.1./", errors.UrlHost),
    "name-that-ends-in-a-number": ("https://hooks.123/", errors.UrlHost),
    "name-that-ends-in-hex": ("https://hooks.0x7f/", errors.UrlHost),
    "public-number": (f"https://{PUBLIC}/", errors.UrlHost),
    "public-six": ("https://[2606:2800:220:1::1]/", errors.UrlHost),
    "metadata": ("https://169.254.169.254/latest/meta-data/", errors.UrlHost),
    "metadata-name": ("https://metadata.google.internal/", errors.UrlPrivate),
    "metadata-six": ("https://[fd00:ec2::254]/", errors.UrlHost),
    "fullwidth": ("https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", errors.UrlHost),
    "circled": ("https://①②⑦.⓪.⓪.①/", errors.UrlHost),
    "ideographic-stop": ("https://127。0。0。1/", errors.UrlHost),
    "circled-localhost": ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", errors.UrlHost),
    "dotted-localhost": ("https://localhost./", errors.UrlHost),
    "under-localhost": ("https://x.localhost/", errors.UrlPrivate),
    "single-label": ("https://redis/", errors.UrlHost),
    "local": ("https://printer.local/", errors.UrlPrivate),
    "home-arpa": ("https://nas.home.arpa/", errors.UrlPrivate),
    "onion": ("https://abc.onion/", errors.UrlPrivate),
    "cluster": ("https://kubernetes.default.svc.cluster.local/", errors.UrlPrivate),
    "underscore": ("https://a_b.example.com/", errors.UrlHost),
    "leading-hyphen": ("https://-a.example.com/", errors.UrlHost),
    "empty-label": ("https://a..example.com/", errors.UrlHost),
    "label-too-long": (f"https://{'a' * 64}.example.com/", errors.UrlHost),
    "host-too-long": (f"https://{'a.' * 127}example.com/", errors.UrlHost),
    "soft-hyphen-only": ("https://\u00ad/", errors.UrlHost),
    "bidi": ("https://a\u202eb.example.com/", errors.UrlHost),
    "punycode-broken": ("https://xn--999999999.example.com/", errors.UrlHost),
    "dollar": ("https://127.0.0.1$.example.com/", errors.UrlHost),
    "comma": ("https://127.0.0.1,.example.com/", errors.UrlHost),
}


@pytest.mark.parametrize("name", NASTY)
def test_an_address_that_could_be_read_in_two_ways_or_lies_inside_is_refused(name):
    url, error = NASTY[name]
    with pytest.raises(errors.UrlRefused) as told:
        read_user_url(url, Rules())
    assert type(told.value) is error, told.value
    assert not url or url not in str(told.value)


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("https://HOOKS.Example.COM:443/In?a=b&c=%20", "https://hooks.example.com/In?a=b&c=%20"),
        ("https://hooks.example.com.:8443/x", "https://hooks.example.com:8443/x"),
        ("https://bücher.example.com/", "https://xn--bcher-kva.example.com/"),
        ("https://ｈｏｏｋｓ.example.com/", "https://hooks.example.com/"),  # noqa: RUF001 -- in wide letters
        ("https://1.2.3.4.example.com/", "https://1.2.3.4.example.com/"),
        ("https://163.com/", "https://163.com/"),
    ],
    ids=["bare", "case", "dot-and-port", "idna", "wide", "digits-before-a-name", "digits-as-a-name"],
)
def test_a_good_address_has_one_spelling(url, spelled):
    read = read_user_url(url, Rules())
    assert str(read) == spelled
    assert str(read_user_url(spelled, Rules())) == spelled


def test_loopback_is_for_trying_and_our_own_places_stay_closed():
    rules = Rules(loopback=True, own={("localhost", 8080), ("hooks.example.com", 443)})
    assert str(read_user_url("http://127.0.0.1:9000/in", rules)) == "http://127.0.0.1:9000/in"
    assert str(read_user_url("http://[::1]:9000/in", rules)) == "http://[::1]:9000/in"
    for url, error in {
        "http://localhost:8080/": errors.UrlPrivate,
        "http://127.0.0.1:8080/": errors.UrlPrivate,
        "http://[::1]:8080/": errors.UrlPrivate,
        "https://hooks.example.com/": errors.UrlPrivate,
        "http://127.0.0.1:22/": errors.UrlPort,
        "http://127.0.0.1/": errors.UrlPort,
        "http://127.0.0.2:9000/": errors.UrlHost,
        "http://10.0.0.1:9000/": errors.UrlHost,
    }.items():
        with pytest.raises(errors.UrlRefused) as told:
            read_user_url(url, rules)
        assert type(told.value) is error, url


@given(
    st.one_of(
        st.text(max_size=60).map("https://".__add__),
        st.from_regex(r"https://[a-z0-9.%@\[\]:\\/#?_\-]{1,40}", fullmatch=True),
        st.ip_addresses().map(lambda address: f"https://{address}/"),
        domains().map(lambda name: f"https://{name}:8443/x?y"),
    )
)
def test_what_is_read_is_read_alike_by_everybody(url):
    try:
        read = read_user_url(url, Rules())
    except errors.UrlRefused:
        return
    spelled = str(read)
    assert read.scheme == "https"
    assert read.port in (443, 8443)
    assert "." in read.host
    assert not read.host.rpartition(".")[2].isdigit()
    with pytest.raises(ValueError, match="does not appear"):
        ipaddress.ip_address(read.host)
    prepared = requests.Request("GET", spelled).prepare().url
    assert {urlsplit(spelled).hostname, parse_url(spelled).host, urlsplit(prepared).hostname} == {read.host}
    assert read_user_url(spelled, Rules()) == read


# --- addresses

INSIDE = re.findall(
    r"\S+",
    """
    0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
    240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:93.184.215.14 64:ff9b::a00:1
    64:ff9b::5db8:d70e 64:ff9b:1::a00:1 100::1 2001::1 2001:0:4136:e378::1 2001:10::1 2001:db8::1 2002:a00:1::1
    2002:7f00:1:: 3ffe::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%1 fec0::1 ff02::1
    2606:2800:220:1:0:5efe:a00:1 2606:2800:220:1:200:5efe:7f00:1 nonsense 127.1 010.0.0.1
    """,
)


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_the_internet_is_closed(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "1.1.1.1", "2606:2800:220:1::1", "2a00:1450:4001::200e"])
def test_the_internet_is_open(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_address_is_open_that_python_knows_as_special(address):
    if is_public(str(address)):
        assert address.is_global
        special = ("multicast", "reserved", "loopback", "link_local", "private", "unspecified")
        assert not any(getattr(address, f"is_{word}") for word in special)


@given(st.ip_addresses(v=4))
def test_no_ipv6_spelling_of_an_ipv4_address_is_open(address):
    four = int(address)
    forms = [
        four,
        (0xFFFF << 32) | four,
        (0xFFFF << 48) | four,
        (0x64FF9B << 96) | four,
        (0x64FF9B0001 << 80) | four,
        (0x2002 << 112) | (four << 80),
        (0x20010000 << 96) | (four ^ 0xFFFFFFFF),
        (0x2606280002200001 << 64) | (0x00005EFE << 32) | four,
        (0x2606280002200001 << 64) | (0x02005EFE << 32) | four,
    ]
    for form in forms:
        assert not is_public(str(ipaddress.IPv6Address(form)))


@given(st.ip_addresses(v=6))
def test_every_open_ipv6_address_was_given_out(address):
    if is_public(str(address)):
        assert address in ipaddress.IPv6Network("2000::/3")
        assert address.is_global
        assert address.sixtofour is None
        assert address.teredo is None
