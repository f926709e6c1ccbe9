"""SIGKILL anywhere during the first sync: the end is that of a sync that nobody disturbed."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from demo import acts
from demo.browser import Browser
from tests.journeys import takeouts
from tests.journeys.product import KINDS, Product, connected, started, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc"),
]

SEED = 20261122
WORKER, WEB = "worker.py", "gunicorn"
# Who is hit next, and how many calls of Google later: before anything is stored, after some is, near the end.
BLOWS = (
    (WORKER, 1, 20), (WORKER, 60, 230), (WEB, 5, 60), (WORKER, 255, 300), (WORKER, 5, 40), (WEB, 1, 20), (WORKER, 5, 60)
)  # fmt: skip

# Tables that tell of the way and not of where it led, each with its reason.
OF_THE_WAY = {
    "alembic_version": "says which steps were taken",
    "runs": "says how often work was begun",
    "log_leaves": "each life of a worker opens the refresh token again, and says so",
}
# Decoys hang on a grant that never lived, and are as random as they look.
LIVING = "WHERE grant_id IN (SELECT id FROM grants WHERE status = 'active')"
# What the rows say, as far as it is the same on two machines: indexes, ids and ciphertext are under other keys there.
CONTENT = (
    "SELECT gmail_id, thread_id, sent_at, direction, label_ids, is_bulk, is_auto, size FROM messages LIVING",
    "SELECT m.gmail_id, p.role, p.position FROM participations p JOIN messages m ON m.id = p.message_id",
    "SELECT source, is_own, is_role, is_robot, decision, reason FROM correspondents",
    "SELECT source, written_to, received_from, received_bulk, met, first_at, last_at FROM correspondents",
    "SELECT source, field, position FROM facts LIVING",
    "SELECT starts_at, ends_at, all_day, status, is_series FROM meetings LIVING",
    "SELECT starts_at, ends_at FROM occurrences",
    "SELECT resource_name FROM contacts",
    "SELECT kind, state, found, stored, skipped, removed, generation FROM collections",
    "SELECT reason, generation FROM skips",
)


def tables(product: Product) -> dict[str, int]:
    names = [name for (name,) in product.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    counted = sorted(name for name in names if name not in OF_THE_WAY and not name.startswith("log_"))
    return {name: product.rows(f'SELECT count(*) FROM "{name}"')[0][0] for name in counted}  # noqa: S608 -- our own tables


def content(product: Product) -> list[list[str]]:
    return [sorted(map(repr, product.rows(query.replace("LIVING", LIVING)))) for query in CONTENT]


def has_decoys(product: Product) -> bool:
    return product.rows("SELECT count(*) FROM grants WHERE status = 'revoked'") == [(1,)]


def summary(counts: dict[str, Any]) -> dict[str, Any]:
    lists = [
        {key: row[key] for key in ("kind", "state", "found", "stored", "removed")} for row in counts["collections"]
    ]
    return {"crm": counts["crm"], "skipped": counts["skipped"], "collections": sorted(lists, key=repr)}


def calls(product: Product) -> int:
    made: int = product.control("GET", "requests?limit=1")["totals"]["requests"]
    return made


def is_in_step(browser: Browser) -> bool:
    try:
        counts = browser.session.get(browser.home + "/connections/counts", timeout=10).json()
    except (requests.ConnectionError, requests.Timeout):
        return False
    rows = counts["collections"]
    return {row["kind"] for row in rows} >= KINDS and all(row["state"] == "current" for row in rows)


def strike(product: Product, browser: Browser, chance: random.Random) -> list[int]:
    """Kill one program after the other; return how many calls of Google had been made by then, each time."""
    struck_at = []
    for name, least, most in BLOWS:
        mark = calls(product) + chance.randint(least, most)
        while calls(product) < mark and not is_in_step(browser):
            time.sleep(0.02)
        if is_in_step(browser):
            break
        time.sleep(chance.uniform(0, 0.15))
        struck_at.append(calls(product))
        product.kill(name)
    return struck_at


def test_killed_again_and_again_the_first_sync_ends_as_if_nobody_had_disturbed_it(tmp_path: Path) -> None:
    takeout = takeouts.office(tmp_path / "Takeout")
    owner = takeouts.OWNER
    with started(tmp_path / "calm", takeout, owner) as calm, started(tmp_path / "struck", takeout, owner) as struck:
        google = calm.control("GET", "counts")["google"]
        expected = acts.wait_until_in_step(connected(calm, owner), KINDS)

        struck.control("POST", "faults", method="batch", fault="slow", delay_s=0.5, count=10_000)
        browser = connected(struck, owner)
        struck_at = strike(struck, browser, random.Random(SEED))  # noqa: S311 -- so that a failure can be seen again
        struck.control("DELETE", "faults")
        counts = acts.wait_until_in_step(await_web(browser), KINDS)

        assert len(struck_at) >= 3, f"the sync was over after {struck_at} calls"
        assert len(set(struck_at)) == len(struck_at)
        assert summary(counts) == summary(expected)
        assert counts["crm"]["messages"] + sum(counts["skipped"]["messages"].values()) == google["messages"]
        assert counts["crm"]["events"] + sum(counts["skipped"]["events"].values()) == google["events"]
        assert counts["crm"]["contacts"] + sum(counts["skipped"]["contacts"].values()) == google["contacts"]
        until(lambda: has_decoys(struck) and has_decoys(calm), 60)
        assert tables(struck) == tables(calm)
        assert content(struck) == content(calm)
        assert not any("Traceback" in path.read_text() for path in (struck.data / "logs").glob("w*.log"))


def await_web(browser: Browser) -> Browser:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if browser.session.get(browser.home + "/healthz", timeout=5).ok:
                return browser
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail("the web process did not come back")
