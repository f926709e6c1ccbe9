"""Lists by name: in the order of the names that this member may see, page by page, else by last contact."""

import datetime as dt
import html
import re

import pytest
from sqlalchemy import select

from accounts.members import viewer_of
from accounts.models import Grant, GrantStatus, Member
from crm import ordering
from crm.models import Correspondent, Person
from crm.ordering import companies_by_name, people_by_name
from crm.paging import Page
from limited_use.log.models import LogLeaf
from tests.crm.world import World
from tests.web.test_records import said


@pytest.fixture
def world(anna, runtime):
    anna.sign_in()
    with runtime.begin() as work:
        viewer = viewer_of(work.session.scalars(select(Member)).one())
    made = World(runtime, viewer.organisation_id)
    made.viewer, made.mine = viewer, made.grant(viewer)
    return made


@pytest.fixture
def names(world, runtime):
    """Return the names on the pages of people by name, as a viewer sees them, in order."""

    def read(viewer=None, size=50):
        found, page = [], Page(size)
        for _ in range(100):
            with runtime.sessions() as session:
                listing = people_by_name(session, world.vault, viewer or world.viewer, page)
            found.extend(listing.rows)
            if listing.next is None:
                return found
            page = Page(size, listing.next)
        raise AssertionError("the list has no end")

    return read


def opened(world, rows):
    """Return which person each row is, by what the test called them."""
    return [world.called.get(row.id.value) for row in rows]


def fill(world, *told):
    world.called = {}
    for n, name in enumerate(told):
        at = world.now - dt.timedelta(days=n)
        world.hear(world.mine, f"x{n}@client{n}.example", name=name, written_to=1, last_at=at)
    world.match_all(world.mine)
    with world.runtime.begin() as work:
        heard = work.session.scalars(select(Correspondent).order_by(Correspondent.last_at.desc())).all()
        world.called = {row.person_id: told[n] or f"x{n}" for n, row in enumerate(heard)}


def test_people_stand_by_name_whatever_case_and_accents(world, names):
    fill(world, "zoe", "Émile", "adam", None, "Bob", "Ådam B")
    found = names()
    assert opened(world, found) == ["adam", "Ådam B", "Bob", "Émile", "x3", "zoe"]
    assert [row.name is None for row in found] == [False, False, False, False, True, False]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_lose_and_repeat_nobody(world, names, size):
    fill(world, *(f"Name {n % 7:03} {n}" for n in range(20)))
    found = opened(world, names(size=size))
    assert found == sorted(found)
    assert len(set(found)) == 20


def test_a_page_goes_on_where_the_last_row_is_gone(world, runtime):
    fill(world, "a", "b", "c", "d", "e")
    with runtime.sessions() as session:
        first = people_by_name(session, world.vault, world.viewer, Page(2))
    with runtime.begin() as work:
        gone = work.session.get_one(Person, first.rows[-1].id.value)
        gone.organisation_id = other_organisation(runtime)
    with runtime.sessions() as session:
        second = people_by_name(session, world.vault, world.viewer, Page(2, first.next))
    assert opened(world, first.rows) == ["a", "b"]
    assert opened(world, second.rows) == ["c", "d"]


def other_organisation(runtime):
    return World(runtime).organisation_id


def test_a_teammates_names_take_no_part(world, names):
    bob = world.member("Bob")
    fill(world, "adam", "zoe", "mia")
    with world.runtime.begin() as work:
        for person in work.session.scalars(select(Person)):
            person.touched_at = world.now  # by Anna: from now on they are the organisation's, their names hers
    mine = opened(world, names())
    ids = sorted(row.id.value for row in names(bob))
    theirs = [row.id.value for row in names(bob)]
    assert mine == ["adam", "mia", "zoe"]
    assert theirs == ids  # by nothing that the names would tell
    assert all(row.name is None for row in names(bob))


def test_a_paused_connections_names_take_no_part(world, names, runtime):
    fill(world, "zoe", "adam", "mia")
    with runtime.begin() as work:
        work.session.get_one(Grant, world.mine).status = GrantStatus.SUSPENDED
    ids = [row.id.value for row in names()]
    assert ids == sorted(ids)


def test_companies_stand_by_name(world, runtime):
    for domain in ("zebra.example", "acme.example", "middle.example"):
        world.hear(world.mine, f"jo@{domain}", written_to=1, last_at=world.now)
    world.match_all(world.mine)
    found = []
    page = Page(2)
    while page is not None:
        with runtime.sessions() as session:
            listing = companies_by_name(session, world.vault, world.viewer, page)
        found.extend(listing.rows)
        page = Page(2, listing.next) if listing.next else None
    assert len(found) == 3
    assert len({row.id.value for row in found}) == 3


def shown(answer):
    return [html.unescape(name).strip() for name in re.findall(r'class="name">([^<]*)<', answer.text)]


def test_the_list_is_read_by_name_and_says_so(anna, world):
    fill(world, *(f"N{n % 10}{n:03}" for n in range(120)))
    first = anna.get("/people?by=name")
    assert "By name" in said(first)
    pages, answer = [shown(first)], first
    while more := re.search(r'href="([^"]+)" rel="next"', answer.text):
        answer = anna.get(html.unescape(more[1]))
        assert "By name" in said(answer)
        pages.append(shown(answer))
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in page] == sorted(f"N{n % 10}{n:03}" for n in range(120))
    by_contact = shown(anna.get("/people"))
    assert by_contact[:3] == ["N0000", "N1001", "N2002"]
    assert "by name" in said(anna.get("/people"))


def test_a_page_of_one_order_is_none_of_the_other(anna, world):
    fill(world, *(f"N{n:03}" for n in range(60)))
    after = re.search(r"after=([^&\"]+)", anna.get("/people?by=name").text)[1]
    assert anna.get(f"/people?after={after}").status_code == 422
    assert anna.get(f"/companies?by=name&after={after}").status_code == 422
    assert anna.get(f"/people?by=name&after={after}").status_code == 200


def test_too_long_a_list_stands_by_last_contact_and_says_so(anna, world, monkeypatch):
    fill(world, "zoe", "adam", "mia")
    monkeypatch.setattr(ordering, "MOST", 2)
    answer = anna.get("/people?by=name")
    assert "too many to put them in order by name" in said(answer)
    assert shown(answer) == ["zoe", "adam", "mia"]
    monkeypatch.setattr(ordering, "MOST", 3)
    assert shown(anna.get("/people?by=name")) == ["adam", "mia", "zoe"]
    companies = anna.get("/companies?by=name")
    assert "By name" in said(companies)


def test_an_order_writes_no_leaf_of_its_own(anna, world, runtime):
    fill(world, "zoe", "adam")

    def leaves():
        with runtime.sessions() as session:
            return len(session.scalars(select(LogLeaf.id)).all())

    anna.get("/people")
    before = leaves()
    anna.get("/people")
    plain = leaves() - before
    anna.get("/people?by=name")
    assert leaves() - before - plain == plain
