"""Calls to user-given addresses: names that change between check and use, proxies, and answers without end."""

import gzip
import socket
import time

import pytest

from limited_use.egress import errors
from limited_use.egress.addresses import is_loopback
from tests.limited_use.egress.conftest import NAME, PUBLIC, PUBLIC_6, Proxy


class Resolver:
    """Answers look-ups of names with what it is told, one answer after the other, the last one again and again."""

    def __init__(self, monkeypatch):
        self.said, self.asked = {}, []
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host, port, *args, **more):
        if host not in self.said:
            return self._real(host, port, *args, **more)
        self.asked.append(host)
        answers = self.said[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [found for one in addresses for found in self._real(one, port, *args, **more)]


@pytest.fixture
def resolver(monkeypatch):
    return Resolver(monkeypatch)


@pytest.fixture
def steered(monkeypatch):
    """Connections to the public address arrive at a server of ours; everything else is connected to as it says."""
    arrived, to = [], {}
    real = socket.socket.connect

    def connect(self, address):
        arrived.append(address)
        return real(self, to.get(address, address))

    monkeypatch.setattr(socket.socket, "connect", connect)
    return arrived, to


@pytest.mark.parametrize("inside", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "100.64.3.3", "::1", "fd00:ec2::254"])
def test_a_name_that_leads_inside_is_refused_even_if_only_one_of_its_addresses_does(egress, resolver, steered, inside):
    client = egress()
    for answer in ([inside], [PUBLIC, inside], [inside, PUBLIC]):
        resolver.said[NAME] = [answer]
        with pytest.raises(errors.UrlPrivate):
            client.post_user_url(f"https://{NAME}/", b"{}", {})
        with pytest.raises(errors.UrlPrivate):
            client.check_user_url(f"https://{NAME}/")
    assert steered[0] == []


def test_a_name_that_changes_its_address_after_the_check_gains_nothing(egress, resolver, steered, serve, authority):
    inside, outside = serve(authority.context), serve(authority.context)
    arrived, to = steered
    to[PUBLIC, 443] = ("127.0.0.1", outside.server_port)
    to["127.0.0.1", 443] = ("127.0.0.1", inside.server_port)
    resolver.said[NAME] = [[PUBLIC], ["127.0.0.1"]]
    answer = egress().post_user_url(f"https://{NAME}/in?x=1", b'{"a":1}', {"X-Signature": "s"})
    assert (answer.status, answer.retry_after) == (200, None)
    assert resolver.asked == [NAME]  # asked once: there is no second answer to be misled by
    assert arrived == [(PUBLIC, 443)]
    assert not inside.seen
    [seen] = outside.seen
    assert (seen.method, seen.path, seen.host, seen.body) == ("POST", "/in?x=1", NAME, b'{"a":1}')
    assert seen.headers["X-Signature"] == "s"
    with pytest.raises(errors.UrlPrivate):  # the next delivery looks up anew, and is told the truth
        egress().post_user_url(f"https://{NAME}/in", b"{}", {})


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_6])
def test_behind_an_outer_wall_the_proxy_is_asked_for_the_checked_address(
    egress, resolver, serve, authority, tmp_path, address
):
    outside = serve(authority.context)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "proxy"))
        listener.listen()
        proxy = Proxy(listener, ("127.0.0.1", outside.server_port), only=address)
        client = egress(egress_proxy=f"unix://{tmp_path}/proxy")
        resolver.said[NAME] = [["93.184.215.1", address], ["127.0.0.1"]]
        assert client.post_user_url(f"https://{NAME}/in", b"{}", {}).status == 200
        with pytest.raises(errors.UrlPrivate):
            client.post_user_url(f"https://{NAME}/in", b"{}", {})
    there = f"[{address}]" if ":" in address else address
    assert proxy.asked == [f"CONNECT {one}:443 HTTP/1.1" for one in ("93.184.215.1", there)], "the first it refuses"
    assert [seen.host for seen in outside.seen] == [NAME]


def test_what_was_checked_is_given_back_in_its_one_spelling(egress, resolver):
    resolver.said[NAME] = [[PUBLIC]]
    assert egress().check_user_url(f"HTTPS://{NAME.upper()}:443/In") == f"https://{NAME}/In"


def test_the_certificate_must_be_for_the_name_though_the_address_is_pinned(egress, resolver, steered, serve, authority):
    here = serve(authority.context)
    steered[1][PUBLIC, 443] = ("127.0.0.1", here.server_port)
    resolver.said["other.example.com"] = [[PUBLIC]]
    with pytest.raises(errors.EgressUntrusted):
        egress().post_user_url("https://other.example.com/", b"{}", {})
    assert not here.seen


def test_a_redirect_of_a_user_given_address_is_not_followed(egress, serve):
    here, other = serve(), serve()
    here.answers["/"] = (307, {"Location": f"{other.url}/taken"}, b"")
    assert egress(egress_loopback=True).post_user_url(here.url, b"{}", {}).status == 307
    assert not other.seen


def test_the_host_is_told_with_a_port_that_is_not_the_usual_one(egress, serve, authority):
    for here in (serve(), serve(authority.context)):
        assert egress(egress_loopback=True).post_user_url(f"{here.url}/a", b"{}", {}).status == 200
        [seen] = here.seen
        assert (seen.host, seen.headers["User-Agent"][:6]) == (f"127.0.0.1:{here.server_port}", "crm-io")


def test_an_unknown_name_may_be_tried_again(egress, resolver):
    resolver.said[NAME] = [[]]
    with pytest.raises(errors.UrlUnresolved) as told:
        egress().post_user_url(f"https://{NAME}/", b"{}", {})
    assert told.value.retry


def test_the_answer_says_when_to_come_back(egress, serve):
    here = serve()
    client = egress(egress_loopback=True)
    for said, waits in {"120": 120.0, "0": 0.0, "9" * 30: 86_400.0, "soon": None, "-5": None, "": None}.items():
        here.answers["/"] = (429, {"Retry-After": said}, b"")
        answer = client.post_user_url(here.url, b"{}", {})
        assert (answer.status, answer.retry_after) == (429, waits)
    here.answers["/"] = (503, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, b"")
    assert client.post_user_url(here.url, b"{}", {}).retry_after == 0.0
    here.answers["/"] = (503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}, b"")
    assert client.post_user_url(here.url, b"{}", {}).retry_after == 86_400.0
    for said in (f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT", f"Fri, 31 Dec 2100 23:59:59 +{'9' * 30}"):
        here.answers["/"] = (503, {"Retry-After": said}, b"")
        assert client.post_user_url(here.url, b"{}", {}).retry_after is None


def test_a_large_answer_is_broken_off(egress, serve):
    here = serve()
    here.answers["/"] = (200, {}, b"x" * (64 * 1024 + 1))
    with pytest.raises(errors.EgressTooLarge):
        egress(egress_loopback=True).post_user_url(here.url, b"{}", {})


def test_an_answer_that_is_large_once_it_is_unpacked_is_broken_off(egress, serve):
    here = serve()
    packed = gzip.compress(bytes(10_000_000))
    assert len(packed) < 64 * 1024
    here.answers["/"] = (200, {"Content-Encoding": "gzip"}, packed)
    with pytest.raises(errors.EgressTooLarge):
        egress(egress_loopback=True).post_user_url(here.url, b"{}", {})


def test_an_answer_that_drips_ends_with_its_time(egress, serve):
    here = serve()
    here.drip_s = 0.05
    here.answers["/"] = (200, {}, b"x" * 10_000)  # each byte well within a socket's time-out; all of them: minutes
    started = time.monotonic()
    with pytest.raises(errors.EgressTimedOut):
        egress(egress_loopback=True).post_user_url(here.url, b"{}", {}, timeout_s=0.5)
    assert time.monotonic() - started < 60


def test_of_a_name_with_very_many_addresses_a_few_are_tried(egress, resolver, monkeypatch):
    tried = []

    def connect(self, address):
        tried.append((address, self.gettimeout()))
        raise TimeoutError

    monkeypatch.setattr(socket.socket, "connect", connect)
    resolver.said[NAME] = [[f"93.184.215.{number}" for number in range(1, 200)]]
    with pytest.raises(errors.EgressTimedOut):
        egress().post_user_url(f"https://{NAME}/", b"{}", {}, timeout_s=10.0)
    assert 1 < len(tried) <= 4
    assert sum(patience_s for _, patience_s in tried) <= 10.0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://127.0.0.1:8443/"])
def test_loopback_is_closed_unless_the_settings_open_it(egress, url):
    with pytest.raises(errors.UrlRefused):
        egress().post_user_url(url, b"{}", {})


@pytest.mark.parametrize("leads", ["10.0.0.7", PUBLIC, "::ffff:127.0.0.1"])
def test_loopback_s_own_name_may_lead_to_loopback_alone(egress, resolver, steered, leads):
    resolver.said["localhost"] = [[leads]]
    with pytest.raises(errors.UrlPrivate):
        egress(egress_loopback=True).post_user_url("http://localhost:9000/", b"{}", {})
    assert steered[0] == []


def test_loopback_is_known_in_its_own_two_forms():
    told = {one: is_loopback(one) for one in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", PUBLIC, "x", "::")}
    assert [one for one, is_it in told.items() if is_it] == ["127.0.0.1", "127.9.9.9", "::1"]


def test_our_own_places_are_no_webhooks(egress, serve):
    registered = serve()
    client = egress({"google_oauth": registered.url}, egress_loopback=True)
    for url in (registered.url, registered.url.replace("127.0.0.1", "localhost"), "http://localhost:8080/"):
        with pytest.raises(errors.UrlPrivate):
            client.post_user_url(url, b"{}", {})
    assert not registered.seen
