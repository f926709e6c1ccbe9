"""Each level on each surface: what a teammate is shown grows with it, and nothing tells of the rest."""

import datetime as dt

import pytest

from accounts.models import Sharing
from accounts.sharing import RANK
from crm import sharing
from kernel.errors import NotFound
from tests.sharing.conftest import HIDDEN, KEPT, LEVELS, NAME, PHONE, PLACE, SNIPPET, SUBJECT, TITLE

PEOPLE, SUBJECTS, EVERYTHING = (
    RANK[Sharing.PEOPLE_AND_TIMES],
    RANK[Sharing.AND_SUBJECTS],
    RANK[Sharing.EVERYTHING],
)
ALL = {NAME, PHONE, SUBJECT, TITLE, PLACE, SNIPPET, HIDDEN, KEPT}


def found(text, words):
    return {word for word in words if word in text}


def test_a_persons_page_shows_what_the_level_opens(team):
    for level in LEVELS:
        team.share(level)
        rank = RANK[level]
        page = team.seen(f"/people/{team.ids['jane']}")
        assert (NAME in page) is (PHONE in page) is (rank >= PEOPLE)
        assert (SUBJECT in page) is (TITLE in page) is (rank >= SUBJECTS)
        assert (SNIPPET in page) is (rank >= EVERYTHING)
        assert ("shared by" in page) is (rank >= PEOPLE)
        assert page.count("received ·") == (4 if rank >= PEOPLE else 1)


def test_lists_and_counts_show_what_the_level_opens(team):
    for level in LEVELS:
        team.share(level)
        shares = RANK[level] >= PEOPLE
        people = team.seen("/people")
        assert f"{3 if shares else 1} pe" in people
        assert found(people, ALL) == ({NAME, HIDDEN, KEPT} if shares else set())
        companies = team.seen("/companies")
        assert ("2 people you know" in companies) is shares
        assert ("else.example" in companies) is shares
        carl = team.bert.get(f"/people/{team.ids['carl']}")
        assert carl.status_code == (200 if shares else 404)


def test_a_hit_on_what_is_not_shared_is_no_hit(team):
    for level in LEVELS:
        team.share(level)
        shares = RANK[level] >= PEOPLE
        for words in ("Quokka", "Hoopoe", "carl@else.example"):
            page = team.seen(f"/search?q={words}")
            assert ("Nothing found" in page) is not shares
            assert len(team.answered(f"/api/v1/people?q={words}")["people"]) == (1 if shares else 0)
        for words in ("Zebra", "ocelot", "Wombat"):
            assert "Nothing found" in team.seen(f"/search?q={words}")


def test_programs_and_files_get_what_the_level_opens(team):
    for level in LEVELS:
        team.share(level)
        shares = RANK[level] >= PEOPLE
        listed = team.answered("/api/v1/people")["people"]
        assert len(listed) == (3 if shares else 1)
        assert {row["name"] for row in listed} == ({NAME, HIDDEN, KEPT} if shares else {None})
        one = team.answered(f"/api/v1/people/{team.ids['jane']}")
        assert (one["phone"] == PHONE) is shares
        assert bool(team.answered(f"/api/v1/people/{team.ids['carl']}")) is shares
        for form in ("csv", "json", "jsonl"):
            text = team.exported(form)
            assert (NAME in text) is (HIDDEN in text) is shares
            assert not found(text, {SUBJECT, SNIPPET, TITLE})


def test_the_card_beside_ones_own_mail_shows_what_the_level_opens(team):
    for level in LEVELS:
        team.share(level)
        rank = RANK[level]
        card = team.card()
        assert (NAME in card) is (rank >= PEOPLE)
        assert (SUBJECT in card) is (rank >= SUBJECTS)
        assert SNIPPET not in card


def test_last_contact_and_order_are_of_what_is_shared(team):
    for level in LEVELS:
        team.share(level)
        rows = {row["id"]: row for row in team.answered("/api/v1/people")["people"]}
        last = dt.datetime.fromisoformat(rows[str(team.ids["jane"])]["last_contact_at"])
        assert (team.runtime.clock.now() - last).days == (2 if RANK[level] >= PEOPLE else 30)


def test_a_mails_page_is_there_from_times_on(team):
    for level in LEVELS:
        team.share(level)
        rank = RANK[level]
        answer = team.bert.get(f"/messages/{team.ids['mail']}")
        assert answer.status_code == (200 if rank >= PEOPLE else 404)
        assert (SUBJECT in answer.text) is (rank >= SUBJECTS)
        assert (SNIPPET in answer.text) is (rank >= EVERYTHING)


def test_an_admin_reads_no_more_than_a_member_and_changes_nothing(team):
    assert team.bob.manages
    acts = [
        lambda s: sharing.share(team.runtime, s, team.bob, team.ids["grant"], Sharing.EVERYTHING),
        lambda s: sharing.except_person(
            team.runtime, s, team.bob, team.ids["grant"], team.ids["jane"], Sharing.EVERYTHING
        ),
        lambda s: sharing.except_thread(team.runtime, s, team.bob, team.ids["mail"], Sharing.EVERYTHING),
        lambda s: sharing.protect(team.runtime, s, team.bob, team.ids["grant"], "x@else.example"),
        lambda s: sharing.people_of(s, team.bob, team.ids["grant"]),
        lambda s: sharing.threads_of(s, team.bob, team.ids["grant"]),
        lambda s: sharing.protected_of(s, team.bob, team.ids["grant"]),
    ]
    for act in acts:
        with pytest.raises(NotFound), team.runtime.begin() as work:
            act(work.session)
    assert NAME not in team.seen(f"/people/{team.ids['jane']}")
