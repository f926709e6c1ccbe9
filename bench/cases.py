"""The benchmarks by name. Each returns its figures; what it needs it starts, and stops."""

import base64
import itertools
import time
from collections.abc import Callable, Iterator

import psycopg
import requests

from bench import mailbox, peers, stack
from bench.figures import Figure, percentile
from bench.person import BenchError, Person
from bench.stack import Stack

MESSAGES = 3_000
QUOTA = 6_000
WINDOWS_S = 122.0
LOOK_S = 150.0
PAUSE_S = 5.0
"""The product spends a window's units in a gush and waits for the window to pass, 61 s: two whole rounds are looked at,
from the begin of the first gush to that of the third. Where it spends steadily, two windows are."""
OPENED = 300
LEAVES = 50_000
WRITER = 28
MILLION = 1_000_000


def measure_import() -> Iterator[Figure]:
    """Measure the whole pipeline from Google to stored rows, in the worker."""
    with stack.running(messages=MESSAGES) as product:
        before = product.idle_worker()
        counts, seconds = _connect(product)
        after, peak = product.worker()
        stored = counts["crm"]["messages"]
        yield Figure(
            "CPU s in the worker per 1,000 messages",
            (after - before) / stored * 1000,
            "s",
            most=0.5,
            peer="Google's client, fetching alone",
            peer_value=peers.naive_import(product),
        )
        yield Figure("messages stored a second", stored / seconds, "/s")
        yield Figure("most memory of the worker", peak, "MB", most=200)


def measure_quota() -> Iterator[Figure]:
    """Measure how much of Google's quota is used while importing, and that nothing is refused."""
    with stack.running(messages=MESSAGES, quota=QUOTA) as product:
        person = Person(product.url, product.owner)
        person.sign_in()
        product.control("DELETE", "requests")
        person.connect("gmail")
        time.sleep(LOOK_S)
        calls = [call for call in product.control("GET", "requests")["requests"] if call["method"].startswith("gmail")]
        spending = sorted((call["at"], call["units"]) for call in calls if call["units"])
        gushes = [later for (earlier, _), (later, _) in itertools.pairwise(spending) if later - earlier > PAUSE_S]
        begun = spending[0][0]
        ended = gushes[1] if len(gushes) > 1 else begun + WINDOWS_S
        if person.counts()["collections"][0]["state"] == "current":
            msg = "the mailbox was too small to measure the quota: it was through before the end"
            raise BenchError(msg)
        used = sum(units for at, units in spending if at < ended) / (ended - begun) * 60 / QUOTA
        yield Figure("share of the units a minute that was used", used * 100, "%", least=95)
        refused = sum(call["status"] in {403, 429} for call in calls)
        yield Figure("requests that Google refused", refused, "", most=0)


def measure_guard() -> Iterator[Figure]:
    """Measure what the guard adds to a page, a row written and a value kept, beside the same work unguarded."""
    with stack.running() as product:
        told = product.command("measure", "guard")
    encrypted, copied = peers.bare_cipher_us()
    plain = ("one field of the same page unsealed", told["plain_field_cpu_us"])
    yield Figure("CPU that sealing adds to a field of a page", told["field_cpu_us"], "µs", 5, None, *plain)
    yield Figure("the leaf of a page", told["leaf_ms"], "ms", most=2)
    unsealed = ("the same page unsealed", told["plain_page_p95_ms"])
    yield Figure("page of 50 rows with 4 sealed fields, p95", told["sealed_page_p95_ms"], "ms", None, None, *unsealed)
    yield Figure("the same page unsealed, p95", told["plain_page_p95_ms"], "ms", most=8)
    clear = ("the same row in clear", told["written_clear_row_us"])
    yield Figure("a row of 4 sealed fields written", told["written_row_us"], "µs", None, None, *clear)
    yield Figure("of that, for sealing", told["written_row_us"] - told["written_clear_row_us"], "µs", most=30)
    text = ("the same text in clear", told["kept_clear_bytes"])
    yield Figure("memory of a sealed value", told["kept_bytes"], "bytes", None, None, *text)
    yield Figure("of that, for sealing", told["kept_bytes"] - told["kept_clear_bytes"], "bytes", most=150)
    yield Figure("one decision of the policy", told["decision_cpu_us"], "µs")
    yield Figure("seal", told["seal_cpu_us"], "µs", None, None, "AES-256-GCM alone", encrypted)
    yield Figure("copy under another key (derive)", told["derive_cpu_us"], "µs", None, None, "the same", copied)
    yield Figure("blind index", told["index_cpu_us"], "µs")


def measure_log() -> Iterator[Figure]:
    """Measure the Merkle log."""
    with stack.running() as product:
        told = product.command("measure", "log", "--leaves", str(LEAVES))
    yield Figure(
        "leaves integrated a second, stored and signed",
        told["integrate_per_s"],
        "/s",
        least=5_000,
        peer="pymerkle, in memory, unsigned",
        peer_value=peers.pymerkle_append(LEAVES),
    )
    yield Figure("leaves appended a second in one transaction", told["append_per_s"], "/s")
    yield Figure(f"leaves verified a second ({LEAVES:,} of them)", told["verify_per_s"], "/s")
    yield Figure("a million leaves verified (extrapolated)", MILLION / told["verify_per_s"], "s", most=10)


def measure_card() -> Iterator[Figure]:
    """Measure the sidebar at an open message, as the host of add-ons sees it, beside a page with nothing on it."""
    with stack.running(messages=MESSAGES) as product:
        _connect(product)
        message = _some_message(product)
        body = {"account": product.owner, "path": "/addon/gmail/message", "message_id": message}
        opened = [product.control("POST", "addon", json=body) for _ in range(OPENED + 20)][20:]
        if not all(answer["valid"] for answer in opened):
            msg = f"a card was not valid: {next(answer['problems'] for answer in opened if not answer['valid'])}"
            raise BenchError(msg)
        taken = [float(answer["ms"]) for answer in opened]
        bare = [_time_of(f"{product.url}/healthz") for _ in range(OPENED)]
        peer = "GET /healthz: the web server alone"
        yield Figure("card, p50", percentile(taken, 0.5), "ms", 10, None, peer, percentile(bare, 0.5))
        yield Figure("card, p99", percentile(taken, 0.99), "ms", 50, None, peer, percentile(bare, 0.99))


def measure_disconnect() -> Iterator[Figure]:
    """Measure the end of a connection: refused, unreadable, purged."""
    with stack.running(messages=MESSAGES) as product:
        _connect(product)
        person = Person(product.url, product.owner)
        person.sign_in()
        with psycopg.connect(_plain(product.environment["DATABASE_URL"]), autocommit=True) as database:
            bare = _bare_delete_per_s(database)
            answered = person.disconnect()
            left = person.counts()["crm"]["messages"]
            requested, destroyed, purged, rows = _ending(database)
        yield Figure("answer to the button; all is refused by then", answered * 1000, "ms")
        yield Figure("messages still counted after it", left, "", most=0)
        yield Figure("keys destroyed after", (destroyed - requested) * 1000, "ms", most=1_000)
        purge = rows / (purged - destroyed)
        peer = "the messages alone, in one DELETE"
        yield Figure(f"rows purged a second ({rows:,} of them)", purge, "/s", None, 20_000, peer, bare)


def _connect(product: Stack) -> tuple[dict[str, dict[str, int]], float]:
    """Connect Gmail, and return the counts once all is stored, and the seconds it took."""
    person = Person(product.url, product.owner)
    person.sign_in()
    began = time.monotonic()
    person.connect("gmail")
    counts = person.wait_for("mail")
    return counts, time.monotonic() - began


def _some_message(product: Stack) -> str:
    raw = base64.urlsafe_b64encode(mailbox.arriving(WRITER)).decode()
    made = product.control("POST", "messages", json={"account": product.owner, "raw": raw, "labels": ["INBOX"]})
    return str(made["id"])


def _time_of(url: str) -> float:
    began = time.perf_counter()
    requests.get(url, timeout=30).raise_for_status()
    return (time.perf_counter() - began) * 1000


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _bare_delete_per_s(database: "psycopg.Connection[tuple[object, ...]]") -> float:
    """Return the rows a second that one DELETE takes away from a copy of the messages with all its indexes."""
    database.execute("CREATE TABLE bench_copy (LIKE messages INCLUDING ALL)")
    database.execute("INSERT INTO bench_copy SELECT * FROM messages")
    began = time.perf_counter()
    gone = database.execute("DELETE FROM bench_copy WHERE grant_id = ANY (SELECT grant_id FROM messages)").rowcount
    seconds = time.perf_counter() - began
    database.execute("DROP TABLE bench_copy")
    return gone / seconds


def _ending(database: "psycopg.Connection[tuple[object, ...]]") -> tuple[float, float, float, int]:
    """Return when the end was asked for, the keys were destroyed and the rows were gone, and how many they were."""
    query = """SELECT extract(epoch FROM requested_at)::float8, extract(epoch FROM keys_destroyed_at)::float8,
        extract(epoch FROM purged_at)::float8, (SELECT sum(value::int) FROM jsonb_each_text(counts))::int
        FROM revocations WHERE purged_at IS NOT NULL"""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        found = database.execute(query).fetchone()
        if found is not None:
            return found  # type: ignore[return-value]  # as the query casts them
        time.sleep(0.1)
    msg = "the rows were not purged within five minutes"
    raise BenchError(msg)


BENCHMARKS: dict[str, Callable[[], Iterator[Figure]]] = {
    "import": measure_import,
    "quota": measure_quota,
    "guard": measure_guard,
    "log": measure_log,
    "card": measure_card,
    "disconnect": measure_disconnect,
}
