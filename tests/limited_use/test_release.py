"""Release: decided under locks, told in the log first, opened after, and denied at once when a grant ends."""

import threading
import uuid

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from accounts.models import Grant, GrantStatus
from limited_use import destinations, leaves
from limited_use.asking import AiNotAllowed, GrantEnded, LogUnavailable, Refused, Tampered
from limited_use.key_tree import KeyName
from limited_use.keys import KeyPurpose, vault
from limited_use.labels import Origin, Source, label
from limited_use.log.leaf import LeafRefused
from limited_use.release import Guard, Withheld, guard
from limited_use.sealing import Labelled, Native, System

CANARY = "canary-91be34"


def release(tenant, values, asking=None, **said):
    return tenant.guard.release(asking or tenant.asking(**said), values, list)


def test_one_leaf_tells_of_a_whole_document(tenant):
    row = uuid.uuid4()
    values = [tenant.sealed("a", row_id=row), tenant.sealed("b", "calendar", row), tenant.labelled(3), Native(1)]
    assert release(tenant, values) == ["a", "b", 3, 1]
    (leaf,) = tenant.leaves()
    assert leaf.labels == ("calendar", "gmail")
    assert (leaf.opened, leaf.withheld, leaf.records, leaf.kind, leaf.actor_class) == (3, 0, 1, "release", "member")
    keys = vault(tenant.runtime)
    assert leaf.grants == (keys.pseudonym(tenant.organisation_id, "grant", tenant.grant_id),)
    assert leaf.actor == keys.pseudonym(tenant.organisation_id, "member", tenant.owner_id)
    assert leaf.org == keys.pseudonym(tenant.organisation_id, "organisation", tenant.organisation_id)


def test_the_digest_of_rows_depends_on_the_rows_alone(tenant):
    rows = [uuid.uuid4(), uuid.uuid4()]
    release(tenant, [tenant.sealed("a", row_id=row) for row in rows])
    release(tenant, [tenant.sealed("b", row_id=row) for row in reversed(rows)])
    release(tenant, [tenant.sealed("a", row_id=rows[0])])
    one, two, three = tenant.leaves()
    assert one.rows == two.rows != three.rows


def test_an_answer_without_anything_from_google_writes_no_leaf(tenant):
    assert release(tenant, [tenant.sealed("note", "content"), Native(1), System("s")]) == ["note", 1, "s"]
    assert release(tenant, []) == []
    assert tenant.leaves() == []


def test_no_leaf_no_opening(tenant, monkeypatch):
    opened = []
    monkeypatch.setattr("limited_use.release._decrypt", lambda *given: opened.append(given))
    for fault in (LeafRefused(), OperationalError("x", None, Exception())):

        def fail(*_, fault=fault, **__):
            raise fault

        monkeypatch.setattr(leaves.record, "append", fail)
        with pytest.raises(LogUnavailable):
            release(tenant, [tenant.sealed(CANARY)])
    assert opened == []


def test_a_commit_that_fails_opens_nothing(tenant, monkeypatch):
    opened = []
    monkeypatch.setattr("limited_use.release._decrypt", lambda *given: opened.append(given))
    engine = tenant.runtime.sessions.kw["bind"]
    guarded, value, asking = tenant.guard, tenant.sealed(CANARY), tenant.asking()

    def fail(_connection):
        raise OperationalError("COMMIT", None, Exception())

    event.listen(engine, "commit", fail)
    try:
        with pytest.raises(LogUnavailable):
            guarded.release(asking, [value], list)
    finally:
        event.remove(engine, "commit", fail)
    assert opened == []
    assert tenant.leaves() == []


def test_the_leaf_is_committed_before_the_first_value_is_opened(tenant, monkeypatch):
    seen = []
    from limited_use import release as module

    real = module._decrypt

    def spy(*given):
        seen.append(len(tenant.leaves()))
        return real(*given)

    monkeypatch.setattr(module, "_decrypt", spy)
    release(tenant, [tenant.sealed("a"), tenant.sealed("b")])
    assert seen == [1, 1]


def test_a_teammate_is_withheld_what_the_owner_sees(tenant):
    values = [tenant.sealed(CANARY), tenant.labelled(CANARY), tenant.sealed("note", "content")]
    made = release(tenant, values, member_id=tenant.teammate_id)
    assert made == [Withheld("gmail"), Withheld("gmail"), "note"]
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.opened, leaf.withheld) == ("withhold", 0, 2)


def test_nobody_is_withheld_it_too(tenant):
    asking = tenant.asking("api", "api", member_id=None, actor="worker")
    assert release(tenant, [tenant.sealed(CANARY)], asking) == [Withheld("gmail")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"feature": "none_such"}, "unknown_feature"),
        ({"feature": "A b <c>"}, "unknown_feature"),
        ({"purpose": "curiosity"}, "unknown_purpose"),
        ({"sink": "moon"}, "limited_use"),
        ({"purpose": "ai_inference"}, "limited_use"),
        ({"purpose": "legal"}, "limited_use"),
        ({"feature": "sync"}, "limited_use"),
        *(({"sink": sink}, "limited_use") for sink in ("training", "ads", "broker", "credit", "analytics", "staff")),
        ({"sink": "webhook"}, "limited_use"),
        ({"sink": "mail"}, "limited_use"),
        ({"sink": "google"}, "limited_use"),
        ({"sink": "ai_tool", "feature": "ai_export"}, "ai_not_allowed"),
    ],
)
def test_what_no_rule_allows_is_refused_with_a_leaf(tenant, said, reason):
    with pytest.raises(Refused) as caught:
        release(tenant, [tenant.sealed(CANARY)], **said)
    assert CANARY not in str(caught.value)
    (leaf,) = tenant.leaves()
    assert (leaf.decision, leaf.reason, leaf.opened) == ("refuse", reason, 0)


def test_words_that_are_none_are_unknown_and_who_is_unknown_is_a_worker(tenant):
    asking = tenant.asking("moon", "people", purpose="curiosity", actor="robot")
    assert (asking.sink, asking.purpose, asking.actor) == ("unknown", "unknown", "worker")


@pytest.mark.parametrize("sink", ["training", "ads", "broker", "credit", "analytics"])
def test_even_native_values_have_no_way_to_sinks_without_an_adaptor(tenant, sink):
    with pytest.raises(Refused):
        release(tenant, [tenant.sealed("note", "content")], sink=sink)


@pytest.mark.parametrize("loose", ["text", 3, None, b"x", 1.5, ["x"], {}])
def test_a_bare_value_is_refused(tenant, loose):
    with pytest.raises(Refused):
        release(tenant, [Native(1), loose])
    assert tenant.leaves()[-1].reason == "unknown_origin"


def test_values_of_another_organisation_are_refused(tenant, another_tenant):
    theirs = another_tenant.labelled(CANARY)
    with pytest.raises(GrantEnded):
        release(tenant, [theirs])
    with pytest.raises(Refused):
        release(tenant, [another_tenant.sealed(CANARY)])
    with pytest.raises(Refused):
        release(tenant, [another_tenant.sealed(CANARY, "content")])


def test_a_label_over_two_grants_needs_both_owners(tenant):
    other = tenant.another_grant()
    both = label("gmail", tenant.grant_id) | label("calendar", other)
    for member_id in (tenant.owner_id, tenant.teammate_id):
        made = release(tenant, [Labelled(CANARY, both)], member_id=member_id)
        assert made == [Withheld("calendar,gmail")]
    assert Origin(Source.GMAIL, tenant.grant_id) in both


def test_what_a_user_wrote_is_open_where_google_tells_of_it_as_long_as_both_are(tenant):
    written = tenant.sealed(CANARY, "content")
    both = [tenant.labelled(written), tenant.labelled(7), tenant.labelled(tenant.sealed(CANARY, "calendar")), written]
    assert release(tenant, both) == [CANARY, 7, CANARY, CANARY]
    assert vault(tenant.runtime).labels(both[0]) == label("gmail", tenant.grant_id)
    assert {origin.source for origin in vault(tenant.runtime).labels(both[2])} == {"gmail", "calendar"}
    kept = Withheld("gmail")
    assert release(tenant, both, member_id=tenant.teammate_id) == [kept, kept, kept, CANARY]
    tenant.set_status(GrantStatus.SUSPENDED)
    gone = Withheld("gmail", "grant_suspended")
    assert release(tenant, both) == [gone, gone, gone, CANARY]
    assert tenant.leaves()[-1].withheld == 4, "three that Google tells of, and what the key of one is of"


def test_what_stands_somewhere_by_leave_of_google_is_not_even_decrypted_where_that_is_withheld(tenant, monkeypatch):
    written = tenant.sealed(CANARY, "content")
    tenant.set_status(GrantStatus.SUSPENDED)
    monkeypatch.setattr("limited_use.release._decrypt", lambda *_: pytest.fail("opened"))
    assert release(tenant, [tenant.labelled(written)]) == [Withheld("gmail", "grant_suspended")]


def test_a_value_that_is_withheld_stays_so_wherever_it_stands(tenant):
    foreign = Labelled(tenant.sealed(CANARY, "calendar"), label("gmail", tenant.another_grant()))
    assert release(tenant, [foreign], member_id=tenant.teammate_id) == [Withheld("calendar")]


def test_a_revoked_grant_is_refused_with_its_keys_still_warm(tenant, another_runtime):
    value, other = tenant.sealed(CANARY), guard(another_runtime())
    assert other.release(tenant.asking(), [value], list) == [CANARY]
    tenant.set_status(GrantStatus.REVOKED)
    for gate in (tenant.guard, other):
        for kept in (value, tenant.labelled(CANARY)):
            with pytest.raises(GrantEnded):
                gate.release(tenant.asking(), [kept], list)
    assert tenant.leaves()[-1].reason == "grant_revoked"


def test_a_suspended_grant_is_withheld_and_its_tokens_refused(tenant):
    tenant.set_status(GrantStatus.SUSPENDED)
    assert release(tenant, [tenant.sealed(CANARY)]) == [Withheld("gmail", "grant_suspended")]
    token = tenant.sealed(CANARY, "tokens")
    with pytest.raises(Refused):
        release(tenant, [token], tenant.asking("google", "sync", member_id=None, destination=str(tenant.grant_id)))


def test_a_grant_whose_row_is_gone_is_refused(tenant):
    value = tenant.sealed(CANARY)
    with tenant.runtime.sessions.begin() as session:
        session.delete(session.get_one(Grant, tenant.grant_id))
    with pytest.raises(GrantEnded):
        release(tenant, [value])


def test_one_tampered_value_spoils_the_whole_answer(tenant):
    good, bad = tenant.sealed("a"), tenant.sealed("b")
    bad._wire = bad._wire[:-1] + bytes([bad._wire[-1] ^ 1])
    delivered = []
    with pytest.raises(Tampered):
        tenant.guard.release(tenant.asking(), [good, bad], delivered.append)
    assert delivered == []
    assert [leaf.reason for leaf in tenant.leaves()] == [None, "tampered"]


def test_values_under_keys_that_seal_nothing_are_refused(tenant):
    from limited_use.cipher import Sealer, Uses

    for purpose in (KeyPurpose.INDEX, KeyPurpose.PSEUDONYM):
        key = vault(tenant.runtime).store.current(KeyName(tenant.organisation_id, (), purpose))
        sealer = Sealer(key.cipher, key.facts.id, tenant.organisation_id, Uses())
        odd = sealer.seal("notes", "body", uuid.uuid4(), CANARY)
        with pytest.raises(Refused):
            release(tenant, [odd])


def test_ending_a_grant_waits_for_releases_and_denies_all_after(tenant, another_runtime):
    """A release that holds its locks is let through; the ending waits for it; the next release is refused."""
    value, other = tenant.sealed(CANARY), another_runtime()
    inside, go_on, order = threading.Event(), threading.Event(), []
    real = Guard._judge

    def slow(self, *given):
        verdict = real(self, *given)
        inside.set()
        assert go_on.wait(10)
        order.append("released")
        return verdict

    def end():
        with other.sessions.begin() as session:
            session.get_one(Grant, tenant.grant_id, with_for_update=True).status = GrantStatus.REVOKED
        order.append("ended")

    slow_guard = Guard(vault(tenant.runtime), tenant.guard.policy, tenant.runtime.sessions, tenant.runtime.clock)
    slow_guard._judge = slow.__get__(slow_guard)
    made = []
    releasing = threading.Thread(target=lambda: made.extend(slow_guard.release(tenant.asking(), [value], list)))
    ending = threading.Thread(target=end)
    releasing.start()
    assert inside.wait(10)
    ending.start()
    ending.join(0.3)
    assert ending.is_alive()
    go_on.set()
    releasing.join(10)
    ending.join(10)
    assert (order, made) == (["released", "ended"], [CANARY])
    with pytest.raises(GrantEnded):
        release(tenant, [value])


def test_a_release_waits_for_an_ending_under_way_and_is_refused(tenant):
    value, refused = tenant.sealed(CANARY), []
    gate, asking = tenant.guard, tenant.asking()

    def ask():
        try:
            gate.release(asking, [value], list)
        except GrantEnded as error:
            refused.append(error)

    releasing = threading.Thread(target=ask)
    with tenant.runtime.sessions.begin() as session:
        session.get_one(Grant, tenant.grant_id, with_for_update=True).status = GrantStatus.REVOKED
        session.flush()
        releasing.start()
        releasing.join(0.3)
        assert releasing.is_alive()
    releasing.join(10)
    assert len(refused) == 1


def test_forbidding_ai_denies_the_next_release(tenant):
    asking = tenant.asking("ai_tool", "ai_export", actor="token")
    note = tenant.sealed("note", "content")
    with pytest.raises(AiNotAllowed):
        release(tenant, [note], asking)
    with tenant.runtime.sessions.begin() as session:
        destinations.allow_ai(session, tenant.organisation_id, tenant.owner_id, tenant.runtime.clock.now())
    assert release(tenant, [note, tenant.sealed(CANARY)], asking) == ["note", Withheld("gmail")]
    with tenant.runtime.sessions.begin() as session:
        destinations.forbid_ai(session, tenant.organisation_id)
    with pytest.raises(AiNotAllowed):
        release(tenant, [note], asking)
    assert [leaf.decision for leaf in tenant.leaves()] == ["refuse", "withhold", "refuse"]


def test_nothing_clear_lies_in_either_database(tenant):
    release(tenant, [tenant.sealed(CANARY)])
    for sessions in (tenant.runtime.sessions, tenant.runtime.key_sessions):
        with sessions() as session:
            tables = session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
            for table in tables:
                rows = session.scalars(text(f'SELECT t::text FROM "{table}" t')).all()  # noqa: S608 -- our own tables
                assert not any(CANARY in row or CANARY.encode().hex() in row for row in rows)
