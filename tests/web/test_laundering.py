"""What somebody copies out of a mail, from the first sync to an AI tool: through the product, as its users go."""

import base64
import html
import json
import re
import secrets
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select

from accounts.models import Grant, Member
from crm.models import Message
from crm.models import Person as Contact
from kernel.jobs import kinds
from limited_use import body_reading
from limited_use.fingerprint_models import Fingerprint, Repeat
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from sync import jobs
from tests.signing_in import ANNA, PUBLIC, Person, control, work_off

assert jobs  # registers its kinds of work
REPEATS = "This repeats a message from Gmail, so it stays out of AI tools and webhooks."
_WORDS = ("offer", "pilot", "budget", "delivery", "renewal", "harbour", "winter", "crane")
WITHHELD = {"withheld": "repeats_google", "source": "gmail"}
OWN = "Prefers calls before noon; has two children at our school and knows our founder from rowing."


def ai_token(anna: Person) -> str:
    """Turn AI tools on, as an admin does, and return the secret of a token for one."""
    assert anna.post("/settings/ai", {"ai": "allow"}, page="/settings").status_code == 303
    answer = anna.post("/settings/tokens", {"name": "assistant", "destination": ""}, page="/settings")
    return re.search(r"crm_[\w-]+", answer.text)[0]


def exported(anna: Person, token: str) -> dict[str, dict]:
    answer = anna.client.get(
        "/api/v1/ai/people.jsonl", base_url=PUBLIC, headers={"Authorization": f"Bearer {token}"}, buffered=True
    )
    assert answer.status_code == 200, answer.text
    return {record["id"]: record for record in map(json.loads, answer.text.splitlines())}


def jobs_of(package: str) -> set[str]:
    return {kind for kind in kinds._handlers if kind.startswith(package)}


def somebody(runtime) -> str:
    with runtime.sessions() as session:
        return str(session.scalars(select(Contact.id).order_by(Contact.id).limit(1)).one())


def disconnect(anna: Person, runtime) -> None:
    """The connection is ended, and what came with it purged."""
    with runtime.sessions() as session:
        end = f"/connections/{session.scalars(select(Grant.id)).one()}/disconnect"
    assert anna.post(end, {"confirm": "yes"}, page=end).status_code == 303
    for kind in sorted(jobs_of("oauth.")):
        work_off(runtime, kind)


def shown_text(answer) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", answer.text))


@dataclass
class Mail:
    """A mail in Anna's mailbox: what its first line says, and what stands far below."""

    first: str
    below: str
    id: str = ""


@pytest.fixture
def mail(anna, google, runtime):
    """A mail that is anna, of words that no other mail of this run has."""
    unlike = [f"{word}{secrets.token_hex(3)}" for word in _WORDS for _ in range(12)]
    text = "Dear Anna,\n\n" + "\n".join(" ".join(unlike[at : at + 9]) for at in range(0, len(unlike), 9))
    head = f"From: Bo Berg <bo@client.example>\nTo: {ANNA}\nSubject: News {unlike[0]}\n"
    raw = f"{head}Date: Fri, 20 Nov 2026 09:00:00 +0000\nMessage-ID: <{unlike[1]}@client.example>\n\n{text}\n"
    coded = base64.urlsafe_b64encode(raw.encode()).decode()
    made = control(google, "POST", "messages", raw=coded, account=ANNA, labels=["INBOX"])
    anna.sign_in()
    anna.connect("gmail")
    work_off(runtime, "sync.mail")
    with runtime.sessions() as session:
        found = session.scalars(select(Message.id).where(Message.gmail_id == made["id"])).one()
    return Mail(" ".join(unlike[1:11]), " ".join(unlike[-20:-9]), str(found))


def test_a_passage_from_a_mail_is_told_marked_and_withheld_and_other_notes_pass(anna, runtime, mail):
    token, person = ai_token(anna), somebody(runtime)
    passage = mail.first
    page = f"/people/{person}"
    anna.post(f"{page}/notes", {"body": f"For the record:\n> {passage.upper()}"}, page=page)
    after = anna.get(page)
    assert REPEATS in shown_text(after), "said once after saving"
    assert REPEATS in shown_text(anna.get(page)), "and beside the note from then on"
    anna.post(f"{page}/notes", {"body": OWN}, page=page)
    assert shown_text(anna.get(page)).count(REPEATS) == 1
    bodies = [note["body"] for note in exported(anna, token)[person]["notes"]]
    assert sorted(bodies, key=str) == sorted([OWN, WITHHELD], key=str)
    with runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    assert [(leaf.decision, leaf.withheld) for leaf in leaves if leaf.reason == "repeats_google"] == [("withhold", 1)]
    assert "1 text is held back" in shown_text(anna.get("/settings"))


def test_titles_are_compared_too(anna, runtime, mail):
    token, person = ai_token(anna), somebody(runtime)
    page = f"/people/{person}"
    for what in ("tasks", "deals"):
        anna.post(f"{page}/{what}", {"title": mail.first}, page=page)
    anna.get(page)
    assert shown_text(anna.get(page)).count(REPEATS) == 2, "beside each, and no more said once more"
    record = exported(anna, token)[person]
    assert [record[what][0]["title"] for what in ("tasks", "deals")] == [WITHHELD, WITHHELD]


def test_what_was_opened_live_is_known_afterwards(anna, runtime, mail):
    token, person = ai_token(anna), somebody(runtime)
    page = f"/people/{person}"
    anna.post(f"{page}/notes", {"body": mail.below}, page=page)
    assert REPEATS not in shown_text(anna.get(page)), "the first lines of mails do not have it"
    assert exported(anna, token)[person]["notes"][0]["body"] == mail.below
    assert mail.below.split()[3] in anna.get(f"/messages/{mail.id}").text
    assert exported(anna, token)[person]["notes"][0]["body"] == WITHHELD


def test_where_the_organisation_has_mails_read_their_texts_are_known_without_being_opened(anna, runtime, mail):
    assert "Read the texts of mails" in anna.get("/settings").text
    work_off(runtime, "sync.bodies")
    with runtime.sessions() as session:
        assert not session.scalar(select(func.count()).select_from(Fingerprint).where(Fingerprint.part == "body"))
    anna.post("/settings/bodies", {"bodies": "read"}, page="/settings")
    work_off(runtime, "sync.bodies", rounds=200)
    with runtime.sessions() as session:
        mails = session.scalar(select(func.count()).select_from(Message))
        assert session.scalar(select(func.count()).select_from(Fingerprint).where(Fingerprint.part == "body")) == mails
    assert "has the text of each of your mails read once" in anna.get("/connections").text
    page = f"/people/{somebody(runtime)}"
    anna.post(f"{page}/notes", {"body": mail.below}, page=page)
    assert REPEATS in shown_text(anna.get(page))
    anna.post("/settings/bodies", {"bodies": "leave"}, page="/settings")
    assert "read once. Nothing" not in anna.get("/connections").text


def test_after_the_connection_ended_the_prints_are_gone_and_the_marked_text_stays_held_back(anna, runtime, mail):
    token, person = ai_token(anna), somebody(runtime)
    passage, page = mail.first, f"/people/{person}"
    anna.post(f"{page}/notes", {"body": passage}, page=page)
    disconnect(anna, runtime)
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Fingerprint)) == 0
        assert session.scalar(select(func.count()).select_from(Repeat)) == 1
    anna.post(f"{page}/notes", {"body": passage + " again"}, page=page)
    bodies = [note["body"] for note in exported(anna, token)[person]["notes"]]
    assert WITHHELD in bodies
    assert passage + " again" in bodies, "written anew when nothing is left to compare it with"


def test_a_marked_field_that_is_edited_after_the_connection_ended_stays_held_back(anna, runtime, mail):
    token, person = ai_token(anna), somebody(runtime)
    edit = f"/people/{person}/edit"
    anna.post(edit, {"title": mail.first}, page=edit)
    assert exported(anna, token)[person]["title"] == [WITHHELD]
    disconnect(anna, runtime)
    anna.post(edit, {"title": mail.first + "."}, page=edit)
    assert mail.first + "." in anna.get(edit).text
    assert exported(anna, token)[person]["title"] == [WITHHELD]
    anna.post(edit, {"title": ""}, page=edit)
    anna.post(edit, {"title": "Head of purchasing"}, page=edit)
    assert exported(anna, token)[person]["title"] == ["Head of purchasing"], "what was marked was taken out"


def test_a_note_of_a_megabyte_is_refused_and_says_so(anna, runtime):
    anna.sign_in()
    anna.post("/people", {"name": "Jane"})
    page = f"/people/{somebody(runtime)}"
    answer = anna.post(f"{page}/notes", {"body": "word " * 200_000}, page=page)
    assert answer.status_code == 413
    assert "Nothing was saved" in answer.text


def test_only_an_admin_has_the_texts_of_mails_read(anna, runtime):
    anna.sign_in()
    with runtime.begin() as work:
        work.session.scalars(select(Member)).one().role = "member"
    assert anna.post("/settings/bodies", {"bodies": "read"}).status_code == 403
    with runtime.sessions() as session:
        assert not body_reading.is_on(session, session.scalars(select(Member.organisation_id)).one())
