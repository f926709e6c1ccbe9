"""The one client: what it reaches, what it refuses, and when it gives up. Real sockets on loopback throughout."""

import socket
import threading

import pytest
import requests

from limited_use.egress import EgressRefused
from limited_use.egress.errors import EgressFailed, EgressTimedOut, EgressTooLarge, EgressUntrusted
from tests.limited_use.egress.conftest import Proxy


def test_a_registered_destination_answers_and_its_connection_is_kept(serve, egress):
    here = serve()
    client = egress({"kms": here.url})
    for number in range(5):
        answer = client.request("kms", "POST", f"{here.url}/keys/{number}", body=b"{}", headers={"X-One": "1"})
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"{}", "2")
    assert [seen.path for seen in here.seen] == [f"/keys/{number}" for number in range(5)]
    assert (here.seen[0].method, here.seen[0].body, here.seen[0].headers["X-One"]) == ("POST", b"{}", "1")
    assert here.seen[0].headers["User-Agent"].startswith("crm-io")
    assert len(here.peers) == 1


def test_nothing_is_sent_to_another_scheme_host_or_port_or_another_destination_s_host(serve, egress):
    here, other = serve(), serve()
    client = egress({"kms": here.url, "mail": other.url})
    refused = [
        f"{other.url}/",
        here.url.replace("http:", "https:"),
        here.url.replace("127.0.0.1", "localhost"),
        here.url.replace("//", "//user@"),
        here.url.replace("127.0.0.1", "127.0.0.1."),
        "file:///etc/passwd",
        "http://[::1/",
        "",
    ]
    for url in refused:
        with pytest.raises(EgressRefused):
            client.request("kms", "GET", url)
    with pytest.raises(EgressRefused):
        client.request("nobody", "GET", here.url)
    assert not here.seen
    assert not other.seen


def test_a_redirect_is_an_answer_and_is_not_followed(serve, egress):
    here, other = serve(), serve()
    here.answers["/away"] = (302, {"Location": f"{other.url}/taken"}, b"")
    answer = egress({"kms": here.url}).request("kms", "GET", f"{here.url}/away")
    assert answer.status == 302
    assert not other.seen


def test_a_request_that_is_cut_off_is_not_sent_again(egress):
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut():
            while True:
                try:
                    near, _ = listener.accept()
                except OSError:
                    return
                taken.append(near.recv(4096))
                near.close()

        thread = threading.Thread(target=cut, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(EgressFailed):
            egress({"kms": url}).request("kms", "GET", url)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert len(taken) == 1


def test_an_answer_has_a_size_and_a_time(serve, egress):
    here = serve()
    client = egress({"kms": here.url})
    here.answers["/large"] = (200, {}, b"x" * 100_001)
    with pytest.raises(EgressTooLarge):
        client.request("kms", "GET", f"{here.url}/large", most=100_000)
    assert len(client.request("kms", "GET", f"{here.url}/large", most=100_001).body) == 100_001
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(EgressTimedOut):
            egress({"kms": url}).request("kms", "GET", url, timeout_s=0.2)


def test_a_place_where_nobody_listens_is_told_without_its_address(egress):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(EgressFailed) as told:
        egress({"kms": url}).request("kms", "GET", url)
    assert told.type is EgressFailed
    assert "127.0.0.1" not in str(told.value)


def test_a_certificate_of_nobody_s_is_not_believed(serve, egress, authority):
    here = serve(authority.context)
    assert egress({"kms": here.url}).request("kms", "GET", here.url).status == 200
    with pytest.raises(EgressUntrusted):
        egress({"kms": here.url}, egress_ca_file="").request("kms", "GET", here.url)
    url = here.url.replace("127.0.0.1", "localhost")
    with pytest.raises(EgressUntrusted):  # the right authority, the wrong name
        egress({"kms": url}).request("kms", "GET", url)
    assert len(here.seen) == 1


def test_the_environment_s_proxy_and_passwords_are_not_used(serve, egress, monkeypatch, tmp_path):
    here = serve()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    client = egress({"kms": here.url})
    assert client.request("kms", "GET", here.url).status == 200
    session = requests.Session()
    client.way("kms").carry(session)
    assert session.get(here.url, timeout=5).status_code == 200
    assert not any("Authorization" in seen.headers for seen in here.seen)


def test_a_library_s_session_goes_the_same_way(serve, egress):
    here, other = serve(), serve()
    here.answers["/away"] = (302, {"Location": f"{here.url}/there"}, b"")
    session = requests.Session()
    egress({"kms": here.url, "mail": other.url}).way("kms").carry(session)
    assert session.get(f"{here.url}/one", timeout=5).status_code == 200
    assert session.get(f"{here.url}/two", timeout=5).status_code == 200
    assert len(here.peers) == 1
    with pytest.raises(EgressRefused):
        session.get(other.url, timeout=5)
    with pytest.raises(requests.TooManyRedirects):
        session.get(f"{here.url}/away", timeout=5)
    assert "/there" not in [seen.path for seen in here.seen]


def test_a_session_that_is_checked_by_nobody_still_connects_to_registered_places_only(serve, egress):
    here, other = serve(), serve()
    session = requests.Session()
    egress({"kms": here.url}).carry(session, lambda _: None)
    assert session.get(here.url, timeout=5).status_code == 200
    with pytest.raises(EgressRefused):
        session.get(other.url, timeout=5)
    assert not other.seen


def test_a_library_cannot_switch_the_checking_of_certificates_off(serve, egress, authority):
    here = serve(authority.context)
    session = requests.Session()
    session.verify = False
    egress({"kms": here.url}, egress_ca_file="").way("kms").carry(session)
    with pytest.raises(requests.exceptions.SSLError):
        session.get(here.url, timeout=5, verify=False)
    assert not here.seen


def test_a_destination_that_speaks_no_http_gives_a_socket(egress):
    with socket.create_server(("127.0.0.1", 0)) as post:
        url = f"smtp://127.0.0.1:{post.getsockname()[1]}"
        with egress({"mail": url}).connect("mail") as made:
            theirs, _ = post.accept()
            with theirs:
                theirs.sendall(b"220 here\r\n")
                assert made.recv(10) == b"220 here\r\n"
    with pytest.raises(EgressRefused):
        egress().connect("mail")


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_behind_an_outer_wall_the_proxy_is_asked_and_tls_is_spoken_with_the_destination(
    serve, egress, authority, tmp_path, kind
):
    here = serve(authority.context)
    with socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET) as listener:
        listener.bind(str(tmp_path / "proxy") if kind == "unix" else ("127.0.0.1", 0))
        listener.listen()
        proxy = Proxy(listener, ("127.0.0.1", here.server_port))
        setting = f"unix://{tmp_path}/proxy" if kind == "unix" else f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = egress({"kms": "https://hooks.example.com"}, egress_proxy=setting)
        assert client.request("kms", "GET", "https://hooks.example.com/x").status == 200
    assert proxy.asked == ["CONNECT hooks.example.com:443 HTTP/1.1"]
    assert here.seen[0].host == "hooks.example.com"


def test_a_destination_that_speaks_no_http_is_reached_by_the_proxy_too(egress, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as post, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "proxy"))
        listener.listen()
        proxy = Proxy(listener, post.getsockname())
        client = egress({"mail": "smtp://mail.example.com:587"}, egress_proxy=f"unix://{tmp_path}/proxy")
        with client.connect("mail") as made:
            theirs, _ = post.accept()
            with theirs:
                theirs.sendall(b"220 here\r\n")
                assert made.recv(10) == b"220 here\r\n"
    assert proxy.asked == ["CONNECT mail.example.com:587 HTTP/1.1"]


def test_this_machine_and_the_platform_s_metadata_are_reached_without_the_proxy(serve, egress):
    here = serve()  # plain http, as the metadata server is
    client = egress({"platform": here.url, "kms": "https://hooks.example.com"}, egress_proxy="unix:///nowhere")
    assert client.request("platform", "GET", here.url).status == 200
    with pytest.raises(EgressFailed):
        client.request("kms", "GET", "https://hooks.example.com/")


def test_what_the_proxy_refuses_is_not_reached_in_another_way(egress, tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "proxy"))
        listener.listen()
        Proxy(listener, None)
        client = egress({"kms": "https://hooks.example.com"}, egress_proxy=f"unix://{tmp_path}/proxy")
        with pytest.raises(EgressFailed):
            client.request("kms", "GET", "https://hooks.example.com/x")
