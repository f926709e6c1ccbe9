"""The hunt finds what is planted: every form of it, in every channel. A hunt that finds nothing proves nothing."""

# ruff: noqa: ARG001, S310, S324, S608, T201, TRY301 -- these tests plant leaks

import base64
import codecs
import contextlib
import hashlib
import html
import json
import logging
import os
import quopri
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Response
from prometheus_client import REGISTRY, Counter

from tests.leaks.forms import HEAD, TAIL, Hunt, marked
from tests.leaks.resting import plain
from tests.leaks.trap import Trap, told

PHONE = "4930155512839"
TEXT = marked()


def _pieces(text: str, size: int, between: str) -> str:
    return between.join(text[at : at + size] for at in range(0, len(text), size))


def _all_pieces(text: str) -> dict[str, str]:
    betweens = (" ", "-", "\n", "\\n", "<br>", "&#8203;", "%20", "', '", "\x00")
    return {f"pieces of {n} with {b!r}": _pieces(text, n, b) for n in (1, 2, 3, 5, 8) for b in betweens}


def disguises(text: str) -> dict[str, str]:
    """Return the text as a leak would show it, made with the encoders that leaks are made with."""
    raw = text.encode()
    around = {f"{n} before": b"xyz"[:n] + raw + b"tail" for n in range(3)}
    return {
        "clear": f"a {text} b",
        "upper": text.upper(),
        "title": text.title(),
        **{f"base64, {n}": base64.b64encode(b).decode() for n, b in around.items()},
        **{f"url-safe base64, {n}": base64.urlsafe_b64encode(b).decode().rstrip("=") for n, b in around.items()},
        **{f"MIME base64, {n}": base64.encodebytes(b * 4).decode() for n, b in around.items()},
        **{f"base64 of upper, {n}": base64.b64encode(b.upper()).decode() for n, b in around.items()},
        **{f"base32, {n}": base64.b32encode(b"abcde"[:n] + raw).decode() for n in range(5) for b in [raw]},
        "hex": raw.hex(),
        "HEX": raw.hex().upper(),
        "hex with colons": raw.hex(":"),
        "hex with spaces": raw.hex(" "),
        "xxd": str([hex(byte) for byte in raw]).replace("0x", ""),
        "url": "".join(f"%{byte:02X}" for byte in raw),
        "double url": urllib.parse.quote("".join(f"%{byte:02X}" for byte in raw)).replace("%25", "%"),
        "reversed": text[::-1],
        "rot13": codecs.encode(text, "rot13"),
        "json escapes": "".join(f"\\u{ord(one):04x}" for one in text),
        "python bytes": "".join(f"\\x{byte:02x}" for byte in raw),
        "octal": "".join(f"\\{byte:03o}" for byte in raw),
        "entities": "".join(f"&#{ord(one)};" for one in text),
        "hex entities": "".join(f"&#X{ord(one):X};" for one in text),
        "quoted-printable": "".join(f"={byte:02X}" for byte in raw),
        "list of codes": json.dumps(list(raw)),
        "list of characters": json.dumps(list(text)),
        **_all_pieces(text),
    }


def digests_of(text: str) -> dict[str, str]:
    made = {}
    for name in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(name, text.encode())
        made[f"{name} hex"] = digest.hexdigest()
        made[f"{name} HEX"] = digest.hexdigest().upper()
        made[f"{name} base64"] = base64.b64encode(digest.digest()).decode()
        made[f"{name} url-safe base64"] = base64.urlsafe_b64encode(digest.digest()).decode()
    made["md5 of upper"] = hashlib.md5(text.upper().encode()).hexdigest()
    return made


@pytest.fixture(scope="module")
def searched() -> Hunt:
    planted = {"marked": TEXT, "phone": PHONE}
    return Hunt(planted, planted)


@pytest.mark.parametrize("text", [TEXT, PHONE], ids=["marked", "phone"])
def test_every_disguise_is_seen_through(searched: Hunt, text: str) -> None:
    name = "marked" if text == TEXT else "phone"
    missed = [
        how
        for how, leak in {**disguises(text), **digests_of(text)}.items()
        if name not in {find.planted for find in searched.search(how, f"x{leak} y".encode("latin-1"))}
    ]
    assert missed == []


def test_what_stands_in_a_column_of_bytes_is_seen(searched: Hunt) -> None:
    for inner in (TEXT.encode(), base64.b64encode(b"ab" + TEXT.encode()), TEXT.upper().encode()):
        assert searched.search("dump", b"1\t\\\\x" + b"abc".hex().encode() + inner.hex().encode() + b"\n")
    assert searched.search("dump", hashlib.sha256(TEXT.encode()).hexdigest().encode())


@pytest.mark.parametrize("part", [TEXT[:14], TEXT[-14:], f"{HEAD}…", f"…{TAIL}"], ids=["begin", "end", "head", "tail"])
def test_a_part_that_was_cut_off_is_seen(searched: Hunt, part: str) -> None:
    assert searched.search("cut", part.encode())


def test_texts_in_wide_characters_are_seen(searched: Hunt) -> None:
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le"):
        assert searched.search("wide", TEXT.encode(encoding)), encoding


def test_what_is_no_leak_is_not_found(searched: Hunt) -> None:
    assert searched.search("noise", os.urandom(200_000).hex().encode()) == []
    assert searched.search("noise", base64.b64encode(os.urandom(200_000))) == []
    assert searched.search("noise", marked()[9:17].encode()) == []


def test_what_was_searched_before_hides_nothing_that_comes_with_it_later() -> None:
    hunt, line = Hunt({"marked": TEXT}, {}), b"a line that stood in a page before, " * 4
    assert hunt.search("page", line + b"\n" + line) == []
    for leak in (TEXT, _pieces(TEXT, 1, "\n"), _pieces(TEXT, 8, f"\n{' ' * 99}\n")):
        assert hunt.search("page", line + b"\n" + leak.encode() + b"\n" + line)
        assert hunt.search("log", b"once more\n" + leak.encode() + b"\n" + line), "found before, found again"


# --- every channel


def _log(trap: Trap, leak: str) -> None:
    logging.getLogger("kernel.somewhere").debug("said %s", leak)


def _log_extra(trap: Trap, leak: str) -> None:
    logging.getLogger("anything").info("event", extra={"detail": leak})


def _log_error(trap: Trap, leak: str) -> None:
    try:
        raise ValueError(leak)
    except ValueError:
        logging.getLogger("anything").exception("it failed")


def _error(trap: Trap, leak: str) -> None:
    try:
        raise ValueError(leak)
    except ValueError as error:
        trap.fail(error)


def _local(trap: Trap, leak: str) -> None:
    def inner(held: str) -> None:
        raise KeyError(len(held))

    try:
        inner(leak[:200])
    except KeyError as error:
        error.add_note(leak)
        trap.fail(error)


def _fail(trap: Trap, leak: str) -> None:
    trap.channels["errors"].append(told(ValueError(leak)).encode())


def _file(trap: Trap, leak: str) -> None:
    (trap.folder / "left.txt").write_text(leak)


def _file_elsewhere(trap: Trap, leak: str) -> None:
    with open(os.path.join(os.path.dirname(str(trap.folder)), "elsewhere.bin"), "wb") as file:  # noqa: PTH118, PTH120, PTH123 -- as careless code does
        file.write(leak.encode())


def _low_file(trap: Trap, leak: str) -> None:
    handle = os.open(trap.folder.parent / "low.bin", os.O_CREAT | os.O_RDWR)
    os.write(handle, leak.encode())
    os.close(handle)


def _raw_socket(trap: Trap, leak: str) -> None:
    with socket.create_connection(("127.0.0.1", trap.peer.port)) as there:
        there.sendall(leak.encode())
        there.shutdown(socket.SHUT_WR)
        there.recv(1000)


def _posted(trap: Trap, leak: str) -> None:
    urllib.request.urlopen(trap.peer.url, data=leak.encode(), timeout=5).close()


def _sent_in_a_header(trap: Trap, leak: str) -> None:
    once = urllib.parse.quote(leak, safe="")
    asked = urllib.request.Request(trap.peer.url, headers={"X-Said": once[:60_000]})
    urllib.request.urlopen(asked, timeout=5).close()


def _answer_header(trap: Trap, leak: str) -> None:
    response = Response("")
    response.headers["X-Said"] = leak.replace("\n", " ").replace("\x00", " ")
    trap.keep_answer(response)


def _redis(kind: str) -> Callable[[Any, str], None]:
    def plant(house: Any, leak: str) -> None:
        client = house.runtime.redis
        orders = {
            "string": lambda: client.set("planted", leak),
            "hash": lambda: client.hset("planted", "field", leak),
            "list": lambda: client.rpush("planted", leak),
            "set": lambda: client.sadd("planted", leak),
            "zset": lambda: client.zadd("planted", {leak: 1}),
            "stream": lambda: client.xadd("planted", {"field": leak}),
            "key": lambda: client.set(f"planted:{leak}", "1"),
        }
        orders[kind]()

    return plant


PLANTINGS: dict[str, tuple[str, Callable[[Trap, str], None]]] = {
    "print": ("stdout", lambda _trap, leak: print(leak)),
    "write to the descriptor": ("stdout", lambda _trap, leak: os.write(1, leak.encode()) and None),
    "print to stderr": ("stderr", lambda _trap, leak: print(leak, file=sys.stderr)),
    "a program's output": (
        "stdout",
        lambda _trap, leak: subprocess.run(["cat"], input=leak.encode(), check=True) and None,
    ),
    "a program's arguments": (
        "processes",
        lambda _trap, leak: subprocess.run(["true", leak.replace("\x00", " ")], check=True) and None,
    ),
    "a log line": ("logs", _log),
    "a log line's extra": ("logs", _log_extra),
    "a logged error": ("logs", _log_error),
    "a warning": ("warnings", lambda _trap, leak: warnings.warn(leak, stacklevel=1)),
    "an error": ("errors", _error),
    "an error's note": ("errors", _local),
    "an error nobody raised": ("errors", _fail),
    "a file": ("files", _file),
    "a file elsewhere": ("files", _file_elsewhere),
    "a file opened by its descriptor": ("files", _low_file),
    "a socket": ("sockets", _raw_socket),
    "a request's body": ("sockets", _posted),
    "a request's header": ("sockets", _sent_in_a_header),
    "an answer's body": ("http", lambda trap, leak: trap.keep_answer(Response(leak))),
    "an answer's header": ("http", _answer_header),
    "what the attempt returned": ("attempt", lambda trap, leak: trap.keep({"a": [leak]})),
}


@pytest.mark.parametrize("how", PLANTINGS)
def test_what_is_planted_in_a_channel_is_found_there_in_every_form(how: str, house: Any, trap: Trap) -> None:
    channel, plant = PLANTINGS[how]
    _check_found(house, trap, channel, lambda leak: plant(trap, leak))


@pytest.mark.parametrize("kind", ["string", "hash", "list", "set", "zset", "stream", "key"])
def test_what_is_planted_in_redis_is_found_there_in_every_form(kind: str, house: Any, trap: Trap) -> None:
    client = house.runtime.redis
    try:
        _check_found(house, trap, "redis", lambda leak: _redis(kind)(house, leak))
    finally:
        client.delete("planted", *client.keys("planted:*"))


@pytest.mark.parametrize("column", ["text", "bytea", "jsonb", "text[]"])
@pytest.mark.parametrize("database", ["database", "keys database"])
def test_what_is_planted_in_a_database_is_found_there_in_every_form(
    column: str, database: str, house: Any, trap: Trap
) -> None:
    settings = house.runtime.settings
    url = plain(settings.database_url if database == "database" else settings.keys_database_url)
    adapt = {
        "text": lambda leak: leak.replace("\x00", " "),
        "bytea": lambda leak: leak.encode(),
        "jsonb": lambda leak: json.dumps(leak.replace("\x00", " ")),
        "text[]": lambda leak: [leak.replace("\x00", " ")],
    }[column]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE planted_here (said {column})")
        try:
            insert = f"INSERT INTO planted_here VALUES (%s::{column})"
            _check_found(house, trap, database, lambda leak: connection.execute(insert, [adapt(leak)]) and None)
        finally:
            connection.execute("DROP TABLE planted_here")


def test_what_a_statement_says_is_found_in_the_servers_own_log(house: Any, trap: Trap, resting: Any) -> None:
    if resting.server_log is None:
        pytest.skip("the PostgreSQL server is not ours, so its log cannot be read")

    def say(leak: str) -> None:
        with psycopg.connect(plain(house.runtime.settings.database_url)) as connection:
            connection.execute("SELECT %s::text", [leak.replace("\x00", " ")])

    _check_found(house, trap, "server log", say)


def test_what_a_metric_is_labelled_with_is_found(house: Any, trap: Trap) -> None:
    counter = Counter("planted_here", "A control.", ["said"])
    try:
        _check_found(house, trap, "metrics", lambda leak: counter.labels(leak).inc())
    finally:
        REGISTRY.unregister(counter)


def _check_found(house: Any, trap: Trap, channel: str, plant: Callable[[str], None]) -> None:
    """All forms, planted one after another in one go, are found there and nowhere they were not put."""
    text = house.maya.planting.texts["mail.subject"]
    whole = {**disguises(text), **digests_of(text)}
    with trap:
        plant("\n~~ ".join(whole.values()))
        found = {find.form for find in trap.finds() if find.channel == channel}
    expected = ["clear", "reversed", "rot13", "hex", "url", "md5 hex", "sha256 hex", "sha256 base64", "codes"]
    expected += [f"base64{url}+{n}" for n in range(3) for url in ("", "url")]
    expected += [f"base32+{n}" for n in range(5)]
    if channel != "sockets" or "clear" in found:
        assert [form for form in expected if not any(seen.endswith(form) for seen in found)] == []
    else:  # a header is sent URL-encoded as a whole: its letters stay, what is around them changes
        assert found


def test_html_and_json_hide_nothing(searched: Hunt) -> None:
    assert searched.search("page", html.escape(f'<b title="{TEXT}">').encode())
    assert searched.search("json", json.dumps({"a": {"b": TEXT}}).encode())
    with contextlib.suppress(ImportError):
        assert searched.search("mail", quopri.encodestring(TEXT.encode()))
    assert searched.search("zip", zlib.decompress(zlib.compress(TEXT.encode())))
