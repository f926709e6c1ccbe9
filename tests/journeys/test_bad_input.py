"""A Takeout folder full of what no program should write: every item is accounted for, and the run goes on."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo import acts
from demo.browser import Browser
from tests.journeys import takeouts
from tests.journeys.product import AROUND, KINDS, ROOT, Product, connected, descendants, started
from tests.journeys.takeouts import OWNER, card, event, letter

pytestmark = pytest.mark.slow

MB = 1024 * 1024
GOOD = 6
HEADER = "x" * 900 + " "


def broken_trees() -> list[bytes]:
    """Return messages whose parts do not hang together."""
    mixed = 'multipart/mixed; boundary="b"'
    nested = "".join(f'--b{n}\nContent-Type: multipart/mixed; boundary="b{n + 1}"\n\n' for n in range(200))
    return [
        letter(100, "--b\nContent-Type: text/plain\n\nnever ended", Content_Type=mixed),
        letter(101, "no boundary anywhere", Content_Type=mixed),
        letter(102, "a boundary that is not named", Content_Type="multipart/alternative"),
        letter(103, nested, Content_Type='multipart/mixed; boundary="b0"'),
        letter(104, "!!! not base64 ===", Content_Transfer_Encoding="base64"),
        letter(105, "--b\n\n--b--\nafter the end", Content_Type=mixed, MIME_Version="twelve"),
        letter(106, "text", Content_Type="///;;;==", Content_Transfer_Encoding="rot13"),
    ]


def odd_heads() -> list[bytes]:
    """Return messages whose headers are strange, huge, or not there."""
    return [
        letter(
            110, "text", subject="=?x-klingon-1?B?dlHIQ2g=?= and =?utf-8?Q?half", Content_Type="text/plain; charset=x"
        ),
        letter(
            111, "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), Content_Type="text/plain; charset=\0"
        ),
        letter(112, subject=HEADER * 110),
        letter(113, X_Long=HEADER * 110, References="<a@b> " * 16_000),
        letter(114, Cc=", ".join(f"Guest {n} <guest{n}@crowd.example>" for n in range(3_000))),
        letter(115, sender='"Ann, Lee" <ann@@client..example>, <>, @, =?utf-8?B?////?= <x>'),
        letter(116, sender="", to="undisclosed-recipients:;"),
        letter(117, Date="Thu, 99 Foo 20226 99:99:99 +9999"),
        letter(118, Date="Mon, 1 Jan 0001 00:00:00 +0000"),
        b"Subject: raw bytes \xff\xfe\x80 in a header\nFrom: \xe4\xf6 <raw@client.example>\n\nbody \xff\n",
        b"no header at all, only text\nand more\n",
        b"\n",
    ]


def large() -> bytes:
    """Return a message of thirty megabytes."""
    line = b"QUJD" * 18 + b"\n"
    head = letter(120, "", subject="Thirty megabytes", Content_Transfer_Encoding="base64").rstrip(b"\n")
    return head + b"\n\n" + line * (30 * MB // len(line))


def cut() -> bytes:
    """Return the beginning of a message, as a disk that was full left it."""
    return letter(121, "The end is missing", subject="Cut", Cc="Bo <bo@client.example>")[:-40]


def events() -> list[str]:
    """Return events that no calendar should hold."""
    guest = "ATTENDEE;CN=Ann:mailto:ann@client.example"
    return [
        event("good@x", 1, "SUMMARY:Good", guest),
        event("backwards@x", 2, "SUMMARY:Ends before it starts", guest, hours=-5),
        event("rule@x", 3, "SUMMARY:Bad rule", "RRULE:FREQ=SOMETIMES;COUNT=many", guest),
        event("endless@x", 4, "SUMMARY:Every second", "RRULE:FREQ=SECONDLY", guest),
        event("never@x", 5, "SUMMARY:Never", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", guest),
        event("zone@x", 6, "SUMMARY:Elsewhere", "EXDATE;TZID=Mars/Olympus:20260901T080000"),
        event("crowd@x", 7, *(f"ATTENDEE:mailto:guest{n}@crowd.example" for n in range(500))),
        event("long@x", 8, f"SUMMARY:{'y' * 100_000}"),
        event("nobody@x", 9, "ATTENDEE:nobody", "ORGANIZER:mailto:"),
        "BEGIN:VEVENT\r\nUID:empty@x\r\nEND:VEVENT",
        "BEGIN:VEVENT\r\nUID:year@x\r\nDTSTART:99990101T000000Z\r\nDTEND:99991231T235959Z\r\nEND:VEVENT",
        "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260901\r\nSUMMARY:Without an id\r\nEND:VEVENT",
    ]


def cards() -> list[str]:
    """Return cards that no address book should hold."""
    return [
        card("FN:Good", "EMAIL:good@client.example"),
        card("EMAIL:nameless@client.example"),
        card("FN:", "N:;;;;"),
        card("FN:Crowd", *(f"EMAIL:crowd{n}@many{n % 50}.example" for n in range(3_000))),
        card("FN:Odd numbers", "TEL:call me", "TEL:" + "1" * 500, "BDAY:yesterday"),
        card(f"FN:{'z' * 50_000}", "EMAIL:not an address", "EMAIL:@", "EMAIL:a@b"),
        card("N;CHARSET=X-UNKNOWN;ENCODING=QUOTED-PRINTABLE:=FF=FE;=", "EMAIL:odd@client.example"),
        "BEGIN:VCARD\r\nVERSION:9.9\r\nFN:From the future\r\nEND:VCARD",
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Never ended\r\nEMAIL:open@client.example",
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """A folder, and how many of each it holds."""
    folder = tmp_path_factory.mktemp("bad") / "Takeout"
    mails = [*(letter(n) for n in range(GOOD)), *broken_trees(), *odd_heads(), large()]
    takeouts.write(folder, mails, events(), cards())
    with next((folder / "Mail").iterdir()).open("ab") as file:
        file.write(b"From x@y Thu Nov 19 10:00:00 +0000 2026\n" + cut())
    return folder, {"messages": len(mails) + 1, "events": len(events()), "contacts": len(cards())}


def test_every_item_of_a_bad_folder_is_accounted_for_and_every_page_opens(
    tmp_path: Path, written: tuple[Path, dict[str, int]]
) -> None:
    folder, held = written
    with started(tmp_path, folder, OWNER) as product:
        census = product.control("GET", "counts")
        google, unreadable = census["google"], census["unreadable"]
        assert {kind: google[kind] + unreadable[kind] for kind in held} == held
        assert unreadable["messages"] == 0, "Python's own parser reads them all"

        browser = connected(product, OWNER)
        counts = acts.wait_until_in_step(browser, KINDS)
        for kind in held:
            assert google[kind] == counts["crm"][kind] + sum(counts["skipped"][kind].values()), kind
        assert set(counts["skipped"]["messages"]) <= {"draft", "spam", "trash", "chat", "excluded_label"}
        assert [row["error"] for row in counts["collections"]] == [None] * len(counts["collections"])
        assert product.rows("SELECT kind FROM runs WHERE state = 'failed'") == []
        look_at_every_page(product, browser)
        no_program_met_what_it_does_not_understand(product)


def look_at_every_page(product: Product, browser: Browser) -> None:
    for path in ("/people", "/companies", "/connections", "/search?q=crowd", "/search?q=nameless"):
        assert browser.get(path).status == 200
    oddest = "SELECT person_id FROM facts WHERE person_id IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC LIMIT 30"
    for (person,) in product.rows(oddest):
        assert browser.get(f"/people/{person}").status == 200
    for (message,) in product.rows("SELECT id FROM messages"):
        page = browser.get(f"/messages/{message}", expect=None)
        assert page.status < 500, re.sub(r"<[^>]+>", " ", page.text)[:400]


def no_program_met_what_it_does_not_understand(product: Product) -> None:
    for name in ("web", "worker"):
        told = (product.data / "logs" / f"{name}.log").read_text(errors="replace")
        assert "Traceback" not in told
        assert "answer failed" not in told
        assert "run failed" not in told


@pytest.mark.parametrize(
    ("make", "sentence"),
    [(False, "TAKEOUT must name an unpacked Google Takeout folder"), (True, "holds no mail (.mbox)")],
    ids=["missing", "empty"],
)
def test_a_folder_with_nothing_in_it_is_told_in_a_sentence_and_leaves_nothing_running(
    tmp_path: Path, *, make: bool, sentence: str
) -> None:
    folder = tmp_path / "Takeout"
    if make:
        folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "run.py", "--throwaway", "--port", "0", "--takeout", str(folder)],
        cwd=ROOT, env=AROUND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    _, told = process.communicate(timeout=90)
    assert process.returncode == 1
    assert sentence in told
    assert str(folder) in told
    assert "Traceback" not in told
    assert descendants(process.pid) == set()
    assert not in_session(process.pid)


def in_session(leader: int) -> list[int]:
    """Return the processes of the session that this one began."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found
