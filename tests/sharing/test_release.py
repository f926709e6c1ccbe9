"""What the guard itself holds, whatever was composed: a level lowered a moment ago, a row excepted since, no reader."""

from dataclasses import replace

import pytest
from sqlalchemy import event, select

from accounts import openings
from accounts.models import Grant, GrantStatus, ItemKind, Member, OpeningPurpose, Organisation, Role, Sharing
from crm import timeline
from crm.paging import Page
from kernel.database import Aspect
from kernel.ids import new_id
from limited_use import openness
from limited_use.asking import Asking, Refused
from limited_use.labels import label
from limited_use.log.models import LogLeaf
from limited_use.log.words import ActorClass, Purpose, Sink
from limited_use.release import Withheld, guard
from limited_use.sealing import Labelled
from tests.sharing.conftest import SUBJECT

SHUT = Withheld("gmail")


def asking(team, sink="browser", feature="people", **more):
    said = {"member_id": team.bob.member_id, "actor": ActorClass.MEMBER, "purpose": Purpose.USER_FEATURE, **more}
    return Asking(organisation_id=team.bob.organisation_id, feature=feature, sink=Sink(sink), **said)


def composed(team):
    """Return the values of Jane's mail as Bert's page would hold them: when, subject, snippet."""
    with team.runtime.begin() as work:
        entry = timeline.message_entry(work.session, team.bob, team.ids["mail"])
        assert timeline.of_person(work.session, team.bob, team.ids["jane"], Page(), team.runtime.clock.now()).rows
    return [entry.at, entry.title, entry.text]


def opened(team, values, runtime=None, **more):
    return guard(runtime or team.runtime).release(asking(team, **more), values, list)


def test_a_level_that_is_lowered_counts_at_once_in_another_process_with_warm_keys(team, another_runtime):
    team.share(Sharing.EVERYTHING)
    values, other = composed(team), another_runtime()
    assert opened(team, values, other)[1:] == [SUBJECT, "Dear all, the ocelot has landed"]
    for level, open_ones in ((Sharing.AND_SUBJECTS, 2), (Sharing.PEOPLE_AND_TIMES, 1), (Sharing.ONLY_ME, 0)):
        team.share(level)
        for runtime in (team.runtime, other):
            made = opened(team, values, runtime)
            assert [value == SHUT for value in made] == [False] * open_ones + [True] * (3 - open_ones)
    assert [leaf.withheld for leaf in team.leaves() if leaf.kind == "release"][-2:] == [3, 3]


def test_a_row_that_is_excepted_since_is_withheld(team):
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    team.thread("mail", Sharing.ONLY_ME)
    assert opened(team, values) == [SHUT] * 3
    team.thread("mail", Sharing.PEOPLE_AND_TIMES)
    assert opened(team, values)[1:] == [SHUT] * 2
    team.thread("mail", Sharing.EVERYTHING)
    team.protect("jane@acme.example")
    assert opened(team, values) == [SHUT] * 3


def test_without_a_reader_of_rows_nothing_of_a_teammates_is_open(team, monkeypatch):
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    monkeypatch.setattr(openness, "_readers", [])
    assert opened(team, values) == [SHUT] * 3


@pytest.mark.parametrize("about", [None, ("messages", None), ("nowhere", None)], ids=["none", "another_row", "table"])
def test_a_labelled_value_that_says_not_what_it_tells_of_is_not_shared(team, about):
    team.share(Sharing.EVERYTHING)
    row = about and (about[0], team.ids["jane"])
    labels = label("gmail", team.ids["grant"])
    assert opened(team, [Labelled(3, labels, Aspect.TIMES, row)]) == [SHUT]
    about_mail = ("messages", team.ids["mail"])
    made = [Labelled(3, labels, aspect, about_mail) for aspect in (None, Aspect.NONE, Aspect.TIMES)]
    assert opened(team, made) == [SHUT, SHUT, 3]


def test_a_row_of_one_grant_does_not_open_a_value_of_another(team):
    """A false claim about the row gives nothing: the row must be of the grant that the value's key is of."""
    team.share(Sharing.EVERYTHING)
    labels = label("gmail", team.ids["grant"])
    with team.runtime.begin() as work:
        work.session.get_one(Grant, team.ids["his"]).sharing = Sharing.EVERYTHING
    assert opened(team, [Labelled(3, labels, Aspect.TIMES, ("messages", team.ids["bobs_mail"]))]) == [SHUT]


@pytest.mark.parametrize(
    ("sink", "feature"), [("ai_tool", "ai_export"), ("webhook", "webhooks"), ("mail", "notices")], ids=str
)
def test_what_is_shared_with_people_stays_out_of_what_programs_and_mails_are_told(team, sink, feature):
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    team.api.allow_ai(team.ann)
    assert opened(team, values, sink=sink, feature=feature) == [SHUT] * 3


@pytest.mark.parametrize("sink", ["training", "ads", "broker", "credit", "analytics", "google"])
def test_what_is_shared_with_people_is_refused_where_nothing_may_go(team, sink):
    team.share(Sharing.EVERYTHING)
    with pytest.raises(Refused):
        opened(team, composed(team), sink=sink)


def test_a_suspended_grant_of_a_teammates_is_withheld(team):
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    with team.runtime.begin() as work:
        work.session.get_one(Grant, team.ids["grant"]).status = GrantStatus.SUSPENDED
    assert opened(team, values) == [SHUT] * 3


def test_who_was_removed_while_an_answer_was_made_is_shown_nothing_more(team):
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    assert SHUT not in opened(team, values)
    with team.runtime.begin() as work:
        work.session.get_one(Member, team.bob.member_id).left_at = team.runtime.clock.now()
    assert set(opened(team, values)) == {SHUT}


def test_a_value_over_ones_own_and_a_shared_account_needs_both(team):
    both = label("gmail", team.ids["grant"]) | label("gmail", team.ids["his"])
    value = Labelled(3, both, Aspect.TIMES, ("people", team.ids["jane"]))
    assert opened(team, [value]) == [SHUT]
    team.share(Sharing.PEOPLE_AND_TIMES)
    assert opened(team, [value]) == [3]
    team.person("jane", Sharing.ONLY_ME)
    assert opened(team, [value]) == [SHUT]


def test_a_document_of_ones_own_asks_nothing_more(team):
    """Sharing costs nobody anything who looks at their own: the same statements, with and without."""
    engine, said = team.runtime.sessions.kw["bind"], []
    with team.runtime.begin() as work:
        entry = timeline.message_entry(work.session, team.ann, team.ids["mail"])
    values = [entry.at, entry.title, entry.text]

    def note(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        counts = []
        for level in (Sharing.ONLY_ME, Sharing.EVERYTHING):
            team.share(level)
            opened(team, values, member_id=team.ann.member_id)
            said.clear()
            opened(team, values, member_id=team.ann.member_id)
            counts.append(len(said))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert counts[0] == counts[1]
    assert not any(f"FROM {table}" in statement for table in ("sharing_exceptions", "members") for statement in said)


def test_a_document_of_a_teammates_asks_once_about_all_rows_and_once_about_openings(team):
    team.share(Sharing.EVERYTHING)
    values = composed(team) * 20
    opened(team, values)
    engine, said = team.runtime.sessions.kw["bind"], []

    def note(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        opened(team, values)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert sum("sharing_exceptions" in statement for statement in said) == 1
    assert sum("FROM openings" in statement for statement in said) == 1


def test_what_its_owner_opens_to_one_member_opens_by_aspect_of_that_item_alone(team):
    about, labels = ("messages", team.ids["mail"]), label("gmail", team.ids["grant"])
    other = ("messages", team.ids["lone"])
    values = [
        Labelled(number, labels, aspect, row)
        for number, (aspect, row) in enumerate(
            [(Aspect.TIMES, about), (Aspect.CONTENT, about), (Aspect.NONE, about), (None, about), (Aspect.TIMES, other)]
        )
    ]
    assert opened(team, values, feature="message") == [SHUT] * 5
    with team.runtime.begin() as work:
        now, item = team.runtime.clock.now(), openings.Item(ItemKind.MESSAGE, team.ids["mail"])
        asked = openings.ask(work.session, team.bob, openings.Wish(item, team.ids["grant"]), now)
        openings.allow(work.session, team.ann, asked.opening.id, None, now)
    before = len(team.leaves())
    assert opened(team, values, feature="message") == [0, 1, SHUT, SHUT, SHUT]
    assert [leaf.consent for leaf in team.leaves()[before:]] == [str(asked.opening.id)], "one entry says all"
    assert opened(team, values, sink="api", feature="api") == [SHUT] * 5, "it is shown, not handed to programs"
    assert team.leaves()[-1].consent is None, "nothing was opened by it"
    assert opened(team, values, sink="staff", feature="openings") == [SHUT] * 5


def test_several_openings_on_one_page_are_each_in_the_log(team):
    labels = label("gmail", team.ids["grant"])
    values = [
        Labelled(at, labels, Aspect.TIMES, ("messages", team.ids[name])) for at, name in enumerate(("mail", "lone"))
    ]
    with team.runtime.begin() as work:
        now, asked = team.runtime.clock.now(), []
        for name in ("mail", "lone"):
            wish = openings.Wish(openings.Item(ItemKind.MESSAGE, team.ids[name]), team.ids["grant"])
            asked.append(openings.ask(work.session, team.bob, wish, now).opening.id)
            openings.allow(work.session, team.ann, asked[-1], None, now)
    before = len(team.leaves())
    assert opened(team, values, feature="message") == [0, 1]
    whole, *each = team.leaves()[before:]
    assert (whole.kind, whole.opened, whole.consent, whole.ticket) == ("release", 2, None, None)
    assert [leaf.consent for leaf in each] == sorted(map(str, asked))
    for leaf in each:
        assert (leaf.kind, leaf.decision, leaf.feature, leaf.reason) == ("consent", "event", "openings", "opened")
        assert (leaf.actor_class, leaf.org, leaf.actor) == (whole.actor_class, whole.org, whole.actor)
        assert (leaf.grants, leaf.records, leaf.ticket) == (whole.grants, 1, None)
    assert None not in (whole.org, whole.actor)
    with team.runtime.sessions() as session:
        rows = session.execute(select(LogLeaf.organisation_id, LogLeaf.actor_id).order_by(LogLeaf.id.desc()).limit(3))
        assert {tuple(row) for row in rows} == {(team.bob.organisation_id, team.bob.member_id)}


def test_what_a_case_opened_beside_what_was_consented_to_is_told_as_a_case(team):
    labels = label("gmail", team.ids["grant"])
    cora, bob = (replace(one, role=Role.ADMIN) for one in (team.world.member("Cora"), team.bob))
    how = {"mail": (OpeningPurpose.STAFF, None, team.ann), "lone": (OpeningPurpose.CASE, "security", cora)}
    asked = {}
    with team.runtime.begin() as work:
        now = team.runtime.clock.now()
        for name, (purpose, ground, who) in how.items():
            item = openings.Item(ItemKind.MESSAGE, team.ids[name])
            wish = openings.Wish(item, team.ids["grant"], purpose, ground=ground)
            asked[name] = openings.ask(work.session, bob, wish, now).opening.id
            openings.allow(work.session, who, asked[name], None, now)
    values = [Labelled(at, labels, Aspect.TIMES, ("messages", team.ids[name])) for at, name in enumerate(how)]
    assert opened(team, values, sink="staff", feature="openings", actor="staff") == [0, 1]
    whole, *each = team.leaves()[-3:]
    assert (whole.consent, whole.ticket) == (None, None)
    assert {(leaf.kind, leaf.actor_class, leaf.consent, leaf.ticket) for leaf in each} == {
        ("consent", "staff", str(asked["mail"]), None),
        ("staff_case", "staff", None, str(asked["lone"])),
    }


def test_a_member_of_another_organisation_is_nobodys_teammate(team):
    """Whatever id a caller came to ask with: who is no member here is shown nothing that members are shown."""
    team.share(Sharing.EVERYTHING)
    values = composed(team)
    now = team.runtime.clock.now()
    with team.runtime.begin() as work:
        elsewhere = Organisation(id=new_id(), name="Elsewhere", created_at=now)
        work.session.add(elsewhere)
        work.session.flush()
        member = Member(
            id=new_id(), organisation_id=elsewhere.id, google_sub="elsewhere", email="x@elsewhere.example",
            name="X", role=Role.OWNER, created_at=now,
        )  # fmt: skip
        work.session.add(member)
        stranger_id = member.id
    assert opened(team, values, member_id=stranger_id) == [SHUT] * 3
