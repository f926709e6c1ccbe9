"""What no program should write in a Takeout folder, and no keyboard in a form: it is told, and the run goes on."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.models import Grant, GrantStatus
from crm.models import Correspondent, Participation
from crm.webhooks.models import State, Webhook
from demo import acts
from demo.browser import Browser
from tests.journeys import takeouts
from tests.journeys.product import AROUND, KINDS, ROOT, Product, connected, descendants, started
from tests.journeys.takeouts import OWNER, card, event, letter
from tests.journeys.visitor import Visitor
from tests.journeys.world import World
from tests.signing_in import Person

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


BERT = "bert@northlight.example"
BEGUN = (
    ("/settings/destinations", {"name": "Warehouse", "sink_class": "api", "region": "EU"}),
    ("/members/invite", {"email": "late@northlight.example", "role": "member"}),
    ("/companies", {"company_name": "Client", "domain": "client.example"}),
    ("/tasks", {"title": "Call Zoe", "due_on": "2026-12-01"}),
    ("/deals", {"title": "Spring", "amount": "12", "currency": "EUR", "stage": "new"}),
)
HOOK = {"url": "https://hooks.client.example/in", "events": "note.added", "agree": "yes"}
ADDRESSES = (
    "/people?after=x", "/companies?after=x", "/people/skipped?after=x", "/tasks?after=x", "/search?q=kestrel",
    "/log?before=1", "/oauth/callback?state=s&code=c&error=e", "/api/v1/people?q=kestrel", "/api/v1/people?cursor=x",
    "/api/v1/people?limit=9",
)  # fmt: skip
PATHS = ("/connections/connect/%00", "/log/%00", "/people/%00", "/static/%00", "/%00")
ON_NO_PAGE = {"addon.home", "addon.message", "addon.action", "cases.show", "people.keep"}
"""What takes a post, and is Google's to call (`tests/addon`), or is a click without a field and not on offer here."""


@dataclass
class Office:
    """Maya, who has one of everything, and her colleague Bert, who asks to see something; a stranger at the door."""

    visitors: list[Visitor]
    token: str
    """Of a program of Maya's."""


@pytest.fixture
def office(world: Callable[[Path], World], tmp_path: Path) -> Office:
    here = world(takeouts.office(tmp_path / "Takeout", 40))
    maya = here.person
    bert = Person(maya.app, BERT)
    here.connect("gmail", "calendar")
    here.follow()
    with here.runtime.sessions() as session:
        grant_id = session.scalars(select(Grant.id).where(Grant.status == GrantStatus.ACTIVE)).one()
        message_id, person_id = session.execute(
            select(Participation.message_id, Correspondent.person_id)
            .join(Correspondent, Correspondent.id == Participation.correspondent_id)
            .where(Correspondent.person_id.is_not(None))
        ).first()
    message, person, sharing = f"/messages/{message_id}", f"/people/{person_id}", f"/connections/{grant_id}/sharing"
    own = (
        (f"{person}/notes", {"body": "Likes tea"}),
        (f"{message}/quote", {"person_id": str(person_id), "body": "Read this"}),
        (f"/sharing{person}", {"level": "people_and_times"}),
        (f"{sharing}/addresses", {"address": "zoe@client.example"}),
        (sharing, {"level": "people_and_times"}),
        ("/members/invite", {"email": BERT, "role": "admin"}),
        *(("/settings/webhooks", {"name": name, **HOOK}) for name in ("waits", "on")),
    )
    for path, form in (*BEGUN, *own):
        assert maya.post(path, form, "/settings").status_code in {200, 303}, path
    with here.runtime.begin() as work:
        work.session.scalars(select(Webhook).where(Webhook.name == "on")).one().state = State.ON
    bert.sign_in()
    assert bert.post("/requests", {"kind": "message", "item": str(message_id)}, "/requests").status_code == 303
    place = re.search(r'<option value="([0-9a-f-]{36})"', maya.get("/settings").text)[1]
    made = maya.post("/settings/tokens", {"name": "nightly", "destination": place}, "/settings")
    with here.runtime.sessions() as session:
        hooks = [f"/settings/webhooks/{one}" for one in session.scalars(select(Webhook.id))]
    visitors = [Visitor(maya), Visitor(bert, {"link": message}), Visitor(Person(maya.app, "door@else.example"))]
    visitors[0].walk("/", message, person, "/settings", *ADDRESSES, hooks[0])
    visitors[1].walk("/", message, person, hooks[1])
    visitors[2].walk("/?next=/people")
    return Office(visitors, re.search(r"crm_[\w-]{40,}", made.text)[0])


def test_what_no_keyboard_writes_breaks_no_form_and_no_address(office: Office) -> None:
    posts = {one.endpoint for one in office.visitors[0].person.app.url_map.iter_rules() if "POST" in one.methods}
    assert posts - {route for visitor in office.visitors for route, _ in visitor.forms} == ON_NO_PAGE
    program = {"Authorization": f"Bearer {office.token}"}
    failed: list[object] = []
    for visitor in office.visitors:
        for address in (*visitor.strange_addresses(), *PATHS):
            headers = program if address.startswith("/api/") else {}
            if visitor.person.get(address, headers=headers).status_code >= 500:
                failed.append(address)
        failed += [sent for sent in visitor.strange_posts() if visitor.person.post(*sent).status_code >= 500]
        failed += [page for page in visitor.pages.values() if visitor.person.get(page).status_code >= 500]
    assert failed == []
