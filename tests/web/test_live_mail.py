"""From a connected mailbox to a person's page and the text of a mail, through the local Google."""

import re

from sqlalchemy import func, select

from crm.models import Message, Person
from sync import jobs
from tests.signing_in import work_off

assert jobs  # registers its kinds of work


def test_a_synced_mail_is_opened_live_by_its_owner_and_its_text_is_stored_nowhere(anna, runtime):
    anna.sign_in()
    anna.connect("gmail")
    work_off(runtime, "sync.mail")
    with runtime.begin() as work:
        assert work.session.scalar(select(func.count()).select_from(Person)) > 0
        messages = work.session.scalars(select(Message.id).order_by(Message.sent_at.desc()).limit(3)).all()
    for message_id in messages:
        answer = anna.get(f"/messages/{message_id}")
        assert answer.status_code == 200
        assert re.search(r'<article class="panel mail[^>]*>\s*\S', answer.text), "the text of the mail is shown"
