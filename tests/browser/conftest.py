"""The real product beside its local Google, started once, and browsers to visit it with.

Chromium is the system's own. Without one these tests are skipped and the run's summary says so; in CI its absence is
a fault.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Browser, sync_playwright

from kernel.settings import RUN_FILE
from tests.browser import steps
from tests.browser.visitor import Place, Visitor

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox",  # a container's root cannot have one; the only pages it opens are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_S = 120


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer a folder for the pictures."""
    parser.addoption("--screenshots", type=Path, help="keep pictures of every page here, in each look")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        words = "no Chromium is installed, so NO BROWSER TEST was run (Debian and Ubuntu: apt install chromium)"
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:  # noqa: TID251 -- the one switch of tests
            pytest.fail(words)
        pytest.skip(words)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def place(chromium: Browser, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The whole product on sample data, as `make run` starts it, thrown away in the end."""
    assert chromium.is_connected()  # without a browser nothing is started
    folder = tmp_path_factory.mktemp("product")
    asked = pytestconfig.getoption("--screenshots", default=None)
    pictures = asked or tmp_path_factory.mktemp("screenshots")
    pictures.mkdir(parents=True, exist_ok=True)
    ready, told = folder / "ready.json", folder / "told.txt"
    command = [sys.executable, "run.py", "--throwaway", "--port", "0", "--ready", str(ready)]
    with told.open("w") as out, subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out) as process:
        try:
            _wait_until_ready(process, ready, told)
            answer = json.loads(ready.read_text())
            yield Place(answer["url"], answer["google"], Path(answer["data"]), pictures, all_looks=asked is not None)
        finally:
            if ready.exists():  # the product takes its logs with it
                shutil.copytree(Path(json.loads(ready.read_text())["data"]) / "logs", folder / "logs")
            process.terminate()
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, told: Path) -> None:
    deadline = time.monotonic() + START_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the product did not start:\n{told.read_text()}")
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def _no_rate_used_up(place: Place) -> None:
    """A quick machine signs in more often within a minute than one address is allowed: each test starts with none."""
    running = json.loads((place.data / RUN_FILE).read_text())
    with redis.Redis.from_url(running["REDIS_URL"]) as client:
        for key in client.scan_iter("LIMITS:*", count=1000):
            client.delete(key)


@pytest.fixture(scope="session")
def open_browser(chromium: Browser, place: Place) -> Callable[[], Visitor]:
    """A maker of browsers that share nothing."""
    return lambda: Visitor(chromium, place)


@pytest.fixture
def visitor(open_browser: Callable[[], Visitor]) -> Iterator[Visitor]:
    """Somebody nobody knows yet."""
    somebody = open_browser()
    try:
        yield somebody
    finally:
        somebody.context.close()
    assert not somebody.faults, "\n".join(somebody.faults)


@pytest.fixture(scope="session")
def settled(open_browser: Callable[[], Visitor]) -> Iterator[Visitor]:
    """Maya, whose mailbox and calendar are connected and in step; Contacts she left unticked."""
    with ExitStack() as stack:
        maya = open_browser()
        stack.callback(maya.context.close)
        steps.sign_in(maya, steps.MAYA)
        steps.connect(maya, "gmail")
        steps.connect(maya, "calendar")
        steps.leave_unticked(maya, "contacts")
        steps.wait_until_in_step(maya, "gmail", "calendar")
        yield maya


@pytest.fixture
def maya(settled: Visitor) -> Iterator[Visitor]:
    """Maya as above, at the start page of each test, on a large light screen."""
    settled.faults.clear()
    settled.page.set_viewport_size({"width": 1280, "height": 800})
    settled.page.emulate_media(color_scheme="light", reduced_motion="reduce")
    yield settled
    assert not settled.faults, "\n".join(settled.faults)
