"""What tests of webhooks do and look at again and again."""

import re

from sqlalchemy import select

from crm import editing, notes
from crm.models import Person as PersonRow
from crm.pen import pen
from crm.webhooks.happenings import CHOSEN, JOB
from crm.webhooks.jobs import send
from crm.webhooks.models import Webhook, WebhookDelivery
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from tests.signing_in import work_off

assert send  # registers the kind of work
PAGE = "/settings/webhooks"
EVERYTHING = [event.value for event in CHOSEN]


def form(url, **said):
    return {"name": "Warehouse", "url": url, "region": "EU", "events": EVERYTHING, "agree": "yes", **said}


def make(anna, there, **said):
    """Return a new webhook's page and its secret."""
    answer = anna.post(PAGE, form(there.url, **said), PAGE)
    assert answer.status_code == 200, answer.text
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text)
    found = re.search(rf"{PAGE}/([0-9a-f-]{{36}})/remove", answer.text)
    return f"{PAGE}/{found[1]}", secret


def prove(anna, runtime, there, page):
    work_off(runtime, JOB)
    code = there.of("webhook.challenge")[-1].said["data"]["code"]
    assert anna.post(f"{page}/confirm", {"code": code}, page).status_code == 303


def write_note(world, person_id, body="Native note"):
    now = world.runtime.clock.now()
    with world.runtime.begin() as work:
        keys = pen(world.runtime, world.organisation_id)
        return notes.write_about_person(work.session, keys, world.viewer, person_id, body, now)


def only_person(world):
    with world.runtime.sessions() as session:
        return session.scalars(select(PersonRow.id)).one()


def add_person(world, viewer=None, **typed):
    now = world.runtime.clock.now()
    with world.runtime.begin() as work:
        keys = pen(world.runtime, world.organisation_id)
        return editing.create_person(work.session, keys, viewer or world.viewer, {"name": "Typed Tom", **typed}, now)


def state(runtime):
    with runtime.sessions() as session:
        return session.scalars(select(Webhook)).one().state


def sent(runtime):
    with runtime.sessions() as session:
        return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()


def leaves(runtime, sink="webhook"):
    with runtime.sessions() as session:
        found = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    return [leaf for leaf in found if leaf.sink == sink]
