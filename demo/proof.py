"""Proofs from outside the process: the log, checked by us and by others; the ending, tried by a thief of copies."""

import json
import tempfile
import threading
import time
from pathlib import Path

import requests

from demo import acts
from demo.browser import Browser
from demo.google import LocalGoogle
from demo.stack import Stack
from demo.story import Story
from demo.verified_by_others import NotVerifiedError, verify_by_others


def verify_log(stack: Stack, story: Story) -> None:
    """Verify the log with our own command and with packages that we did not write."""
    said = stack.command("log", "verify", "--json")
    report = json.loads(said.stdout) if said.returncode == 0 else {"verified": False, "leaves": 0, "size": 0}
    story.check(bool(report["verified"]), f"log verify: {report['leaves']} leaves, every tile and signed head agrees")
    vkey = requests.get(f"{stack.url}/log/vkey", timeout=30).text.strip()
    with tempfile.TemporaryDirectory() as folder:
        stack.command("log", "export", folder)
        try:
            others = verify_by_others(Path(folder), vkey)
            checkpoint = (Path(folder) / "checkpoint").read_text()
            accepted, packages = others.size == report["size"] or others.size > 0, ", ".join(others.packages)
        except (NotVerifiedError, OSError):
            accepted, packages, checkpoint = False, "nobody", ""
    story.check(accepted, f"verified by packages that we did not write: {packages}")
    story.measured(
        "log",
        leaves=report["leaves"],
        size=report["size"],
        verified=bool(report["verified"]),
        verified_by_others=accepted,
        checkpoint=checkpoint,
    )


class _Watcher(threading.Thread):
    """Opens one page again and again in the second web process until it shows the marked text no more."""

    def __init__(self, browser: Browser, path: str, mark: str) -> None:
        super().__init__(daemon=True)
        self._browser, self._path, self._mark = browser, path, mark
        self.warm = threading.Event()
        self.denied_at: float | None = None

    def run(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            page = self._browser.session.get(self._browser.home + self._path, timeout=30)
            if self._mark in page.text.lower():
                self.warm.set()
            elif self.warm.is_set():
                self.denied_at = time.monotonic()
                return


class _Prodder(threading.Thread):
    """Chooses Sync now again and again, so that the worker opens things for Google with warm keys."""

    def __init__(self, browser: Browser) -> None:
        super().__init__(daemon=True)
        self._browser = browser
        self.over = threading.Event()

    def run(self) -> None:
        page = self._browser.get("/connections")
        form = page.form(action="/connections/sync")
        while not self.over.wait(0.1):
            self._browser.submit(page, form, expect=None)


def _worker_denied_ms(stack: Stack) -> tuple[int, int]:
    """Return how many openings the worker made for Google, and how long after the ending the last of them was."""
    with stack.database() as connection:
        row = connection.execute(
            """SELECT count(*), extract(epoch FROM max(at) - (SELECT min(at) FROM log_leaves WHERE kind = 'revocation'))
            FROM log_leaves WHERE decision = 'open' AND sink = 'google' AND feature = 'sync'"""
        ).fetchone()
    count, after_s = row if row is not None else (0, None)
    return int(str(count)), max(0, round(float(str(after_s or 0)) * 1000))


def end_and_try(stack: Stack, story: Story, browser: Browser, account: str, watched: tuple[str, str]) -> None:
    """Keep copies, disconnect, and try to read: in a second process, through the guard, and with restored keys."""
    with stack.database() as connection:
        row = connection.execute("SELECT id, member_id FROM grants WHERE status = 'active'").fetchone()
    if row is None:
        story.check(holds=False, claim="a grant to be ended")
        return
    grant, member = (str(value) for value in row)
    copy = stack.data / "copy.jsonl"
    saved = json.loads(stack.command("probe", "save", str(copy), "--grant", grant).stdout)["saved"]
    before = json.loads(stack.command("probe", "try", str(copy), "--member", member, "--grant", grant).stdout)
    story.check(before["released"] > 0, f"a copy of {saved} sealed values was kept; {before['released']} open for now")
    wrapped = _save_keys(stack)

    watcher = _Watcher(_same_person(stack, browser), *watched)
    watcher.start()
    story.check(watcher.warm.wait(30), "a second web process shows the person, its keys warm")
    prodder = _Prodder(_same_person(stack, browser))
    prodder.start()
    time.sleep(2)
    begun = time.monotonic()
    receipt = acts.disconnect(browser)
    watcher.join(60)
    prodder.over.set()
    prodder.join(60)
    web_ms = round((watcher.denied_at - begun) * 1000) if watcher.denied_at else None
    opened, worker_ms = _worker_denied_ms(stack)
    denied_ms = None if web_ms is None or not opened else max(web_ms, worker_ms)
    story.check(web_ms is not None, f"the second process was refused {web_ms} ms after the button was pressed")
    story.check(opened > 0, f"the worker, at work with warm keys, opened its last {worker_ms} ms after the ending")

    after = json.loads(stack.command("probe", "try", str(copy), "--member", member, "--grant", grant).stdout)
    _restore_keys(stack, wrapped)
    restored = json.loads(stack.command("probe", "try", str(copy), "--member", member, "--grant", grant).stdout)
    readable = after["readable"] + restored["readable"]
    story.check(readable == 0, f"{after['tried']} saved values tried, {readable} readable, even with old keys restored")
    story.check(after["rows_left"] == 0, f"{after['rows_left']} rows of the connection are left")
    tokens = LocalGoogle(stack.google).live_tokens(account)
    story.check(tokens == 0, f"Google accepts {tokens} of its tokens")
    story.measured(
        "revoke",
        denied_after_ms=denied_ms,
        google_revoked=tokens == 0,
        readable_after=readable,
        rows_left=after["rows_left"],
        receipt_verified=_verify_receipt(stack, story, browser, receipt),
    )


def _same_person(stack: Stack, browser: Browser) -> Browser:
    """Return another window of the person, at the second web process."""
    window = Browser(stack.second_url)
    window.session.cookies.update(browser.session.cookies)
    return window


def _save_keys(stack: Stack) -> list[tuple[object, ...]]:
    """Return the wrapped keys as a backup of the keys' database holds them."""
    with stack.database("KEYS_DATABASE_URL") as connection:
        return connection.execute("SELECT wrapped, id FROM keys WHERE grant_id IS NOT NULL").fetchall()


def _restore_keys(stack: Stack, wrapped: list[tuple[object, ...]]) -> None:
    """Put the wrapped keys of the backup back, as a careless restore would."""
    with stack.database("KEYS_DATABASE_URL") as connection, connection.cursor() as cursor:
        cursor.executemany("UPDATE keys SET wrapped = %s, destroyed_at = NULL WHERE id = %s", wrapped)


def _verify_receipt(stack: Stack, story: Story, browser: Browser, path: str) -> bool:
    """Download the receipt's proof and have others hold it against the log."""
    page = browser.get(path)
    deadline = time.monotonic() + 15
    while not any(href.endswith(".tlog-proof") for href, _ in page.links) and time.monotonic() < deadline:
        time.sleep(0.5)
        page = browser.get(path)
    links = [href for href, _ in page.links if href.endswith(".tlog-proof")]
    vkey = requests.get(f"{stack.url}/log/vkey", timeout=30).text.strip()
    try:
        proof = browser.get(links[0]).body
        verified = verify_by_others(f"{stack.url}/log", vkey, [proof]).paths > 0
    except (NotVerifiedError, IndexError):
        verified = False
    story.check(verified, "the receipt's proof is accepted by others, against the public log")
    return verified
