"""What buttons do: once, for the person who pressed, to what they may see."""

import json
import secrets

import pytest
from sqlalchemy import select

from crm.models import Correspondent, Deal, Note, Person, Task
from crm.pen import pen
from kernel.ids import new_id
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.addon.calls import action_of, card_of, lines, pressable, texts


def notes(host) -> int:
    with host.runtime.sessions() as session:
        return len(session.scalars(select(Note.id)).all())


def test_a_note_is_typed_saved_and_shown(host, letter):
    form = card_of(host.press(host.message(letter), "Add note"))
    assert form["header"]["title"] == "Note on Bob <b>Evil</b>"
    reply = host.press(form, "Save note", note="Likes <b>tea</b> & cake")
    assert (reply.notification, reply.state_changed) == ("Note saved", True)
    assert "Likes &lt;b&gt;tea&lt;/b&gt; &amp; cake" in texts(card_of(reply))
    with host.runtime.sessions() as session:
        assert session.scalars(select(Person.touched_at)).one() is not None


def test_pressing_twice_keeps_one_note_and_another_text_makes_another(host, letter):
    form = card_of(host.press(host.message(letter), "Add note"))
    for _ in range(3):
        host.press(form, "Save note", note="Once")
    assert notes(host) == 1
    host.press(form, "Save note", note="Twice")
    assert notes(host) == 2
    again = card_of(host.press(host.message(letter), "Add note"))
    host.press(again, "Save note", note="Once")
    assert notes(host) == 3


@pytest.mark.parametrize(("note", "code"), [("", "bad_input"), ("   \n", "bad_input"), ("x" * 20_001, "too_large")])
def test_a_note_that_cannot_be_taken_is_explained(host, letter, note, code):
    form = card_of(host.press(host.message(letter), "Add note"))
    action = action_of(form, "Save note")
    parameters = {one["key"]: one["value"] for one in action["parameters"]}
    answer = host.post("/addon/actions/save-note", host.event(parameters=parameters, typed={"note": note}))
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, code)
    assert answer.json["renderActions"]["action"]["navigations"][0]["pushCard"]["header"]
    assert notes(host) == 0


def test_what_no_keyboard_writes_is_left_out_of_a_note_and_no_part_of_a_call_breaks_on_it(host, letter):
    form = card_of(host.press(host.message(letter), "Add note"))
    assert host.press(form, "Save note", note="Likes\0 tea").notification == "Note saved"
    said = {one["key"]: one["value"] for one in action_of(form, "Save note")["parameters"]}
    for name in said:
        event = host.event(parameters={**said, name: said[name][:1] + "\0" + said[name][1:]}, typed={"note": "x"})
        assert host.post("/addon/actions/save-note", event).headers.get("X-Error-Code") != "internal", name


def test_a_lone_surrogate_is_no_json_and_is_explained(host, letter):
    form = card_of(host.press(host.message(letter), "Add note"))
    said = {one["key"]: one["value"] for one in action_of(form, "Save note")["parameters"]}
    body = json.dumps(host.event(parameters=said, typed={"note": "a\ud800b"}))
    answer = host.post("/addon/actions/save-note", body)
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, "bad_input")
    assert notes(host) == 0


@pytest.mark.parametrize("nonce", ["", "short", "x" * 65, "a b" * 10, "é" * 20])
def test_a_button_that_is_not_ours_writes_nothing(host, bob, nonce):
    said = {"correspondent": str(bob), "nonce": nonce}
    for name in ("save-note", "add"):
        answer = host.post(f"/addon/actions/{name}", host.event(parameters=said, typed={"note": "x"}))
        assert answer.headers["X-Error-Code"] == "bad_input"
    assert notes(host) == 0


def test_a_sender_is_added_once_and_the_rest_stays_googles(host, world, grant):
    news = world.hear(grant, "letter@shop.example", name="Shop", received_from=4, received_bulk=4)
    world.match_all(grant)
    card = host.message(world.message(grant, news, "Sale").hex[-16:])
    add = action_of(card, "Add to CRM")
    for _ in range(2):
        reply = host.act(add)
        assert (reply.notification, reply.state_changed) == ("Added to your CRM", True)
    shown = card_of(reply)
    assert shown["header"]["title"] == "Shop"
    assert "Open in CRM.io" in pressable(shown)
    with host.runtime.sessions() as session:
        made = session.scalars(select(Person)).one()
        assert (made.made_by, made.touched_at is not None) == ("user", True)
        assert session.get_one(Correspondent, news).reason == "added"
    world.match_all(grant)
    with host.runtime.sessions() as session:
        assert session.get_one(Correspondent, news).person_id == made.id


def test_a_person_whom_only_google_knows_can_be_added_from_the_card(host, letter):
    card = host.message(letter)
    assert "Add to CRM" in pressable(card)
    after = card_of(host.press(card, "Add to CRM"))
    assert "Add to CRM" not in pressable(after)
    with host.runtime.sessions() as session:
        assert session.scalars(select(Person.touched_at)).one() is not None


def test_ones_own_address_is_not_added(host, world, grant):
    me = world.hear(grant, "ann@own.example", is_own=True)
    world.match_all(grant)
    said = {"correspondent": str(me), "nonce": secrets.token_urlsafe(24)}
    answer = host.post("/addon/actions/add", host.event(parameters=said))
    assert answer.headers["X-Error-Code"] == "bad_input"


@pytest.mark.usefixtures("letter")
@pytest.mark.parametrize(
    "said", [{}, {"correspondent": "x"}, {"correspondent": "00000000-0000-7000-8000-000000000001"}]
)
@pytest.mark.parametrize("name", ["show", "note", "add", "save-note", "no-such-action"])
def test_what_is_not_there_is_not_found(host, name, said):
    said = {"nonce": "n" * 20, **said}
    answer = host.post(f"/addon/actions/{name}", host.event(parameters=said, typed={"note": "x"}))
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (200, "not_found")


def test_deals_tasks_and_notes_of_the_organisation_stand_on_the_card(host, world, ann, letter):
    keys = pen(host.runtime, world.organisation_id)
    with host.runtime.begin() as work:
        person_id = work.session.scalars(select(Person.id)).one()
        whose = {"organisation_id": world.organisation_id, "owner_id": ann.member_id, "person_id": person_id}
        for title, stage in (("Big deal", "talking"), ("Old deal", "won")):
            deal = Deal(id=new_id(), **whose, stage=stage, amount=12000, currency="EUR")
            deal.title, deal.created_at, deal.updated_at = (
                keys.seal("deals", "title", deal.id, title),
                world.now,
                world.now,
            )
            work.session.add(deal)
        for title, done in (("Call", None), ("Mail", world.now)):
            task = Task(id=new_id(), **whose, due_on=world.now.date(), done_at=done, created_at=world.now)
            task.title = keys.seal("tasks", "title", task.id, title)
            work.session.add(task)
    shown = lines(host.message(letter))
    assert shown["talking · 12,000.00 EUR"] == "Big deal"
    assert shown["Due 2 Mar 2026"] == "Call"
    assert "Old deal" not in shown.values()
    assert "Mail" not in shown.values()


def test_each_card_with_anything_from_google_is_in_the_log(host, letter):
    host.message(letter)
    with host.runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    released = [leaf for leaf in leaves if leaf.sink == "sidebar"]
    assert len(released) == 1
    assert (released[0].actor_class, released[0].feature, released[0].decision) == ("addon", "sidebar", "open")
