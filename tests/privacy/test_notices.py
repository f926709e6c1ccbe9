"""Notices: on the start page and by mail, told once, safe in every header, and silent without a mail server."""

import email
import email.policy

import pytest
from sqlalchemy import select

from accounts import grants, notices
from accounts.models import Grant, GrantStatus, Member
from accounts.notices import JOB, Notice, NoticeKind
from kernel.clock import HeldClock, SystemClock
from kernel.ids import new_id
from kernel.jobs.runs import Run
from kernel.runtime import build
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from privacy import notices as sending
from privacy.retention import RULES, purge_batch
from tests.crm.world import World
from tests.signing_in import Person, work_off

HOSTILE = 'Bea <b>&"Evil"</b>\r\nBcc: all@evil.example\r\n\r\n<script>alert(1)</script>'


@pytest.fixture
def clock():
    return HeldClock(SystemClock().now())


@pytest.fixture
def member(anna, runtime):
    anna.sign_in()
    with runtime.sessions() as session:
        return session.scalars(select(Member)).one()


@pytest.fixture
def mailing(runtime, settled):
    """The runtime of a worker that has a mail server."""
    made = build(settled, runtime.clock)
    yield made
    made.close()


def tell(runtime, member, kind=NoticeKind.OPENING_ASKED, actor="Bea", about_id=None):
    bea = World(runtime, member.organisation_id).member(actor[:8].strip() or "x") if actor else None
    with runtime.begin() as work:
        if bea:
            work.session.get_one(Member, bea.member_id).name = actor
        return notices.tell(
            work.session, member.id, kind, about_id or new_id(), runtime.clock.now(), bea.member_id if bea else None
        )


def read(taken):
    return email.message_from_bytes(taken.message, policy=email.policy.default)


def kept(runtime):
    with runtime.sessions() as session:
        return session.scalars(select(Notice).order_by(Notice.id)).all()


def test_a_member_is_told_on_the_start_page_until_they_put_it_aside(anna, member, runtime):
    made = tell(runtime, member)
    page = anna.get("/").text
    assert "Bea asks to see something of your Google account." in page
    assert f'href="/notices/{made.id}"' in page
    assert anna.get(f"/notices/{made.id}").location == "/requests"
    assert anna.post(f"/notices/{made.id}/seen").status_code == 303
    assert "asks to see something" not in anna.get("/").text
    assert anna.post(f"/notices/{made.id}/seen").status_code == 303


def test_what_was_put_aside_goes_after_a_season_and_what_was_not_stays(member, runtime, clock):
    made = tell(runtime, member)
    tell(runtime, member, NoticeKind.GRANT_SUSPENDED, None)
    with runtime.begin() as work:
        notices.put_aside(work.session, member.id, made.id, clock.now())
    clock.advance(91 * 86_400)
    (rule,) = [rule for rule in RULES if rule.table is Notice]
    with runtime.begin() as work:
        assert purge_batch(work.session, rule, clock.now()) == 1
    assert [notice.kind for notice in kept(runtime)] == ["grant_suspended"]


def test_nobody_puts_aside_what_another_is_told(anna, app, member, runtime):
    made = tell(runtime, member)
    stranger = Person(app, "carla@elsewhere.example")
    stranger.sign_in()
    assert stranger.post(f"/notices/{made.id}/seen").status_code == 404
    assert stranger.get(f"/notices/{made.id}").status_code == 404
    assert "asks to see" not in stranger.get("/").text
    assert "asks to see" in anna.get("/").text


def test_a_letter_goes_to_the_members_own_address_over_tls(member, mailing, runtime, mail_server):
    made = tell(runtime, member)
    work_off(mailing, JOB)
    (taken,) = mail_server.taken
    assert (taken.sender, taken.to, taken.over_tls) == ("crm@own.example", ["anna@northwind.example"], True)
    letter = read(taken)
    assert letter["Subject"] == "Bea asks to see something of your Google account."
    assert (letter["To"], letter["Auto-Submitted"]) == ("anna@northwind.example", "auto-generated")
    assert letter["Message-ID"] == f"<{made.id.hex}@localhost>"
    text, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "http://localhost:8080/requests" in text
    assert '<a href="http://localhost:8080/requests">' in html
    assert kept(runtime)[0].mailed_at is not None
    with runtime.sessions() as session:
        leaf = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))][-1]
    assert (leaf.sink, leaf.feature, leaf.opened, leaf.withheld) == ("mail", "notices", 0, 0)


def test_a_hostile_name_begins_no_header_and_is_text_in_the_html(member, mailing, runtime, mail_server):
    tell(runtime, member, actor=HOSTILE)
    work_off(mailing, JOB)
    (taken,) = mail_server.taken
    letter = read(taken)
    assert taken.to == ["anna@northwind.example"]
    assert letter["Bcc"] is None
    assert letter["Subject"].startswith('Bea <b>&"Evil"</b> Bcc: all@evil.example <script>')
    html = letter.get_body(("html",)).get_content()
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert(1)</script>" in letter.get_body(("plain",)).get_content()


def test_the_same_is_told_once_a_day_and_sent_once(member, mailing, runtime, mail_server, clock):
    about_id = new_id()
    assert tell(runtime, member, NoticeKind.GRANT_SUSPENDED, None, about_id)
    assert tell(runtime, member, NoticeKind.GRANT_SUSPENDED, None, about_id) is None
    work_off(mailing, JOB)
    with runtime.begin() as work:
        work.later(JOB, kept(runtime)[0].id)
    work_off(mailing, JOB)
    assert len(mail_server.taken) == 1
    clock.advance(86_401)
    assert tell(runtime, member, NoticeKind.GRANT_SUSPENDED, None, about_id)


def test_without_a_mail_server_nothing_is_sent_and_the_page_shows_it(anna, member, runtime, mail_server):
    tell(runtime, member, NoticeKind.GRANT_SUSPENDED, None)
    work_off(runtime, JOB)
    assert mail_server.taken == []
    assert (kept(runtime)[0].mailed_at, kept(runtime)[0].mail_problem) == (None, None)
    assert "Google no longer accepts our access" in anna.get("/").text


def test_what_was_put_aside_and_who_left_gets_no_letter(member, mailing, runtime, mail_server):
    made = tell(runtime, member)
    with runtime.begin() as work:
        notices.put_aside(work.session, member.id, made.id, runtime.clock.now())
    work_off(mailing, JOB)
    tell(runtime, member, about_id=new_id(), actor="Ben")
    with runtime.begin() as work:
        work.session.get_one(Member, member.id).left_at = runtime.clock.now()
    work_off(mailing, JOB)
    assert mail_server.taken == []
    assert tell(runtime, member, actor="Bob") is None


def test_a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not(member, mailing, runtime, mail_server, clock):
    mail_server.refuses = {"RCPT": "451 later"}
    tell(runtime, member)
    work_off(mailing, JOB, rounds=1)
    assert kept(runtime)[0].mail_problem == "mail_refused"
    mail_server.refuses = {}
    clock.advance(61)
    work_off(mailing, JOB)
    assert len(mail_server.taken) == 1
    assert kept(runtime)[0].mail_problem is None
    mail_server.refuses = {"RCPT": "550 nobody"}
    tell(runtime, member, actor="Ben")
    work_off(mailing, JOB)
    with runtime.sessions() as session:
        assert {run.state for run in session.scalars(select(Run).where(Run.kind == JOB))} == {"done"}
    assert kept(runtime)[1].mail_problem == "mail_refused"
    assert kept(runtime)[1].mailed_at is None


def test_without_tls_nothing_leaves_this_machine(member, mailing, runtime, mail_server, monkeypatch):
    mail_server.tls = False
    monkeypatch.setattr("privacy.post._LOOPBACK", frozenset())
    tell(runtime, member)
    work_off(mailing, JOB)
    assert mail_server.taken == []
    assert kept(runtime)[0].mail_problem == "mail_without_tls"
    monkeypatch.undo()
    tell(runtime, member, actor="Ben")
    work_off(mailing, JOB)
    assert [taken.over_tls for taken in mail_server.taken] == [False]


def test_a_server_with_a_wrong_certificate_is_told_nothing(member, runtime, settled, mail_server):
    from dataclasses import replace

    made = build(replace(settled, egress_ca_file=""), runtime.clock)
    tell(runtime, member)
    work_off(made, JOB, rounds=1)
    made.close()
    assert mail_server.taken == []
    assert kept(runtime)[0].mail_problem == "mail_untrusted"


def test_tls_from_the_first_byte_and_a_sign_in(member, runtime, settled, mail_server):
    from dataclasses import replace

    mail_server.at_once, mail_server.wants = True, "\0robot\0secret"
    url = settled.smtp_url.replace("smtp:", "smtps:")
    for password, came in (("wrong", 0), ("secret", 1)):
        made = build(replace(settled, smtp_url=url, smtp_user="robot", smtp_password=password), runtime.clock)
        tell(runtime, member, actor=f"B {password}")
        with runtime.sessions() as session:
            latest = session.scalars(select(Notice.id).order_by(Notice.id.desc())).first()
        with runtime.begin() as work:
            work.later(JOB, latest)
        work_off(made, JOB, rounds=1)
        made.close()
        assert len(mail_server.taken) == came
    assert kept(runtime)[0].mail_problem == "mail_not_signed_in"
    assert (mail_server.taken[0].over_tls, mail_server.taken[0].signed_in) == (True, "robot")


def test_a_suspended_connection_is_told_to_its_owner(anna, member, runtime):
    world = World(runtime, member.organisation_id)
    grant_id = world.grant(world_viewer(member))
    with runtime.begin() as work:
        assert grants.suspend(work.session, grant_id, "invalid_grant", runtime.clock.now())
        assert work.session.get_one(Grant, grant_id).status == GrantStatus.SUSPENDED
    assert "Google no longer accepts our access" in anna.get("/").text
    assert 'href="/connections"' in anna.get("/").text


def world_viewer(member):
    from accounts.members import viewer_of

    return viewer_of(member)


@pytest.mark.parametrize("kind", list(NoticeKind), ids=[kind.value for kind in NoticeKind])
def test_each_kind_has_its_words_also_when_its_subject_is_gone(anna, member, runtime, kind):
    made = tell(runtime, member, kind, actor=None)
    with runtime.sessions() as session:
        said = sending.told(session, session.get_one(Notice, made.id))
    words = "".join(part for part in said.parts if isinstance(part, str))
    assert words.endswith(".")
    assert anna.get(said.path).status_code in {200, 404}
    assert words[:30].split("{")[0] in anna.get("/").text
