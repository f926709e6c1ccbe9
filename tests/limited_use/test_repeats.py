"""Texts of users that repeat what Google gave: marked when saved, held back at the sinks of programs elsewhere."""

import pytest
from sqlalchemy import delete, select

from accounts.models import Grant, GrantStatus, Sharing
from kernel.errors import TooLarge
from kernel.ids import new_id
from limited_use import destinations, repeats
from limited_use.fingerprint_models import Fingerprint, Repeat
from limited_use.fingerprints import LONGEST_ASKED, Printer, keep
from limited_use.keys import KeyPurpose, vault
from limited_use.labels import Source
from limited_use.release import Refused, Withheld
from limited_use.sealing import Native, System

MAIL = "The landlord would sign for three years if we take the second floor as well by the end of May"
QUOTED = "> The landlord would sign for three years if\n> we take the second floor"
OTHER = "Our board decided to open an office in Lisbon next spring and to hire nine people there"
OWN = "Met her at the fair, she likes the idea of a second floor and will come back to us after the holidays"


@pytest.fixture
def allowed(tenant):
    with tenant.runtime.begin() as work:
        now = tenant.runtime.clock.now()
        destinations.allow_ai(work.session, tenant.organisation_id, tenant.owner_id, now)
    return tenant


def put(tenant, text=MAIL, grant_id=None):
    printer = Printer(vault(tenant.runtime), tenant.organisation_id, grant_id or tenant.grant_id, Source.GMAIL)
    with tenant.runtime.begin() as work:
        keep(work.session, [printer.row(new_id(), "body", "t", [text])])


def ask(tenant, *values):
    asking = tenant.asking("ai_tool", "ai_export", actor="token")
    return tenant.guard.release(asking, list(values), list)


def mark(tenant, row_id, text, member_id=None, field="notes.body"):
    with tenant.runtime.begin() as work:
        author = (tenant.organisation_id, member_id or tenant.owner_id)
        return repeats.mark(work.session, vault(tenant.runtime), author, (field, row_id), text)


def marks(tenant):
    with tenant.runtime.sessions() as session:
        return set(session.scalars(select(Repeat.row_id)))


def told(tenant, row_id, member_id):
    with tenant.runtime.sessions() as session:
        return repeats.told(session, tenant.organisation_id, member_id, [row_id])


def test_a_repeated_passage_is_held_back_from_an_ai_tool_with_its_reason_and_a_leaf(allowed):
    put(allowed)
    note, other = allowed.sealed(QUOTED, "content"), allowed.sealed(OWN, "content")
    assert ask(allowed, note, other, Native("EUR")) == [Withheld("gmail", "repeats_google"), OWN, "EUR"]
    release, held = allowed.leaves()
    assert (release.decision, release.withheld, release.reason) == ("open", 0, None)
    assert (held.decision, held.withheld, held.reason, held.sink) == ("withhold", 1, "repeats_google", "ai_tool")
    assert (held.labels, held.fields, held.records, held.grants) == (("gmail",), ("notes.body",), 1, ())


def test_without_anything_repeated_there_is_one_leaf_and_no_mark(allowed):
    put(allowed)
    assert ask(allowed, allowed.sealed(OWN, "content")) == [OWN]
    assert len(allowed.leaves()) == 1
    assert marks(allowed) == set()


def test_words_of_our_own_are_never_taken_for_copied_ones(allowed):
    put(allowed)
    assert ask(allowed, System(QUOTED), allowed.sealed(OWN, "content")) == [QUOTED, OWN]
    assert len(allowed.leaves()) == 1


def test_a_structured_text_is_compared_too(allowed):
    put(allowed)
    assert ask(allowed, Native(QUOTED)) == [Withheld("gmail", "repeats_google")]


def test_a_webhook_is_told_nothing_copied_either_and_where_it_goes_is_not_compared(tenant):
    put(tenant)
    keys = vault(tenant.runtime).sealer(tenant.organisation_id, KeyPurpose.CONTENT)
    address = keys.seal("webhooks", "url", new_id(), MAIL)
    asking = tenant.asking("webhook", "webhooks", actor="worker", destination=str(new_id()))
    opened = tenant.guard.release(asking, [address, tenant.sealed(QUOTED, "content")], list)
    assert opened == [MAIL, Withheld("gmail", "repeats_google")]


def test_the_page_of_a_member_shows_what_repeats(allowed):
    put(allowed)
    value = allowed.sealed(QUOTED, "content")
    assert allowed.guard.release(allowed.asking(), [value], list) == [QUOTED]


def test_what_came_in_later_counts_too_and_what_was_found_stays_held_back_when_the_prints_are_gone(allowed):
    note = allowed.sealed(QUOTED, "content")
    assert ask(allowed, note) == [QUOTED]
    put(allowed)
    assert ask(allowed, note) == [Withheld("gmail", "repeats_google")]
    allowed.set_status(GrantStatus.REVOKED)
    with allowed.runtime.begin() as work:
        work.session.execute(delete(Fingerprint))
    assert ask(allowed, note) == [Withheld("gmail", "repeats_google")]


def test_without_the_leaf_nothing_is_delivered(allowed, monkeypatch):
    put(allowed)
    delivered, real = [], type(allowed.guard)._write

    def fail(self, session, asking, survey, verdict):
        if verdict.reason == "repeats_google":
            raise repeats_error
        real(self, session, asking, survey, verdict)

    from limited_use.asking import LogUnavailable
    from limited_use.log.leaf import LeafRefused

    repeats_error = LeafRefused()
    monkeypatch.setattr(type(allowed.guard), "_write", fail)
    asking = allowed.asking("ai_tool", "ai_export", actor="token")
    with pytest.raises(LogUnavailable):
        allowed.guard.release(asking, [allowed.sealed(QUOTED, "content")], delivered.append)
    assert delivered == []
    assert marks(allowed) == set()


def test_a_text_too_long_to_be_checked_refuses_the_answer(allowed):
    with pytest.raises(Refused):
        ask(allowed, allowed.sealed("x" * (LONGEST_ASKED + 1), "content"))
    assert allowed.leaves()[-1].reason == "too_large"
    with pytest.raises(TooLarge):
        mark(allowed, new_id(), "x" * (LONGEST_ASKED + 1))


def test_saving_marks_what_repeats_the_authors_own_and_tells_them_alone(tenant):
    put(tenant)
    row_id = new_id()
    assert mark(tenant, row_id, QUOTED) is Source.GMAIL
    assert mark(tenant, new_id(), QUOTED) is Source.GMAIL  # another, which is not asked about
    assert told(tenant, row_id, tenant.owner_id) == {row_id: Source.GMAIL}
    assert told(tenant, row_id, tenant.teammate_id) == {}


def test_saving_tells_nothing_of_a_colleagues_mail_and_the_sink_holds_it_back_all_the_same(allowed):
    put(allowed)
    note = allowed.sealed(QUOTED, "content")
    row_id = note._place.row_id
    assert mark(allowed, row_id, QUOTED, allowed.teammate_id) is None
    assert marks(allowed) == set()
    assert ask(allowed, note) == [Withheld("gmail", "repeats_google")]
    assert told(allowed, row_id, allowed.teammate_id) == {}
    assert mark(allowed, row_id, QUOTED + " and more", allowed.teammate_id) is None
    assert marks(allowed) == {row_id}, "saving it again takes no mark away that a sink has set"


def test_each_field_of_a_row_has_a_mark_of_its_own(tenant):
    put(tenant)
    row_id = new_id()
    for field in ("deals.name", "deals.next_step"):
        assert mark(tenant, row_id, QUOTED, field=field) is Source.GMAIL
    assert mark(tenant, row_id, OWN, field="deals.name") is None
    with tenant.runtime.sessions() as session:
        assert session.scalars(select(Repeat.field)).all() == ["deals.next_step"]


def end(tenant):
    """End the owner's connection, with what the purge takes away of it."""
    tenant.set_status(GrantStatus.REVOKED)
    with tenant.runtime.begin() as work:
        work.session.execute(delete(Fingerprint).where(Fingerprint.grant_id == tenant.grant_id))


def test_rewriting_lifts_a_mark_only_while_there_is_something_to_compare_with(tenant):
    put(tenant)
    row_id = new_id()
    mark(tenant, row_id, QUOTED)
    mark(tenant, row_id, OWN)
    assert marks(tenant) == set()
    mark(tenant, row_id, QUOTED)
    end(tenant)
    assert mark(tenant, row_id, QUOTED + "!") is None
    assert mark(tenant, new_id(), OWN) is None
    assert marks(tenant) == {row_id}, "the other text is in the same field of another row"
    with tenant.runtime.begin() as work:
        repeats.forget(work.session, [row_id])
    assert marks(tenant) == set()


@pytest.fixture
def theirs(tenant, runtime):
    """The teammate's grant."""
    grant_id = new_id()
    with runtime.sessions.begin() as session:
        session.add(
            Grant(
                id=grant_id,
                organisation_id=tenant.organisation_id,
                member_id=tenant.teammate_id,
                google_sub="other",
                email="other@example.test",
                status=GrantStatus.ACTIVE,
                sharing=Sharing.ONLY_ME,
                scopes=[],
                created_at=runtime.clock.now(),
            )
        )
    vault(runtime).create_grant(tenant.organisation_id, grant_id)
    return grant_id


def test_a_finding_names_every_grant_that_has_the_passage(tenant, theirs):
    put(tenant)
    put(tenant, grant_id=theirs)
    row_id = new_id()
    assert mark(tenant, row_id, QUOTED, tenant.teammate_id) is Source.GMAIL
    assert told(tenant, row_id, tenant.owner_id) == {}, "only the author's own accounts were asked"
    assert told(tenant, row_id, tenant.teammate_id) == {row_id: Source.GMAIL}


def test_what_an_ended_connection_left_marked_stays_so_when_another_passage_comes_and_goes(tenant, theirs):
    put(tenant)
    put(tenant, OTHER, theirs)
    row_id = new_id()
    mark(tenant, row_id, QUOTED)
    end(tenant)
    assert mark(tenant, row_id, f"{QUOTED} {OTHER}", tenant.teammate_id) is Source.GMAIL
    assert told(tenant, row_id, tenant.owner_id) == told(tenant, row_id, tenant.teammate_id) == {row_id: Source.GMAIL}
    assert mark(tenant, row_id, QUOTED, tenant.teammate_id) is None
    assert told(tenant, row_id, tenant.owner_id) == {row_id: Source.GMAIL}
    assert told(tenant, row_id, tenant.teammate_id) == {}, "their passage was taken out"


def test_a_mark_goes_with_the_next_rewriting_when_the_mail_was_deleted_at_google_and_the_connection_lasts(tenant):
    put(tenant)
    row_id = new_id()
    mark(tenant, row_id, QUOTED)
    with tenant.runtime.begin() as work:
        work.session.execute(delete(Fingerprint))
    assert marks(tenant) == {row_id}
    mark(tenant, row_id, QUOTED + "!")
    assert marks(tenant) == set()
