"""An office over HTTP: Anna, whose mailbox is connected, and two colleagues; what Google told is put in by hand."""

import uuid
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from accounts.models import Grant, Member, Opening, Role, Sharing
from kernel.runtime import Runtime
from limited_use.log.leaf import Leaf, read_leaf
from limited_use.log.models import LogLeaf
from limited_use.log.words import Kind
from tests.crm.world import World
from tests.signing_in import Person

BERT, CARL = "bert@northwind.example", "carl@northwind.example"
SUBJECT = "Kestrel prices for spring"
OTHER = "Heron delivery dates"


@dataclass
class Office:
    """Anna, whose mailbox is connected, and her colleagues Bert and Carl; two mails of Anna's with one person."""

    runtime: Runtime
    anna: Person
    bert: Person
    carl: Person
    grant_id: uuid.UUID
    message_id: uuid.UUID
    other_id: uuid.UUID
    person_id: uuid.UUID

    def role(self, who: Person, new: Role) -> None:
        with self.runtime.begin() as work:
            work.session.scalars(select(Member).where(Member.email == who.address)).one().role = new

    def share(self, level: Sharing) -> None:
        with self.runtime.begin() as work:
            work.session.get_one(Grant, self.grant_id).sharing = level

    def ask(self, who: Person, **more: str) -> str:
        form = {"kind": "message", "item": str(self.message_id), **more}
        answer = who.post("/requests", form, "/requests")
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def opening(self) -> Opening:
        with self.runtime.sessions() as session:
            return session.scalars(select(Opening).order_by(Opening.asked_at.desc(), Opening.id.desc())).first()

    def answer(self, who: Person, verb: str, **form: str) -> int:
        return who.post(f"/requests/{self.opening().id}/{verb}", form, "/requests").status_code

    def leaves(self, *kinds: Kind) -> list[Leaf]:
        with self.runtime.sessions() as session:
            bodies = session.scalars(select(LogLeaf.body).where(LogLeaf.kind.in_(kinds)).order_by(LogLeaf.id))
            return [read_leaf(body) for body in bodies]


@pytest.fixture
def office(app: Flask, anna: Person, runtime: Runtime) -> Office:
    anna.sign_in()
    anna.connect("gmail")
    others = [Person(app, address) for address in (BERT, CARL)]
    for other in others:
        anna.post("/members/invite", {"email": other.address, "role": Role.MEMBER.value}, "/members")
        other.sign_in()
    with runtime.sessions() as session:
        grant = session.scalars(select(Grant)).one()
    world = World(runtime, grant.organisation_id)
    known = world.hear(grant.id, "robin@kestrel.example", name="Robin Kestrel", written_to=3)
    message_id = world.message(grant.id, known, SUBJECT)
    other_id = world.message(grant.id, known, OTHER)
    world.match_all(grant.id)
    person_id = next(person for _, _, person in world.decisions().values() if person)
    office = Office(runtime, anna, *others, grant.id, message_id, other_id, person_id)
    office.share(Sharing.PEOPLE_AND_TIMES)
    return office
