"""The mailbox from end to end, against a local Google."""

import contextlib

import pytest
from sqlalchemy import select

from crm.models import Correspondent, Fact, Message, Participation, Person
from kernel.errors import NotFound
from sync import live, mail
from sync.apply import page
from sync.models import Collection, Skip


def state_of(desk):
    """Return everything stored, without ids and ciphertext."""
    with desk.runtime.sessions() as session:
        messages = session.execute(
            select(Message.gmail_id, Message.label_ids, Message.direction, Message.sent_at).order_by(Message.gmail_id)
        ).all()
        people = session.execute(
            select(
                Correspondent.address_index,
                Correspondent.written_to,
                Correspondent.received_from,
                Correspondent.reason,
                Correspondent.last_at,
            ).order_by(Correspondent.address_index)
        ).all()
        facts = session.execute(
            select(Fact.field, Fact.value_index, Fact.observed_at).order_by(Fact.field, Fact.value_index)
        ).all()
        row = session.scalars(select(Collection)).one()
        counts = (row.state, row.found, row.stored, row.skipped, row.cursor)
    return counts, messages, people, facts, desk.count(Participation), desk.count(Person)


def test_a_mailbox_is_stored_and_its_counts_are_true(start, letter):
    desk = start(*(letter(number) for number in range(1, 12)))
    desk.connect("gmail")
    desk.work()
    row = desk.row()
    assert (row.state, row.found, row.stored, row.skipped, row.expected) == ("current", 11, 11, {}, 11)
    assert row.checked_at is not None
    assert desk.count(Participation) == 22
    desk.checks()
    shown = desk.progress()
    assert (shown.found, shown.running, shown.expected_end, shown.problem) == (11, False, None, None)


def test_drafts_spam_and_trash_are_left_out_and_counted(start, letter):
    labels = ("Spam", "Trash", "Drafts", "Inbox")
    desk = start(*(letter(number, X_Gmail_Labels=name) for number, name in enumerate(labels, 1)))
    desk.connect("gmail")
    desk.work()
    row = desk.row()
    assert (row.found, row.stored) == (4, 1)
    assert row.skipped == {"draft": 1, "spam": 1, "trash": 1}
    desk.checks()


def test_changes_are_followed(start, letter):
    desk = start(*(letter(number) for number in range(1, 5)))
    desk.connect("gmail")
    desk.work()
    new = desk.google.arrive(letter(9, sender="Bob <bob@other.example>"))
    with desk.runtime.sessions() as session:
        first, second = session.scalars(select(Message.gmail_id).order_by(Message.gmail_id).limit(2))
    desk.google.control("DELETE", f"messages/{first}")
    desk.google.control("PATCH", f"messages/{second}", add=["TRASH"], remove=["INBOX"])
    desk.again()
    row = desk.row()
    assert (row.found, row.stored, row.skipped, row.removed) == (4, 3, {"trash": 1}, 1)
    assert desk.count(Message, Message.gmail_id == new["id"]) == 1
    desk.checks()
    desk.google.control("PATCH", f"messages/{second}", remove=["TRASH"], add=["INBOX"])
    desk.again()
    assert (desk.row().stored, desk.row().skipped) == (4, {})
    assert desk.count(Skip) == 0
    desk.checks()


def test_who_is_left_without_a_message_is_forgotten(start, letter):
    desk = start(letter(1), letter(2, sender="Bob <bob@other.example>"))
    desk.connect("gmail")
    desk.work()
    before = desk.count(Correspondent), desk.count(Fact)
    new = desk.google.arrive(letter(3, sender="Cy <cy@third.example>"))
    desk.again()
    assert desk.count(Correspondent) == before[0] + 1
    desk.google.control("DELETE", f"messages/{new['id']}")
    desk.again()
    assert (desk.count(Correspondent), desk.count(Fact)) == before


def test_an_expired_history_leads_to_a_listing_that_loses_nothing(start, letter):
    desk = start(*(letter(number) for number in range(1, 6)))
    desk.connect("gmail")
    desk.work()
    with desk.runtime.sessions() as session:
        ids = {row.gmail_id: row.id for row in session.execute(select(Message.gmail_id, Message.id))}
    gone = min(ids)
    desk.google.control("DELETE", f"messages/{gone}")
    desk.google.arrive(letter(8))
    desk.google.control("POST", "history/expire")
    desk.again()
    row = desk.row()
    assert (row.state, row.generation, row.found, row.stored, row.removed) == ("current", 2, 5, 5, 1)
    with desk.runtime.sessions() as session:
        now = {row.gmail_id: row.id for row in session.execute(select(Message.gmail_id, Message.id))}
    assert gone not in now
    assert all(now[key] == row_id for key, row_id in ids.items() if key != gone)
    desk.checks()


def test_a_mailbox_that_is_suddenly_empty_is_not_emptied_here(start, letter):
    desk = start(letter(1), letter(2))
    desk.connect("gmail")
    desk.work()
    with desk.runtime.sessions() as session:
        ids = session.scalars(select(Message.gmail_id)).all()
    for name in ids:
        desk.google.control("DELETE", f"messages/{name}")
    desk.google.control("POST", "history/expire")
    desk.again()
    row = desk.row()
    assert (row.state, row.error_code) == ("failed", "side_empty")
    assert desk.count(Message) == 2


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("gmail.users.messages.get", "concurrent_429"),
        ("gmail.users.messages.get", "rate_limit_403"),
        ("gmail.users.messages.get", "backend_503"),
        ("gmail.users.messages.get", "not_found"),
        ("gmail.users.messages.get", "auth_error"),
        ("gmail.users.messages.list", "auth_error"),
    ],
)
def test_a_passing_fault_of_a_call_costs_only_another_call(start, letter, method, fault):
    desk = start(*(letter(number) for number in range(1, 7)))
    desk.google.fault(method, fault, count=1)
    desk.connect("gmail")
    desk.work()
    row = desk.row()
    expected = 5 if fault == "not_found" else 6
    assert (row.state, row.found, row.stored) == ("current", expected, expected)
    desk.checks()


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        ("backend_500", "listing", "google_unavailable"),
        ("daily_limit_403", "listing", "google_daily_limit"),
        ("retry_after_429", "listing", "google_throttled"),
        ("insufficient_scope", "stopped", "google_scope_missing"),
        ("domain_policy", "stopped", "google_domain_policy"),
        ("access_not_configured", "stopped", "google_api_disabled"),
    ],
)
def test_a_refusal_is_told_with_its_code_and_nothing_is_lost(start, letter, fault, state, code):
    desk = start(letter(1))
    desk.google.fault("gmail.users.messages.list", fault, count=1)
    desk.connect("gmail")
    desk.work()
    row = desk.row()
    assert (row.state, row.error_code) == (state, code)
    desk.connect("gmail")
    desk.again()
    row = desk.row()
    assert (row.state, row.error_code, row.stored) == ("current", None, 1)


def test_an_account_without_gmail_stops_with_a_sentence(start):
    desk = start()
    desk.google.fault("gmail.users.getProfile", "mail_not_enabled", count=1)
    desk.connect("gmail")
    desk.work()
    assert (desk.row().state, desk.row().error_code) == ("stopped", "google_no_mail")
    assert desk.progress().problem == "This Google account has no Gmail."


class Killed(BaseException):
    """The worker dies here."""


def _die_at(monkeypatch, number):
    """Let the process die before or after the commit of some transaction: even numbers before, odd ones after."""
    seen = {"commits": 0}
    begun = page.applying

    @contextlib.contextmanager
    def fragile(runtime, lease, place):
        mine, seen["commits"] = seen["commits"], seen["commits"] + 1
        with begun(runtime, lease, place) as at:
            yield at
            if number == 2 * mine:
                raise Killed
        if number == 2 * mine + 1:
            raise Killed

    monkeypatch.setattr(mail, "applying", fragile)


@pytest.mark.parametrize("number", range(26))
def test_a_death_between_any_two_steps_loses_and_doubles_nothing(start, letter, monkeypatch, number):
    monkeypatch.setattr(mail, "AT_ONCE", 4)
    monkeypatch.setattr("workspace.gmail.PAGE", 7)
    monkeypatch.setattr("workspace.gmail.WIDEST_BATCH", 3)
    desk = start(*(letter(n, sender=f"P{n % 3} <p{n % 3}@c{n % 2}.example>") for n in range(1, 13)))
    collection_id = desk.connect("gmail")
    with monkeypatch.context() as patch:
        _die_at(patch, number)
        with contextlib.suppress(Killed):
            desk.work()
    desk.revive()
    desk.work()
    after = state_of(desk)
    assert after[0][:4] == ("current", 12, 12, {})
    desk.checks()
    desk.start_over(collection_id)
    desk.work()
    assert state_of(desk) == after


def test_a_message_deleted_between_two_pages_is_no_hindrance(start, letter, monkeypatch):
    monkeypatch.setattr("workspace.gmail.PAGE", 5)
    desk = start(*(letter(number) for number in range(1, 13)))
    desk.connect("gmail")
    stored = mail._store
    deleted = []

    def store_and_delete(access, place, lease, told, mails):
        stored(access, place, lease, told, mails)
        if not deleted:
            deleted.append(mails[0].id)
            desk.google.control("DELETE", f"messages/{mails[0].id}")
            desk.google.arrive(letter(50))

    monkeypatch.setattr(mail, "_store", store_and_delete)
    desk.work()
    row = desk.row()
    assert (row.found, row.stored) == (12, 12)
    assert desk.count(Message, Message.gmail_id == deleted[0]) == 0
    desk.checks()


def test_an_answer_on_a_list_counts_as_written_to_its_author(start, letter):
    everyone = "Talk <talk@lists.example>"
    asked = letter(1, sender="Ann <ann@client.example>", to=everyone, List_Id="<talk.lists.example>")
    answer = letter(2, sender="Maya <maya@example.com>", to=everyone, In_Reply_To="<m1@client.example>")
    desk = start(asked, answer)
    desk.connect("gmail")
    desk.work()
    with desk.runtime.sessions() as session:
        rows = {(row.is_list, row.is_own): row for row in session.scalars(select(Correspondent))}
    assert rows[False, False].written_to == 1
    assert rows[False, False].reason == "wrote_to"
    assert rows[True, False].reason == "mailing_list"


def test_only_the_owner_reads_a_body(start, letter):
    desk = start(letter(1, text="The body itself"))
    desk.connect("gmail")
    desk.work()
    with desk.runtime.sessions() as session:
        message_id = session.scalars(select(Message.id)).one()
    read = live.read_body(desk.runtime, desk.viewer, message_id)
    assert read.presentation == "text"
    assert "body" not in repr(read.body)
    with pytest.raises(NotFound):
        live.read_body(desk.runtime, desk.stranger(), message_id)


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "=?no-such-charset?B?4pyT?="},
        {"subject": "=?utf-8?B?!!!?="},
        {"sender": "broken <<>>@@, (((("},
        {"sender": '"unclosed <x@y.example>'},
        {"to": ", ".join(f"P{n} <p{n}@many.example>" for n in range(3000))},
        {"to": "(" * 5000},
        {"Cc": "undisclosed-recipients:;"},
    ],
)
def test_broken_headers_lose_nothing_but_what_cannot_be_read(start, letter, fields):
    desk = start(letter(1, **fields))
    desk.connect("gmail")
    desk.work()
    assert (desk.row().state, desk.row().stored) == ("current", 1)
    assert desk.count(Participation) <= 500
