"""Whether a value of Google's can become a user's own, and so reach teammates and AI tools, without being changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm import editing
from crm.facts import index_of
from crm.models import Fact, Person
from crm.models.people import FactSource
from crm.pen import line, pen
from limited_use.sinks.presentations import PRESENTATIONS


@pytest.mark.parametrize("name", ["Jane \u202aDoe\u202c", "\u2067Jane Doe\u2069", "Jane\u202e Doe", "JANE  \uff24oe"])
def test_a_form_that_is_saved_as_it_was_shown_makes_nothing_native(world, ann, name):
    grant = world.grant(ann)
    world.hear(grant, "jane@acme.example", name=name, written_to=1)
    world.match_all(grant)
    shown = PRESENTATIONS["text"].make(name, None)
    with world.runtime.begin() as work:
        person = work.session.scalars(select(Person.id)).one()
        typed = {"name": shown, "email": "jane@acme.example", "title": "Typed by Ann"}
        keys = pen(world.runtime, world.organisation_id)
        assert editing.edit_person(work.session, keys, ann, person, typed, world.now)
        native = select(Fact.field).where(Fact.source == FactSource.USER)
        assert work.session.scalars(native).all() == ["title"]


class _Plain:
    """An index without a key: what is digested can be looked at."""

    def digest(self, kind: str, value: str | bytes) -> bytes:
        return f"{kind} {value!r}".encode()


@given(st.sampled_from(["name", "email", "phone", "title", "organisation"]), st.text(max_size=40))
def test_whatever_google_says_is_known_again_when_a_form_sends_it_back(field, told):
    shown = PRESENTATIONS["text"].make(told, None)
    sent = line(shown, "value", required=False)
    assert index_of(_Plain(), field, sent) == index_of(_Plain(), field, told)
