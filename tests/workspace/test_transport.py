"""The way to Google: what it refuses, what it costs, what it never does twice."""

import http.server
import threading

import pytest
from google.oauth2.credentials import Credentials

from kernel.clock import SystemClock
from limited_use.egress import Client, EgressRefused
from limited_use.egress.registry import Registry, origin_of
from workspace import errors
from workspace.documents import Api, Call, batch_uri, service
from workspace.gmail import plan_calls
from workspace.mail import Ref
from workspace.quota import WINDOW_S, SharedMeter, units_of
from workspace.transport import Transport, Transports


class FreeMeter:
    def __init__(self):
        self.spent = 0

    def spend(self, account, api, units, *, urgent=False):
        self.spent += units


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.path)
        if self.path.startswith("/drop"):
            self.close_connection = True
            return
        body = b"x" * int(self.path.rpartition("=")[2]) if "size=" in self.path else b"{}"
        self.send_response(302 if self.path.startswith("/away") else 200)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.seen = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def root(server):
    return f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture
def way(root, settings):
    client = Client(settings, SystemClock(), Registry({"google": frozenset({origin_of(root)})}))
    yield client.way("google")
    client.close()


@pytest.fixture
def transport(way):
    made = Transport(Credentials("token"), "me", way, FreeMeter())
    yield made
    made.close()


def test_every_address_of_a_document_stands_under_its_root():
    root = "http://127.0.0.1:5/"
    for api in Api:
        assert batch_uri(api, root).startswith(root)
    call = service(Api.CALENDAR, root).events().list(calendarId="a@b#c")
    assert call.uri.startswith(root + "calendar/v3/calendars/a%40b%23c/events")
    assert call.method_id == "calendar.events.list"


def test_nothing_is_sent_to_another_host(transport):
    with pytest.raises(EgressRefused):
        transport.ask(Call("people.x", "http://127.0.0.1:1/"))
    assert transport.tally.requests == 0


def test_a_connection_that_breaks_after_sending_is_told_and_not_resent(transport, root, server):
    transport.ask(Call("people.x", root + "fine"))
    with pytest.raises(errors.Transient):
        transport.ask(Call("people.x", root + "drop"))
    assert server.seen == ["/fine", "/drop"]


def test_an_answer_has_a_size_limit(transport, root):
    assert len(transport.ask(Call("people.x", root + "?size=1000"), most=1000)) == 1000
    with pytest.raises(errors.AnswerTooLarge):
        transport.ask(Call("people.x", root + "?size=1001"), most=1000)


def test_a_redirect_is_not_followed(transport, root, server):
    with pytest.raises(errors.GoogleError):
        transport.ask(Call("people.x", root + "away"))
    assert server.seen == ["/away"]


def test_each_thread_has_a_transport_of_its_own_and_few_of_them(way):
    pool = Transports(most_a_thread=2)
    made = []

    def make():
        made.append(Transport(Credentials("t"), "me", way, FreeMeter()))
        return made[-1]

    first = pool.of("a", make)
    assert pool.of("a", make) is first
    others = []
    thread = threading.Thread(target=lambda: others.append(pool.of("a", make)))
    thread.start()
    thread.join()
    assert others[0] is not first
    pool.of("b", make)
    pool.of("c", make)
    assert pool.of("a", make) is not first
    for transport in made:
        transport.close()


def test_a_meter_never_lets_an_account_pass_its_limit_and_uses_nearly_all_of_it(runtime):
    meter = SharedMeter(runtime.redis, 6000)
    spent = 0
    while meter.wait_s("one", Api.GMAIL, 20) == 0:
        spent += 20
    assert 0.98 * 6000 <= spent <= 6000
    assert 0 < meter.wait_s("one", Api.GMAIL, 20) <= WINDOW_S
    assert meter.wait_s("one", Api.GMAIL, 20, urgent=True) == 0
    assert meter.wait_s("other", Api.GMAIL, 20) == 0
    assert meter.wait_s("one", Api.CALENDAR, 1) == 0
    with pytest.raises(errors.Paced):
        meter.spend("one", Api.GMAIL, 400)
    assert not [key for key in runtime.redis.keys("quota:*") if b"one" in key]


def test_the_cheapest_calls_bring_all_messages():
    refs = [Ref(f"m{n}", thread) for n, thread in enumerate("aabbbc")]
    calls = list(plan_calls(refs, "http://x/"))
    assert [(entry.is_thread, len(entry.ids)) for entry in calls] == [(False, 1)] * 2 + [(True, 3), (False, 1)]
    assert sum(units_of(entry.call.method_id) for entry in calls) == 100
    assert set().union(*(entry.ids for entry in calls)) == {ref.id for ref in refs}
