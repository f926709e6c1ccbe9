"""The two ways in which sharing is said, by sets for queries and by ranks for the guard, are one, row by row."""

import random
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from accounts.models import Sharing
from crm import sharing
from crm.models import (
    Contact,
    Correspondent,
    Fact,
    Meeting,
    Message,
    Participation,
    ProtectedAddress,
    SharingException,
)
from crm.openness import rank_of_correspondent, rank_of_person, rows_shared
from crm.visibility import sight_of
from limited_use.openness import Row
from sync.apply.counts import count_mail

ADDRESSES = ("jane@acme.example", "carl@else.example", "vera@acme.example", "dora@acme.example", "nobody@x.example")
ROUNDS = 12


@pytest.fixture
def crowd(team):
    """More mails and meetings, of each with each."""
    world, grant = team.world, team.ids["grant"]
    with world.runtime.begin() as work:
        known = work.session.scalars(select(Correspondent.id).where(Correspondent.grant_id == grant)).all()
    now = team.runtime.clock.now()
    dora = world.hear(grant, "dora@acme.example", name="Dora", written_to=1, last_at=now)
    silent = world.hear(grant, "letter@shop.example", received_from=3, received_bulk=3, last_at=now)
    for one in (*known, dora):
        mail = world.message(grant, one, "Round robin", now)
        world.take_part(mail, silent, "cc")
        world.take_part(mail, dora, "to") if one != dora else None
    world.meeting(grant, dora, "Review", now)
    world.match_all(grant)
    with world.runtime.begin() as work:
        work.session.get_one(Meeting, world.meeting(grant, dora, "Doctor", now)).is_private = True
    return team


def dice_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- dice of a test, the same each time


def shuffle(team, dice: random.Random) -> None:
    """Let Anna share and except as the dice fall."""
    grant = team.ids["grant"]
    with team.runtime.begin() as work:
        session = work.session
        session.execute(delete(SharingException))
        session.execute(delete(ProtectedAddress))
        sharing.share(team.runtime, session, team.ann, grant, dice.choice(list(Sharing)))
        for name in dice.sample(("jane", "carl", "vera"), dice.randint(0, 3)):
            sharing.except_person(team.runtime, session, team.ann, grant, team.ids[name], dice.choice(list(Sharing)))
        for name in dice.sample(("mail", "group", "lone", "old"), dice.randint(0, 2)):
            sharing.except_thread(team.runtime, session, team.ann, team.ids[name], dice.choice(list(Sharing)))
        for address in dice.sample(ADDRESSES, dice.choice((0, 0, 1, 2))):
            sharing.protect(team.runtime, session, team.ann, grant, address)


def seen(session: Any, model: Any, *conditions: Any) -> set[Any]:
    return set(session.scalars(select(model.id).where(*conditions)))


@pytest.mark.parametrize("seed", range(3))
def test_what_queries_find_is_what_the_guard_opens(crowd, seed):
    dice, grant, found = dice_of(seed), crowd.ids["grant"], 0
    for _ in range(ROUNDS):
        shuffle(crowd, dice)
        with crowd.runtime.begin() as work:
            session, sight = work.session, sight_of(work.session, crowd.bob)
            matched = Fact.person_id.is_not(None) | Fact.company_id.is_not(None)
            for model, here, condition in (
                (Message, Message.grant_id == grant, sight.messages()),
                (Meeting, Meeting.grant_id == grant, sight.meetings()),
                (Fact, (Fact.grant_id == grant) & matched, sight.facts()),
            ):
                rows = [Row(grant, model.__tablename__, row_id) for row_id in seen(session, model, here)]
                shared = {row.id for row, how in rows_shared(session, rows).items() if how.rank > 0}
                assert seen(session, model, here, condition) == shared
                found += len(shared)
            whole = Row(grant, "organisations", crowd.bob.organisation_id)
            assert (rows_shared(session, [whole])[whole].rank > 0) is (grant in sight.shared_ids)
            mine = Correspondent.grant_id == grant, Correspondent.person_id.is_not(None)
            ranked = seen(session, Correspondent, *mine, rank_of_correspondent() > 0)
            assert seen(session, Correspondent, *mine, sight.correspondents()) == ranked
            held = Contact.grant_id == grant, Contact.person_id.is_not(None)
            ranked = seen(session, Contact, *held, rank_of_person(Contact.grant_id, Contact.person_id) > 0)
            assert seen(session, Contact, *held, sight._contacts()) == ranked
    assert found > 50


def test_the_last_contact_is_of_what_is_shown(crowd):
    """Of each address the time that is told is that of its last mail or meeting which the viewer sees."""
    dice, grant = dice_of(7), crowd.ids["grant"]
    with crowd.runtime.begin() as work:
        everyone = work.session.scalars(select(Correspondent.id).where(Correspondent.grant_id == grant)).all()
        count_mail(work.session, everyone)
    for _ in range(ROUNDS):
        shuffle(crowd, dice)
        with crowd.runtime.begin() as work:
            session, sight = work.session, sight_of(work.session, crowd.bob)
            query = select(Correspondent.id, sight.last_at().label("at")).where(
                Correspondent.grant_id == grant, sight.correspondents(), Correspondent.person_id.is_not(None)
            )
            for row in session.execute(query):
                assert row.at == _last_of(session, sight, row.id)


def _last_of(session, sight, correspondent_id):
    query = (
        select(func.max(Message.sent_at))
        .join(Participation, Participation.message_id == Message.id)
        .where(Participation.correspondent_id == correspondent_id, sight.messages())
    )
    return session.scalar(query)
