"""Fingerprints in the database: what is found, for whom, and that nothing is once the grant's key is gone."""

import uuid

import pytest
from sqlalchemy import func, select, text

from kernel.errors import TooLarge
from kernel.ids import new_id
from limited_use.fingerprint_models import Fingerprint
from limited_use.fingerprints import COMMON, LONGEST_ASKED, Printer, findings, forget, keep
from limited_use.keys import vault
from limited_use.labels import Source

MAIL = (
    "The quarterly numbers for Lisbon came in lower than planned, so we should postpone the second warehouse until "
    "autumn and tell the landlord before Friday."
)
NOTE = "She would rather talk in autumn, when the second warehouse in Porto is let and Friday calls are easier."


def put(tenant, *texts, thread="t1", source=Source.GMAIL, item_id=None, part="body", grant_id=None):
    item_id = item_id or new_id()
    printer = Printer(vault(tenant.runtime), tenant.organisation_id, grant_id or tenant.grant_id, source)
    with tenant.runtime.begin() as work:
        keep(work.session, [printer.row(item_id, part, thread, texts)])
    return item_id


def ask(tenant, *texts, grant_ids=None):
    with tenant.runtime.begin() as work:
        return findings(work.session, vault(tenant.runtime), tenant.organisation_id, texts, grant_ids)


def test_a_passage_is_found_with_its_source_and_grant_and_other_text_is_not(tenant):
    put(tenant, MAIL)
    passage = "he wrote:\n> we should postpone THE second\n> warehouse until autumn and"
    assert [None, (Source.GMAIL, {tenant.grant_id})] == [
        found and (found.source, set(found.grant_ids)) for found in ask(tenant, NOTE, passage)
    ]


def test_any_eight_words_of_it_are_found_wherever_they_stand(tenant):
    put(tenant, MAIL)
    words = MAIL.split()
    for start in range(len(words) - 7):
        eight = " ".join(words[start : start + 8])
        assert all(ask(tenant, eight, f"Call her. {eight}. Then Bob.")), start


def test_a_short_subject_is_found_only_as_a_whole_line(tenant):
    put(tenant, "Re: Second warehouse in Porto", part="head")
    found = ask(
        tenant, "Todo:\n- second warehouse in Porto", "The second warehouse in Porto is big", "second warehouse"
    )
    assert [bool(one) for one in found] == [True, False, False]


def test_a_short_line_within_a_long_text_is_found_as_a_whole_line(tenant):
    put(tenant, f"{MAIL}\nSecond warehouse in Porto\n{NOTE}")
    found = ask(tenant, "Todo:\n- second warehouse in Porto", "The second warehouse in Porto is big")
    assert [bool(one) for one in found] == [True, False]


def test_a_line_that_everybody_writes_hides_no_other_line(tenant):
    for number in range(COMMON):
        put(tenant, "Minutes of the meeting", part="head", thread=f"t{number}")
    put(tenant, "Second warehouse in Porto", part="head", thread="x")
    found = ask(tenant, "Minutes of the meeting", "Minutes of the meeting\nSecond warehouse in Porto")
    assert [bool(one) for one in found] == [False, True]


def test_what_came_by_mail_and_calendar_is_told_as_mail(tenant):
    put(tenant, MAIL, source=Source.CALENDAR)
    put(tenant, MAIL, source=Source.GMAIL)
    assert ask(tenant, MAIL)[0].source is Source.GMAIL


def test_what_stands_in_many_conversations_is_common_and_no_finding(tenant):
    for number in range(COMMON - 1):
        put(tenant, MAIL, thread=f"t{number}")
    assert ask(tenant, MAIL)[0]
    for _ in range(COMMON):
        put(tenant, MAIL, thread="t1")  # an answer that quotes it is no other conversation
    assert ask(tenant, MAIL)[0]
    put(tenant, MAIL, thread="another")
    assert ask(tenant, MAIL) == [None]


def test_other_grants_and_organisations_are_apart(tenant, another_tenant):
    put(tenant, MAIL)
    assert ask(tenant, MAIL, grant_ids=[])[0] is None
    assert ask(tenant, MAIL, grant_ids=[new_id()])[0] is None
    assert ask(another_tenant, MAIL) == [None]


def test_nothing_is_found_once_the_item_or_the_key_is_gone(tenant, another_runtime):
    item = put(tenant, MAIL)
    with tenant.runtime.begin() as work:
        forget(work.session, [item])
    assert ask(tenant, MAIL) == [None]
    put(tenant, MAIL)
    with tenant.runtime.begin() as work:
        vault(tenant.runtime).destroy_grant(work.session, tenant.grant_id)
    assert ask(tenant, MAIL) == [None], "the rows are still there, as in a restored copy, and tell nothing"
    with another_runtime().sessions() as session:
        assert session.scalar(select(func.count()).select_from(Fingerprint)) == 1


def test_a_part_printed_again_stands_in_place_of_what_was_there(tenant):
    item = put(tenant, MAIL)
    put(tenant, NOTE, item_id=item)
    assert [bool(found) for found in ask(tenant, MAIL, NOTE)] == [False, True]


def test_equal_texts_have_no_tag_in_common_and_nothing_readable_is_kept(tenant, runtime):
    first, second = put(tenant, MAIL), put(tenant, MAIL)
    with runtime.sessions() as session:
        rows = {row.item_id: row for row in session.scalars(select(Fingerprint))}
        dump = session.scalar(text("SELECT string_agg(to_jsonb(f)::text, '') FROM fingerprints f"))
    assert rows[first].prints == rows[second].prints
    assert not set(rows[first].tags) & set(rows[second].tags)
    assert "warehouse" not in dump


def test_a_tag_is_masked_by_its_own_grants_key(tenant):
    item = new_id()
    one, other = (
        Printer(vault(tenant.runtime), tenant.organisation_id, grant_id, Source.GMAIL).row(item, "body", "t", [MAIL])
        for grant_id in (tenant.grant_id, tenant.another_grant())
    )
    assert one["prints"] == other["prints"], "one look-up serves all grants"
    assert not set(one["tags"]) & set(other["tags"])


def test_two_organisations_print_the_same_text_differently(tenant, another_tenant, runtime):
    put(tenant, MAIL)
    put(another_tenant, MAIL)
    with runtime.sessions() as session:
        one, other = session.scalars(select(Fingerprint)).all()
    assert not {*one.prints, *one.tags} & {*other.prints, *other.tags}


def test_a_text_that_is_too_long_to_be_checked_is_an_error(tenant):
    with pytest.raises(TooLarge) as raised:
        ask(tenant, "x" * (LONGEST_ASKED + 1))
    assert raised.value.code == "too_large"


def test_a_long_text_and_many_of_them_are_checked_to_the_end(tenant):
    put(tenant, MAIL)
    long = " ".join(f"w{number}" for number in range(30_000))
    assert [bool(found) for found in ask(tenant, *["short"] * 5, f"{long} {MAIL}", NOTE)] == [*[False] * 5, True, False]


def test_characters_that_stand_for_many_words_push_nothing_out_of_sight(tenant):
    put(tenant, MAIL)
    assert ask(tenant, "\ufdfa" * 60 + f" {MAIL}")[0]  # one character, four words
    with pytest.raises(TooLarge):
        ask(tenant, "\ufdfa" * 90_000 + f" {MAIL}")


def test_a_phrase_that_very_many_have_hides_no_other(tenant, monkeypatch):
    monkeypatch.setattr("limited_use.fingerprints._MOST_ROWS", 3)
    for number in range(6):
        put(tenant, f"greetings from our whole small team in town {number}", thread=f"t{number}")
    put(tenant, MAIL, thread="x")
    assert [bool(f) for f in ask(tenant, f"{MAIL} greetings from our whole small team in town")] == [True]


def test_a_mail_that_very_many_got_once_is_found(tenant, monkeypatch):
    monkeypatch.setattr("limited_use.fingerprints._MOST_ROWS", 3)
    for _ in range(6):  # one conversation, quoted again in each answer
        put(tenant, MAIL)
    assert ask(tenant, NOTE, MAIL)[1]
    for number in range(COMMON):
        put(tenant, MAIL, thread=f"t{number}")
    assert ask(tenant, MAIL) == [None]


def test_what_very_many_have_is_common_by_its_own_conversations_and_those_of_who_is_asked_about(tenant, monkeypatch):
    monkeypatch.setattr("limited_use.fingerprints._MOST_ROWS", 3)
    other = tenant.another_grant()
    for number in range(COMMON):
        put(tenant, f"{NOTE} {number}", thread=f"other {number}")  # as many conversations, of something else
        put(tenant, MAIL)
    assert ask(tenant, MAIL)[0]
    for number in range(COMMON):
        put(tenant, MAIL, thread=f"t{number}", grant_id=other)
    assert ask(tenant, MAIL) == [None]
    assert ask(tenant, MAIL, grant_ids=[other]) == [None]
    found = ask(tenant, MAIL, grant_ids=[tenant.grant_id])[0]
    assert found
    assert found.grant_ids == {tenant.grant_id}, "what is common for another says nothing to who may not see theirs"


def test_a_grant_from_before_there_were_print_keys_is_given_one(tenant, runtime):
    grant_id = uuid.uuid4()
    keys = vault(runtime)
    keys.create_grant(tenant.organisation_id, grant_id)
    with runtime.key_sessions.begin() as session:
        session.execute(text("DELETE FROM keys WHERE purpose = 'prints' AND grant_id = :id"), {"id": grant_id})
    index = keys.print_index(tenant.organisation_id, grant_id)
    assert index.digest("x", "y") == keys.print_index(tenant.organisation_id, grant_id).digest("x", "y")
