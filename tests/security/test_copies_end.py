"""Whatever was copied, indexed or derived of an account goes with it; what users wrote around it stays."""

import pytest
from sqlalchemy import select, text

from accounts.models import Grant, GrantStatus
from crm import copies, editing, exporting, notes, people, search, tasks, tidy
from crm.matching.store import merge
from crm.models import Excerpt, Fact, FactTerm, Person, Task
from crm.models.people import FactSource
from crm.pen import pen
from kernel.database import Base
from limited_use.asking import Asking
from limited_use.release import Withheld, guard
from oauth import purge

OWN = "typed by Ann"


@pytest.fixture
def mail(world, ann):
    """Ann's account knows Jane by mail and as a contact; returns her grant and the message."""
    made = world.grant(ann)
    heard = world.hear(made, "jane@acme.example", name="Jane Canary", written_to=1)
    world.contact(made, "Jane Canary-Contact", "jane@acme.example", phone="+1 415 555 0100")
    message = world.message(made, heard, "Subject canary")
    world.match_all(made)
    return made, message


@pytest.fixture
def jane(world, mail):
    assert mail
    with world.runtime.begin() as work:
        return work.session.scalars(select(Person.id)).one()


@pytest.fixture
def keys(world):
    return pen(world.runtime, world.organisation_id)


def end(world, grant_id, *, purged=True):
    with world.runtime.begin() as work:
        work.session.get_one(Grant, grant_id).status = GrantStatus.REVOKED
        world.vault.destroy_grant(work.session, grant_id)
    if not purged:
        return
    with world.runtime.begin() as work:
        for table in purge.tables():
            while purge.purge_batch(work.session, table, grant_id):
                pass
    for _ in range(3):
        with world.runtime.begin() as work:
            tidy.tidy(work.session, world.organisation_id)


def copied(world, keys, ann, mail, jane):
    """Quote the mail in a note and make a task of it, as the pages do."""
    _, message = mail
    with world.runtime.sessions() as session:
        quote = copies.copy_message(session, world.vault, ann, message, text=True)
        about = copies.copy_message(session, world.vault, ann, message, text=False)
    with world.runtime.begin() as work:
        note_id = notes.write_about_person(work.session, keys, ann, jane, OWN, world.now)
        task_id = tasks.add(work.session, keys, ann, tasks.Typed(OWN, None, jane), world.now)
        copies.put_beside(work.session, quote, note_id=note_id)
        copies.put_beside(work.session, about, task_id=task_id)
    return note_id, task_id


def read(world, viewer, values, sink="browser", feature="people"):
    asking = Asking(viewer.organisation_id, viewer.member_id, "member", feature, "user_feature", sink)
    return guard(world.runtime).release(asking, values, list)


def test_a_copy_reads_as_the_mail_for_its_owner_and_is_withheld_from_all_others(world, keys, ann, bob, mail, jane):
    note_id, task_id = copied(world, keys, ann, mail, jane)
    with world.runtime.sessions() as session:
        found = copies.beside(session, bob, [note_id, task_id])
        mine = copies.beside(session, ann, [note_id, task_id])
    assert read(world, ann, [mine[note_id].subject, mine[note_id].text]) == ["Subject canary", "Subject canary …"]
    assert mine[task_id].text is None
    for value in (found[note_id].subject, found[note_id].text, found[task_id].subject, found[note_id].sent_at):
        assert isinstance(read(world, bob, [value])[0], Withheld)
    assert found[note_id].message_id is None
    with world.runtime.begin() as work:
        labels = world.vault.labels(mine[note_id].text)
        assert {origin.grant_id for origin in labels} == {mail[0]}
        assert work.session.scalar(text("SELECT count(*) FROM excerpts WHERE subject::text LIKE '%canary%'")) == 0


def test_when_the_account_ends_the_copies_are_gone_and_the_words_stay(world, keys, ann, mail, jane):
    note_id, task_id = copied(world, keys, ann, mail, jane)
    end(world, mail[0], purged=False)
    with world.runtime.sessions() as session:
        assert copies.beside(session, ann, [note_id, task_id]) == {}
    end(world, mail[0])
    with world.runtime.begin() as work:
        session = work.session
        for table in (Excerpt, FactTerm):
            assert session.scalars(select(table)).all() == []
        assert session.scalars(select(Fact)).all() == []
        assert read(world, ann, [notes.get(session, ann, note_id).body]) == [OWN]
        assert read(world, ann, [tasks.get(session, ann, task_id, world.now.date()).title]) == [OWN]
        assert session.scalars(select(Task.person_id)).all() == [jane]


def test_no_row_of_an_ended_account_is_left_in_any_table(world, keys, ann, mail, jane):
    copied(world, keys, ann, mail, jane)
    end(world, mail[0])
    with world.runtime.sessions() as session:
        left = {
            table.name: session.scalar(select(text("count(*)")).select_from(table).where(table.c.grant_id == mail[0]))
            for table in Base.metadata.sorted_tables
            if "grant_id" in table.columns and "outlives_grant" not in table.info
        }
    assert "excerpts" in left
    assert "aggregate_parts" in left
    assert {name for name, count in left.items() if count} == set()


def test_the_search_finds_nothing_of_an_ended_account(world, keys, ann, mail, jane):
    copied(world, keys, ann, mail, jane)
    with world.runtime.sessions() as session:
        assert search.search(session, world.indexer, ann, "canary").people
    end(world, mail[0], purged=False)
    with world.runtime.sessions() as session:
        assert not search.search(session, world.indexer, ann, "canary").people


def test_merged_people_keep_every_label(world, ann, bob, jane):
    other = world.grant(bob)
    world.hear(other, "jane@second.example", name="Jane Second", written_to=1)
    world.match_all(other)
    with world.runtime.begin() as work:
        second = work.session.scalars(select(Person.id).where(Person.id != jane)).one()
        before = {row.id: world.vault.labels(row.value) for row in work.session.scalars(select(Fact))}
        merge(work.session, second, jane)
    with world.runtime.begin() as work:
        rows = work.session.scalars(select(Fact)).all()
        assert {row.id: world.vault.labels(row.value) for row in rows} == before
        assert {row.person_id for row in rows if row.field == "name"} == {jane}
        editing.touch_person(work.session, ann, jane, world.now)
        mine = people.get(work.session, ann, jane).facts
        theirs = people.get(work.session, bob, jane).facts
    assert "Jane Second" not in read(world, ann, [row.value for row in mine])
    assert read(world, bob, [row.value for row in theirs if row.field.value == "name"]) == ["Jane Second"]
    end(world, other)
    with world.runtime.begin() as work:
        assert "Jane Canary" in read(world, ann, [row.value for row in people.get(work.session, ann, jane).facts])


def test_adding_from_a_card_copies_nothing(world, ann, mail, jane):
    with world.runtime.begin() as work:
        before = {row.id: row.value._wire for row in work.session.scalars(select(Fact))}
        editing.add_address(work.session, ann, world.index("jane@acme.example"), world.now)
    with world.runtime.begin() as work:
        assert {row.id: row.value._wire for row in work.session.scalars(select(Fact))} == before
        assert not work.session.scalars(select(Fact).where(Fact.source == FactSource.USER)).all()
        records = list(exporting.users_people(world.runtime.sessions, ann))
    assert len(records) == 1
    end(world, mail[0])
    with world.runtime.begin() as work:
        assert people.get(work.session, ann, jane).facts == ()
