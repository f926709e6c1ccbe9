"""What the sidebar shows: whom a message is from, and nothing of anybody else's mail."""

import uuid

import pytest
from sqlalchemy import select

from accounts.models import GrantStatus
from crm import editing
from crm.models import Company, Correspondent, Person
from crm.pen import pen
from kernel.jobs.runs import due_runs
from tests.addon.calls import PUBLIC, card_of, lines, pressable, texts


def test_the_card_shows_the_sender_of_the_open_message(host, letter):
    card = host.message(letter)
    assert card["header"]["title"] == "Bob <b>Evil</b>"
    shown = lines(card)
    assert shown["Email"] == "bob@acme.example"
    assert shown["Company"] == "Acme"
    assert "ago" in shown["Last contact"] or shown["Last contact"] == "just now"
    assert "Signed in as ann@own.example" in texts(card)
    link = pressable(card)["Open in CRM.io"]["onClick"]["openLink"]["url"]
    with host.runtime.sessions() as session:
        assert link == f"{PUBLIC}/people/{session.scalars(select(Person.id)).one()}"


def test_text_from_mail_is_escaped_where_a_card_reads_html(host, letter):
    card = host.message(letter)
    (recent,) = [text for label, text in lines(card).items() if label.startswith("They wrote")]
    assert "<a" not in recent
    assert "Offer &amp; &lt;a href=" in recent


def test_a_message_that_is_not_stored_is_fetched_and_can_be_refreshed(host, mailbox):
    card = host.message("18c0ffee")
    assert "not in your CRM yet" in card["header"]["title"]
    assert "Refresh" in pressable(card)
    with host.runtime.sessions() as session:
        due = [(run.kind, run.subject_id) for run, _ in due_runs(session, host.runtime.clock.now(), 10)]
    assert due == [("sync.mail", mailbox)]


def test_without_a_connection_the_card_says_how_to_make_one(host):
    card = host.message("18c0ffee")
    assert "not connected" in card["header"]["title"]
    assert pressable(card)["Connect Gmail"]["onClick"]["openLink"]["url"] == f"{PUBLIC}/connections"


def test_of_own_mail_the_card_shows_the_first_recipient(host, world, grant, bob):
    me = world.hear(grant, "ann@own.example", name="Ann", is_own=True)
    row = world.message(grant, bob, "Hello", direction="out", role="to")
    world.take_part(row, me, "from")
    carl = world.hear(grant, "carl@else.example", name="Carl", written_to=1)
    world.take_part(row, carl, "to", 1)
    assert host.message(row.hex[-16:])["header"]["title"] == "Bob <b>Evil</b>"


def test_mail_to_oneself_is_about_nobody(host, world, grant):
    me = world.hear(grant, "ann@own.example", name="Ann", is_own=True)
    row = world.message(grant, me, "Note to self")
    assert host.message(row.hex[-16:])["header"]["title"] == "Only you"


def test_a_sender_who_is_no_person_comes_with_the_reason(host, world, grant):
    news = world.hear(grant, "letter@shop.example", name="Shop", received_from=4, received_bulk=4)
    world.match_all(grant)
    card = host.message(world.message(grant, news, "Sale").hex[-16:])
    assert "Not a person in the CRM: newsletter or automatic mail." in texts(card)
    assert {"Add to CRM", "Refresh"} == set(pressable(card))


def test_a_colleague_sees_nothing_of_the_owners_mail(host, world, letter, bob):
    bea = host.as_member(world.member("Bea"))
    shown = bea.post("/addon/gmail/message", bea.event(letter)).text
    assert "Bob" not in shown
    assert "acme" not in shown
    for name in ("show", "note", "add", "save-note", "others", "refresh"):
        said = {"correspondent": str(bob), "message": letter, "nonce": "n" * 20}
        answer = bea.post(f"/addon/actions/{name}", bea.event(parameters=said, typed={"note": "x"}))
        assert answer.status_code == 200
        assert "Bob" not in answer.text
        assert "acme" not in answer.text
    with host.runtime.sessions() as session:
        assert session.scalars(select(Person.touched_at)).all() == [None]


def test_another_organisation_sees_nothing_either(host, letter, bob, another_world):
    eve = host.as_member(another_world.member("Eve"))
    answer = eve.post("/addon/actions/show", eve.event(parameters={"correspondent": str(bob), "message": letter}))
    assert "Bob" not in answer.text


def test_known_people_come_first_among_the_others_of_a_thread(host, world, grant, bob):
    row = world.message(grant, bob, "Hello", thread_id="77")
    new = world.hear(grant, "new@else.example", name="New", received_from=1)
    world.take_part(row, new, "to")
    later = world.message(grant, new, "Re: Hello", thread_id="77")
    carl = world.hear(grant, "carl@else.example", name="Carl", written_to=1)
    world.take_part(later, carl, "cc")
    world.match_all(grant)
    card = host.message(row.hex[-16:])
    choice = card_of(host.press(card, "Show another person of the thread"))
    shown = [w["decoratedText"] for s in choice["sections"] for w in s["widgets"] if "decoratedText" in w]
    assert [line["text"] for line in shown] == ["Bob &lt;b&gt;Evil&lt;/b&gt;", "Carl", "New"]
    assert [line["bottomLabel"] for line in shown] == ["In your CRM", "In your CRM", "Not in your CRM"]
    assert card_of(host.act(shown[1]["onClick"]["action"]))["header"]["title"] == "Carl"


def test_the_home_card_greets_and_links(host):
    card = card_of(host.call("/addon/home"))
    assert {"Connect Gmail", "People", "Tasks", "Connections"} == set(pressable(card))


def test_an_ended_connection_shows_nothing(host, world, grant, letter):
    world.set_status(grant, GrantStatus.REVOKED)
    assert "Bob" not in str(host.message(letter))


def test_where_somebody_works_is_withheld_with_the_connection_that_tells_it(host, world, ann, grant, letter):
    with world.runtime.begin() as work:
        acme = work.session.scalars(select(Company.id)).one()
        keys = pen(world.runtime, world.organisation_id)
        editing.edit_company(work.session, keys, ann, acme, "What Ann calls it", world.now)
    assert lines(host.message(letter))["Company"] == "What Ann calls it"
    world.set_status(grant, GrantStatus.SUSPENDED)
    card = host.message(letter)
    assert "Company" in lines(card)
    assert "What Ann calls it" not in str(card)


@pytest.mark.usefixtures("letter")
def test_a_garbled_message_id_is_nobodys_message(host):
    for told in ("msg-f:x", "thread-f:1", "msg-f:99999999999999999999999", 7, None, "msg-a:r-12"):
        body = host.event()
        body["gmail"] = {"messageId": told}
        answer = host.post("/addon/gmail/message", body)
        assert answer.status_code == 200
        assert "Bob" not in answer.text


def test_compound_and_plain_ids_are_the_same_message(host, letter):
    number = int(letter, 16)
    for told in (f"thread-f:5|msg-f:{number}", letter, f"msg-f:{number}"):
        body = host.event()
        body["gmail"] = {"messageId": told}
        assert "Bob" in host.post("/addon/gmail/message", body).text


def test_an_address_alone_is_no_key(host, letter):
    host.sub, host.email = f"other-{uuid.uuid4()}", "ann@own.example"
    answer = host.post("/addon/gmail/message", host.event(letter))
    assert "custom_authorization_prompt" in answer.json
    assert "Bob" not in answer.text
    with host.runtime.sessions() as session:
        assert session.scalars(select(Correspondent.id)).all()
