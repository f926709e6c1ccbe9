"""Exceptions both ways, protected addresses, and what no count, order or time may tell of what is hidden."""

import datetime as dt

import pytest
from sqlalchemy import select

from accounts.models import Grant, GrantStatus, Member, Sharing
from crm import sharing
from crm.models import Meeting, ProtectedAddress, SharingException
from kernel.errors import BadInput, NotFound
from tests.sharing.conftest import HIDDEN, KEPT, NAME, SNIPPET, SUBJECT, TITLE

ONLY_ME, TIMES, SUBJECTS, EVERYTHING = Sharing


def age_of(team, person):
    """Return how many days ago the last contact with a person was, as Bert is told."""
    rows = {row["id"]: row for row in team.answered("/api/v1/people?limit=200")["people"]}
    said = rows[str(team.ids[person])]["last_contact_at"]
    return (team.runtime.clock.now() - dt.datetime.fromisoformat(said)).days


def nothing_of(team, name, address):
    """Tell whether Bert finds no trace of somebody on any surface."""
    pages = ["/people", "/companies", f"/companies/{team.ids['acme']}", f"/people/{team.ids['jane']}"]
    texts = [team.seen(path) for path in pages]
    texts += [team.exported(form) for form in ("csv", "json", "jsonl")]
    texts += [str(team.answered(f"/api/v1/people?q={name.split()[1]}")), str(team.answered("/api/v1/people"))]
    texts += [team.seen(f"/search?q={name.split()[1]}").replace(name.split()[1], "", 3), team.card()]
    return not any(name in text or address in text for text in texts)


def test_a_hidden_person_leaves_no_trace(team):
    team.share(EVERYTHING)
    team.person("carl", ONLY_ME)
    assert nothing_of(team, HIDDEN, "carl@else.example")
    assert team.bert.get(f"/people/{team.ids['carl']}").status_code == 404
    assert "else.example" not in team.seen("/companies")
    jane = team.seen(f"/people/{team.ids['jane']}")
    assert SUBJECT in jane
    assert "Group gnu" not in jane, "a mail in which somebody hidden takes part"
    assert team.bert.get(f"/messages/{team.ids['group']}").status_code == 404
    assert "2 pe" in team.seen("/people")


def test_a_hidden_person_at_a_company_is_not_counted_there(team):
    team.share(EVERYTHING)
    assert "2 people you know" in team.seen("/companies")
    team.person("vera", ONLY_ME)
    companies = team.seen("/companies")
    assert "2 people you know" not in companies
    assert "acme.example" in companies
    assert KEPT not in team.seen(f"/companies/{team.ids['acme']}")


def test_a_person_may_be_shared_where_the_rest_is_not(team):
    team.share(ONLY_ME)
    team.person("jane", SUBJECTS)
    jane = team.seen(f"/people/{team.ids['jane']}")
    assert (NAME in jane, SUBJECT in jane, SNIPPET in jane) == (True, True, False)
    assert "Group gnu" not in jane, "Carl, who takes part, is not shared"
    assert nothing_of(team, HIDDEN, "carl@else.example")
    assert nothing_of(team, KEPT, "vera@acme.example")
    assert "1 person" in team.seen("/people")
    assert "2 people" not in team.seen("/companies")
    assert len(team.answered("/api/v1/people?q=Quokka")["people"]) == 1


def test_a_person_may_be_shared_more_or_less_than_the_rest(team):
    team.share(SUBJECTS)
    team.person("jane", EVERYTHING)
    assert SNIPPET in team.seen(f"/people/{team.ids['jane']}")
    team.person("jane", TIMES)
    jane = team.seen(f"/people/{team.ids['jane']}")
    assert (NAME in jane, SUBJECT in jane, TITLE in jane) == (True, False, False)
    assert "Vera vole" in team.seen(f"/people/{team.ids['vera']}")


def test_a_thread_may_be_hidden_and_tells_of_no_time_either(team):
    team.share(EVERYTHING)
    assert age_of(team, "jane") == 2
    team.thread("mail", ONLY_ME)
    jane = team.seen(f"/people/{team.ids['jane']}")
    assert (NAME in jane, SUBJECT in jane, SNIPPET in jane, "Group gnu" in jane) == (True, False, False, True)
    assert team.bert.get(f"/messages/{team.ids['mail']}").status_code == 404
    assert age_of(team, "jane") == 3, "the last contact is that of the group mail now"
    assert "2 days ago" not in team.card()
    assert SUBJECT not in team.card()


def test_a_thread_may_be_shared_where_the_rest_is_not(team):
    team.share(ONLY_ME)
    team.thread("mail", EVERYTHING)
    answer = team.bert.get(f"/messages/{team.ids['mail']}")
    assert answer.status_code == 200
    assert SUBJECT in answer.text
    assert NAME not in answer.text, "who takes part is people's to share"
    assert team.bert.get(f"/messages/{team.ids['lone']}").status_code == 404


def test_what_is_hidden_wins_over_a_thread_that_is_shared(team):
    team.share(EVERYTHING)
    team.thread("group", EVERYTHING)
    team.person("carl", ONLY_ME)
    assert team.bert.get(f"/messages/{team.ids['group']}").status_code == 404


def test_a_protected_address_never_shows_whatever_is_shared(team):
    team.share(EVERYTHING)
    team.person("carl", EVERYTHING)
    team.thread("group", EVERYTHING)
    team.protect(" Carl@Else.Example ")
    assert nothing_of(team, HIDDEN, "carl@else.example")
    assert team.bert.get(f"/messages/{team.ids['group']}").status_code == 404
    assert "Group gnu" not in team.seen(f"/people/{team.ids['jane']}")
    assert team.bert.get(f"/people/{team.ids['carl']}").status_code == 404


def test_protecting_one_address_of_a_person_hides_all_that_the_account_tells_of_them(team):
    team.share(EVERYTHING)
    grant = team.ids["grant"]
    team.world.contact(grant, NAME, "jane@acme.example", "jane.private@else.example")
    team.world.match_all(grant)
    team.protect("jane.private@else.example")
    assert NAME not in team.seen(f"/people/{team.ids['jane']}")
    assert SUBJECT not in team.card()
    assert team.bert.get(f"/messages/{team.ids['mail']}").status_code == 404
    assert age_of(team, "jane") == 30


def test_a_meeting_that_is_private_in_its_calendar_is_not_shared(team):
    team.share(EVERYTHING)
    page = f"/people/{team.ids['jane']}"
    assert TITLE in team.seen(page)
    with team.runtime.begin() as work:
        work.session.get_one(Meeting, team.ids["meeting"]).is_private = True
    assert TITLE not in team.seen(page)


def test_exceptions_are_listed_to_their_owner_and_end(team):
    team.person("carl", ONLY_ME)
    team.thread("mail", ONLY_ME)
    team.protect("vera@acme.example")
    team.protect("vera@acme.example")
    with team.runtime.begin() as work:
        session, grant = work.session, team.ids["grant"]
        (person,) = sharing.people_of(session, team.ann, grant)
        (thread,) = sharing.threads_of(session, team.ann, grant)
        (address,) = sharing.protected_of(session, team.ann, grant)
        assert person.person.id.value == team.ids["carl"]
        assert thread.newest.id.value == team.ids["mail"]
        assert {person.level, thread.level} == {ONLY_ME}
        for exception in (person, thread):
            sharing.end_exception(team.runtime, session, team.ann, exception.id.value)
        sharing.unprotect(team.runtime, session, team.ann, address.id.value)
        with pytest.raises(BadInput):
            sharing.protect(team.runtime, session, team.ann, grant, "no address")
    with team.runtime.begin() as work:
        assert not work.session.scalars(select(SharingException)).all()
        assert not work.session.scalars(select(ProtectedAddress)).all()
    reasons = [leaf.reason for leaf in team.leaves() if leaf.feature == "sharing"]
    assert reasons == [
        "person_shared_only_me",
        "thread_shared_only_me",
        "address_protected",
        "address_protected",
        "sharing_exception_ended",
        "sharing_exception_ended",
        "address_unprotected",
    ]


def test_a_teammate_ends_no_exception_of_anothers(team):
    team.person("carl", ONLY_ME)
    team.protect("vera@acme.example")
    with team.runtime.begin() as work:
        exception = work.session.scalars(select(SharingException.id)).one()
        kept = work.session.scalars(select(ProtectedAddress.id)).one()
    for act, row_id in ((sharing.end_exception, exception), (sharing.unprotect, kept)):
        with pytest.raises(NotFound), team.runtime.begin() as work:
            act(team.runtime, work.session, team.bob, row_id)


@pytest.mark.parametrize("status", [GrantStatus.SUSPENDED, GrantStatus.REVOKED])
def test_a_connection_that_is_paused_or_ended_is_shared_with_nobody(team, status):
    team.share(EVERYTHING)
    team.person("jane", EVERYTHING)
    with team.runtime.begin() as work:
        work.session.get_one(Grant, team.ids["grant"]).status = status
    assert NAME not in team.seen(f"/people/{team.ids['jane']}")
    assert HIDDEN not in team.seen("/people")


def test_what_somebody_shared_goes_when_they_leave(team):
    team.share(EVERYTHING)
    with team.runtime.begin() as work:
        work.session.get_one(Member, team.ann.member_id).left_at = team.runtime.clock.now()
    assert HIDDEN not in team.seen("/people")


def test_merging_people_keeps_the_stricter_exception(team):
    from crm.matching.store import merge

    team.share(EVERYTHING)
    team.person("carl", ONLY_ME)
    team.person("vera", EVERYTHING)
    with team.runtime.begin() as work:
        merge(work.session, team.ids["carl"], team.ids["vera"])
    assert team.bert.get(f"/people/{team.ids['vera']}").status_code == 404
