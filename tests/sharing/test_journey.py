"""Anna connects her Gmail, shares it on the page that is there for it, and Bert reads a mail of hers, live."""

import re

from sqlalchemy import select

from accounts.models import Grant, Member
from crm.models import Message
from limited_use.keys import vault
from limited_use.log.leaf import read_leaf
from limited_use.log.models import LogLeaf
from sync import jobs
from tests.sharing.conftest import BERT
from tests.signing_in import Person as Somebody
from tests.signing_in import work_off

assert jobs  # registers its kinds of work
ARTICLE = re.compile(r'<article class="panel mail[^>]*>\s*\S')


def test_what_is_shared_is_read_by_a_teammate_until_it_is_not(anna, app, runtime):
    anna.sign_in()
    anna.connect("gmail")
    work_off(runtime, "sync.mail")
    anna.post("/members/invite", {"email": BERT, "role": "member"}, "/members")
    bert = Somebody(app, BERT)
    bert.sign_in()
    with runtime.begin() as work:
        grant = work.session.scalars(select(Grant)).one()
        mails = work.session.scalars(select(Message.id).order_by(Message.sent_at.desc())).all()
        bob = work.session.scalars(select(Member).where(Member.email == BERT)).one()
    page = f"/connections/{grant.id}/sharing"
    assert bert.get(page).status_code == 404
    assert [bert.get(f"/messages/{mail}").status_code for mail in mails[:2]] == [404, 404]

    for level, has_text in (("and_subjects", False), ("everything", True)):
        assert anna.post(page, {"level": level}, page).status_code == 303
        answer = bert.get(f"/messages/{mails[0]}")
        assert answer.status_code == 200
        assert bool(ARTICLE.search(answer.text)) is has_text
        assert ("shares it without its text" in answer.text) is not has_text
        assert "shared by" in answer.text
    assert "shared by" in bert.get(bert_person(bert)).text

    keys = vault(runtime)
    with runtime.sessions() as session:
        leaves = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    last = [leaf for leaf in leaves if leaf.feature == "message" and leaf.kind == "release"][-1]
    assert last.actor == keys.pseudonym(grant.organisation_id, "member", bob.id)
    assert last.grants == (keys.pseudonym(grant.organisation_id, "grant", grant.id),)
    assert "live.body" in last.fields

    assert anna.post(page, {"level": "only_me"}, page).status_code == 303
    assert bert.get(f"/messages/{mails[0]}").status_code == 404
    assert not re.search(r'href="/people/[0-9a-f-]{36}"', bert.get("/people").text)


def bert_person(bert):
    return re.search(r'href="(/people/[0-9a-f-]{36})"', bert.get("/people").text)[1]
