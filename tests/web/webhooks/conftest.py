"""An admin, an account to fill, a program on loopback, and a webhook between them."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from accounts.members import viewer_of
from accounts.models import Member
from kernel.clock import HeldClock, SystemClock
from tests.crm.world import World
from tests.web.webhooks.receiver import receiving
from tests.web.webhooks.steps import make, prove


@pytest.fixture(scope="session")
def migrated(migrated):
    return replace(migrated, egress_loopback=True)


@pytest.fixture
def clock():
    return HeldClock(SystemClock().now())


@pytest.fixture
def there():
    with receiving() as made:
        yield made


@pytest.fixture
def world(anna, runtime):
    """Anna, an owner, is signed in and has an account to fill."""
    anna.sign_in()
    with runtime.begin() as work:
        viewer = viewer_of(work.session.scalars(select(Member)).one())
    made = World(runtime, viewer.organisation_id)
    made.viewer, made.mine = viewer, made.grant(viewer)
    return made


@pytest.fixture
def proved(anna, world, runtime, there):
    """A webhook that is on; its page and secret."""
    assert world
    page, secret = make(anna, there)
    prove(anna, runtime, there, page)
    there.came.clear()
    return page, secret
