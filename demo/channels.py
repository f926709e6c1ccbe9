"""Every place where data can rest or leave, as bytes to be hunted through, with controls planted in each."""

import contextlib
import json
import re
import urllib.parse
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
from psycopg import sql

from demo import hunt
from demo.browser import Browser
from demo.stack import Stack

MOST_PAGES = 250
LEAVE = re.compile(r"/(sign-out|static|bootstrap|log/)")


def crawl(browser: Browser, begin: list[str]) -> list[bytes]:
    """Return every page that the person in the browser can reach by links, breadth first, bounded."""
    waiting, known = deque(begin), set(begin)
    found: list[bytes] = []
    while waiting and len(found) < MOST_PAGES:
        page = browser.get(waiting.popleft(), expect=None)
        found.append(page.body + json.dumps(page.headers).encode())
        if "text/html" not in page.headers.get("Content-Type", ""):
            continue
        for href, _ in page.links:
            target = urllib.parse.urldefrag(urllib.parse.urljoin(page.url, href)).url
            path = target.removeprefix(browser.home.rstrip("/"))
            if path != target and path not in known and not LEAVE.match(path):
                known.add(path)
                waiting.append(path)
    return found


def api_answers(home: str, secret: str, texts: Mapping[str, str]) -> list[bytes]:
    """Return what a program of the second member gets: the list, its pages, and a search for each planted text."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {secret}"
    found: list[bytes] = []
    path = "/api/v1/people?limit=100"
    for _ in range(50):
        answer = session.get(urllib.parse.urljoin(home, path), timeout=60)
        found.append(answer.content)
        cursor = answer.json().get("next") if answer.ok else None
        if not cursor:
            break
        path = f"/api/v1/people?limit=100&cursor={urllib.parse.quote(str(cursor))}"
    for text in list(texts.values())[:10]:
        answer = session.get(urllib.parse.urljoin(home, "/api/v1/people"), params={"q": text}, timeout=60)
        # The answer may repeat the question; what must not happen is a hit.
        found.append(json.dumps(answer.json().get("people", answer.status_code)).encode())
    return found


def database(stack: Stack, which: str, control: str) -> Iterator[bytes]:
    """Yield every table of a database as a reader of a copy sees it, a control table among them."""
    with stack.database(which) as connection:
        connection.execute("CREATE TABLE hunt_control (said text)")
        connection.execute("INSERT INTO hunt_control VALUES (%s)", [hunt.written_out(control)])
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            name = sql.Identifier(str(schema), str(table))
            with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} TO STDOUT").format(name)) as rows:
                # A text is never cut between two pieces: each piece ends with a row.
                yield b"".join(bytes(row) for row in rows)
        connection.rollback()


def redis_dump(stack: Stack, control: str) -> list[bytes]:
    """Return every key of the queue's server with its value, a control among them."""
    client = stack.queue()
    client.set("hunt:control", hunt.written_out(control))
    found: list[bytes] = []
    for key in client.scan_iter(count=1000):
        found.append(bytes(key))
        kind = client.type(key)
        with contextlib.suppress(KeyError):
            found.append(repr(_READ[bytes(kind)](client, key)).encode())  # type: ignore[arg-type]  # answered at once
    client.delete("hunt:control")
    return found


_READ = {
    b"string": lambda client, key: client.get(key),
    b"hash": lambda client, key: client.hgetall(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    b"stream": lambda client, key: client.xrange(key),
}


def files(paths: list[Path], control: str) -> list[bytes]:
    """Return the files' bytes, after a control line was written to the first of them."""
    with paths[0].open("a") as first:
        first.write(hunt.written_out(control) + "\n")
    return [path.read_bytes() for path in paths]
