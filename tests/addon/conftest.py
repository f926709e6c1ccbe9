"""An organisation with mail, and Gmail calling the add-on about it."""

import uuid

import pytest
from flask import Flask

from accounts.models import Grant, GrantStatus
from crm.models import Message, Participation
from kernel.runtime import Runtime
from sync.models import Collection, CollectionKind, CollectionState
from tests.addon.calls import Host, make_key, trust
from tests.crm.conftest import World as Filled
from web.app import create_app


class World(Filled):
    """An organisation to fill, with threads, collections and endings."""

    def take_part(self, message_id: uuid.UUID, correspondent_id: uuid.UUID, role: str, position: int = 0) -> None:
        """Add somebody to a message."""
        with self.runtime.begin() as work:
            grant_id = work.session.get_one(Message, message_id).grant_id
            part = Participation(organisation_id=self.organisation_id, grant_id=grant_id, message_id=message_id)
            part.correspondent_id, part.role, part.position = correspondent_id, role, position
            work.session.add(part)

    def mailbox(self, grant_id: uuid.UUID, **said: object) -> uuid.UUID:
        """Return the mail collection of the grant, made now."""
        counts = dict.fromkeys(("generation", "found", "stored", "removed", "retried"), 0)
        with self.runtime.begin() as work:
            row = Collection(
                organisation_id=self.organisation_id,
                grant_id=grant_id,
                kind=CollectionKind.MAIL,
                remote_index=bytes(16),
                **{"state": CollectionState.CURRENT, "skipped": {}, **counts, **said},
            )
            work.session.add(row)
        return row.id

    def set_status(self, grant_id: uuid.UUID, status: GrantStatus) -> None:
        with self.runtime.begin() as work:
            work.session.get_one(Grant, grant_id).status = status


@pytest.fixture(scope="session")
def signing():
    return make_key()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    made = create_app(runtime)
    made.testing = False
    return made


@pytest.fixture
def world(runtime: Runtime) -> World:
    return World(runtime)


@pytest.fixture
def another_world(runtime: Runtime) -> World:
    return World(runtime)


@pytest.fixture
def mailbox(world, grant):
    return world.mailbox(grant)


@pytest.fixture
def ann(world):
    return world.member("Ann")


@pytest.fixture
def grant(world, ann):
    return world.grant(ann)


@pytest.fixture
def host(runtime, app, signing, ann):
    signer, certificate = signing
    trust(runtime, certificate)
    return Host(runtime, app.test_client(), signer).as_member(ann)


@pytest.fixture
def bob(world, grant):
    """Somebody whom Ann wrote to, with a name that would be mark-up if it could."""
    heard = world.hear(grant, "bob@acme.example", name="Bob <b>Evil</b>", written_to=2, received_from=3)
    world.match_all(grant)
    return heard


@pytest.fixture
def letter(world, grant, bob):
    """A message of Bob's; its id at Gmail."""
    return world.message(grant, bob, "Offer & <a href='https://evil.example'>more</a>").hex[-16:]
