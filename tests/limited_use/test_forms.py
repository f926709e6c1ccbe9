"""Forms: what was shown is known again, by its viewer, in its field, for a week; nothing else passes for it."""

import datetime as dt
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.clock import HeldClock, SystemClock
from kernel.ids import new_id
from limited_use.cipher import BlindIndex
from limited_use.forms import Form, Stamp, folded, sent_back
from limited_use.keys import vault
from limited_use.sinks import browser
from limited_use.sinks.browser import show

FIELDS = ("name", "title")


@pytest.fixture
def clock():
    return HeldClock(SystemClock().now())


@pytest.fixture
def form(tenant):
    def make(member_id=None, record="person:1", organisation_id=None):
        keys, now = vault(tenant.runtime), tenant.runtime.clock.now()
        return Form(keys, organisation_id or tenant.organisation_id, member_id or tenant.owner_id, record, now)

    return make


@pytest.fixture
def shown(tenant, environment, form):
    """Return what a page with that value in a form's field holds: the text and its digest."""

    def make(value, field="name", of=None, asking=None):
        stamp = (of or form()).stamp(field, value)
        template = environment.from_string("{{ v }}|{{ d }}")
        context = {"v": value, "d": show(value, "seen", stamp)}
        page = browser.page(tenant.guard, asking or tenant.asking(), template, context)
        return re.sub("<[^>]*>", "", page).rsplit("|", 1)

    return make


def test_what_comes_back_unchanged_or_retyped_was_not_typed(tenant, form, shown):
    text, digest = shown(tenant.sealed("Ada  Lovelace\u202e"))
    assert text == "Ada  Lovelace"
    for same in (text, "ada lovelace", " ADA LOVELACE\r\n", "\uff21da Lovelace", "Ada\u200b Lovelace"):
        assert form().typed({"name": same, "seen.name": digest}, FIELDS) == {}, same
    for other in ("Ada", "Ada Lovelace Jr", "", "Lovelace Ada"):
        assert form().typed({"name": other, "seen.name": digest}, FIELDS) == {"name": other}
    assert form().typed({"seen.name": digest}, FIELDS) == {}


def test_users_own_words_may_be_retyped_in_another_way(tenant, form, shown):
    text, digest = shown(tenant.sealed("ada lovelace", "content"))
    assert form().typed({"name": text, "seen.name": digest}, FIELDS) == {}
    assert form().typed({"name": "Ada Lovelace", "seen.name": digest}, FIELDS) == {"name": "Ada Lovelace"}


def test_lines_come_back_as_browsers_send_them(tenant, form, shown):
    _, digest = shown(tenant.sealed("one \ntwo\n\nthree\n", "content"))
    assert form().typed({"name": "one\r\ntwo\r\n\r\nthree", "seen.name": digest}, FIELDS) == {}
    assert form().typed({"name": "one\r\ntwo\r\nthree", "seen.name": digest}, FIELDS) == {"name": "one\r\ntwo\r\nthree"}
    assert form().typed({"name": "one two three", "seen.name": digest}, FIELDS) == {"name": "one two three"}


@pytest.mark.parametrize(
    "of",
    [
        "member",
        "record",
        "field",
        "organisation",
        "value",
        "missing",
        "empty",
        "cut",
        "longer",
        "earlier",
        "ahead",
        "zero",
    ],
)
def test_a_digest_of_something_else_says_nothing(tenant, another_tenant, form, shown, of):
    made = {
        "member": lambda: shown(tenant.sealed("Ada"), of=form(member_id=tenant.teammate_id))[1],
        "record": lambda: shown(tenant.sealed("Ada"), of=form(record="person:2"))[1],
        "field": lambda: shown(tenant.sealed("Ada"), field="title")[1],
        "organisation": lambda: shown(tenant.sealed("Ada"), of=form(organisation_id=another_tenant.organisation_id))[1],
        "value": lambda: shown(tenant.sealed("Bob"))[1],
        "missing": lambda: None,
        "empty": lambda: "",
        "cut": lambda: shown(tenant.sealed("Ada"))[1][:-1],
        "longer": lambda: shown(tenant.sealed("Ada"))[1] + "0",
        "earlier": lambda: _moved(shown(tenant.sealed("Ada"))[1], -1),
        "ahead": lambda: _moved(shown(tenant.sealed("Ada"))[1], 1),
        "zero": lambda: re.sub("[0-9a-f]{64}$", "0" * 64, shown(tenant.sealed("Ada"))[1]),
    }
    digest = made[of]()
    sent = {"name": "Ada"} | ({} if digest is None else {"seen.name": digest})
    assert form().typed(sent, FIELDS) == {"name": "Ada"}
    assert form().typed({"name": "Ada", "seen.name": shown(tenant.sealed("Ada"))[1]}, FIELDS) == {}


def _moved(digest, hours):
    hour, rest = digest.split(".")
    return f"{int(hour) + hours}.{rest}"


def test_a_digest_serves_for_a_week(tenant, form, shown, clock):
    _, digest = shown(tenant.sealed("Ada"))
    clock.advance(6.9 * 86_400)
    assert form().typed({"name": "Ada", "seen.name": digest}, FIELDS) == {}
    clock.advance(0.3 * 86_400)
    assert form().typed({"name": "Ada", "seen.name": digest}, FIELDS) == {"name": "Ada"}


def test_a_mark_that_is_sent_back_was_not_typed(tenant, form, shown):
    asking = tenant.asking(member_id=tenant.teammate_id)
    theirs = form(member_id=tenant.teammate_id)
    text, digest = shown(tenant.sealed("Ada"), of=theirs, asking=asking)
    assert text == "withheld"
    assert theirs.typed({"name": "withheld", "seen.name": digest}, FIELDS) == {}
    assert theirs.typed({"name": "Ada", "seen.name": digest}, FIELDS) == {"name": "Ada"}


def test_digests_of_one_value_have_nothing_in_common(tenant, shown, form):
    value = tenant.sealed("Ada")
    digests = {
        shown(value, of=made, field=field)[1].partition(".")[2]
        for made in (form(), form(record="person:2"), form(member_id=new_id()))
        for field in FIELDS
    }
    halves = [half for digest in digests for half in (digest[:32], digest[32:])]
    assert len(set(halves)) == 12


@given(st.text(max_size=60))
def test_a_shown_text_that_is_sent_back_is_always_known(text):
    stamp = Stamp(BlindIndex(bytes(32)), b"bound", 1)
    digest = stamp.digest_of(text)
    for sent in (text, text.strip(), text.replace("\n", "\r\n"), text.upper().lower() if text.isascii() else text):
        assert stamp.knows(sent, digest, also_retyped=True)
    assert stamp.knows(text, digest, also_retyped=False)


@given(st.text(max_size=60), st.text(max_size=60))
def test_only_equal_texts_are_known(one, other):
    stamp = Stamp(BlindIndex(bytes(32)), b"bound", 1)
    digest = stamp.digest_of(one)
    assert stamp.knows(other, digest, also_retyped=False) == (sent_back(one) == sent_back(other))
    known = stamp.knows(other, digest, also_retyped=True)
    assert known == (sent_back(one) == sent_back(other) or folded(one) == folded(other))


@pytest.mark.parametrize("also_retyped", [True, False])
def test_a_stamp_knows_the_digests_of_its_hour_alone(also_retyped):
    stamp = Stamp(BlindIndex(bytes(32)), b"bound", 1)
    digest = stamp.digest_of("Ada")
    assert not replace(stamp, hour=2).knows("Ada", digest, also_retyped=also_retyped)
    for token in ("", "1", digest[:-1], digest + "0", digest.replace("1.", "2.", 1), digest.replace("1.", "01", 1)):
        assert not stamp.knows("Ada", token, also_retyped=also_retyped)


def test_the_form_tells_nothing_of_itself(tenant, form):
    made = form()
    stamp = made.stamp("name", tenant.sealed("Ada"))
    assert repr(made) == "<form>"
    assert repr(stamp) == "<stamp>"
    assert dt.timedelta(hours=stamp.hour) > dt.timedelta(0)
