"""What an AI tool could learn from an export beside the values themselves."""

import json

from sqlalchemy import select

from crm import editing
from crm.models import Person
from crm.pen import pen


def test_where_somebody_works_is_googles_word_even_when_a_user_typed_the_companys_name(api, world, ann):
    grant = world.grant(ann)
    world.hear(grant, "jane@acme.example", name="Jane", written_to=1)
    world.match_all(grant)
    keys = pen(world.runtime, world.organisation_id)
    with world.runtime.begin() as work:
        person = work.session.scalars(select(Person.id)).one()
        typed = {"company_name": "Typed by Ann", "domain": "acme.example"}
        company = editing.create_company(work.session, keys, ann, typed, world.now)
        editing.touch_person(work.session, ann, person, world.now)
    api.allow_ai(ann)
    answer = api.get("/api/v1/ai/people.jsonl", api.token(ann, "ai_tool"))
    (record,) = [json.loads(line) for line in answer.text.splitlines()]
    assert record["company"] == {"withheld": "limited_use", "source": "gmail"}
    assert "Typed by Ann" not in answer.text
    assert str(company) not in answer.text
