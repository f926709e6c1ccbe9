"""Appending and integrating on a real database: order, races, crashes and broken storage."""

import datetime as dt
import hashlib
import threading
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from limited_use.log import record
from limited_use.log.checkpoint import open_checkpoint
from limited_use.log.database_store import DatabaseStore, read_head
from limited_use.log.integrator import start
from limited_use.log.leaf import Leaf, LeafRefused, commit_to, read_leaf
from limited_use.log.models import LogCheckpoint, LogDetail, LogLeaf, LogTile
from limited_use.log.proof import verify_proof
from limited_use.log.record import LogBroken, add_detail, append, integrate, receipt_of
from limited_use.log.signer import Signer, signer_from_bytes
from limited_use.log.tree import root_of
from limited_use.log.words import ActorClass, Decision, Kind, Purpose, Sink
from limited_use.policy_file import FILE

AT = dt.datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=dt.UTC)
ORGANISATION = uuid.UUID(int=7)
POLICY = "d" * 64


@pytest.fixture
def signer() -> Signer:
    return signer_from_bytes("crm.example/log", b"k" * 32)


def a_leaf(number: int = 0, **changed) -> Leaf:
    said = {
        "at": AT,
        "kind": Kind.RELEASE,
        "decision": Decision.OPEN,
        "actor_class": ActorClass.MEMBER,
        "purpose": Purpose.USER_FEATURE,
        "feature": "people.list",
        "sink": Sink.BROWSER,
        "policy": POLICY,
        "records": number,
    }
    return Leaf(**{**said, **changed})


def write(runtime, count: int, first: int = 0) -> list[int]:
    with runtime.begin() as work:
        return [append(work.session, a_leaf(first + i), organisation_id=ORGANISATION).id for i in range(count)]


def bodies(runtime) -> list[bytes]:
    with runtime.sessions() as session:
        return list(session.scalars(select(LogLeaf.body).where(LogLeaf.index.is_not(None)).order_by(LogLeaf.index)))


def indices(runtime) -> list[int]:
    with runtime.sessions() as session:
        return list(session.scalars(select(LogLeaf.index).order_by(LogLeaf.index)))


def head_of(runtime, signer: Signer):
    with runtime.sessions() as session:
        return open_checkpoint(read_head(session).note, signer.verifier)


def test_a_leaf_is_durable_with_its_callers_commit_and_gone_with_its_rollback(runtime) -> None:
    with runtime.begin() as work:
        kept = append(work.session, a_leaf(1), organisation_id=ORGANISATION, actor_id=uuid.UUID(int=9))
    with runtime.sessions() as session:
        append(session, a_leaf(2), organisation_id=ORGANISATION)
        session.rollback()
    with runtime.sessions() as session:
        row = session.scalars(select(LogLeaf)).one()
    assert (row.id, row.body, row.index) == (kept.id, a_leaf(1).body(), None)
    assert row.at == AT.replace(microsecond=123_000)
    assert (row.sink, row.decision, row.feature, row.purpose, row.kind) == (
        "browser",
        "open",
        "people.list",
        "user_feature",
        "release",
    )


def test_every_leaf_names_the_policy_that_is_in_force(runtime) -> None:
    event = a_leaf(kind=Kind.SIGN_IN, decision=Decision.EVENT, purpose=None, feature=None, sink=None, policy=None)
    with runtime.begin() as work:
        append(work.session, event, organisation_id=ORGANISATION)
        append(work.session, a_leaf(), organisation_id=ORGANISATION)
    with runtime.sessions() as session:
        first, second = [read_leaf(body) for body in session.scalars(select(LogLeaf.body).order_by(LogLeaf.id))]
    assert first == replace(event, policy=hashlib.sha256(FILE.read_bytes()).hexdigest(), at=first.at)
    assert second.policy == POLICY  # one under which something was decided says it itself


def test_a_leaf_with_content_is_not_written(runtime) -> None:
    with pytest.raises(LeafRefused), runtime.begin() as work:
        append(work.session, a_leaf(feature="Lunch on Friday?"), organisation_id=ORGANISATION)
    assert indices(runtime) == []


def test_a_detail_lies_beside_its_leaf_and_can_go_without_it(runtime, signer) -> None:
    salt, detail = b"s" * 32, b"who it was about"
    with runtime.begin() as work:
        leaf = a_leaf(commitment=commit_to(salt, detail))
        ref = append(work.session, leaf, organisation_id=ORGANISATION, detail=b"sealed", salt=b"sealed salt")
        add_detail(
            work.session, ref, organisation_id=ORGANISATION, grant_id=uuid.UUID(int=3), detail=b"other", salt=b"salt"
        )
    integrate(runtime.sessions, signer, runtime.clock)
    with runtime.begin() as work:
        assert work.session.scalar(select(func.count()).select_from(LogDetail)) == 2
        work.session.execute(LogDetail.__table__.delete())
    with runtime.sessions() as session:
        assert verify_proof(receipt_of(session, ref.id), signer.verifier).entry == leaf.body()


def test_a_detail_without_its_salt_or_owner_is_refused(runtime) -> None:
    for missing in ({"detail": b"d"}, {"salt": b"s"}, {"detail": b"d", "salt": b"s", "organisation_id": None}):
        with pytest.raises(LeafRefused, match="salt"), runtime.begin() as work:
            append(work.session, a_leaf(), **{"organisation_id": ORGANISATION, **missing})


def test_the_empty_log_is_signed_once(runtime, signer) -> None:
    assert integrate(runtime.sessions, signer, runtime.clock).size == 0
    assert integrate(runtime.sessions, signer, runtime.clock) is None
    assert head_of(runtime, signer).root == root_of([])


@pytest.mark.parametrize("batch", [1, 3, 255, 256, 8192])
def test_the_head_covers_every_committed_leaf(runtime, signer, monkeypatch, batch: int) -> None:
    monkeypatch.setattr(record, "BATCH", batch)
    counts = [1, 5, 2] if batch < 10 else [1, 255, 300]
    for count in counts:
        write(runtime, count)
        head = integrate(runtime.sessions, signer, runtime.clock)
        assert head == head_of(runtime, signer)
        assert head.root == root_of(bodies(runtime))
    assert indices(runtime) == list(range(sum(counts)))
    assert integrate(runtime.sessions, signer, runtime.clock) is None


def test_a_leaf_that_commits_late_comes_later_and_is_not_lost(runtime, another_runtime, signer) -> None:
    slow = another_runtime()
    with slow.begin() as work:
        first = append(work.session, a_leaf(1), organisation_id=ORGANISATION).id
        (second,) = write(runtime, 1, first=2)
        assert first < second
        assert integrate(runtime.sessions, signer, runtime.clock).size == 1
    assert integrate(runtime.sessions, signer, runtime.clock).size == 2
    assert bodies(runtime) == [a_leaf(2).body(), a_leaf(1).body()]


def test_many_that_write_and_integrate_at_once_make_one_log(runtime, another_runtime, signer) -> None:
    started: list[Future[None]] = []

    def write_some(mine) -> None:
        for number in range(10):
            write(mine, 7, first=number)

    def integrate_some(mine) -> None:
        for number in range(10):
            integrate(mine.sessions, signer, mine.clock, wait=number % 2 == 0)

    with ThreadPoolExecutor(6) as pool:
        for mine in [another_runtime() for _ in range(3)]:
            started += [pool.submit(write_some, mine), pool.submit(integrate_some, mine)]
    for job in started:
        job.result()
    integrate(runtime.sessions, signer, runtime.clock)
    assert indices(runtime) == list(range(210))
    with runtime.sessions() as session:
        for kept in session.scalars(select(LogCheckpoint)):
            assert open_checkpoint(kept.note, signer.verifier).root == root_of(bodies(runtime)[: kept.size])


def test_who_does_not_wait_leaves_the_work_to_the_holder_of_the_lock(runtime, another_runtime, signer) -> None:
    write(runtime, 1)
    with another_runtime().begin() as work:
        work.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": record.LOCK})
        assert integrate(runtime.sessions, signer, runtime.clock, wait=False) is None
    assert integrate(runtime.sessions, signer, runtime.clock, wait=False).size == 1


@pytest.mark.parametrize("step", ["grow", "write_tiles", "sign", "now"])
def test_a_crash_at_any_step_leaves_nothing_half_done(runtime, signer, monkeypatch, step: str) -> None:
    write(runtime, 300)
    integrate(runtime.sessions, signer, runtime.clock)
    write(runtime, 300, first=300)

    class CrashError(Exception):
        pass

    def crash(*_args) -> None:
        raise CrashError

    target = {"grow": record.Frontier, "write_tiles": DatabaseStore, "sign": Signer, "now": type(runtime.clock)}[step]
    with monkeypatch.context() as patch:
        patch.setattr(target, step, crash)
        with pytest.raises(CrashError):
            integrate(runtime.sessions, signer, runtime.clock)
    assert head_of(runtime, signer).size == 300
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).where(LogLeaf.index.is_not(None))) == 300
    assert integrate(runtime.sessions, signer, runtime.clock).root == root_of(bodies(runtime))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE log_tiles SET data = set_byte(data, 5, (get_byte(data, 5) + 1) % 256) WHERE level = 0 AND index = 1",
        "DELETE FROM log_tiles WHERE level = 0 AND index = 1",
        "UPDATE log_checkpoints SET note = set_byte(note, 3, 65)",
        "UPDATE log_checkpoints SET size = size - 1",
    ],
)
def test_nothing_is_signed_on_top_of_damage(runtime, signer, damage: str) -> None:
    write(runtime, 300)
    integrate(runtime.sessions, signer, runtime.clock)
    write(runtime, 1)
    with runtime.begin() as work:
        work.session.execute(text(damage))
    with pytest.raises(LogBroken):
        integrate(runtime.sessions, signer, runtime.clock)
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(LogCheckpoint)) == 1


def test_another_key_does_not_sign_on_top_of_ours(runtime, signer) -> None:
    write(runtime, 1)
    integrate(runtime.sessions, signer, runtime.clock)
    write(runtime, 1)
    with pytest.raises(LogBroken):
        integrate(runtime.sessions, signer_from_bytes(signer.origin, b"o" * 32), runtime.clock)


def test_every_leaf_has_a_receipt_once_it_is_covered(runtime, signer) -> None:
    ids = write(runtime, 300)
    with runtime.sessions() as session:
        assert receipt_of(session, ids[0]) is None
    integrate(runtime.sessions, signer, runtime.clock)
    with runtime.sessions() as session:
        for at in (0, 255, 256, 299):
            proved = verify_proof(receipt_of(session, ids[at]), signer.verifier)
            assert (proved.index, proved.entry) == (at, a_leaf(at).body())
        assert receipt_of(session, ids[-1] + 1) is None


def test_the_right_edge_grows_in_place(runtime, signer) -> None:
    for _ in range(3):
        write(runtime, 100)
        integrate(runtime.sessions, signer, runtime.clock)
    with runtime.sessions() as session:
        kept = session.execute(select(LogTile.level, LogTile.index, LogTile.width).order_by(LogTile.level)).all()
    assert sorted(map(tuple, kept)) == [(0, 0, 256), (0, 1, 44), (1, 0, 1)]


def test_the_integrator_brings_the_head_up(runtime) -> None:
    integrator = start(runtime)
    assert start(runtime) is integrator
    write(runtime, 5)
    signer = integrator._signer
    for _ in range(400):
        threading.Event().wait(0.025)
        with runtime.sessions() as session:
            head = read_head(session)
        if head is not None and head.size == 5:
            break
    assert head_of(runtime, signer).size == 5
    assert integrator.fault is None
    integrator.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [(LogBroken(), "log_broken"), (OperationalError("SELECT 1", {}, Exception()), "database")],
    ids=["broken", "away"],
)
def test_the_integrator_survives_a_fault_and_tells_it(
    runtime, monkeypatch, capsys, error: Exception, code: str
) -> None:
    integrator, asked = start(runtime), []

    def fail(*_args, **named) -> None:
        asked.append(named)
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("limited_use.log.integrator.integrate", fail)
        for _ in range(400):
            threading.Event().wait(0.025)
            if integrator.fault:
                break
        assert integrator.fault == code
    assert integrator._thread.is_alive()
    integrator.close()
    assert not integrator._thread.is_alive()
    assert asked[0] == {"wait": False}, "another process that integrates is not waited for"
    (line, *_) = (line for line in capsys.readouterr().out.splitlines() if "log_not_integrated" in line)
    assert f"code={code}" in line
