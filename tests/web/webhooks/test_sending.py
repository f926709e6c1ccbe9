"""What a webhook is told and what never leaves; tried again, given up, turned off."""

import uuid

import pytest

from accounts.models import Grant, Member, Role, Sharing
from addon import writing
from crm import copies, deals, editing, notes, tasks
from crm.pen import pen
from crm.webhooks.happenings import JOB
from crm.webhooks.jobs import WAITS_S
from crm.webhooks.models import WebhookDelivery
from limited_use.keys import vault
from privacy.retention import RULES, purge_batch
from tests.signing_in import work_off
from tests.web.webhooks.steps import EVERYTHING, add_person, leaves, make, only_person, prove, sent, state, write_note


@pytest.mark.usefixtures("proved")
def test_what_each_act_tells(world, runtime, there):
    now, keys = runtime.clock.now(), pen(runtime, world.organisation_id)
    person_id = add_person(world)
    write_note(world, person_id)
    with runtime.begin() as work:
        task = tasks.add(work.session, keys, world.viewer, tasks.Typed("Call", None, person_id), now)
        for _ in range(2):
            tasks.set_done(work.session, world.viewer, task, now, done=True)
        editing.edit_person(work.session, keys, world.viewer, person_id, {"title": "CTO"}, now)
        deal = deals.add(work.session, keys, world.viewer, deals.Typed("Big", amount="3", person_id=person_id), now)
        deals.move(work.session, world.viewer, deal, "talking", now)
        deals.move(work.session, world.viewer, deal, "talking", now)
    work_off(runtime, JOB)
    by_type = {one.said["type"]: one.said["data"] for one in there.came}
    assert sorted(one.said["type"] for one in there.came) == sorted(EVERYTHING)
    assert by_type["note.added"]["note"]["body"] == "Native note"
    assert by_type["task.done"]["task"]["title"] == "Call"
    assert by_type["person.changed"]["person"]["title"] == ["CTO"]
    assert by_type["deal.added"]["deal"] == {
        "id": str(deal),
        "title": "Big",
        "stage": "talking",
        "amount": "3.00",
        "currency": "EUR",
    }
    assert by_type["deal.stage_changed"]["person"]["name"] == ["Typed Tom"]
    assert len({one.headers["webhook-id"] for one in there.came}) == len(there.came)


@pytest.mark.usefixtures("proved")
def test_a_note_of_the_sidebar_is_told_once_though_its_button_is_pressed_twice(world, runtime, there):
    person_id = add_person(world)
    for _ in range(2):
        with runtime.begin() as work:
            said, keys = ("n" * 20, "From the sidebar"), pen(runtime, world.organisation_id)
            writing.add_note(work.session, keys, world.viewer, person_id, said, runtime.clock.now())
    work_off(runtime, JOB)
    (told,) = there.of("note.added")
    assert told.said["data"]["note"]["body"] == "From the sidebar"


@pytest.mark.usefixtures("proved")
def test_what_came_from_google_is_withheld_and_says_so(world, runtime, there):
    heard = world.hear(world.mine, "jane@canary.example", name="Jane Canary", written_to=1)
    world.message(world.mine, heard, "Canary subject")
    world.match_all(world.mine)
    work_off(runtime, JOB)
    assert there.came == []
    write_note(world, only_person(world))
    work_off(runtime, JOB)
    assert sorted(one.said["type"] for one in there.came) == ["note.added", "person.added"]
    mark = {"withheld": "limited_use", "source": "gmail"}
    for one in there.came:
        person = one.said["data"]["person"]
        assert (person["name"], person["email"], person["works_at"]) == ([mark], [mark], mark)
        assert b"anary" not in one.body.replace(b"capability-canary", b"")
    leaf = leaves(runtime)[-1]
    assert (leaf.feature, leaf.purpose, leaf.opened, leaf.withheld) == ("webhooks", "user_feature", 0, 3)
    assert leaf.destination


@pytest.mark.usefixtures("proved")
def test_two_people_whom_a_contact_holds_as_one_are_told_as_two(world, runtime, there):
    told = {address: add_person(world, email=address) for address in ("alpha@one.example", "beta@two.example")}
    world.contact(world.mine, "Alpha alias Beta", *told)
    world.match_all(world.mine)
    for person_id in told.values():
        write_note(world, person_id)
    work_off(runtime, JOB)
    for one in there.of("note.added"):
        person = one.said["data"]["person"]
        assert [told[address] for address in person["email"] if isinstance(address, str)] == [uuid.UUID(person["id"])]
    assert {one.said["data"]["person"]["id"] for one in there.of("note.added")} == {str(one) for one in told.values()}


@pytest.mark.usefixtures("proved")
def test_what_a_colleague_shares_with_the_maker_is_withheld_too(world, runtime, there):
    bea = world.member("Bea")
    hers = world.grant(bea)
    world.hear(hers, "sue@canary.example", name="Sue Canary", written_to=1)
    world.match_all(hers)
    with runtime.begin() as work:
        work.session.get_one(Grant, hers).sharing = Sharing.EVERYTHING
    write_note(world, only_person(world))
    work_off(runtime, JOB)
    mark = {"withheld": "limited_use", "source": "gmail"}
    assert [one.said["data"]["person"]["name"] for one in there.came] == [[mark], [mark]]
    assert not [one for one in there.came if b"anary" in one.body]


@pytest.mark.usefixtures("proved")
def test_what_a_note_quotes_of_a_mail_is_withheld_and_says_so(world, runtime, there):
    heard, now = world.hear(world.mine, "jane@canary.example", name="Jane Canary", written_to=1), runtime.clock.now()
    message_id = world.message(world.mine, heard, "Canary subject", now)
    world.match_all(world.mine)
    with runtime.sessions() as session:
        copied = copies.copy_message(session, vault(runtime), world.viewer, message_id, text=False)
    with runtime.begin() as work:
        keys = pen(runtime, world.organisation_id)
        note_id = notes.write_about_person(work.session, keys, world.viewer, only_person(world), "Native note", now)
        copies.put_beside(work.session, copied, note_id=note_id)
    work_off(runtime, JOB)
    (told,) = there.of("note.added")
    mark = {"withheld": "limited_use", "source": "gmail"}
    assert (told.said["data"]["note"]["body"], told.said["data"]["note"]["quotes"]) == (
        "Native note",
        {"subject": mark, "text": None},
    )


@pytest.mark.usefixtures("proved")
def test_another_members_tasks_and_a_vanished_record_are_not_told(world, runtime, there):
    bea, keys, now = world.member("Bea"), pen(runtime, world.organisation_id), runtime.clock.now()
    with runtime.begin() as work:
        task = tasks.add(work.session, keys, bea, tasks.Typed("Hers alone"), now)
        tasks.set_done(work.session, bea, task, now, done=True)
    assert [one for one in sent(runtime) if one.event == "task.done"] == []
    note_id = write_note(world, add_person(world))
    with runtime.begin() as work:
        notes.remove(work.session, world.viewer, note_id)
    work_off(runtime, JOB)
    assert [one.said["type"] for one in there.came] == ["person.added"]
    assert [(one.progress, one.problem) for one in sent(runtime) if one.event == "note.added"] == [
        ("dropped", "nothing_left")
    ]


def test_only_what_the_rule_names_is_told(anna, world, runtime, there):
    page, _ = make(anna, there, events=["note.added"])
    prove(anna, runtime, there, page)
    write_note(world, add_person(world))
    work_off(runtime, JOB)
    assert [one.said["type"] for one in there.came] == ["webhook.challenge", "note.added"]


@pytest.mark.usefixtures("proved")
def test_what_fails_is_tried_again_under_the_same_id_until_it_comes_through(world, runtime, there, clock):
    there.answers = [500, 302, 429]
    add_person(world)
    for wait in (0, *WAITS_S[:3]):
        clock.advance(wait)
        work_off(runtime, JOB, rounds=1)
    assert len(there.came) == 4
    assert len({one.headers["webhook-id"] for one in there.came}) == 1
    assert len({one.headers["webhook-timestamp"] for one in there.came}) == 4
    (delivery,) = [one for one in sent(runtime) if one.event == "person.added"]
    assert (delivery.progress, delivery.attempts, delivery.status, delivery.problem) == ("delivered", 4, 204, None)


@pytest.mark.usefixtures("proved")
def test_an_address_that_asks_for_patience_gets_it(world, runtime, there, clock):
    there.answers = [(503, {"Retry-After": "600"})]
    add_person(world)
    work_off(runtime, JOB, rounds=1)
    clock.advance(599)
    work_off(runtime, JOB, rounds=1)
    assert len(there.came) == 1
    clock.advance(2)
    work_off(runtime, JOB, rounds=1)
    assert len(there.came) == 2


@pytest.mark.usefixtures("proved")
def test_others_wait_while_an_address_fails(world, runtime, there, clock):
    there.answers = [500]
    add_person(world)
    work_off(runtime, JOB, rounds=1)
    add_person(world, name="Second")
    work_off(runtime, JOB, rounds=1)
    assert len(there.came) == 1
    clock.advance(6)
    work_off(runtime, JOB)
    assert len(there.came) == 3


def test_an_address_that_fails_for_a_day_turns_its_webhook_off(anna, world, runtime, there, proved, clock):
    page, _ = proved
    there.answers = [500] * 20
    add_person(world)
    for wait in (0, *WAITS_S):
        clock.advance(wait)
        work_off(runtime, JOB, rounds=1)
    assert state(runtime) == "failing"
    (delivery,) = [one for one in sent(runtime) if one.event == "person.added"]
    assert (delivery.progress, delivery.attempts) == ("failed", 9)
    anna.sign_in()
    assert "it failed for a day" in anna.get(page).text
    assert "The webhook Warehouse turned itself off." in anna.get("/").text
    add_person(world, name="Unheard")
    assert len([one for one in sent(runtime) if one.event == "person.added"]) == 1
    assert anna.post(f"{page}/switch", {"to": "on"}, page).status_code == 422
    assert anna.post(f"{page}/switch", {"to": "on", "agree": "yes"}, page).status_code == 303
    there.answers = []
    add_person(world, name="Heard")
    work_off(runtime, JOB)
    assert there.came[-1].said["data"]["person"]["name"] == ["Heard"]


def test_an_address_that_says_it_is_gone_is_not_asked_again_unproved(anna, world, runtime, there, proved):
    page, _ = proved
    there.answers = [410]
    add_person(world)
    work_off(runtime, JOB)
    assert state(runtime) == "gone"
    anna.post(f"{page}/switch", {"to": "on", "agree": "yes"}, page)
    assert state(runtime) == "waiting"
    prove(anna, runtime, there, page)
    assert state(runtime) == "on"


def test_turned_off_nothing_more_leaves_not_even_what_waits(anna, world, runtime, there, proved):
    page, _ = proved
    add_person(world)
    assert anna.post(f"{page}/switch", {"to": "off"}, page).status_code == 303
    work_off(runtime, JOB)
    assert there.came == []
    assert [one.progress for one in sent(runtime) if one.event == "person.added"] == ["dropped"]


def test_a_webhook_whose_maker_no_longer_manages_is_silent_until_another_takes_it(anna, world, runtime, there, proved):
    page, _ = proved
    with runtime.begin() as work:
        keeper = Member(organisation_id=world.organisation_id, google_sub="x", email="k@own.example", name="Kim")
        keeper.role, keeper.created_at = Role.OWNER, runtime.clock.now()
        work.session.add(keeper)
        work.session.get_one(Member, world.viewer.member_id).role = Role.MEMBER
    add_person(world)
    work_off(runtime, JOB)
    assert (there.came, state(runtime)) == ([], "unowned")
    assert anna.get(page).status_code == 403
    with runtime.begin() as work:
        work.session.get_one(Member, world.viewer.member_id).role = Role.ADMIN
    anna.post(f"{page}/switch", {"to": "on", "agree": "yes"}, page)
    assert state(runtime) == "on"


@pytest.mark.usefixtures("proved")
def test_the_history_is_kept_for_a_month(world, runtime, clock):
    add_person(world)
    work_off(runtime, JOB)
    (rule,) = [rule for rule in RULES if rule.table is WebhookDelivery]
    clock.advance(29 * 86_400)
    with runtime.begin() as work:
        assert purge_batch(work.session, rule, clock.now()) == 0
    clock.advance(2 * 86_400)
    with runtime.begin() as work:
        assert purge_batch(work.session, rule, clock.now()) == 2
